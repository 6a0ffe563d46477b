"""The stand-in's model: when each token comes, what is cached, and what goes wrong."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.standin.behaviour import Behaviour, Fault
from agents.standin.words import answer_from, fitting, tokens

NS = 1_000_000_000
_ENDLESS = " and so on and so forth"


class Broken(Exception):  # noqa: N818 - says what happens to the connection
    """The connection is to break now, after half a token."""

    def __init__(self, half: str) -> None:
        super().__init__("the connection breaks here")
        self.half = half


@dataclass
class Request:
    """One request as it came, and what became of it. Durations in ns."""

    path: str
    model: str
    messages: list[dict[str, Any]]
    options: dict[str, Any]
    format: Any = None
    keep_alive: Any = None
    fault: Fault = Fault.NONE
    prompt_tokens: int = 0
    cached_tokens: int = 0
    given: list[str] = field(default_factory=list)
    finished: bool = False
    """False while it runs, and for ever if the client went away."""
    done_reason: str = "stop"
    began: float = field(default_factory=time.monotonic)
    load_ns: int = 0
    prompt_ns: int = 0
    eval_ns: int = 0

    @property
    def prompt(self) -> str:
        """All of the prompt in one."""
        return "\n".join(str(message.get("content", "")) for message in self.messages)

    @property
    def total_ns(self) -> int:
        """How long it has taken."""
        return int((time.monotonic() - self.began) * NS)


class Engine:
    """What all requests share."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.loaded: dict[str, float | None] = {}
        """Model -> until when it stays loaded (time of `time.time`); None: for ever."""
        self.active = 0
        self.most_active = 0
        self._free = asyncio.Condition()
        self._cache: list[str] = []
        self._said = 0
        self._faults = 0

    def fault_now(self) -> Fault:
        """Return what befalls the request that has just come."""
        behaviour = self.behaviour
        if behaviour.fault is Fault.NONE:
            return Fault.NONE
        self._faults += 1
        if behaviour.fault_times and self._faults > behaviour.fault_times:
            return Fault.NONE
        return behaviour.fault

    def reset(self) -> None:
        """Count faults and what is said from the beginning: the behaviour was changed."""
        self._faults = self._said = 0

    async def load(self, request: Request) -> None:
        """Load the model if it is not, and keep it for as long as the request wants."""
        if not self.is_loaded(request.model):
            began = time.monotonic()
            await asyncio.sleep(self.behaviour.load_ms / 1000)
            request.load_ns = int((time.monotonic() - began) * NS)
        seconds = seconds_of(request.keep_alive)
        if seconds == 0:
            self.loaded.pop(request.model, None)
        else:
            self.loaded[request.model] = None if seconds < 0 else time.time() + seconds

    def is_loaded(self, model: str) -> bool:
        """Return whether a model is in memory."""
        if model not in self.loaded:
            return False
        until = self.loaded[model]
        return until is None or until > time.time()

    async def generate(self, request: Request) -> AsyncIterator[str]:
        """Give the tokens of the answer, each when it is time.

        Raises:
            Broken: the connection is to break.
        """
        async with self._free:
            await self._free.wait_for(lambda: self.active < self.behaviour.parallel)
            self.active += 1
            self.most_active = max(self.most_active, self.active)
        try:
            async for token in self._tokens(request):
                request.given.append(token)
                yield token
            request.finished = True
        finally:
            self.active -= 1
            async with self._free:
                self._free.notify_all()

    async def quiet(self) -> None:
        """Wait until nothing is being answered."""
        async with self._free:
            await self._free.wait_for(lambda: self.active == 0)

    async def _tokens(self, request: Request) -> AsyncIterator[str]:
        behaviour = self.behaviour
        await self.load(request)
        await self._read(request)
        pieces = self._pieces(request)
        limit = request.options.get("num_predict", -1)
        began = time.monotonic()
        for number, piece in enumerate(pieces):
            if request.fault is not Fault.ENDLESS and 0 <= limit <= number:
                request.done_reason = "length"
                break
            await asyncio.sleep(began + number / behaviour.tokens_per_second - time.monotonic())
            if number >= behaviour.fault_after_tokens:
                if request.fault is Fault.STALL:
                    await asyncio.Event().wait()
                if request.fault is Fault.CUT:
                    raise Broken(piece[: max(1, len(piece) // 2)])
                if request.fault is Fault.INVALID_JSON:
                    break
            request.eval_ns = int((time.monotonic() - began) * NS)
            yield piece

    async def _read(self, request: Request) -> None:
        """Take the prompt in: what it shares with the one before, from its beginning, is cached."""
        prompt = tokens(request.prompt)
        cached = 0
        while cached < min(len(prompt), len(self._cache)) and prompt[cached] == self._cache[cached]:
            cached += 1
        request.prompt_tokens, request.cached_tokens = len(prompt), cached
        self._cache = prompt
        began = time.monotonic()
        ms = self.behaviour.first_token_ms + (len(prompt) - cached) * self.behaviour.prompt_token_ms
        await asyncio.sleep(ms / 1000)
        request.prompt_ns = int((time.monotonic() - began) * NS)

    def _pieces(self, request: Request) -> Sequence[str] | _Endless:
        said = self.behaviour.say
        if said:
            text = said[min(self._said, len(said) - 1)]
            self._said += 1
        elif isinstance(request.format, Mapping):
            text = fitting(request.format)
        elif request.format == "json":
            text = "{}"
        else:
            text = answer_from(request.messages)
        for stop in request.options.get("stop") or ():
            text = text.partition(stop)[0]
        if request.fault is Fault.ENDLESS:
            return _Endless(tokens(text))
        return tokens(text)


class _Endless(Sequence[str]):
    """A text that has no end."""

    def __init__(self, first: list[str]) -> None:
        self._first, self._rest = first, tokens(_ENDLESS)

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: Any) -> Any:
        rest = index - len(self._first)
        return self._first[index] if rest < 0 else self._rest[rest % len(self._rest)]


def seconds_of(keep_alive: Any) -> float:
    """Return how long a model is kept, in seconds, as Ollama reads it: 300, "5m", "1h30m", -1."""
    if keep_alive is None:
        return 300.0
    if isinstance(keep_alive, int | float):
        return float(keep_alive)
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    text = str(keep_alive).strip()
    sign = -1.0 if text.startswith("-") else 1.0
    total, rest = 0.0, text.lstrip("-")
    if rest.replace(".", "", 1).isdigit():
        return sign * float(rest)
    parts = re.findall(r"([\d.]+)(ms|s|m|h)", rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise ValueError(f'time: invalid duration "{text}"')
    for number, unit in parts:
        total += float(number) * units[unit]
    return sign * total
