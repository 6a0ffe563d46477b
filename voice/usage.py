"""What a call has used of the speech engines, put on its bill while it runs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Protocol, runtime_checkable
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from agents.interface import ConversationProtocol
from agents.model import ModelUse
from billing.selectors import PriceUnknown
from calls.services.metering import usage_record, usage_spare
from voice.clerk import Clerk
from voice.engines.delivery import SpeechUsage
from voice.engines.elevenlabs import PROVIDER as ELEVENLABS
from voice.engines.interface import PaidRecognition, RecognitionSession
from voice.engines.stt_service import StreamingSTTService
from voice.speech import Speech

ANY_MODEL: Final = "*"
TOKENS: Final = 1_000_000
"""Of a model's tokens, in the unit of their price."""
HEARD_BY: Final = {
    "whisper": "faster-whisper",
    "whisper_server": "faster-whisper",
    "openai": "pocketsphinx",
}
"""Price list's name of the recogniser on this machine, by the setting, where they differ. The one
of OpenAI has the built-in one beside it, which hears everything too."""


@runtime_checkable
class ModelUser(Protocol):
    """A conversation that says what it used of language models."""

    def used(self) -> Sequence[ModelUse]:
        """Return what was used since last asked."""


class Usage:
    """Counts characters sent to voices and sound recognised, and has them charged turn by turn.

    Voices tell what they were really sent; what comes from the cache is not sent. What was never
    heard, because the lead went on speaking, was paid for too: it is charged under a key of its
    own, so that the bill shows it apart. A price that is missing is logged once and not charged:
    a call never dies of its price list.
    """

    def __init__(self, call_id: UUID, clerk: Clerk) -> None:
        self._log = structlog.get_logger(__name__).bind(call_id=str(call_id))
        self._call_id = call_id
        self._clerk = clerk
        self._speech = Speech(held=True)
        self._sent: dict[Speech, Counter[tuple[str, str]]] = {}
        self._spared: Counter[tuple[str, str]] = Counter()
        self._recogniser: StreamingSTTService | None = None
        self._thinker: ModelUser | None = None
        self._heard_ms = 0
        self._paid_ms = 0
        self._turns = 0
        self._unpriced: set[tuple[str, str, str]] = set()

    def listens(self, recogniser: StreamingSTTService) -> None:
        """Take the recogniser of the call, whose provider may want money."""
        self._recogniser = recogniser

    def thinks(self, conversation: ConversationProtocol) -> None:
        """Take the conversation of the call, which may ask a language model."""
        self._thinker = conversation if isinstance(conversation, ModelUser) else None

    def speaks(self, speech: Speech) -> None:
        """Say for which speech characters are sent from now on."""
        self._speech = speech

    def sent(self, usage: SpeechUsage) -> None:
        """Count characters that a voice was sent."""
        counted = self._sent.setdefault(self._speech, Counter())
        counted[usage.provider, usage.model] += usage.characters

    def spared(self, voice: str, characters: int) -> None:
        """Count characters of a voice that the cache had."""
        if voice == ELEVENLABS:
            self._spared[voice, settings.ENV.elevenlabs_model] += characters

    def recognised(self, audio_ms: int) -> None:
        """Count sound that was recognised."""
        self._heard_ms += audio_ms

    def charge(self, spoken: Speech | None = None, *, all_over: bool = False) -> None:
        """Charge a speech that was heard, and what was used since the last one.

        With `all_over` nothing that was made will be heard any more.
        """
        self._turns += 1
        heard, unheard = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for speech in list(self._sent):
            if speech is spoken:
                heard.update(self._sent.pop(speech))
            elif all_over or speech.over.is_set():
                unheard.update(self._sent.pop(speech))
        for key, counted in (("tts", heard), ("tts-unheard", unheard)):
            for (provider, model), characters in counted.items():
                self._record("tts", provider, model, Decimal(characters) / 1000, key=key)
        spared, self._spared = self._spared, Counter()
        for (provider, model), characters in spared.items():
            self._record("tts_cached", provider, model, Decimal(characters) / 1000)
        self._charge_recognition()
        self._charge_thinking()

    def _charge_recognition(self) -> None:
        engine = settings.ENV.stt_engine
        heard_ms, self._heard_ms = self._heard_ms, 0
        self._record("stt", HEARD_BY.get(engine, engine), ANY_MODEL, Decimal(heard_ms) / 1000)
        paid = None if self._recogniser is None else paid_part(self._recogniser.session)
        if paid is not None:
            paid_ms, self._paid_ms = paid.sent_ms - self._paid_ms, paid.sent_ms
            self._record("stt", paid.provider, paid.model, Decimal(paid_ms) / 1000)

    def _charge_thinking(self) -> None:
        """Charge what models were asked for, also for answers that nobody heard."""
        totals: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for use in self._thinker.used() if self._thinker is not None else ():
            for component, quantity in (
                ("llm_input", Decimal(use.input_tokens) / TOKENS),
                ("llm_output", Decimal(use.output_tokens) / TOKENS),
                ("llm_gpu", use.gpu_seconds),
            ):
                totals[component, use.provider, use.model] += quantity
        for (component, provider, model), quantity in totals.items():
            self._record(component, provider, model, quantity)

    def _record(
        self, component: str, provider: str, model: str, quantity: Decimal, *, key: str = ""
    ) -> None:
        if quantity:
            self._clerk.note(
                self.keep_usage,
                call_id=self._call_id,
                component=component,
                provider=provider,
                model=model,
                quantity=quantity,
                key=f"{key or component}:{self._turns}:{provider}:{model}",
                now=timezone.now(),
            )

    def keep_usage(self, *, component: str, provider: str, model: str, **values: Any) -> None:
        """Write a charge; called by the clerk, one after another."""
        try:
            if component == "tts_cached":
                usage_spare(provider=provider, model=model, **values)
            else:
                usage_record(component=component, provider=provider, model=model, **values)
        except PriceUnknown as error:
            if (component, provider, model) not in self._unpriced:
                self._unpriced.add((component, provider, model))
                self._log.error("usage_without_price", component=component, problem=str(error))


def paid_part(session: RecognitionSession | None) -> PaidRecognition | None:
    """Return the session of the provider that charges for recognition, if there is one."""
    better = getattr(session, "better", session)
    return better if isinstance(better, PaidRecognition) else None
