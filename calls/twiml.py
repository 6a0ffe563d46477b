"""What we tell the carrier to do with a call, as TwiML documents."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.urls import reverse
from twilio.twiml.voice_response import Connect, Dial, Gather, Stream, VoiceResponse

from calls import carrier

AGAIN = "again"
"""Query parameter of the voice address: how many streams of the call have ended before."""


def stream(*, call_id: UUID, token: str, before: int = 0) -> str:
    """Connect the call to our media stream, both ways, and ask again should the stream end.

    Args:
        before: how many streams of this call have ended or failed to open before. The first one
            is followed at once; a second that came to nothing suggests to wait a moment.
    """
    response = VoiceResponse()
    if before > 1:
        response.pause(length=1)
    connect = Connect()
    media = Stream(url=settings.ENV.media_stream_url)
    media.parameter(name="call", value=str(call_id))
    media.parameter(name="token", value=token)
    connect.append(media)
    response.append(connect)
    path = reverse("twilio-voice", kwargs={"call": call_id})
    response.redirect(carrier.public_url(f"{path}?{AGAIN}={before + 1}"), method="POST")
    return str(response)


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def say_and_hang_up(text: str) -> str:
    """Say one line in the carrier's voice, and end the call."""
    response = VoiceResponse()
    response.say(text)
    response.hangup()
    return str(response)


def whisper(text: str, *, key_url: str) -> str:
    """Tell somebody who is on the line, twice at most, and ask for a key; then hang up."""
    response = VoiceResponse()
    for words in (f"{text} {_KEYS}", f"Once more. {text} {_KEYS}"):
        gather = Gather(num_digits=1, timeout=5, action=key_url, method="POST")
        gather.say(words)
        response.append(gather)
    response.hangup()
    return str(response)


_KEYS = "Press one to take the call, or two to decline."


def ask_key(*, key_url: str) -> str:
    """Ask for the key again."""
    response = VoiceResponse()
    gather = Gather(num_digits=1, timeout=5, action=key_url, method="POST")
    gather.say(_KEYS)
    response.append(gather)
    response.hangup()
    return str(response)


def conference(name: str, *, role: str, done_url: str = "") -> str:
    """Meet in a conference. It is over when the lead or the human leaves; one who listens is not
    heard, and leaves it as it is.

    Args:
        role: "lead", "human" or "listener".
        done_url: asked for what comes after it; without, the call ends.
    """
    response = VoiceResponse()
    dial = Dial(action=done_url, method="POST") if done_url else Dial()
    dial.conference(
        name,
        muted=role == "listener",
        beep=False,
        start_conference_on_enter=role != "listener",
        end_conference_on_exit=role != "listener",
    )
    response.append(dial)
    return str(response)
