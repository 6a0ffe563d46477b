"""How the stand-in behaves: its pace, its faults, and what it says."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Fault(StrEnum):
    """What goes wrong with a request."""

    NONE = "none"
    REFUSED = "refused"
    """Nobody listens on the port."""
    ERROR = "500"
    """The runner has crashed."""
    BUSY = "503"
    """Ollama's own queue is full."""
    STALL = "stall"
    """Some tokens come, then nothing."""
    CUT = "cut"
    """The connection breaks in the middle of a word."""
    INVALID_JSON = "invalid_json"
    """What is said ends in the middle; where JSON was asked for, it is none."""
    GARBLED = "garbled"
    """A line of the stream is not JSON."""
    ENDLESS = "endless"
    """It goes on and on, whatever the limit."""
    WRONG_MODEL = "wrong_model"
    """The model is not there."""


class Behaviour(BaseModel):
    """What can be set, at the start and at any time (`POST /_standin/`)."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    models: Annotated[tuple[str, ...], Field(min_length=1)] = ("llama3.1:8b",)
    first_token_ms: Annotated[float, Field(ge=0)] = 150
    tokens_per_second: Annotated[float, Field(gt=0)] = 40
    prompt_token_ms: Annotated[float, Field(ge=0)] = 0
    """Time for a token of the prompt that is not in the cache of the one before."""
    load_ms: Annotated[float, Field(ge=0)] = 0
    """Time to load a model that is not loaded."""
    parallel: Annotated[int, Field(ge=1)] = 4
    """Requests served at the same time (OLLAMA_NUM_PARALLEL); the others wait."""
    fault: Fault = Fault.NONE
    fault_after_tokens: Annotated[int, Field(ge=0)] = 3
    fault_times: Annotated[int, Field(ge=0)] = 0
    """Requests that the fault befalls; 0: all."""
    say: tuple[str, ...] = ()
    """What is said, one after the other; the last one again and again. Empty: by the prompt."""
    api_key: str = ""
    """What `/v1/` wants to be shown; empty: nothing."""
