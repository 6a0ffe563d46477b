"""What can go wrong with a model. The decision what to do about it lies in the type."""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """Why a request came to nothing; also the label in the metrics."""

    UNREACHABLE = "unreachable"
    SERVER = "server_error"
    MISSING = "model_missing"
    REFUSED = "refused"
    """The request itself is wrong, or the key is."""
    SLOW = "slow"
    """No first token in time."""
    STALLED = "stalled"
    """No further token in time."""
    BROKE_OFF = "broke_off"
    GARBLED = "garbled"
    """What came is not the protocol's."""
    EMPTY = "empty"
    INVALID = "invalid_output"
    """The protocol's, but not the JSON that was asked for."""
    CUT_SHORT = "cut_short"
    """The answer was longer than it may be."""
    RESTING = "breaker_open"
    QUEUE = "queue_full"
    ALLOWANCE = "allowance_used_up"
    UNAVAILABLE = "unavailable"
    """Nobody in the chain could."""


class ModelError(Exception):
    """A model did not answer as it should.

    Attributes:
        trouble: what happened.
        retryable: whether the same host may be asked again at once.
        counts: whether it speaks against the host (its circuit counts it).
    """

    def __init__(
        self, message: str, trouble: Trouble, *, retryable: bool = False, counts: bool = True
    ) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.retryable = retryable
        self.counts = counts
