"""Keep numerical libraries from starting a thread per core behind every call's back."""

from __future__ import annotations

import os

_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def threads_cap() -> None:
    """Give OpenMP and BLAS one thread each, unless the environment says otherwise.

    They read it when they are loaded: call this first. Models have thread counts of their own
    (Silero, Smart Turn 1; Whisper and Piper by the number of cores), chosen so that a core is left
    for the sound of the calls.
    """
    for name in _LIMITS:
        os.environ.setdefault(name, "1")
