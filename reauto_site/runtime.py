"""Make the interpreter fit for sound: nothing in it may hold the event loop up for long."""

from __future__ import annotations

import gc
import os
import sys
from typing import Final

_LIMITS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

SWITCH_S: Final = 0.0002
"""How long a thread may compute while another waits for the interpreter; Python's own 5 ms, with
several threads that write to the database, add up to a gap in the sound."""

YOUNG_OBJECTS: Final = 20_000
"""Allocations before the youngest objects are looked through; a call makes thousands a second."""


def threads_cap() -> None:
    """Give OpenMP and BLAS one thread each, unless the environment says otherwise.

    They read it when they are loaded: call this first. Models have thread counts of their own
    (Silero, Smart Turn 1; Whisper and Piper by the number of cores), chosen so that a core is left
    for the sound of the calls.
    """
    for name in _LIMITS:
        os.environ.setdefault(name, "1")


def interpreter_settle() -> None:
    """Take what is loaded by now out of the garbage collector's sight, and share time finely.

    A full collection looks through every object there is: with the libraries of this product that
    stops the process for some 100 to 400 ms. None of what is loaded at the start is ever garbage.
    Call it last, when everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    sys.setswitchinterval(SWITCH_S)
