"""Frames of our own that travel the pipeline between Pipecat's."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pipecat.frames.frames import (
    DataFrame,
    InputAudioRawFrame,
    SystemFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)

from voice.session import Notice
from voice.speech import Group, Speech


@dataclass
class CallerSound(InputAudioRawFrame):
    """Sound of the caller."""

    def __str__(self) -> str:
        """Return its name: Pipecat writes every frame into a trace that is not kept."""
        return self.name


@dataclass
class VoiceStarted(VADUserStartedSpeakingFrame):
    """The caller began to make speech-like sound at `at_ms` in the stream."""

    at_ms: float = 0.0
    heard_ms: float = 0.0
    """The sound until then has gone down the pipeline."""


@dataclass
class VoiceGoesOn(SystemFrame):
    """The caller's voice has lasted `lasted_ms` without a break."""

    lasted_ms: float = 0.0


@dataclass
class VoiceFading(SystemFrame):
    """The caller has just fallen silent, perhaps between two sounds of a word."""

    last_voiced_ms: float = 0.0


@dataclass
class VoicePaused(VADUserStoppedSpeakingFrame):
    """The caller fell silent; the last voiced sample was at `last_voiced_ms`."""

    last_voiced_ms: float = 0.0
    voiced_ms: float = 0.0
    """How much voice there was since it started."""
    heard_ms: float = 0.0
    """The sound until then has gone down the pipeline."""


@dataclass
class TurnVerdict(SystemFrame):
    """How finished the turn that paused at `last_voiced_ms` sounds, 0-1."""

    last_voiced_ms: float = 0.0
    probability: float = 0.0


@dataclass
class KeyPressed(SystemFrame):
    """A key of the telephone."""

    digit: str = ""


@dataclass
class NoticeArrived(SystemFrame):
    """News of the call from elsewhere in the product."""

    notice: Notice | None = None


@dataclass
class LineLost(SystemFrame):
    """Nobody hears or is heard until `back` is set."""

    back: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class StreamClosed(SystemFrame):
    """The media stream is over."""

    reason: str = ""


@dataclass
class GroupBegins(DataFrame):
    """The synthesised sound that follows belongs to this group of words."""

    speech: Speech
    group: Group


@dataclass
class GroupEnds(DataFrame):
    """The group has all its sound."""

    speech: Speech
    group: Group


@dataclass
class SpeechEnds(DataFrame):
    """The speech has all its groups."""

    speech: Speech
