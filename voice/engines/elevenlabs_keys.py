"""Several ElevenLabs keys: which one is asked, how many at once, and how much each has left."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import structlog

from voice.engines.delivery import EngineRefusedError
from voice.engines.elevenlabs_wire import FaultKind, ProviderFaultError
from voice.engines.interface import EngineBusyError, EngineError

log = structlog.get_logger(__name__)

WAIT_S: Final = 0.2
"""The longest wait for a place among a plan's concurrent requests: the local voice is ready."""
WATCH_EVERY_S: Final = 300.0
UNKNOWN_PLAN_AT_ONCE: Final = 4

# Concurrent requests by plan for Flash and Turbo; the other models have half
# (elevenlabs.io/docs/overview/models#concurrency-and-priority).
_AT_ONCE: Final = {
    "free": 4,
    "starter": 6,
    "creator": 10,
    "pro": 20,
    "scale": 30,
    "growing_business": 30,
    "business": 30,
    "enterprise": 30,
}
_OUT_S: Final[dict[FaultKind, float]] = {"key": 900.0, "quota": WATCH_EVERY_S, "busy": 2.0}


@dataclass(slots=True, eq=False)
class ApiKey:
    """One account's key. `label` is a fingerprint that may be logged and stored."""

    secret: str = field(repr=False)
    label: str
    most_at_once: int = UNKNOWN_PLAN_AT_ONCE
    at_once: int = 0
    characters_left: int | None = None
    """None while it is unknown."""
    watched_at: float | None = None
    out_until: float = 0.0
    out_because: str = ""


class KeyRing:
    """The keys in order of preference.

    Args:
        secrets: The keys.
        base_url: Where subscriptions are asked for.
        model: Decides, with the plan, how many requests may run at once.
        most_at_once: Fewer than the plan's for this process; 0 leaves it to the plan.
        clock: Monotonic, in seconds.
    """

    def __init__(
        self,
        secrets: Sequence[str],
        *,
        base_url: str,
        model: str,
        most_at_once: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = [ApiKey(secret, _fingerprint(secret)) for secret in secrets]
        self._base_url = base_url
        self._is_fast = any(name in model for name in ("flash", "turbo"))
        self._most_at_once = most_at_once
        self._clock = clock
        self._freed = asyncio.Event()
        for key in self.keys:
            key.most_at_once = most_at_once or UNKNOWN_PLAN_AT_ONCE

    async def take(self, characters: int, *, besides: Collection[ApiKey] = ()) -> ApiKey:
        """Return a key with a free place and enough characters; give it back afterwards.

        Raises:
            EngineRefusedError: No key can be used; the message says why, key by key.
            EngineBusyError: All places are taken and the wait was too long.
        """
        deadline = self._clock() + WAIT_S
        while True:
            usable = [key for key in self.keys if key not in besides and self._can(key, characters)]
            if not usable:
                self._none_left(characters)
            for key in usable:
                if key.at_once < key.most_at_once:
                    key.at_once += 1
                    return key
            self._freed.clear()
            try:
                async with asyncio.timeout(max(0.0, deadline - self._clock())):
                    await self._freed.wait()
            except TimeoutError:
                raise EngineBusyError("ElevenLabs: all the plan's requests are in use") from None

    def give_back(self, key: ApiKey) -> None:
        """Free the key's place."""
        key.at_once -= 1
        self._freed.set()

    def spent(self, key: ApiKey, characters: int) -> None:
        """Note that characters were sent."""
        if key.characters_left is not None:
            key.characters_left -= characters

    def refused(self, key: ApiKey, fault: ProviderFaultError) -> None:
        """Leave a key alone for as long as its fault is likely to last."""
        seconds = _OUT_S.get(fault.kind, 0.0)
        if seconds:
            key.out_until = self._clock() + seconds
            key.out_because = fault.kind
            log.warning("tts_key_refused", account=key.label, fault=fault.kind, seconds=seconds)

    @property
    def is_watch_due(self) -> bool:
        """Whether it is time to look at the subscriptions again."""
        now = self._clock()
        return any(
            key.watched_at is None or now - key.watched_at > WATCH_EVERY_S for key in self.keys
        )

    async def watch(self) -> None:
        """Ask what each key's plan allows and has left. Raises nothing: speech goes on without."""
        for key in self.keys:
            key.watched_at = self._clock()
        await asyncio.gather(*(self._watch(key) for key in self.keys))

    async def _watch(self, key: ApiKey) -> None:
        url = f"{self._base_url}/v1/user/subscription"
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(url, headers={"xi-api-key": key.secret}) as response,
            ):
                if response.status != 200:
                    # A key may be allowed to speak and not to read its account.
                    log.warning("tts_quota_unknown", account=key.label, status=response.status)
                    return
                self._learn(key, await response.json())
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("tts_quota_unknown", account=key.label, error=type(error).__name__)

    def _learn(self, key: ApiKey, told: dict[str, Any]) -> None:
        left = int(told["character_limit"]) - int(told["character_count"])
        more = told.get("max_credit_limit_extension", 0)
        key.characters_left = None if more == "unlimited" else left + int(more or 0)
        plan = str(told.get("tier", "")).lower()
        most = next((_AT_ONCE[name] for name in _AT_ONCE if plan.startswith(name)), 0)
        most = (most if self._is_fast else most // 2) or UNKNOWN_PLAN_AT_ONCE
        key.most_at_once = min(most, self._most_at_once) if self._most_at_once else most
        if key.out_because == "quota" and (key.characters_left is None or key.characters_left > 0):
            key.out_until = 0.0
        log.info("tts_quota", account=key.label, characters_left=key.characters_left, plan=plan)

    def _can(self, key: ApiKey, characters: int) -> bool:
        enough = key.characters_left is None or key.characters_left >= characters
        return enough and self._clock() >= key.out_until

    def _none_left(self, characters: int) -> None:
        """Say why there is no key."""
        why: list[str] = []
        for key in self.keys:
            if self._clock() < key.out_until:
                why.append(f"{key.label} is out ({key.out_because})")
            elif not self._can(key, characters):
                why.append(f"{key.label} has {key.characters_left} characters left")
            else:
                why.append(f"{key.label} was refused")
        if all(key.out_because == "busy" and self._clock() < key.out_until for key in self.keys):
            raise EngineBusyError(f"ElevenLabs: {'; '.join(why)}")
        raise EngineRefusedError(f"ElevenLabs serves no key of ours: {'; '.join(why)}")


def _fingerprint(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def secrets_in(text: str) -> list[str]:
    """Return the keys of a comma-separated setting.

    Raises:
        EngineError: There is none.
    """
    secrets = [part.strip() for part in text.split(",") if part.strip()]
    if not secrets:
        raise EngineError("there is no ElevenLabs key: set ELEVENLABS_API_KEYS, comma-separated")
    return secrets
