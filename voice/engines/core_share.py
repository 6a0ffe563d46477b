"""How decoder processes share the cores: who is waited for goes first.

A search over all of English wants a third of a core while its caller speaks, and often much more
on a noisy line. Nobody waits for it until the caller falls silent, so those who speak leave the
cores to those who wait. The turns are record locks on one anonymous file: they cost microseconds,
and a process that dies gives its own back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator

_HURRY = 0
"""The byte of the file that everybody in a hurry holds together."""
_FIRST_CORE = 1


class CoreShare:
    """Made once, before the decoders are forked.

    Args:
        cores: How many long searches may run at the same time. By default one core is left to
            the event loop and to short searches.
    """

    def __init__(self, cores: int | None = None) -> None:
        self._cores = cores or max(1, (os.cpu_count() or 2) - 1)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process lives
        self._in_hurry = False

    def hurry(self, in_hurry: bool) -> None:
        """Say whether somebody waits for what this process decodes."""
        if in_hurry != self._in_hurry:
            fcntl.lockf(self._file, fcntl.LOCK_SH if in_hurry else fcntl.LOCK_UN, 1, _HURRY)
            self._in_hurry = in_hurry

    @contextlib.contextmanager
    def core(self) -> Iterator[bool]:
        """Give a core for a moment's work, or False if others go first."""
        taken = self._take()
        try:
            yield taken is not None
        finally:
            if taken is not None:
                self._unlock(taken)

    def _take(self) -> int | None:
        if not self._in_hurry:
            if not self._lock(_HURRY):
                return None
            self._unlock(_HURRY)
        for core in range(_FIRST_CORE, _FIRST_CORE + self._cores):
            if self._lock(core):
                return core
        return None

    def _lock(self, byte: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except OSError:
            return False
        return True

    def _unlock(self, byte: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, byte)
