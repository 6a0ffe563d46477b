"""The recorded voices of the simulated people, as µ-law sound ready for the line."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from calls.simulator import g711, wav
from calls.simulator.persona import PersonaError, clip_name, segments

CLIPS = Path(__file__).parent / "voices" / "clips"


@lru_cache(maxsize=512)
def clip(sentence: str, folder: Path = CLIPS) -> bytes:
    """Return the recording of one sentence.

    Raises:
        PersonaError: nobody has recorded it, or the file is no sound.
    """
    path = folder / clip_name(sentence)
    try:
        return wav.to_ulaw(path.read_bytes())
    except FileNotFoundError:
        raise PersonaError(
            f"no recording of {sentence!r} ({path.name}); make it with "
            "`python -m calls.simulator.voices.make`"
        ) from None
    except wav.WavError as error:
        raise PersonaError(f"{path.name}: {error}") from error


def line_sound(line: str, folder: Path = CLIPS) -> bytes:
    """Return the sound of a line: its sentences and the pauses written between them."""
    return b"".join(
        g711.silence(part) if isinstance(part, int) else clip(part, folder)
        for part in segments(line)
    )


def tone(hertz: float, ms: int, amplitude: int = 8000) -> bytes:
    """Return a pure tone, as the beep of an answering machine is."""
    at = np.arange(ms * g711.BYTES_PER_MS) / g711.SAMPLE_RATE
    return g711.encode((amplitude * np.sin(2 * np.pi * hertz * at)).astype(np.int16))


def beep() -> bytes:
    """Return the beep after which a machine records: 1 kHz for 400 ms."""
    return tone(1000, 400)
