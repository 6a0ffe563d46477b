"""Read the form of `POST /Calls.json` and refuse what Twilio refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from multidict import MultiMapping

from calls.simulator.call import CallRequest
from calls.simulator.errors import RestError
from calls.simulator.twiml import TwimlError, parse

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_CLIENT = re.compile(r"client:[\w.@+-]{1,121}(\?\S{0,800})?")

# Numbers with which Twilio's own test credentials provoke errors.
_MAGIC_TO: Mapping[str, tuple[int, str]] = {
    "+15005550001": (21211, "The phone number you are attempting to call, {}, is not valid."),
    "+15005550002": (21214, "The phone number you are attempting to call, {}, cannot be reached."),
    "+15005550003": (21215, "Account not authorized to call {}."),
    "+15005550004": (21216, "Account not allowed to call {}."),
}
_MOST_TWIML = 4000
_EVENTS = frozenset({"initiated", "ringing", "answered", "completed"})


def call_numbers(form: MultiMapping[str]) -> tuple[str, str]:
    """Return (to, from) in E.164 form.

    Raises:
        RestError: 21201, 21211, 21214-21216 for To; 21213, 21212 for From.
    """
    to, from_ = form.get("To", ""), form.get("From", "")
    if not to:
        raise RestError(21201, "No 'To' number is specified")
    if to in _MAGIC_TO:
        code, message = _MAGIC_TO[to]
        raise RestError(code, message.format(to))
    if not _E164.fullmatch(to) and not _CLIENT.fullmatch(to):
        raise RestError(21211, f"The phone number you are attempting to call, {to}, is not valid.")
    if not from_:
        raise RestError(21213, "No 'From' number is specified")
    if not _E164.fullmatch(from_):
        raise RestError(21212, f"The source phone number provided, {from_}, is not valid.")
    return to, from_


def call_request(form: MultiMapping[str]) -> CallRequest:
    """Return what the form asks for.

    Raises:
        RestError: a value Twilio refuses; the message names the parameter.
    """
    url, twiml = _url(form, "Url", 21205), form.get("Twiml", "")
    if form.get("ApplicationSid"):
        raise RestError(21218, "ApplicationSid is not known to this account")
    if not url and not twiml:
        raise RestError(21205, "Url parameter is required.")
    if len(twiml) > _MOST_TWIML:
        raise RestError(21617, f"Twiml is longer than {_MOST_TWIML} characters")
    if twiml and not url:
        checked_twiml(twiml)
    detection = form.get("MachineDetection", "")
    if detection not in ("", "Enable", "DetectMessageEnd"):
        raise RestError(20001, f"MachineDetection {detection!r} is not Enable or DetectMessageEnd")
    return CallRequest(
        url=url,
        method=_method(form, "Method"),
        twiml=twiml,
        fallback_url=_url(form, "FallbackUrl", 21205),
        fallback_method=_method(form, "FallbackMethod"),
        status_callback=_url(form, "StatusCallback", 21609),
        status_callback_method=_method(form, "StatusCallbackMethod"),
        status_callback_event=_events(form, "StatusCallbackEvent") & _EVENTS,
        timeout_s=_number(form, "Timeout", 60, 1, 600),
        time_limit_s=time_limit(form),
        record=_flag(form, "Record"),
        recording_channels=form.get("RecordingChannels", "mono"),
        trim=form.get("Trim", "trim-silence") == "trim-silence",
        recording_status_callback=_url(form, "RecordingStatusCallback", 21609),
        recording_status_callback_method=_method(form, "RecordingStatusCallbackMethod"),
        recording_status_callback_event=_events(form, "RecordingStatusCallbackEvent"),
        machine_detection="" if form.get("SendDigits") else detection,
        machine_detection_timeout_s=_number(form, "MachineDetectionTimeout", 30, 3, 120),
        async_amd=_flag(form, "AsyncAmd"),
        async_amd_status_callback=_url(form, "AsyncAmdStatusCallback", 21609),
        async_amd_status_callback_method=_method(form, "AsyncAmdStatusCallbackMethod"),
    )


def time_limit(form: MultiMapping[str]) -> int:
    """Return the greatest length of the call in seconds.

    Raises:
        RestError: 20001, not a number of seconds up to a day.
    """
    return _number(form, "TimeLimit", 14_400, 1, 86_400)


def recording_options(form: MultiMapping[str]) -> dict[str, object]:
    """Return the options of a recording started by REST."""
    track = form.get("RecordingTrack", "both")
    if track not in ("both", "inbound", "outbound"):
        raise RestError(20001, f"RecordingTrack {track!r} is not both, inbound or outbound")
    return {
        "channels": 2 if form.get("RecordingChannels") == "dual" else 1,
        "track": track,
        "trim": form.get("Trim", "do-not-trim") == "trim-silence",
        "callback": _url(form, "RecordingStatusCallback", 21609),
        "callback_method": _method(form, "RecordingStatusCallbackMethod"),
        "callback_events": _events(form, "RecordingStatusCallbackEvent"),
    }


def checked_twiml(twiml: str) -> str:
    """Return the document.

    Raises:
        RestError: 12100 and its like, the document cannot be obeyed.
    """
    try:
        parse(twiml)
    except TwimlError as error:
        raise RestError(error.code, str(error)) from error
    return twiml


def _url(form: MultiMapping[str], name: str, code: int) -> str:
    url = form.get(name, "")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
        raise RestError(code, f"{name} is not a valid URL: {url}")
    return url


def _method(form: MultiMapping[str], name: str) -> str:
    method = form.get(name, "POST").upper()
    if method not in ("GET", "POST"):
        raise RestError(20001, f"{name} {method!r} is not GET or POST")
    return method


def _events(form: MultiMapping[str], name: str) -> frozenset[str]:
    """Return the events of a parameter given several times or as one list."""
    values = " ".join(form.getall(name, [])).replace(",", " ").split()
    return frozenset(values) or frozenset({"completed"})


def _flag(form: MultiMapping[str], name: str) -> bool:
    return form.get(name, "false").lower() == "true"


def _number(form: MultiMapping[str], name: str, default: int, least: int, most: int) -> int:
    raw = form.get(name, "")
    try:
        value = int(raw) if raw else default
    except ValueError:
        raise RestError(20001, f"{name} {raw!r} is not a whole number") from None
    if not least <= value <= most:
        raise RestError(20001, f"{name} {value} is not between {least} and {most}")
    return value
