"""How soon the agent is silent when a caller breaks in, and what is kept of what it was saying.

    python -m benchmarks.barge_in [--calls 4] [--rounds 2] [--seed N] [--no-peer] [--keep FOLDER]

Callers break into the agent's turns. Measured is the time from their first voiced sample until the
agent is silent at the far end. Of the product it is also looked up whether the transcript of each
turn that was cut holds the word groups whose marks the far end had played, and no more than the
group that was being heard. Prints one JSON line; `benchmarks/README.md` says more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.floor import FloorCall
from benchmarks.floor_run import cast_of, options_read, run, share
from benchmarks.gaps import summary
from benchmarks.people import who_breaks_in

BEFORE_MS = 400.0
"""An agent that was not heard in this time before was not broken into."""
LOOK_MS = 2500.0
"""An agent that is not silent by then has not stopped."""
WRITTEN_S = 3.0
"""Until the last call's transcript is written."""


def measure(calls: Sequence[FloorCall]) -> dict[str, Any]:
    """Return how soon the agent fell silent, and whether the transcript says what was heard."""
    stops: list[float] = []
    not_stopped = 0
    for call in calls:
        tracks = call.tracks()
        for said in call.person.said:
            began_ms = tracks.caller_begins_ms(said.started_ms, said.started_ms + 600)
            if began_ms is None or not tracks.agent_ms(began_ms - BEFORE_MS, began_ms):
                continue
            if _turn_was_over(call, began_ms):
                continue
            stopped_ms = tracks.agent_stops_ms(began_ms, LOOK_MS)
            if stopped_ms is None:
                not_stopped += 1
            else:
                stops.append(stopped_ms - began_ms)
    return {
        "broken_into": len(stops) + not_stopped,
        "silent_after_ms": summary(stops),
        "not_stopped_share": share(not_stopped, len(stops) + not_stopped),
        "transcripts": _transcripts(calls),
    }


def _turn_was_over(call: FloorCall, at_ms: float) -> bool:
    """Return whether the agent had finished its turn just then, as the caller began."""
    ends = (note for note in call.notes if note.kind == "mark" and note.name.endswith("/end"))
    return any(note.played and at_ms - BEFORE_MS < note.at_ms < at_ms + BEFORE_MS for note in ends)


def _transcripts(calls: Sequence[FloorCall]) -> dict[str, Any] | None:
    """Compare the turns that were cut with the marks that the far end had played."""
    ids = {call.door.parameters["call"]: call for call in calls if "call" in call.door.parameters}
    if not ids:
        return None
    from calls.models import Turn
    from voice.phrasing import word_groups

    time.sleep(WRITTEN_S)
    cut = Turn.objects.filter(call_id__in=ids, speaker="agent", interrupted=True)
    wrong: list[str] = []
    count = 0
    for turn in cut:
        played = Counter(
            note.name.split(".")[0]
            for note in ids[str(turn.call_id)].notes
            if note.kind == "mark" and note.played
        )[str(turn.index)]
        kept = len(word_groups(turn.text))
        count += 1
        if not played <= kept <= played + 1:
            wrong.append(f"{kept} groups kept, {played} heard")
    return {"cut": count, "wrong": wrong}


def main() -> None:
    """Run the benchmark."""
    options = options_read(__doc__)
    run("barge_in", options, cast_of(options, who_breaks_in), measure)


if __name__ == "__main__":
    main()
