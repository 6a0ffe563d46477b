"""The call's voice in the pipeline: where one turn of the agent ends and the next one begins."""

from __future__ import annotations

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from voice.engines.tiers import VoiceTiers
from voice.engines.tts_service import StreamingTTSService
from voice.frames import GroupBegins, GroupEnds
from voice.usage import Usage


class AgentVoice(StreamingTTSService):
    """Speak a call's word groups, in one tier per turn, and say for which speech it was.

    Frames come in order and a text is spoken before the next frame is looked at, so here, and not
    where replies are decided ahead, the first words of a turn have nothing of the last one behind
    them.

    Args:
        voice: The call's voice.
        usage: What it is charged to.
    """

    def __init__(self, voice: VoiceTiers, usage: Usage) -> None:
        super().__init__(voice)
        self._voice = voice
        self._usage = usage

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Look at where word groups begin and end; all else as the base class does."""
        if isinstance(frame, GroupBegins):
            self._usage.speaks(frame.speech)
            if frame.group.number == 0:
                if not frame.speech.goes_on:
                    self._voice.turn_begins()
                frame.speech.tier = self._voice.tier
        elif isinstance(frame, GroupEnds) and frame.group.number == 0:
            frame.speech.tier = self._voice.tier  # the premium voice may have failed in its midst
        await super().process_frame(frame, direction)
