"""Answers are remembered for others only when nothing of a lead can be in the question."""

from __future__ import annotations

import os

import pytest

from agents.llm.cache import LocalCache, RedisCache, key_of
from agents.llm.impersonal import Impersonal, impersonal
from agents.tests.models import prompt


@pytest.mark.parametrize(
    "question",
    [
        "How long have you been in business?",
        "do you charge a fee for the visit",
        "What happens when the buyer cancels?",
        "who pays the closing costs",
    ],
)
def test_a_question_anybody_could_ask_may_be_remembered(question: str) -> None:
    assert impersonal(question) is not None


@pytest.mark.parametrize(
    "question",
    [
        "my name is Maria Lopez do you know me",
        "do you know Congress Avenue",
        "what would I get for 512 Oak Street",
        "can you call me at five five five one two three four",
        "did Tom Baker call you",
        "do you sell homes in Austin",
        "how long does it take",  # nobody knows what "it" is
        "is that so",
        "would Rose like it",
        "is Mark the agent",
        "do you speak mit meiner frau",
    ],
)
def test_a_question_that_could_be_about_somebody_may_not(question: str) -> None:
    assert impersonal(question) is None


def test_such_a_question_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError):
        Impersonal("my name is maria", object())


def test_the_key_tells_model_wording_playbook_and_question_apart() -> None:
    asked, other = impersonal("do you charge a fee"), impersonal("do you charge a commission")
    assert asked is not None
    assert other is not None
    keys = {
        key_of(prompt(), asked, "llama"),
        key_of(prompt(), asked, "mistral"),
        key_of(prompt(version="test-2"), asked, "llama"),
        key_of(prompt(prefix="Another playbook."), asked, "llama"),
        key_of(prompt(), other, "llama"),
    }
    assert len(keys) == 5
    again = impersonal("Do you charge a fee?")
    assert again is not None
    assert key_of(prompt(task="said otherwise"), again, "llama") in keys


async def test_the_local_cache_is_bounded_and_forgets() -> None:
    now = [0.0]
    cache = LocalCache(most=2, keep_s=10, clock=lambda: now[0])
    await cache.put("a", ["A."])
    await cache.put("b", ["B."])
    assert await cache.get("a") == ["A."]
    await cache.put("c", ["C."])  # "b" was not used for longest
    assert await cache.get("b") is None
    assert await cache.get("a") == ["A."]
    now[0] = 11
    assert await cache.get("a") is None


@pytest.mark.skipif(not os.environ.get("REDIS_URL"), reason="needs REDIS_URL")
async def test_the_shared_cache_is_bounded_and_shared() -> None:
    url = os.environ["REDIS_URL"]
    one, other = (RedisCache(url, most=2, keep_s=60) for _ in range(2))
    await one._client.delete("llm:answers")
    for name in ("a", "b", "a", "c"):
        await one.put(name, [f"{name}."])
    assert await other.get("a") == ["a."]
    assert await other.get("b") is None
    assert await other.get("c") == ["c."]
    assert await one._client.zcard("llm:answers") == 2
    assert 0 < await one._client.ttl("llm:answer:c") <= 60
    await one.close()
    await other.close()


async def test_a_cache_that_is_away_is_only_empty() -> None:
    cache = RedisCache("redis://127.0.0.1:1/0", most=2, keep_s=60)
    await cache.put("a", ["A."])
    assert await cache.get("a") is None
    await cache.close()
