"""Recordings of calls: cut from the line's two directions, served as WAV, reported by callback."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from calls.simulator import g711, wav
from calls.simulator.call import API_VERSION, SimulatedCall, new_sid, rfc2822

PRICE_PER_MINUTE = Decimal("0.0025")  # USD a started minute


@dataclass
class Recording:
    """A stretch of one call. Channel 1 is the person called, channel 2 what they heard."""

    call: SimulatedCall
    source: str
    channels: int = 1
    track: str = "both"
    trim: bool = False  # cut silence at both ends: Twilio's default for `Record=true`
    callback: str = ""
    callback_method: str = "POST"
    callback_events: frozenset[str] = frozenset({"completed"})
    sid: str = field(default_factory=lambda: new_sid("RE"))
    status: str = "in-progress"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    deleted: bool = False  # its description stays for a while: Twilio's "soft delete"
    start_byte: int = 0
    end_byte: int | None = None

    @property
    def path(self) -> str:
        """Return the path of the resource, without `.json` or `.wav`."""
        return f"/{API_VERSION}/Accounts/{self.call.account_sid}/Recordings/{self.sid}"

    @property
    def duration_s(self) -> int:
        """Return the length in whole seconds, rounded up; 0 while it runs."""
        if self.end_byte is None:
            return 0
        return math.ceil((self.end_byte - self.start_byte) / g711.SAMPLE_RATE)

    def finish(self) -> bool:
        """End the recording; return whether it was still running."""
        if self.end_byte is not None:
            return False
        line = self.call.line
        self.end_byte = len(line.said) if line else self.start_byte
        if self.trim:
            self._trim()
        self.status = "completed" if self.end_byte > self.start_byte else "absent"
        self.updated = datetime.now(UTC)
        return True

    def _trim(self) -> None:
        cut = slice(self.start_byte, self.end_byte)
        spans = [g711.audible_span(side[cut]) for side in (self.call.said, self.call.heard)]
        found = [span for span in spans if span is not None]
        if found:
            begin = self.start_byte
            self.start_byte = begin + min(first for first, _ in found)
            self.end_byte = begin + max(last for _, last in found)

    def sound(self, channels: int) -> bytes:
        """Return the WAV file with one channel (both voices mixed) or two."""
        cut = slice(self.start_byte, self.end_byte)
        said, heard = self.call.said[cut], self.call.heard[cut]
        if channels == 2:
            return wav.from_channels(said, heard)
        if self.track == "inbound":
            return wav.from_channels(said)
        if self.track == "outbound":
            return wav.from_channels(heard)
        return wav.from_channels(g711.mix(said, heard))

    def resource(self, base_url: str) -> dict[str, Any]:
        """Return the recording as Twilio's REST API shows it."""
        done = self.end_byte is not None
        minutes = math.ceil(self.duration_s / 60)
        return {
            "sid": self.sid,
            "account_sid": self.call.account_sid,
            "call_sid": self.call.sid,
            "conference_sid": None,
            "api_version": API_VERSION,
            "date_created": rfc2822(self.started),
            "date_updated": rfc2822(self.updated),
            "start_time": rfc2822(self.started),
            "duration": str(self.duration_s) if done else None,
            "price": str(-minutes * PRICE_PER_MINUTE) if self.status == "completed" else None,
            "price_unit": "USD",
            "status": "deleted" if self.deleted else self.status,
            "channels": self.channels,
            "source": self.source,
            "error_code": None,
            "track": self.track,
            "encryption_details": None,
            "uri": f"{self.path}.json",
            "media_url": f"{base_url}{self.path}",
            "subresource_uris": {
                "transcriptions": f"{self.path}/Transcriptions.json",
                "add_on_results": f"{self.path}/AddOnResults.json",
            },
        }

    def callback_params(self, base_url: str) -> dict[str, str]:
        """Return the fields of a recording status callback."""
        params = {
            "AccountSid": self.call.account_sid,
            "CallSid": self.call.sid,
            "RecordingSid": self.sid,
            "RecordingUrl": f"{base_url}{self.path}",
            "RecordingStatus": self.status,
            "RecordingChannels": str(self.channels),
            "RecordingTrack": self.track,
            "RecordingSource": self.source,
            "RecordingStartTime": rfc2822(self.started) or "",
            "ErrorCode": "0",
        }
        if self.end_byte is not None:
            params["RecordingDuration"] = str(self.duration_s)
        return params
