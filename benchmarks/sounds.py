"""Voices, noises and lines for measuring turn-taking, all made by program.

Nothing here is a recording but the carrier simulator's own clips: the voices are espeak-ng's, in
several variants and speeds, and flite's where that program is installed; the noises are arithmetic.
Everything comes from a seed, so a run can be repeated, and no sound is tuned to: the figures that
count are those of seeds and voices that were not looked at.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks.stock_engines import Espeak
from calls.simulator import clips, g711

RATE = g711.SAMPLE_RATE
Sound = NDArray[np.float64]
"""Samples at 8 kHz, full scale 32 768."""

LOUD = 9000.0
"""Peak of a healthy telephone voice."""


@dataclass(frozen=True)
class Voice:
    """One speaker. `name` is "clips", "espeak:VARIANT:WORDS_A_MINUTE" or "flite:VOICE"."""

    name: str

    def say(self, text: str) -> Sound:
        """Return a sentence, trimmed to 30 ms of silence at both ends."""
        return _spoken(self.name, text).copy()


def voices(*, held_out: bool) -> list[Voice]:
    """Return the speakers: those looked at while the product is worked on, or all the others."""
    if held_out:
        names = ["espeak:en-us+f4:175", "espeak:en-gb+m7:150", "espeak:en-us-nyc+m2:185"]
        flite = ["flite:slt", "flite:awb"]
    else:
        names = ["espeak:en-us+m3:160", "espeak:en-us+f2:170"]
        flite = ["flite:rms", "flite:kal16"]
    if shutil.which("flite"):
        names += flite
    return [Voice(name) for name in names]


RECORDED = Voice("clips")


@functools.cache
def _espeak() -> Espeak:
    return Espeak()


@functools.lru_cache(maxsize=2000)
def _spoken(name: str, text: str) -> Sound:
    engine, _, rest = name.partition(":")
    if engine == "clips":
        return _trimmed(g711.decode(clips.clip(text)).astype(np.float64))
    if engine == "flite":
        samples, rate = _flite(rest, text)
    else:
        variant, _, speed = rest.partition(":")
        speaker = _espeak()
        pcm = speaker.speak(text, voice=variant, words_per_minute=int(speed))
        samples, rate = np.frombuffer(pcm, np.int16).astype(np.float64), speaker.rate
    return _trimmed(soxr.resample(samples, rate, RATE))


def _flite(voice: str, text: str) -> tuple[Sound, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        command = ["flite", "-voice", voice, "-t", text, "-o", str(path)]
        subprocess.run(command, check=True, timeout=60)
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
            return samples.astype(np.float64), file.getframerate()


def _trimmed(samples: Sound) -> Sound:
    peak = float(np.abs(samples).max()) or 1.0
    loud = np.flatnonzero(np.abs(samples) > 0.03 * peak)
    margin = RATE * 30 // 1000
    part = samples[max(0, int(loud[0]) - margin) : int(loud[-1]) + margin]
    return part * (LOUD / peak)


def silence(ms: float) -> Sound:
    """Return nothing, for a while."""
    return np.zeros(round(ms * RATE / 1000))


def pink(ms: float, rng: np.random.Generator) -> Sound:
    """Return pink noise with a root mean square of 1."""
    count = max(2, round(ms * RATE / 1000))
    spectrum = np.fft.rfft(rng.normal(size=count))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def babble(ms: float, rng: np.random.Generator) -> Sound:
    """Return people who talk at once, with a root mean square of 1: a room, a television."""
    total = silence(ms)
    for number in range(5):
        voice = Voice(f"espeak:en-us+{'fm'[number % 2]}{number % 4 + 1}:{150 + 10 * number}")
        said = np.concatenate([voice.say(text) for text in rng.permutation(_BABBLE)])
        said = np.roll(said, int(rng.integers(len(said))))
        total += np.resize(said, len(total))
    return np.asarray(total / np.sqrt(np.mean(total**2)))


_BABBLE = (
    "The weather will stay dry until the end of the week.",
    "They scored again in the second half of the game.",
    "You should put the onions in before the garlic.",
    "Our next guest has written a book about the sea.",
)


# Noises that people make, or that are made around them, and that mean nothing


def cough(rng: np.random.Generator) -> Sound:
    """Return a cough: one to three bursts of breath."""
    parts = []
    for _ in range(int(rng.integers(1, 4))):
        length = float(rng.uniform(120, 260))
        burst = pink(length, rng) * np.exp(-np.linspace(0, 5, round(length * RATE / 1000)))
        attack = min(len(burst), RATE // 200)
        burst[:attack] *= np.linspace(0, 1, attack)
        parts += [burst, silence(float(rng.uniform(40, 160)))]
    return np.concatenate(parts)


def knock(rng: np.random.Generator) -> Sound:
    """Return a door, a cup, a dropped receiver: a thump that dies away."""
    at = np.arange(round(0.18 * RATE)) / RATE
    tone = np.sin(2 * np.pi * float(rng.uniform(90, 320)) * at)
    return np.asarray((tone + 0.6 * pink(180, rng)) * np.exp(-at * float(rng.uniform(18, 45))))


def typing(rng: np.random.Generator) -> Sound:
    """Return a second or so of keys being pressed."""
    track = silence(float(rng.uniform(700, 1500)))
    for _ in range(int(rng.integers(4, 12))):
        click = pink(18, rng) * np.hanning(round(0.018 * RATE))
        at = int(rng.integers(0, len(track) - len(click)))
        track[at : at + len(click)] += click * float(rng.uniform(0.4, 1))
    return track


def breath(rng: np.random.Generator) -> Sound:
    """Return somebody who breathes into the receiver."""
    length = float(rng.uniform(500, 1200))
    return np.asarray(pink(length, rng) * np.hanning(round(length * RATE / 1000)) ** 2)


def hiss(rng: np.random.Generator) -> Sound:
    """Return a burst of static."""
    return np.asarray(rng.normal(size=round(float(rng.uniform(0.15, 0.6)) * RATE)) * 0.5)


def tone(rng: np.random.Generator) -> Sound:
    """Return a key of the telephone as it sounds in the voice band."""
    low, high = rng.choice([697, 770, 852, 941]), rng.choice([1209, 1336, 1477])
    at = np.arange(round(float(rng.uniform(0.1, 0.3)) * RATE)) / RATE
    return np.asarray(np.sin(2 * np.pi * low * at) + np.sin(2 * np.pi * high * at))


NOISES: dict[str, Callable[[np.random.Generator], Sound]] = {
    "cough": cough,
    "knock": knock,
    "typing": typing,
    "breath": breath,
    "hiss": hiss,
    "tone": tone,
}
MURMURS = ("Mm-hmm.", "Uh-huh.", "Okay.", "Right.", "Yeah.", "I see.", "Mhm.", "Sure.")


# The line


@dataclass(frozen=True)
class Condition:
    """How a voice reaches us: its level, what is behind it, what the line does to it."""

    name: str
    level_db: float = 0.0
    noise: str = ""
    """"pink", "babble" or none."""
    snr_db: float = 60.0
    clipped: bool = False


CONDITIONS = (
    Condition("plain"),
    Condition("quiet", level_db=-16.0),
    Condition("loud and clipped", level_db=6.0, clipped=True),
    Condition("pink noise", noise="pink", snr_db=20.0),
    Condition("babble", level_db=-3.0, noise="babble", snr_db=20.0),
)


def onto_line(speech: Sound, condition: Condition) -> Sound:
    """Return speech at its level, as a handset that overloads would give it."""
    louder = speech * 10 ** (condition.level_db / 20)
    if condition.clipped:
        most = 0.5 * float(np.abs(louder).max())
        louder = np.clip(louder, -most, most) * 1.6
    return louder


def background(condition: Condition, ms: float, rng: np.random.Generator) -> Sound:
    """Return what is heard all the time, under the voice."""
    level = LOUD * 10 ** (condition.level_db / 20) / 4.0  # a voice's mean is a quarter of its peak
    if condition.noise == "pink":
        return pink(ms, rng) * level * 10 ** (-condition.snr_db / 20)
    if condition.noise == "babble":
        return babble(ms, rng) * level * 10 ** (-condition.snr_db / 20)
    return rng.normal(size=round(ms * RATE / 1000)) * 3.0


def to_ulaw(sound: Sound) -> bytes:
    """Return the sound as a telephone line carries it."""
    return g711.encode(np.clip(np.round(sound), -32768, 32767).astype(np.int16))
