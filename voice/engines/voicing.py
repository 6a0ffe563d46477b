"""Where in a piece of audio the voice is, and how much of it there is.

Plain arithmetic on PCM16; it imports nothing of ours: the decoder process uses it.
"""

from __future__ import annotations

import numpy as np

PITCH_WINDOW_MS = 40
PITCH_HZ = (70, 400)
PERIODICITY = 0.6
QUIETEST_VOICE = 60.0  # root mean square in 16-bit steps: -55 dBFS

BLOCK_MS = 10
BELOW_PEAK_DB = 32.0
ABOVE_NOISE_DB = 6.0
LEAST_PEAK_DB = 35.0  # of squared 16-bit steps: what stays below it all the time is a silent line


def voiced_ms(pcm: bytes, rate: int) -> int:
    """Return how much of the audio repeats itself at the pitch of a voice.

    Vowels do; clicks, coughs, wind and hiss do not, whatever words a decoder finds in them.
    """
    window = rate * PITCH_WINDOW_MS // 1000
    samples = np.frombuffer(pcm, np.int16).astype(np.float32)
    count = len(samples) // window
    if not count:
        return 0
    frames = samples[: count * window].reshape(count, window)
    frames = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(frames, 2 * window)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum))[:, :window]
    energy = correlation[:, 0]
    shortest, longest = rate // PITCH_HZ[1], rate // PITCH_HZ[0]
    overlap = 1 - np.arange(shortest, longest) / window
    best = (correlation[:, shortest:longest] / overlap).max(axis=1)
    voiced = (best > PERIODICITY * energy) & (energy > window * QUIETEST_VOICE**2)
    return int(voiced.sum()) * PITCH_WINDOW_MS


def speech_bounds(pcm: bytes, rate: int) -> tuple[int, int] | None:
    """Return when the sound that may be speech begins and ends, in ms; None if there is none.

    Loudness decides, against the loudest and the quietest of the audio itself.
    """
    block = rate * BLOCK_MS // 1000
    samples = np.frombuffer(pcm, np.int16).astype(np.float32)
    count = len(samples) // block
    if not count:
        return None
    power = (samples[: count * block].reshape(count, block) ** 2).mean(axis=1)
    level = 10 * np.log10(power + 1)
    peak, floor = np.percentile(level, 98), np.percentile(level, 8)
    threshold = max(peak - BELOW_PEAK_DB, min(floor + ABOVE_NOISE_DB, peak - ABOVE_NOISE_DB))
    if peak < LEAST_PEAK_DB:
        return None
    loud = np.flatnonzero(level > threshold)
    return int(loud[0]) * BLOCK_MS, (int(loud[-1]) + 1) * BLOCK_MS
