"""What we tell the carrier to do with a call, as TwiML documents."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from twilio.twiml.voice_response import Connect, Stream, VoiceResponse


def stream(*, call_id: UUID, token: str) -> str:
    """Connect the call to our media stream, both ways."""
    response = VoiceResponse()
    connect = Connect()
    media = Stream(url=settings.ENV.media_stream_url)
    media.parameter(name="call", value=str(call_id))
    media.parameter(name="token", value=token)
    connect.append(media)
    response.append(connect)
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
