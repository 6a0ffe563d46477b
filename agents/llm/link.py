"""One member of the chain: a provider, its circuit, its queue, and how long it may take."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Final, Protocol

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random,
)

from agents.circuit import Circuit
from agents.llm import metrics
from agents.llm.allowance import Allowance
from agents.llm.errors import ModelError, Trouble
from agents.llm.prompt import Prompt, Spend, Tokens
from agents.llm.queue import FairQueue
from agents.model import ModelUse

ATTEMPTS: Final = 2
FAILURES_TO_REST: Final = 3
REST_S: Final = 20.0


class Provider(Protocol):
    """A model somewhere."""

    provider: str
    model: str

    def stream(self, prompt: Prompt, spend: Spend) -> Tokens:
        """Give the answer token by token."""

    async def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may take.

    Attributes:
        until: moment of `time.monotonic` by which the first token has to be there.
        stall_s: longest time between two tokens.
        first_token_s: longest time for one member of the chain, if another may be asked.
    """

    until: float
    stall_s: float
    first_token_s: float

    @property
    def left_s(self) -> float:
        """Seconds left for the first token."""
        return self.until - time.monotonic()


_circuits: dict[str, Circuit] = {}


def circuit_of(url: str) -> Circuit:
    """Return the circuit of a host, one per process whatever loop asks."""
    return _circuits.setdefault(
        url, Circuit(failures=FAILURES_TO_REST, rest_s=REST_S, clock=time.monotonic)
    )


class Link:
    """A provider that may fail, and is spared while it does.

    Args:
        name: its name in the metrics.
        allowance: what the account may still use of it.
    """

    def __init__(
        self,
        name: str,
        provider: Provider,
        *,
        circuit: Circuit,
        queue: FairQueue,
        allowance: Allowance | None = None,
    ) -> None:
        self.name = name
        self.provider = provider
        self.circuit = circuit
        self.queue = queue
        self._allowance = allowance

    async def stream(
        self, prompt: Prompt, *, owner: str, patience: Patience, last: bool, spend: Spend
    ) -> Tokens:
        """Give the answer token by token.

        Until the first token, what may pass is tried once more. After it nothing is: the words
        may be in somebody's ear.

        Args:
            owner: the call that asks.
            last: whether nobody can be asked after this one.
            spend: told what each attempt used.

        Raises:
            ModelError: there is no answer, or no more of it.
        """
        began = time.monotonic()
        within_s = patience.left_s if last else min(patience.left_s, patience.first_token_s)
        await self._admit(prompt)
        outcome = "stopped"
        try:
            async with self.queue.place(owner, within_s=within_s):
                metrics.QUEUE_WAIT.labels(self.name).observe(time.monotonic() - began)
                tokens = self._tokens(prompt, began + within_s, patience.stall_s, spend)
                async with contextlib.aclosing(tokens):
                    async for token in tokens:
                        if outcome == "stopped":
                            outcome = "taken back"
                            metrics.FIRST_TOKEN.labels(self.name).observe(time.monotonic() - began)
                        yield token
            outcome = "ok"
        except ModelError as error:
            outcome = error.trouble.value
            if error.counts:
                self.circuit.failed()
            raise
        finally:
            # A request taken back in mid-stream worked for as long as it was wanted.
            if outcome in {"ok", "taken back", Trouble.CUT_SHORT.value}:
                self.circuit.succeeded()
            metrics.REQUESTS.labels(self.name, outcome).inc()
            metrics.BREAKER.labels(self.name).set(self.circuit.is_open)

    async def _admit(self, prompt: Prompt) -> None:
        if self._allowance is not None and not await self._allowance.permits(prompt.tokens_about):
            raise ModelError("the account's limit is reached", Trouble.ALLOWANCE, counts=False)
        if not self.circuit.allows():
            raise ModelError("it failed just now", Trouble.RESTING, counts=False)

    async def _tokens(self, prompt: Prompt, until: float, stall_s: float, spend: Spend) -> Tokens:
        pieces, token = await self._begun(prompt, until, spend)
        rate_from, count = time.monotonic(), 0
        async with contextlib.aclosing(pieces):
            yield token
            while True:
                try:
                    async with asyncio.timeout(stall_s):
                        token = await anext(pieces)
                except StopAsyncIteration:
                    break
                except TimeoutError:
                    raise ModelError("no further token came", Trouble.STALLED) from None
                count += 1
                yield token
        if count > 1:
            metrics.TOKEN_RATE.labels(self.name).observe(count / (time.monotonic() - rate_from))

    async def _begun(self, prompt: Prompt, until: float, spend: Spend) -> tuple[Tokens, str]:
        """Return a stream and its first token."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random(0.02, 0.08),
            retry=retry_if_exception(
                lambda error: (
                    isinstance(error, ModelError) and error.retryable and time.monotonic() < until
                )
            ),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                pieces = self.provider.stream(prompt, self._spending(spend))
                try:
                    async with asyncio.timeout(max(0.0, until - time.monotonic())):
                        return pieces, await anext(pieces)
                except StopAsyncIteration:
                    raise ModelError("it said nothing", Trouble.EMPTY, retryable=True) from None
                except TimeoutError:
                    await pieces.aclose()
                    raise ModelError("no token came in time", Trouble.SLOW) from None
                except BaseException:
                    await pieces.aclose()
                    raise
        raise AssertionError("a retry ends by returning or raising")

    def _spending(self, spend: Spend) -> Spend:
        def spent(used: ModelUse) -> None:
            metrics.TOKENS.labels(self.name, "read").inc(used.input_tokens)
            metrics.TOKENS.labels(self.name, "written").inc(used.output_tokens)
            if self._allowance is not None:
                self._allowance.used(used.input_tokens + used.output_tokens)
            spend(used)

        return spent
