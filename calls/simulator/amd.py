"""Answering machine detection: what it would say about a persona, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from calls.simulator import g711
from calls.simulator.clips import beep
from calls.simulator.persona import Persona


@dataclass(frozen=True)
class Verdict:
    """The result (AnsweredBy) and how long it took in ms (MachineDetectionDuration)."""

    answered_by: str
    duration_ms: int


def verdict(
    persona: Persona, mode: str, timeout_s: int, sound_of: Callable[[str], bytes]
) -> Verdict:
    """Return what detection finds (twilio.com/docs/voice/answering-machine-detection).

    With `Enable` a machine is reported as soon as it is recognised, with `DetectMessageEnd` only
    after its beep, when a message can be left. A menu of keys has neither greeting nor beep: its
    verdict takes as long as the persona says.
    """
    found = Verdict(persona.answered_by, persona.amd_ms)
    if mode == "DetectMessageEnd" and persona.answer == "machine":
        greeting = sound_of(persona.greeting) if persona.greeting else b""
        # The pause before the beep, and the beep itself, as the person's line plays them.
        sound_ms = (len(greeting) + len(beep())) // g711.BYTES_PER_MS + persona.beep_after_ms
        found = Verdict("machine_end_beep", persona.opening_after_ms + sound_ms + 100)
    if found.duration_ms > timeout_s * 1000:
        return Verdict("unknown", timeout_s * 1000)
    return found
