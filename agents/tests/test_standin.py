"""The stand-in for Ollama speaks its protocol, keeps its pace and has its faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import httpx
import ollama
import pytest
from openai import AsyncOpenAI, AuthenticationError
from pydantic import BaseModel

from agents.standin.behaviour import Behaviour, Fault
from agents.standin.server import OllamaStandIn

MODEL = "llama3.1:8b"
TALK = [
    {"role": "system", "content": "You are Ava.\n- We have sold homes here for twenty years."},
    {"role": "user", "content": "How long have you sold homes?"},
]


@pytest.fixture
async def standin() -> AsyncIterator[OllamaStandIn]:
    server = OllamaStandIn(Behaviour(first_token_ms=0, tokens_per_second=2000))
    async with server.running():
        yield server


async def said(standin: OllamaStandIn, **options: object) -> list[ollama.ChatResponse]:
    client = ollama.AsyncClient(host=standin.url)
    parts = await client.chat(MODEL, TALK, stream=True, **options)  # type: ignore[call-overload]
    return [part async for part in parts]


async def test_it_answers_in_ndjson_token_by_token_and_counts_them(standin: OllamaStandIn) -> None:
    *tokens, end = await said(standin)
    text = "".join(part.message.content or "" for part in tokens)
    assert text == "We have sold homes here for twenty years."
    assert not any(part.done for part in tokens)
    assert (end.done, end.done_reason, end.eval_count) == (True, "stop", len(tokens))
    assert (end.prompt_eval_count or 0) > 10
    assert end.total_duration


async def test_it_gives_everything_at_once_if_asked_to(standin: OllamaStandIn) -> None:
    client = ollama.AsyncClient(host=standin.url)
    answer = await client.generate(MODEL, "How long?", system="- Long enough.")
    assert answer.response == "Long enough."
    assert answer.done


async def test_an_empty_prompt_loads_the_model_and_keep_alive_0_unloads_it(
    standin: OllamaStandIn,
) -> None:
    client = ollama.AsyncClient(host=standin.url)
    assert not (await client.ps()).models
    loaded = await client.generate(MODEL, keep_alive="10m")
    assert loaded.done_reason == "load"
    assert [each.model for each in (await client.ps()).models] == [MODEL]
    await client.generate(MODEL, keep_alive=0)
    assert not (await client.ps()).models


async def test_it_tells_what_it_has(standin: OllamaStandIn) -> None:
    client = ollama.AsyncClient(host=standin.url)
    assert [each.model for each in (await client.list()).models] == [MODEL]
    assert "completion" in ((await client.show(MODEL)).capabilities or ())
    async with aiohttp.ClientSession() as http, http.get(f"{standin.url}/api/version") as answer:
        assert (await answer.json())["version"]


async def test_json_fits_the_schema_that_was_asked_for(standin: OllamaStandIn) -> None:
    class Shape(BaseModel):
        kind: str
        count: int | None
        names: list[str]

    *tokens, _ = await said(standin, format=Shape.model_json_schema())
    Shape.model_validate_json("".join(part.message.content or "" for part in tokens))


async def test_the_limit_of_tokens_is_kept(standin: OllamaStandIn) -> None:
    *tokens, end = await said(standin, options={"num_predict": 2})
    assert len(tokens) == 2
    assert end.done_reason == "length"


async def test_a_prompt_that_begins_as_the_last_one_is_not_read_again(
    standin: OllamaStandIn,
) -> None:
    await said(standin)
    await said(standin)
    first, second = standin.requests
    assert first.cached_tokens == 0
    assert second.cached_tokens == second.prompt_tokens


@pytest.mark.parametrize(("fault", "status"), [("500", 500), ("503", 503), ("wrong_model", 404)])
async def test_it_fails_with_a_status(standin: OllamaStandIn, fault: str, status: int) -> None:
    await standin.set(fault=fault)
    with pytest.raises(ollama.ResponseError) as failed:
        await said(standin)
    assert failed.value.status_code == status


async def test_a_model_it_does_not_have_is_not_found(standin: OllamaStandIn) -> None:
    with pytest.raises(ollama.ResponseError, match="not found"):
        await ollama.AsyncClient(host=standin.url).chat("mistral", TALK)


async def test_it_stalls_and_sees_that_the_client_went_away(standin: OllamaStandIn) -> None:
    await standin.set(fault="stall", fault_after_tokens=2)
    parts = await ollama.AsyncClient(host=standin.url).chat(MODEL, TALK, stream=True)
    assert [(await anext(parts)).message.content for _ in range(2)] == ["We", " have"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await anext(parts)
    await parts.aclose()
    await standin.quiet()
    assert not standin.requests[-1].finished


async def test_it_breaks_off_in_mid_word(standin: OllamaStandIn) -> None:
    await standin.set(fault="cut", fault_after_tokens=2)
    heard: list[str | None] = []
    parts = await ollama.AsyncClient(host=standin.url).chat(MODEL, TALK, stream=True)

    async def listen() -> None:
        async for part in parts:
            heard.append(part.message.content)

    with pytest.raises(httpx.HTTPError):
        await listen()
    assert heard[:2] == ["We", " have"]


async def test_a_line_that_is_no_json(standin: OllamaStandIn) -> None:
    await standin.set(fault="garbled")
    with pytest.raises(json.JSONDecodeError):
        await said(standin)


async def test_it_goes_on_and_on_whatever_the_limit(standin: OllamaStandIn) -> None:
    await standin.set(fault="endless")
    client = ollama.AsyncClient(host=standin.url)
    parts = await client.chat(MODEL, TALK, stream=True, options={"num_predict": 5})
    count = 0
    async for _ in parts:
        count += 1
        if count > 200:
            break
    assert count > 200


async def test_it_is_not_there_and_comes_back_on_the_same_port(standin: OllamaStandIn) -> None:
    client = ollama.AsyncClient(host=standin.url)
    await client.list()
    await standin.set(fault="refused")
    with pytest.raises(ConnectionError):
        await client.list()
    await standin.set(fault="none")
    assert await client.list()


async def test_a_fault_can_befall_some_requests_only(standin: OllamaStandIn) -> None:
    await standin.set(fault="500", fault_times=1)
    with pytest.raises(ollama.ResponseError):
        await said(standin)
    assert await said(standin)


async def test_everything_can_be_set_while_it_runs(standin: OllamaStandIn) -> None:
    async with aiohttp.ClientSession() as http:
        change = {"fault": "stall", "tokens_per_second": 5}
        async with http.post(f"{standin.url}/_standin/", json=change) as answer:
            assert (await answer.json())["behaviour"]["fault"] == "stall"
        async with http.post(f"{standin.url}/_standin/", json={"fault": "flood"}) as answer:
            assert answer.status == 400
            assert "fault" in (await answer.json())["error"]
    assert standin.engine.behaviour.fault is Fault.STALL


async def test_only_so_many_are_answered_at_once(standin: OllamaStandIn) -> None:
    await standin.set(parallel=2, first_token_ms=20)
    await asyncio.gather(*(said(standin) for _ in range(6)))
    assert standin.engine.most_active == 2


async def test_the_openai_part_wants_its_key_and_tells_the_tokens(standin: OllamaStandIn) -> None:
    await standin.set(api_key="right")
    with pytest.raises(AuthenticationError):
        await completion(standin, key="wrong")
    *chunks, usage = await completion(standin, key="right")
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == "We have sold homes here for twenty years."
    assert usage.usage.completion_tokens == 8


async def completion(standin: OllamaStandIn, *, key: str) -> list[object]:
    client = AsyncOpenAI(base_url=f"{standin.url}/v1", api_key=key, max_retries=0)
    chunks = await client.chat.completions.create(
        model=MODEL, messages=TALK, stream=True, stream_options={"include_usage": True}
    )
    return [chunk async for chunk in chunks]
