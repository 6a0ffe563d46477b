"""The compliance guard: first on every event, rules only, nothing said can talk it out of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import closer, machines, transfers
from agents.graph.lines import disclosure, say
from agents.graph.state import STOP, Opening, Setting, State, Talk, hearing_settled
from agents.interface import (
    Action,
    Do,
    Item,
    KeyPress,
    MachineAnswered,
    TransferReady,
    Utterance,
    WrapUp,
)
from agents.understanding.intents import refuses_recording
from agents.understanding.opt_out import opt_out_in
from agents.understanding.words import normalised

OPT_OUT_KEY = "9"


async def guard(
    state: State, runtime: Runtime[Setting]
) -> Command[Literal["listener", "greeter", "__end__"]]:
    """Let an event through to the agents, or settle it by the rules alone."""
    setting, event = runtime.context, state["event"]
    talk = hearing_settled(state["talk"])
    if isinstance(event, Utterance):
        talk = replace(talk, turn=talk.turn + 1)
    if (asked := _opt_out(talk, event)) and not talk.opted_out:
        source, why = asked
        return _settled(*closer.opted_out(talk, setting, source, why))
    if talk.ended:
        return _settled(talk, ())
    if isinstance(event, Utterance) and not event.text.strip():
        return _settled(state["talk"], ())
    if isinstance(event, Opening):
        return Command(goto="greeter", update={"talk": talk, "items": disclosure(setting)})
    if isinstance(event, MachineAnswered):
        if machines.is_screened(talk) and not event.beep:
            # Detection takes a call screen for a machine; a person may still come.
            return _settled(talk.step("guard", "machine reported, but a screen answered"), ())
        if talk.human_heard:  # a person has answered sensibly: the detector is wrong
            return _settled(talk.step("guard", "machine reported, but a person spoke"), ())
        return _settled(*closer.voicemail(talk, setting, beep=event.beep))
    if isinstance(event, TransferReady):
        return _settled(*transfers.put_through(talk, setting, event.name))
    if isinstance(event, WrapUp):
        return _settled(*closer.out_of_time(talk, setting, _why_over(event.reason)))
    if talk.turn > setting.script.limits.turns:
        return _settled(*closer.out_of_time(talk, setting, "the playbook's limit of turns"))
    items: tuple[Item, ...] = talk.due
    talk = replace(talk, due=())
    recorded = setting.brief.recorded and not talk.signals.get("recording_stopped")
    if isinstance(event, Utterance) and recorded and refuses_recording(normalised(event.text)):
        talk = talk.signal("recording_stopped", True).step("guard", "recording refused")
        stopped = say(setting.script.recording_stopped, "recording.stopped", "guard", setting)
        items = (Do(Action.STOP_RECORDING), *items, stopped)
    return Command(goto="listener", update={"talk": talk, "items": items})


def _why_over(reason: str) -> str:
    return "a person stopped it" if reason == "stopped" else f"out of {reason}"


def _opt_out(talk: Talk, event: object) -> tuple[str, str] | None:
    """Return how the lead opts out with this event, and in which way; None if not."""
    if isinstance(event, KeyPress) and event.digit == OPT_OUT_KEY:
        return "key", "pressed nine"
    if not isinstance(event, Utterance):
        return None
    if asked := opt_out_in(event.text):
        return "voice", asked
    # "press nine", and they say it.
    told = any(line.topic == "disclosure" for line in talk.last.lines)
    if told and normalised(event.text) in ("nine", "press nine", "9", "press 9"):
        return "voice", "says nine"
    return None


def _settled(
    talk: Talk, items: tuple[Item, ...]
) -> Command[Literal["listener", "greeter", "__end__"]]:
    return Command(goto=STOP, update={"talk": talk, "items": items})
