"""Find the silence between a caller's last word and the agent's first, in a two-channel recording.

Nothing here knows who made the sound. What counts as a voice is decided by energy alone, the same
way for both channels and for every system measured; only when the caller meant to speak is taken
from the carrier, because a pause in mid-sentence is not the end of a turn.
"""

from __future__ import annotations

import io
import statistics
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_MS = 5
"""The precision of the measurement."""
LEAST_LEVEL_DBFS = -50.0
"""Below this nothing is a voice: comfort noise, the last bits of µ-law."""
BELOW_LOUD_DB = 35.0
"""A voice is at most this much softer than the loud parts of its channel."""
NEIGHBOURS_MS = 40
"""A block counts if half of the sound around it does: a click is not a voice."""
ALLOWED_OVERLAP_MS = 250.0
"""An agent that falls silent within this time has not cut in (the limit for false cut-ins)."""
TIME_TO_ANSWER_MS = 4000.0
"""A caller who was left without an answer for less than this when the call ended is not counted."""

Span = tuple[float, float]


class Fate(StrEnum):
    """What became of something the caller said."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    OPENER = "opener"
    """Said before the agent's first words had been heard: a greeting, not a turn."""
    INTERRUPTING = "interrupting"
    """The agent was speaking when the caller began."""
    CUT_INTO = "cut_into"
    """The agent was heard over the caller for more than 250 ms."""
    YIELDED_TO = "yielded_to"
    """The agent began too early and gave way within 250 ms."""
    UNFINISHED = "unfinished"
    """The call ended too soon after it to tell."""


@dataclass(frozen=True)
class Gap:
    """One thing the caller said, when it really ended, and how long the answer took (ms)."""

    fate: Fate
    ended_ms: float
    gap_ms: float | None = None


def channels(recording: bytes) -> tuple[NDArray[np.int16], NDArray[np.int16], int]:
    """Return caller, agent and sample rate of a two-channel 16-bit WAV file.

    Raises:
        ValueError: it is something else.
    """
    with wave.open(io.BytesIO(recording)) as sound:
        if sound.getnchannels() != 2 or sound.getsampwidth() != 2:
            raise ValueError("a recording has two channels of 16-bit samples")
        rate = sound.getframerate()
        samples = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1], rate


def voiced(samples: NDArray[np.int16], rate: int) -> NDArray[np.bool_]:
    """Return for every 5 ms of a channel whether somebody is heard."""
    width = rate * BLOCK_MS // 1000
    count = len(samples) // width
    if not count:
        return np.zeros(0, dtype=np.bool_)
    blocks = samples[: count * width].reshape(count, width).astype(np.float64) / 32768.0
    level = 10.0 * np.log10(np.square(blocks).mean(axis=1) + 1e-12)
    audible = level > LEAST_LEVEL_DBFS
    if not audible.any():
        return audible
    loud = float(np.percentile(level[audible], 90))
    audible = level > max(LEAST_LEVEL_DBFS, loud - BELOW_LOUD_DB)
    # Half of the 40 ms after or before it: an onset has a voice behind it, an end before it.
    span = NEIGHBOURS_MS // BLOCK_MS
    total = np.concatenate(([0], np.cumsum(audible)))
    index = np.arange(count)
    after = total[np.minimum(index + span, count)] - total[index]
    before = total[index + 1] - total[np.maximum(index + 1 - span, 0)]
    kept: NDArray[np.bool_] = audible & (np.maximum(after, before) >= span // 2)
    return kept


def gaps(recording: bytes, *, said: Sequence[Span], not_answers: Sequence[Span] = ()) -> list[Gap]:
    """Return what became of everything the caller said.

    Args:
        recording: two channels, caller left, agent right.
        said: from when to when the caller spoke, pauses included, in ms of the recording.
        not_answers: when the agent spoke without answering (asking whether anybody is there).
    """
    caller, agent, rate = channels(recording)
    caller_on, agent_on = voiced(caller, rate), voiced(agent, rate)
    length_ms = len(caller) * 1000 / rate
    spans = [span for span in (_heard_within(caller_on, s) for s in said) if span is not None]
    found = []
    for number, span in enumerate(spans):
        until_ms = spans[number + 1][0] if number + 1 < len(spans) else length_ms
        found.append(_fate(agent_on, span, until_ms, length_ms, not_answers))
    return found


def _fate(
    agent_on: NDArray[np.bool_],
    span: Span,
    until_ms: float,
    length_ms: float,
    not_answers: Sequence[Span],
) -> Gap:
    began_ms, ended_ms = span
    if not agent_on[: _block(began_ms)].any():
        return Gap(Fate.OPENER, ended_ms)
    if agent_on[_block(began_ms - NEIGHBOURS_MS) : _block(began_ms + NEIGHBOURS_MS)].any():
        return Gap(Fate.INTERRUPTING, ended_ms)
    # An agent that begins before the caller's last sound has begun too early, however long the
    # caller's words go on: look on to the end of what it then says.
    during = agent_on[_block(began_ms) : _block(ended_ms)]
    if during.any():
        overlap_ms = float(during.sum()) * BLOCK_MS
        fate = Fate.CUT_INTO if overlap_ms > ALLOWED_OVERLAP_MS else Fate.YIELDED_TO
        return Gap(fate, ended_ms)
    following = np.flatnonzero(agent_on[_block(ended_ms) : _block(until_ms)])
    if following.size:
        onset_ms = ended_ms + float(following[0]) * BLOCK_MS
        if not any(start - 100 <= onset_ms <= end for start, end in not_answers):
            return Gap(Fate.ANSWERED, ended_ms, onset_ms - ended_ms)
        return Gap(Fate.UNANSWERED, ended_ms)
    if until_ms == length_ms and length_ms - ended_ms < TIME_TO_ANSWER_MS:
        return Gap(Fate.UNFINISHED, ended_ms)
    return Gap(Fate.UNANSWERED, ended_ms)


def _heard_within(on: NDArray[np.bool_], span: Span) -> Span | None:
    first, last = _block(span[0]), _block(span[1])
    heard = np.flatnonzero(on[first:last])
    if not heard.size:
        return None
    return (
        float(first + int(heard[0])) * BLOCK_MS,
        float(first + int(heard[-1]) + 1) * BLOCK_MS,
    )


def _block(at_ms: float) -> int:
    return max(0, round(at_ms / BLOCK_MS))


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Return number, median, 95th percentile and maximum (ms, rounded) of some measurements."""
    if not values:
        return {"n": 0, "median": None, "p95": None, "max": None}
    return {
        "n": len(values),
        "median": round(statistics.median(values)),
        "p95": round(float(np.percentile(values, 95))),
        "max": round(max(values)),
    }


def tally(found: Sequence[Gap]) -> dict[str, Any]:
    """Return what one run's gaps come to, unanswered and interrupted turns counted apart."""
    count = {fate: sum(gap.fate is fate for gap in found) for fate in Fate}
    asked = count[Fate.ANSWERED] + count[Fate.UNANSWERED]
    return {
        **summary([gap.gap_ms for gap in found if gap.gap_ms is not None]),
        "unanswered": count[Fate.UNANSWERED],
        "unanswered_share": round(count[Fate.UNANSWERED] / asked, 3) if asked else None,
        "cut_into": count[Fate.CUT_INTO],
        "yielded_to": count[Fate.YIELDED_TO],
        "interrupting": count[Fate.INTERRUPTING],
        "openers": count[Fate.OPENER],
        "unfinished": count[Fate.UNFINISHED],
    }
