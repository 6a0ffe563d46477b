"""What a model is asked: a long part that is always the same, and a short one that is not."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from agents.model import ModelUse


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request.

    The prefix comes first and is the same, letter for letter, for every request about a playbook:
    hosts keep what they computed for it (KV cache) and read only the task anew.
    """

    prefix: str
    task: str
    version: str
    """Of the wording; a cached answer to another one is not this one's."""
    most_tokens: int = 80
    temperature: float = 0.2
    schema: type[BaseModel] | None = None
    """What the answer has to be, as JSON; None for plain words."""

    @property
    def messages(self) -> list[dict[str, str]]:
        """The prompt as chat messages."""
        return [
            {"role": "system", "content": self.prefix},
            {"role": "user", "content": self.task},
        ]

    @property
    def json_schema(self) -> dict[str, Any] | None:
        """The JSON schema of the answer, if it has one."""
        return None if self.schema is None else self.schema.model_json_schema()

    @property
    def fingerprint(self) -> str:
        """Names the wording and the prefix, for caches."""
        text = f"{self.version}\n{self.prefix}\n{self.schema and self.schema.__name__}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def tokens_about(self) -> int:
        """How long it is, roughly: English has four letters to a token."""
        return (len(self.prefix) + len(self.task)) // 4


Tokens = AsyncGenerator[str, None]
"""An answer as it comes. Closing it stops the model."""
Spend = Callable[[ModelUse], None]
"""Told what each request used."""
