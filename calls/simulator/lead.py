"""A simulated person on the line: listens, waits for its turn, answers in character.

The person hears the same 20 ms frames the telephone plays. It starts to speak only when the agent's
audible speech is over, or breaks in when its persona says so, and never talks over itself. What the
agent meant is taken from the marks the agent sets on its speech (`<turn>.<group>/<topic>[/end]`);
an agent whose marks say nothing gets the persona's answers in order.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from calls.simulator import g711
from calls.simulator.clips import beep, line_sound
from calls.simulator.persona import Persona, Rule

_MARK = re.compile(r"^\d+\.\d+/(?P<topic>[\w.-]+?)(?P<end>/end)?$")

# An agent that set marks and then says nothing more, without ending its turn, has lost the thread.
STUCK_MS = 2500
# Without marks a pause between two sentences looks like the end: wait longer.
UNMARKED_EXTRA_MS = 500


@dataclass(frozen=True)
class Utterance:
    """One thing the person said; times in ms since the line was answered."""

    text: str
    started_ms: int
    ended_ms: int


@dataclass(frozen=True)
class HeardTurn:
    """One turn of the agent as the person heard it; times in ms since the line was answered."""

    topics: tuple[str, ...]
    started_ms: int
    ended_ms: int
    complete: bool  # the agent said it was done (mark ending in /end)


@dataclass
class _Speech:
    """What is being said: the text, its sound, and how much of it has gone out."""

    text: str
    sound: bytes
    started_ms: int
    at: int = 0


@dataclass
class _Plan:
    """An answer decided on and not yet begun."""

    at_ms: int
    say: str = ""
    rule: Rule | None = None


@dataclass
class _AgentTurn:
    """What the person has heard since it last spoke."""

    topics: list[str] = field(default_factory=list)
    started_ms: int | None = None
    audible_ms: int = 0  # when the last audible frame ended
    ended_ms: int | None = None  # when the mark that ends the turn was passed
    counted: bool = False
    handled: bool = False  # answered already, by a key pressed meanwhile


class SimulatedLead:
    """The behaviour of one persona during one call, advanced one frame at a time."""

    def __init__(
        self,
        persona: Persona,
        *,
        press: Callable[[str], None],
        hang_up: Callable[[], None],
        sound_of: Callable[[str], bytes] = line_sound,
    ) -> None:
        self.persona = persona
        self.said: list[Utterance] = []
        self.heard: list[HeardTurn] = []
        self._press = press
        self._hang_up = hang_up
        self._sound_of = sound_of
        self._now_ms = 0
        self._turn = _AgentTurn()
        self._turns_begun = 0
        self._marks_understood = False
        self._uses: Counter[int] = Counter()
        self._script = deque(persona.script)
        self._fallbacks = 0
        self._speech: _Speech | None = None
        self._plan: _Plan | None = None
        self._waiting_since_ms = 0
        self._waited = 0
        self._hang_up_at_ms: int | None = None
        self._farewell_ms = 0
        self._gone = False
        self._pick_up()

    @property
    def now_ms(self) -> int:
        """How long the line has been up."""
        return self._now_ms

    @property
    def is_speaking(self) -> bool:
        """Whether this person is in the midst of saying something, pauses included."""
        return self._speech is not None

    def mark_passed(self, name: str) -> None:
        """Learn that the sound before this mark has been heard."""
        found = _MARK.match(name)
        if not found:
            return
        self._marks_understood = True
        self._turn.topics.append(found["topic"])
        if found["end"]:
            self._turn.ended_ms = self._now_ms

    def step(self, frame: bytes, *, audible_pending: bool = False, next_mark: str = "") -> bytes:
        """Hear 20 ms and return the 20 ms this person says meanwhile.

        Args:
            frame: what the telephone plays now, 160 bytes of µ-law.
            audible_pending: whether the telephone still has speech to play.
            next_mark: the mark that follows the speech being played, when it is known already.
        """
        self._now_ms += g711.FRAME_MS
        if g711.is_audible(frame):
            self._agent_speaks()
        if not self._gone:
            self._decide(audible_pending, next_mark)
        return self._speak()

    # Hearing

    def _agent_speaks(self) -> None:
        turn = self._turn
        if turn.started_ms is None:
            turn.started_ms = self._now_ms - g711.FRAME_MS
        if not turn.counted and self._speech is None:
            # Words that go on while this person breaks in belong to the turn broken into.
            turn.counted = True
            self._turns_begun += 1
        turn.audible_ms = self._now_ms
        if self._farewell_ms:
            self._hang_up_at_ms = self._now_ms + self._farewell_ms  # hear the agent out
        if turn.ended_ms is not None and self._now_ms - turn.ended_ms > 2 * g711.FRAME_MS:
            turn.ended_ms = None  # it goes on after all
        if self._plan and self._plan.rule is not None:
            self._plan = None  # let it finish before answering

    def _quiet_ms(self) -> int:
        return self._now_ms - self._turn.audible_ms

    def _turn_is_over(self, audible_pending: bool) -> bool:
        if self._turn.started_ms is None or audible_pending:
            return False
        if not self._marks_understood:
            return self._quiet_ms() >= self.persona.reaction_ms + UNMARKED_EXTRA_MS
        if self._turn.ended_ms is not None:
            return self._quiet_ms() >= self.persona.reaction_ms
        return self._quiet_ms() >= STUCK_MS

    def _close_turn(self) -> _AgentTurn:
        turn, self._turn = self._turn, _AgentTurn()
        if turn.started_ms is not None:
            complete = turn.ended_ms is not None
            heard = HeardTurn(tuple(turn.topics), turn.started_ms, turn.audible_ms, complete)
            self.heard.append(heard)
        self._waiting_since_ms = self._now_ms
        return turn

    # Deciding

    def _pick_up(self) -> None:
        persona = self.persona
        if persona.answer == "machine":
            sound = g711.silence(persona.opening_after_ms)
            sound += self._sound_of(persona.greeting) if persona.greeting else b""
            sound += g711.silence(persona.beep_after_ms) + beep()
            self._speech = _Speech(persona.greeting, sound, 0)
            self._hang_up_at_ms = len(sound) // g711.BYTES_PER_MS + persona.message_ms
        elif persona.opening:
            self._plan = _Plan(persona.opening_after_ms, say=persona.opening)

    def _decide(self, audible_pending: bool, next_mark: str) -> None:
        if self._hang_up_at_ms is not None and self._now_ms >= self._hang_up_at_ms:
            self._leave()
        elif self._speech is not None or self.persona.answer == "machine":
            return
        elif self._plan is not None:
            if self._now_ms >= self._plan.at_ms:
                self._carry_out(audible_pending)
        elif (rule := self._interruption(next_mark)) is not None:
            self._interrupt(rule)
        elif self._turn_is_over(audible_pending):
            self._answer(self._close_turn())
        elif self._turn.started_ms is None:
            self._wait()

    def _interruption(self, next_mark: str) -> Rule | None:
        turn = self._turn
        if turn.started_ms is None or self._quiet_ms() > 2 * g711.FRAME_MS:
            return None
        ahead = _MARK.match(next_mark)
        topics = [*turn.topics, ahead["topic"]] if ahead else turn.topics
        spoken_ms = self._now_ms - turn.started_ms
        for rule in self.persona.rule:
            if 0 < rule.interrupt_after_ms <= spoken_ms and self._applies(rule, topics):
                return rule
        return None

    def _interrupt(self, rule: Rule) -> None:
        if rule.say or rule.hang_up:
            self._close_turn()
        else:
            self._turn.handled = True
        self._act(rule)

    def _applies(self, rule: Rule, topics: list[str]) -> bool:
        if rule.uses and self._uses[id(rule)] >= rule.uses:
            return False
        if rule.agent_turn and rule.agent_turn != self._turns_begun:
            return False
        return not rule.when or any(
            fnmatchcase(topic, pattern) for topic in topics for pattern in rule.when
        )

    def _answer(self, turn: _AgentTurn) -> None:
        if len(self.heard) > self.persona.most_turns:
            self._leave()
            return
        if turn.handled:
            return
        rule = self._rule_for(turn.topics)
        if rule is not None:
            self._plan = _Plan(self._now_ms + rule.think_ms, rule=rule)
        else:
            self._say_unprepared(turn.topics)

    def _rule_for(self, topics: list[str]) -> Rule | None:
        """Return the rule for a turn: by its number first, then by its topics, latest first."""
        for rule in self.persona.rule:
            if rule.agent_turn and self._applies(rule, topics):
                return rule
        for topic in reversed(topics):
            for rule in self.persona.rule:
                if rule.when and not rule.agent_turn and self._applies(rule, [topic]):
                    return rule
        return None

    def _say_unprepared(self, topics: list[str]) -> None:
        """Answer what no rule foresees: repeat when asked to, go on with the script, be polite."""
        asked_again = any(topic.startswith(("reprompt", "clarify")) for topic in topics)
        if asked_again and self.said:
            self._say(self.said[-1].text)
        elif not self._marks_understood and self._script:
            self._say(self._script.popleft())
        elif self.persona.fallback:
            lines = self.persona.fallback
            self._say(lines[self._fallbacks % len(lines)])
            self._fallbacks += 1

    def _wait(self) -> None:
        """Ask whether anybody is there when nothing has been heard for too long, then leave."""
        if self._now_ms - self._waiting_since_ms < self.persona.patience_ms:
            return
        self._waiting_since_ms = self._now_ms
        self._waited += 1
        if self._waited > self.persona.patience_times:
            self._leave()
        elif self.persona.patience_say:
            self._say(self.persona.patience_say)

    # Acting

    def _carry_out(self, audible_pending: bool) -> None:
        plan, self._plan = self._plan, None
        if plan is None:
            return
        if plan.rule is not None:
            self._act(plan.rule)
        elif not audible_pending and self._turn.started_ms is None:
            self._say(plan.say)  # nobody says hello into the agent's first words

    def _act(self, rule: Rule) -> None:
        self._uses[id(rule)] += 1
        if rule.press:
            self._press(rule.press)
        if rule.say:
            self._say(rule.say[min(self._uses[id(rule)], len(rule.say)) - 1])
        if rule.hang_up:
            spoken = len(self._speech.sound) // g711.BYTES_PER_MS if self._speech else 0
            self._hang_up_at_ms = self._now_ms + spoken
        elif rule.hang_up_after_ms:
            self._farewell_ms = rule.hang_up_after_ms
            self._hang_up_at_ms = self._now_ms + rule.hang_up_after_ms

    def _say(self, text: str) -> None:
        self._waited = 0 if text != self.persona.patience_say else self._waited
        sound = self._sound_of(text)
        self._speech = _Speech(text, sound, self._now_ms - g711.FRAME_MS)

    def _speak(self) -> bytes:
        speech = self._speech
        if speech is None or self._gone:
            return g711.SILENCE_FRAME
        frame = speech.sound[speech.at : speech.at + g711.FRAME_BYTES]
        speech.at += len(frame)
        if speech.at >= len(speech.sound):
            self._speech = None
            self.said.append(Utterance(speech.text, speech.started_ms, self._now_ms))
            self._waiting_since_ms = self._now_ms
            if self._turn.ended_ms is None and self._quiet_ms() > 2 * g711.FRAME_MS:
                self._turn = _AgentTurn()  # words begun and dropped while this person spoke
        return frame.ljust(g711.FRAME_BYTES, g711.SILENCE_BYTE)

    def _leave(self) -> None:
        self._gone = True
        self._hang_up()
