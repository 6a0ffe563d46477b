"""Record every sentence the personas say, with flite's voice `rms`.

    python -m calls.simulator.voices.make            # the sentences that have no recording yet
    python -m calls.simulator.voices.make --all      # every sentence anew
    python -m calls.simulator.voices.make --prune    # and remove recordings nobody says

Needs the program `flite` (Debian: `apt-get install flite`). The product does not: the recordings
are part of it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import soxr

from calls.simulator import g711, wav
from calls.simulator.clips import CLIPS
from calls.simulator.persona import clip_name, load_persona, persona_names, segments

PEAK = 18_000  # of 32 767: as loud as a healthy telephone voice
LEAD_IN_MS = 40


def sentences() -> list[str]:
    """Return every sentence of every persona, each once."""
    found: dict[str, None] = {}
    for name in persona_names():
        for line in load_persona(name).lines():
            found.update(dict.fromkeys(part for part in segments(line) if isinstance(part, str)))
    return list(found)


def record(sentence: str) -> bytes:
    """Return one spoken sentence as a µ-law WAV file at 8 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        subprocess.run(  # noqa: S603  our own persona texts
            ["flite", "-voice", "rms", "-t", sentence, "-o", str(path)],  # noqa: S607
            check=True,
            timeout=60,
        )
        with wave.open(str(path)) as spoken:
            rate = spoken.getframerate()
            samples = np.frombuffer(spoken.readframes(spoken.getnframes()), dtype=np.int16)
    narrow = soxr.resample(samples.astype(np.float32), rate, g711.SAMPLE_RATE)
    narrow *= PEAK / max(1.0, float(np.abs(narrow).max()))
    loud = np.flatnonzero(np.abs(narrow) > g711.AUDIBLE_AMPLITUDE)
    margin = LEAD_IN_MS * g711.BYTES_PER_MS
    start, end = max(0, loud[0] - margin), min(len(narrow), loud[-1] + margin)
    return wav.from_ulaw(g711.encode(narrow[start:end].astype(np.int16)))


def main() -> int:
    """Record what is missing (or everything) and say what was done."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--all", action="store_true", help="record every sentence anew")
    options.add_argument("--prune", action="store_true", help="remove recordings nobody says")
    chosen = options.parse_args()
    CLIPS.mkdir(exist_ok=True)
    wanted = {clip_name(sentence): sentence for sentence in sentences()}
    made = 0
    for name, sentence in wanted.items():
        if chosen.all or not (CLIPS / name).exists():
            (CLIPS / name).write_bytes(record(sentence))
            made += 1
    gone = [path for path in CLIPS.glob("*.wav") if path.name not in wanted]
    if chosen.prune:
        for path in gone:
            path.unlink()
    size = sum(path.stat().st_size for path in CLIPS.glob("*.wav"))
    sys.stdout.write(f"{len(wanted)} sentences, {made} recorded now, {size / 1e6:.2f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
