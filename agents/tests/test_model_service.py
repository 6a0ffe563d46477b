"""The language model service keeps its promises, on real sockets: the chain and all its faults."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import pytest
from prometheus_client import REGISTRY
from pydantic import BaseModel

from agents.llm.allowance import DAY_S, MINUTE_S, Allowance
from agents.llm.errors import ModelError, Trouble
from agents.llm.settings import Fallback
from agents.standin.behaviour import Fault
from agents.tests.models import Asking, fast_standin, prompt, served

ANSWER = "We have sold homes here for twenty years."


async def test_it_streams_an_answer_and_tells_what_it_used() -> None:
    async with served(fast_standin()) as service:
        asking = Asking(service)
        assert await asking.words() == ANSWER
        (use,) = asking.uses
        assert (use.provider, use.model, use.output_tokens) == ("ollama", "llama3.1:8b", 8)
        assert use.input_tokens > 10
        assert use.gpu_seconds >= 0


async def test_requests_share_their_beginning_and_keep_the_model_loaded() -> None:
    host = fast_standin()
    async with served(host, keep_alive="45m", context_tokens=2048) as service:
        asking = Asking(service)
        await asking.words(task="How long have you sold homes?")
        await asking.words(task="Who are you?")
        first, second = host.requests
        assert first.messages[0] == second.messages[0]
        assert second.cached_tokens >= len(first.messages[0]["content"]) // 8
        assert (second.keep_alive, second.options["num_ctx"]) == ("45m", 2048)


@pytest.mark.parametrize(
    "fault",
    [Fault.REFUSED, Fault.ERROR, Fault.BUSY, Fault.WRONG_MODEL],
)
async def test_a_host_that_cannot_is_followed_by_the_next(fault: Fault) -> None:
    first, second = fast_standin(), fast_standin()
    async with served(first, second) as service:
        await first.set(fault=fault)
        before = _count("llm_fallbacks_total", link="ollama-1")
        assert await Asking(service).words() == ANSWER
        assert len(second.requests) == 1
        assert _count("llm_fallbacks_total", link="ollama-1") == before + 1


async def test_a_host_that_is_slow_is_followed_by_the_next_in_time() -> None:
    first, second = fast_standin(first_token_ms=60_000), fast_standin()
    async with served(first, second, first_token_s=0.1) as service:
        asking = Asking(service)
        assert await asking.words() == ANSWER
        await first.quiet()
        assert not first.requests[0].finished
        assert [use.output_tokens for use in asking.uses] == [0, 8]


async def test_what_may_pass_is_tried_once_more() -> None:
    host = fast_standin(fault="500", fault_times=1)
    async with served(host) as service:
        assert await Asking(service).words() == ANSWER
        assert len(host.requests) == 2


async def test_a_wrong_model_is_not_tried_again() -> None:
    host = fast_standin(fault="wrong_model")
    async with served(host) as service:
        with pytest.raises(ModelError) as failed:
            await Asking(service).words()
        assert failed.value.trouble is Trouble.UNAVAILABLE
        assert len(host.requests) == 1


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault.STALL, Trouble.STALLED),
        (Fault.CUT, Trouble.BROKE_OFF),
        (Fault.GARBLED, Trouble.GARBLED),
    ],
)
async def test_after_the_first_word_nobody_else_is_asked(fault: Fault, trouble: Trouble) -> None:
    first, second = fast_standin(fault=fault), fast_standin()
    async with served(first, second, stall_s=0.1) as service:
        asking = Asking(service)
        heard: list[str] = []

        async def listen() -> None:
            async for token in asking.tokens():
                heard.append(token)

        with pytest.raises(ModelError) as failed:
            await listen()
        assert failed.value.trouble is trouble
        assert "".join(heard).startswith("We have sold")
        assert not second.requests


async def test_an_answer_without_end_is_bounded_by_the_limit_we_give() -> None:
    host = fast_standin(say=(" ".join(["word"] * 500),))
    async with served(host) as service:
        with pytest.raises(ModelError) as failed:
            await Asking(service).words(most_tokens=20)
        assert failed.value.trouble is Trouble.CUT_SHORT
        assert len(host.requests[0].given) == 20


async def test_a_host_that_keeps_failing_is_spared_and_tried_again_later() -> None:
    host = fast_standin(fault="wrong_model")
    async with served(host) as service:
        asking = Asking(service)
        for _ in range(5):
            with pytest.raises(ModelError):
                await asking.words()
        assert len(host.requests) == 3
        assert _count("llm_breaker_open", link="ollama-1") == 1
        await host.set(fault="none")
        service.links[0].circuit._opened_at = time.monotonic() - 60
        assert await asking.words() == ANSWER
        assert _count("llm_breaker_open", link="ollama-1") == 0


async def test_when_nobody_answers_it_says_so_within_the_time_given() -> None:
    hosts = [fast_standin(first_token_ms=60_000), fast_standin(first_token_ms=60_000)]
    async with served(*hosts, first_token_s=0.1) as service:
        began = time.monotonic()
        with pytest.raises(ModelError):
            await Asking(service).words(within_s=0.3)
        assert time.monotonic() - began < 5  # not the minute that the hosts would take


async def test_closing_the_answer_stops_the_host_and_frees_the_place() -> None:
    host = fast_standin(tokens_per_second=10)
    async with served(host, concurrency=1) as service:
        asking = Asking(service)
        tokens = asking.tokens()
        assert await anext(tokens) == "We"
        await tokens.aclose()
        await host.quiet()
        assert not host.requests[0].finished
        assert service.links[0].queue.busy == 0
        (use,) = asking.uses
        assert use.output_tokens == 1
        assert use.gpu_seconds > 0  # the host worked, and that is paid for
        await host.set(tokens_per_second=5000)
        assert await asking.words() == ANSWER


async def test_places_are_shared_out_among_calls_not_among_requests() -> None:
    host = fast_standin(first_token_ms=10)
    async with served(host, concurrency=1) as service:
        asking, order = Asking(service), []

        async def one(owner: str) -> None:
            await asking.words(owner)
            order.append(owner)

        greedy = [asyncio.create_task(one("greedy")) for _ in range(5)]
        await asyncio.sleep(0)
        others = [asyncio.create_task(one(name)) for name in ("modest", "quiet")]
        await asyncio.gather(*greedy, *others)
        assert order[0] == "greedy"
        assert set(order[1:4]) >= {"modest", "quiet"}
        assert host.engine.most_active == 1


async def test_a_full_queue_refuses_at_once_and_the_next_host_answers() -> None:
    first, second = fast_standin(first_token_ms=100), fast_standin()
    async with served(first, second, concurrency=1, queue=1) as service:
        asking = Asking(service)
        answers = await asyncio.gather(*(asking.words(f"call-{n}") for n in range(3)))
        assert answers == [ANSWER] * 3
        assert len(second.requests) == 1


async def test_who_gives_up_waiting_leaves_the_queue() -> None:
    host = fast_standin(tokens_per_second=10)
    async with served(host, concurrency=1) as service:
        asking = Asking(service)
        busy = asking.tokens("busy")
        await anext(busy)
        waiting = asyncio.create_task(asking.words("waiting"))
        await asyncio.sleep(0.02)
        assert service.links[0].queue.depth == 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert service.links[0].queue.depth == 0
        await busy.aclose()
        assert service.links[0].queue.busy == 0


class Shape(BaseModel):
    """A small answer."""

    kind: str
    count: int | None


async def test_a_structured_answer_is_validated() -> None:
    host = fast_standin(say=('{"kind": "yes", "count": 3}',))
    async with served(host) as service:
        asked = prompt(schema=Shape)
        until = time.monotonic() + 2
        answer = await service.ask(asked, Shape, owner="call", until=until, spend=lambda _: None)
        assert answer == Shape(kind="yes", count=3)
        assert host.requests[0].format == Shape.model_json_schema()


@pytest.mark.parametrize("said", ['{"kind": "yes", "co', '{"kind": 7}', "Sure, here it is!", "[]"])
async def test_what_has_another_shape_is_no_answer(said: str) -> None:
    async with served(fast_standin(say=(said,))) as service:
        asked = prompt(schema=Shape)
        until = time.monotonic() + 2
        with pytest.raises(ModelError) as failed:
            await service.ask(asked, Shape, owner="call", until=until, spend=lambda _: None)
        assert failed.value.trouble is Trouble.INVALID


async def test_the_cloud_answers_when_no_host_does_and_its_tokens_are_told() -> None:
    host, cloud = fast_standin(fault="500"), fast_standin(models=("gpt-mini",), api_key="secret")
    async with cloud.running():
        fallback = Fallback(f"{cloud.url}/v1", "gpt-mini", api_key="secret")
        async with served(host, fallback=fallback) as service:
            asking = Asking(service)
            assert await asking.words() == ANSWER
            use = asking.uses[-1]
            assert (use.provider, use.model, use.output_tokens) == ("openai", "gpt-mini", 8)
            assert use.gpu_seconds == Decimal(0)


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.BUSY, Fault.CUT, Fault.STALL])
async def test_the_cloud_may_fail_too(fault: Fault) -> None:
    cloud = fast_standin(fault=fault, fault_after_tokens=0)
    async with cloud.running():
        fallback = Fallback(f"{cloud.url}/v1", "llama3.1:8b")
        async with served(hosts=(), fallback=fallback, first_token_s=0.2) as service:
            with pytest.raises(ModelError):
                await Asking(service).words(within_s=0.3)


async def test_the_accounts_limit_is_kept() -> None:
    cloud = fast_standin()
    async with cloud.running():
        fallback = Fallback(f"{cloud.url}/v1", "llama3.1:8b", tokens_per_minute=40)
        async with served(hosts=(), fallback=fallback) as service:
            asking = Asking(service)
            assert await asking.words() == ANSWER
            with pytest.raises(ModelError):
                await asking.words()
            assert len(cloud.requests) == 1


async def test_the_limit_is_for_a_minute_and_a_day() -> None:
    now = [0.0]
    allowance = Allowance({MINUTE_S: 100, DAY_S: 150}, clock=lambda: now[0])
    allowance.used(90)
    assert not await allowance.permits(20)
    now[0] = 61.0
    assert await allowance.permits(20)
    allowance.used(60)
    now[0] = 130.0
    assert not await allowance.permits(10)
    now[0] = DAY_S + 1.0
    assert await allowance.permits(10)


async def test_a_model_is_loaded_and_its_playbook_read_before_the_first_turn() -> None:
    host = fast_standin(load_ms=5)
    async with served(host) as service:
        assert not (await service.states())[0].loaded
        await service.load()
        assert (await service.states())[0].loaded
        asking = Asking(service)
        await service.prepare(prompt().prefix, owner="call", spend=asking.uses.append)
        await service.prepare(prompt().prefix, owner="call", spend=asking.uses.append)
        assert len(host.requests) == 1  # it remembers for a while
        await asking.words()
        assert host.requests[1].cached_tokens > 10
        assert host.requests[1].load_ns == 0


async def test_a_host_says_what_is_wrong_with_it_and_how_to_put_it_right() -> None:
    away, bare = fast_standin(), fast_standin(models=("mistral",))
    async with served(away, bare) as service:
        await away.set(fault="refused")
        first, second = await service.states()
        assert "ollama serve" in first.problem
        assert "ollama pull llama3.1:8b" in second.problem
        assert second.version
        await service.load()  # raises nothing


def _count(name: str, **labels: str) -> float:
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
