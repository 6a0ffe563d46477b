"""What the carrier does for each TwiML verb."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urljoin

from calls.simulator import g711, wav
from calls.simulator.bridge import Bridge, Keypad
from calls.simulator.call import CallRequest, SimulatedCall, new_sid
from calls.simulator.clips import beep
from calls.simulator.conference import Seat
from calls.simulator.line import Line
from calls.simulator.media_stream import MediaStream, StreamError
from calls.simulator.speech import SpeechError
from calls.simulator.twiml import TwimlError, Verb, document, parse
from calls.simulator.webhooks import WebhookError

if TYPE_CHECKING:
    from calls.simulator.progress import Leg

# Documents that only point at each other would keep a call busy for ever.
MOST_DOCUMENTS = 100
SILENT_SPEECH_MS_PER_CHARACTER = 60
APOLOGY = "We are sorry, an application error has occurred. Goodbye."
ANY_KEY = "1234567890*#"


@dataclass(frozen=True)
class Source:
    """Where instructions come from: a URL, or a document given with the request."""

    url: str = ""
    method: str = "POST"
    twiml: str = ""
    fallback_url: str = ""
    fallback_method: str = "POST"


class _Ended(Exception):  # noqa: N818  not an error: the instructions said so
    """The instructions asked to end the call."""


class Program:
    """Obeys the documents of one call, one verb after another."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg
        self._call = leg.call
        self._board = leg.board
        self._url = ""
        self._documents = 0

    async def run(self, source: Source) -> None:
        """Follow the instructions to their end; a broken application ends in an apology."""
        try:
            await self._run_documents(source)
        except _Ended:
            self._leg.hang_up("twiml")
        except (TwimlError, WebhookError) as error:
            self._error(error.code, str(error))
            self._leg.answer()
            await self._speak(APOLOGY, "en-us")

    async def _run_documents(self, source: Source) -> None:
        extra: dict[str, str] = {}
        if self._call.answered_by:
            extra["AnsweredBy"] = self._call.answered_by
        following: tuple[Source, dict[str, str]] | None = (source, extra)
        while following is not None:
            self._documents += 1
            if self._documents > MOST_DOCUMENTS:
                raise TwimlError(11215, "too many documents in one call")
            verbs = await self._fetch(*following)
            following = None
            for verb in verbs:
                if verb.name not in ("Reject", "Redirect"):
                    self._leg.answer()
                self._call.note("verb", name=verb.name)
                following = await self._obey(verb)
                if following is not None:
                    break

    async def _fetch(self, source: Source, extra: dict[str, str]) -> list[Verb]:
        if not source.url:
            return parse(source.twiml)
        self._url = source.url
        params = self._call.webhook_params() | extra
        try:
            answer = await self._board.webhooks.request(source.url, source.method, params)
            return document(answer)
        except (TwimlError, WebhookError) as error:
            if not source.fallback_url:
                raise
            self._error(error.code, str(error))
            params |= {"ErrorCode": str(error.code), "ErrorUrl": source.url}
            self._url = source.fallback_url
            answer = await self._board.webhooks.request(
                source.fallback_url, source.fallback_method, params
            )
            return document(answer)

    async def _obey(self, verb: Verb) -> tuple[Source, dict[str, str]] | None:
        if verb.name == "Hangup":
            raise _Ended
        if verb.name == "Reject":
            self._reject(verb)
        if verb.name == "Redirect":
            return self._to(verb.text, verb, {})
        if verb.name in ("Say", "Play"):
            await self._sound(verb)
        elif verb.name == "Pause":
            await asyncio.sleep(verb.number("length", 1))
        elif verb.name == "Connect":
            return await self._connect(verb)
        elif verb.name == "Gather":
            return await self._gather(verb)
        elif verb.name == "Record":
            return await self._record(verb)
        elif verb.name == "Dial":
            return await self._dial(verb)
        return None

    @property
    def _line(self) -> Line:
        if self._call.line is None:
            raise _Ended
        return self._call.line

    def _to(self, url: str, verb: Verb, extra: dict[str, str]) -> tuple[Source, dict[str, str]]:
        method = verb.attributes.get("method", "POST").upper()
        return Source(urljoin(self._url, url), method), extra

    def _action(self, verb: Verb, extra: dict[str, str]) -> tuple[Source, dict[str, str]] | None:
        """Return where a verb's `action` leads, or nothing when it has none."""
        action = verb.attributes.get("action", "")
        return self._to(action, verb, extra) if action else None

    def _error(self, code: int, message: str) -> None:
        self._call.note("error", code=code, message=message)

    def _reject(self, verb: Verb) -> NoReturn:
        if self._call.line is None:
            busy = verb.attributes.get("reason") == "busy"
            self._call.set_status("busy" if busy else "no-answer")
        raise _Ended

    # Sound

    async def _sound(self, verb: Verb) -> None:
        times = int(verb.number("loop", 1))
        count = 0
        while times == 0 or count < times:
            count += 1
            if verb.name == "Say":
                await self._speak(verb.text, verb.attributes.get("language", "en-US"))
            else:
                await self._play(verb.text)

    async def _speak(self, text: str, language: str) -> None:
        try:
            sound = await self._board.spoken(text, language)
        except SpeechError as error:
            self._error(13520, f"no speech: {error}")
            sound = g711.silence(SILENT_SPEECH_MS_PER_CHARACTER * len(text))
        await self._line.play(sound)

    async def _play(self, url: str) -> None:
        answer = await self._board.webhooks.request(urljoin(self._url, url), "GET", {})
        try:
            sound = await asyncio.to_thread(wav.to_ulaw, answer.body)
        except wav.WavError as error:
            raise TwimlError(12300, f"cannot play: {error}") from error
        await self._line.play(sound)

    # Connect

    async def _connect(self, verb: Verb) -> tuple[Source, dict[str, str]] | None:
        noun = verb.child("Stream")
        url = noun.attributes.get("url", "") if noun else ""
        if noun is None or not url.startswith(("ws://", "wss://")):
            raise TwimlError(31941, "<Connect> needs a <Stream> with a ws:// or wss:// url")
        names = [c.attributes for c in noun.children if c.name == "Parameter"]
        stream = MediaStream(
            line=self._line,
            account_sid=self._call.account_sid,
            call_sid=self._call.sid,
            stream_sid=new_sid("MZ"),
            parameters={a.get("name", ""): a.get("value", "") for a in names},
            note=self._call.note,
        )
        self._report_stream(noun, stream.stream_sid, "stream-started")
        try:
            await stream.run(
                url,
                self._board.session,
                self._board.webhooks,
                drop_after_ms=self._stream_fault("drop_socket_after_ms"),
                stall_after_ms=self._stream_fault("stall_socket_after_ms"),
            )
        except StreamError as error:
            self._error(error.code, str(error))
            self._report_stream(noun, stream.stream_sid, "stream-error", str(error))
            return self._action(verb, {})
        except asyncio.CancelledError:
            self._report_stream(noun, stream.stream_sid, "stream-stopped")
            raise
        self._report_stream(noun, stream.stream_sid, "stream-stopped")
        return self._action(verb, {})

    def _stream_fault(self, name: str) -> int:
        """Return after how many ms a fault strikes the stream that opens now; 0 for never."""
        faults, scopes = self._board.faults, self._leg.scopes
        most = faults.value("faulty_streams", *scopes)
        spared = most and len(self._call.events("stream_opened")) >= most
        return 0 if spared else faults.value(name, *scopes)

    def _report_stream(self, noun: Verb, sid: str, event: str, problem: str = "") -> None:
        params = {
            "AccountSid": self._call.account_sid,
            "CallSid": self._call.sid,
            "StreamSid": sid,
            "StreamName": noun.attributes.get("name", sid),
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(),
        }
        if problem:
            params["StreamError"] = problem
        method = noun.attributes.get("statusCallbackMethod", "POST")
        url = noun.attributes.get("statusCallback", "")
        self._leg.callbacks.post("stream", urljoin(self._url, url) if url else "", method, params)

    # Gather

    async def _gather(self, verb: Verb) -> tuple[Source, dict[str, str]] | None:
        most = int(verb.number("numDigits", 0))
        finish = verb.attributes.get("finishOnKey", "#")
        timeout_s = verb.number("timeout", 5)
        keypad = Keypad()
        self._line.listener = keypad
        prompt = asyncio.create_task(self._prompt(verb))
        digits, complete = "", False
        try:
            while not complete:
                key = await keypad.next_key(timeout_s, waiting_for=None if digits else prompt)
                if not key:
                    break
                prompt.cancel()
                self._call.note("digit", digit=key)
                complete = key in finish or (most > 0 and len(digits) + 1 >= most)
                digits += "" if key in finish else key
        finally:
            prompt.cancel()
            await asyncio.gather(prompt, return_exceptions=True)
            self._line.listener = None
        if not digits and verb.attributes.get("actionOnEmptyResult", "false") != "true":
            return None
        action = verb.attributes.get("action", "") or self._url
        return self._to(action, verb, {"Digits": digits, "msg": "Gather End"})

    async def _prompt(self, verb: Verb) -> None:
        for child in verb.children:
            if child.name in ("Say", "Play"):
                await self._sound(child)
            elif child.name == "Pause":
                await asyncio.sleep(child.number("length", 1))

    # Record

    async def _record(self, verb: Verb) -> tuple[Source, dict[str, str]] | None:
        if verb.attributes.get("playBeep", "true") == "true":
            await self._line.play(beep())
        finish = verb.attributes.get("finishOnKey", ANY_KEY)
        keypad = Keypad()
        self._line.listener = keypad
        recording = self._leg.record(
            source="RecordVerb",
            callback=verb.attributes.get("recordingStatusCallback", ""),
            callback_method=verb.attributes.get("recordingStatusCallbackMethod", "POST"),
            trim=verb.attributes.get("trim", "trim-silence") == "trim-silence",
        )
        recording.track = "inbound"
        digits = ""
        try:
            async with asyncio.timeout(verb.number("maxLength", 3600)):
                digits = await keypad.key_or_silence(finish, verb.number("timeout", 5))
        except TimeoutError:
            pass
        finally:
            self._line.listener = None
            self._leg.finish_recording(recording)
        if not keypad.heard_sound:
            return None  # nothing recorded: go on with the next verb
        extra = {
            "RecordingUrl": f"{self._board.base_url}{recording.path}",
            "RecordingSid": recording.sid,
            "RecordingDuration": str(recording.duration_s),
            "Digits": digits,
        }
        return self._to(verb.attributes.get("action", "") or self._url, verb, extra)

    # Dial

    async def _dial(self, verb: Verb) -> tuple[Source, dict[str, str]] | None:
        room = verb.child("Conference")
        if room is not None:
            return await self._confer(verb, room)
        nouns = [noun for noun in verb.children if noun.name in ("Number", "Client")]
        bare = verb.text.strip() if not verb.children else ""
        targets: list[tuple[str, Verb | None]] = [(_address(noun), noun) for noun in nouns]
        targets = targets or [(bare, None)]
        legs = [self._ring(verb, to, noun) for to, noun in targets if to]
        if not legs:
            raise TwimlError(13223, "<Dial> names nobody to call")
        chosen: Leg | None = None
        try:
            async with asyncio.timeout(verb.number("timeLimit", 14_400)):
                chosen = await self._first_ready(legs)
                for leg in legs:
                    if leg is not chosen:
                        leg.hang_up("dial")
                if chosen is not None:
                    await Bridge(self._line, chosen.call).run()
        except TimeoutError:
            pass
        finally:
            for leg in legs:
                leg.hang_up("dial")
        await asyncio.gather(*(leg.call.finished.wait() for leg in legs))
        # Nobody was connected: what became of the first one's telephone.
        shown = (chosen or legs[0]).call
        refused = chosen is None and shown.status == "completed"
        extra = {
            "DialCallSid": shown.sid,
            "DialCallStatus": "no-answer" if refused else shown.status,
            "DialCallDuration": str(shown.duration_s if chosen else 0),
        }
        return self._action(verb, extra)

    def _ring(self, verb: Verb, to: str, noun: Verb | None) -> Leg:
        """Begin to ring one of the telephones of a `<Dial>`."""
        attributes = noun.attributes if noun is not None else {}
        request = CallRequest(
            timeout_s=int(verb.number("timeout", 30)),
            status_callback=self._absolute(attributes.get("statusCallback", "")),
            status_callback_method=attributes.get("statusCallbackMethod", "POST"),
            status_callback_event=frozenset(
                attributes.get("statusCallbackEvent", "completed").split()
            ),
        )
        other = SimulatedCall(
            self._call.account_sid,
            to,
            verb.attributes.get("callerId", self._call.from_),
            self._board.persona_of(to),
            request,
            direction="outbound-dial",
            parent_sid=self._call.sid,
        )
        leg = self._board.add(other)
        self._call.note("dial", call_sid=other.sid)
        whisper = self._absolute(attributes.get("url", ""))
        method = attributes.get("method", "POST").upper()
        leg.start_bridged(Source(whisper, method) if whisper else None)
        return leg

    async def _first_ready(self, legs: list[Leg]) -> Leg | None:
        """Return the first telephone that may be connected; `None` when none of them can be."""
        waiting = {asyncio.create_task(leg.connectable()): leg for leg in legs}
        try:
            while waiting:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    leg = waiting.pop(task)
                    if task.result():
                        return leg
            return None
        finally:
            for task in waiting:
                task.cancel()

    def _absolute(self, url: str) -> str:
        return urljoin(self._url, url) if url else ""

    async def _confer(self, verb: Verb, noun: Verb) -> tuple[Source, dict[str, str]] | None:
        def flag(name: str, default: str) -> bool:
            return noun.attributes.get(name, default) == "true"

        seat = Seat(
            self._line,
            muted=flag("muted", "false"),
            starts=flag("startConferenceOnEnter", "true"),
            ends=flag("endConferenceOnExit", "false"),
        )
        name = noun.text.strip()
        if not name:
            raise TwimlError(13313, "<Conference> has no name")
        self._call.note("conference_joined", name=name)
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(verb.number("timeLimit", 14_400)):
                await self._board.conference(name).sit(seat)
        except TimeoutError:
            pass
        finally:
            self._call.note("conference_left", name=name)
        seconds = round(asyncio.get_running_loop().time() - began)
        return self._action(verb, {"DialCallStatus": "completed", "DialCallDuration": str(seconds)})


def _address(noun: Verb) -> str:
    """Return whom a `<Number>` or `<Client>` means."""
    text = noun.text.strip()
    if noun.name == "Number" or not text:
        return text
    identity = noun.child("Identity")
    return f"client:{identity.text.strip() if identity is not None else text}"
