"""Who used the processors during a measurement: the system measured, or others on the machine.

Read from Linux's /proc; elsewhere there is nothing to tell.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01


@dataclass(frozen=True)
class Load:
    """How many cores were busy on average; None where it cannot be told."""

    system_cores: float | None
    others_cores: float | None


class Meter:
    """Measures from its creation to `read`, with the processes below this one that live then.

    Args:
        not_system: a word in the command line of processes that belong to the measuring.
    """

    def __init__(self, *, not_system: str) -> None:
        self._not_system = not_system
        self._began = time.monotonic()
        self._busy, self._used = _machine_busy_s(), self._own_s()

    def read(self) -> Load:
        """Return what was used since."""
        took = time.monotonic() - self._began
        busy, used = _machine_busy_s(), self._own_s()
        if busy is None or self._busy is None or took <= 0:
            return Load(None, None)
        system, measuring = (after - before for after, before in zip(used, self._used, strict=True))
        others = busy - self._busy - system - measuring
        return Load(round(system / took, 2), round(max(0.0, others) / took, 2))

    def _own_s(self) -> tuple[float, float]:
        """Return seconds used by the system and by the measuring."""
        system, measuring = 0.0, _used_s(os.getpid())
        for pid in below(os.getpid()):
            if self._not_system in _command(pid):
                measuring += _used_s(pid)
            else:
                system += _used_s(pid)
        return system, measuring


def _machine_busy_s() -> float | None:
    try:
        fields = (PROC / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, fields)
    return (user + nice + system + irq + softirq) * _TICK_S


def _stat(pid: int) -> list[str]:
    """Return the fields of a process after its name; none if it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _used_s(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) * _TICK_S if fields else 0.0


def _command(pid: int) -> str:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def below(root: int) -> list[int]:
    """Return the processes that descend from one."""
    parents = {
        int(path.name): int(fields[1])
        for path in PROC.glob("[0-9]*")
        if (fields := _stat(int(path.name)))
    }
    found, border = [], {root}
    while border:
        border = {pid for pid, parent in parents.items() if parent in border}
        found += border
    return found
