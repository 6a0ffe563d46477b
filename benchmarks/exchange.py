"""The outside caller: the carrier simulator as a process of its own, the same for every system.

It sends 20 ms frames in real time, plays what comes back through a model of the far end's buffer,
and keeps both directions sample for sample. That recording is what the benchmark measures.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.gaps import Gap, gaps

NOT_ANSWERS = ("reprompt", "filler")
"""Topics of turns that the agent begins by itself; systems that set no marks have none."""
SAME_END_MS = 400
"""The last voiced sample lies at most so far from the end of the recorded words."""
ENDED = ("completed", "busy", "no-answer", "failed", "canceled")


@dataclass(frozen=True)
class Measured:
    """One finished call and what became of everything the caller said."""

    call_sid: str
    persona: str
    seconds: float
    gaps: list[Gap]
    recording: bytes
    said: list[tuple[str, float, float]]
    """What the caller said, and when it began and ended (ms)."""

    def gaps_after(self, ending: str) -> list[Gap]:
        """Return the gaps after what ends so: "?" for questions."""
        ends = [ended for text, _, ended in self.said if text.endswith(ending)]
        return [gap for gap in self.gaps if any(abs(gap.ended_ms - e) < SAME_END_MS for e in ends)]


class Exchange:
    """A running carrier simulator, seen from outside.

    Args:
        base_url: its address.
        account_sid, auth_token: the account it serves.
    """

    def __init__(self, base_url: str, *, account_sid: str, auth_token: str) -> None:
        self._base_url = base_url
        self._account = f"/2010-04-01/Accounts/{account_sid}"
        token = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()
        self._authorization = f"Basic {token}"

    def register(self, directory: dict[str, str]) -> None:
        """Say which persona answers which number, besides those known."""
        self._request("PATCH", "/_simulator/directory", json.dumps(directory).encode())

    def dial(self, *, to: str, url: str) -> None:
        """Place a call as an application does: whoever answers is connected to `url`'s TwiML."""
        form = {"To": to, "From": "+12125550199", "Url": url}
        body = urllib.parse.urlencode(form).encode()
        self._request("POST", f"{self._account}/Calls.json", body)

    def watch(
        self,
        numbers: Sequence[str],
        *,
        seconds: float,
        give_up_s: float,
        check: Callable[[], None],
    ) -> list[Measured]:
        """Wait until the calls to these numbers are over and return what was measured.

        Args:
            seconds: a call that lasts longer is put down by the caller.
            give_up_s: how long to wait for all of them.
            check: called now and then; raises when a process has died.

        Raises:
            TimeoutError: not every number was called and hung up in time.
        """
        began: dict[str, float] = {}
        deadline = time.monotonic() + give_up_s
        while time.monotonic() < deadline:
            check()
            now = time.monotonic()
            calls = [call for call in self._calls() if call["to"] in numbers]
            for call in calls:
                if call["status"] == "in-progress":
                    began.setdefault(call["sid"], now)
                    if now - began[call["sid"]] > seconds:
                        self._put_down(call["sid"])
            over = [call for call in calls if call["status"] in ENDED]
            if {call["to"] for call in over} == set(numbers) and len(over) == len(calls):
                return [self._measure(call) for call in over]
            time.sleep(0.25)
        raise TimeoutError(f"not every call was over after {give_up_s:.0f} s")

    def _measure(self, call: dict[str, Any]) -> Measured:
        story = json.loads(self._request("GET", f"/_simulator/calls/{call['sid']}"))
        recording = self._request("GET", f"/_simulator/calls/{call['sid']}/sound.wav")
        said = [(each["started_ms"], each["ended_ms"]) for each in story["said"]]
        not_answers = [
            (each["started_ms"], each["ended_ms"])
            for each in story["heard"]
            if any(topic.startswith(NOT_ANSWERS) for topic in each["topics"][:1])
        ]
        return Measured(
            call_sid=call["sid"],
            persona=call["persona"],
            seconds=(len(recording) - 44) / 32000,
            gaps=gaps(recording, said=said, not_answers=not_answers),
            recording=recording,
            said=[(each["text"], each["started_ms"], each["ended_ms"]) for each in story["said"]],
        )

    def _calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._request("GET", "/"))["calls"]
        return found

    def _put_down(self, sid: str) -> None:
        self._request("POST", f"{self._account}/Calls/{sid}.json", b"Status=completed")

    def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self._base_url + path, data=body, method=method)
        request.add_header("Authorization", self._authorization)
        if body is not None and not path.startswith("/_simulator"):
            request.add_header("Content-Type", "application/x-www-form-urlencoded")
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
        return content
