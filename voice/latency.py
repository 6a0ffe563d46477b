"""How long the lead waited for an answer, and where the time went."""

from __future__ import annotations

from voice import metrics
from voice.reply import FILLER, Reply

STEPS = ("vad_wait", "stt", "decision", "confirmation", "synthesis", "transport")
"""The parts of an answer's latency, in the order in which they come; see `latency_of`."""


def latency_of(reply: Reply) -> tuple[int | None, dict[str, int]]:
    """Return ms from the lead's last voiced sample to the answer's first, and where they went.

    Parts, none negative, whose sum it is: `vad_wait` until the pause was noticed, `stt` until its
    words were known, `decision` until the first words to say were, `confirmation` that the turn
    is over, `synthesis` until their sound was there, `transport` until it sounded. What is done
    ahead of an earlier step takes no time. A filler is no answer. None for an answer to something
    other than words.
    """
    over, confirmed_ms = reply.timing, reply.confirmed_ms
    first_ms = reply.speech.started_ms_without(FILLER)
    if over is None or first_ms is None or confirmed_ms is None:
        return None, {}
    decided_ms = confirmed_ms if reply.decided_ms is None else reply.decided_ms
    made_ms = reply.speech.made_ms_without(FILLER)
    moments = (
        ("vad_wait", over.paused_ms),
        ("stt", min(over.known_ms, confirmed_ms)),
        ("decision", decided_ms),
        ("confirmation", confirmed_ms),
        ("synthesis", confirmed_ms if made_ms is None else made_ms),
        ("transport", first_ms),
    )
    steps, reached_ms = dict.fromkeys(STEPS, 0.0), over.last_voiced_ms
    for name, at_ms in moments:
        until_ms = max(reached_ms, min(at_ms, first_ms))
        steps[name] += until_ms - reached_ms
        reached_ms = until_ms
    return max(0, round(first_ms - over.last_voiced_ms)), _whole(steps)


def observe_latency(reply: Reply) -> None:
    """Count a reply's latency in the process's metrics."""
    latency_ms, _ = latency_of(reply)
    if latency_ms is not None:
        metrics.answered(latency_ms / 1000)


def _whole(steps: dict[str, float]) -> dict[str, int]:
    """Return the steps in whole ms whose sum is that of the exact ones, rounded."""
    whole, exact, before = {}, 0.0, 0
    for name, ms in steps.items():
        exact += ms
        whole[name] = round(exact) - before
        before = round(exact)
    return whole
