"""What goes wrong on purpose: faults for the whole carrier, for one number or for one persona."""

from __future__ import annotations

from dataclasses import dataclass, fields

EVERYBODY = "*"


class FaultError(ValueError):
    """A fault that does not exist or has no such value; the message lists those that do."""


@dataclass
class Faults:
    """The faults of one scope. Counts are used up one request at a time; -1 means every time.

    Attributes:
        callback_delay_ms: every webhook except TwiML fetches is sent this late.
        callback_duplicates: how many times more each status callback is sent.
        callback_reorder: when 1, status callbacks swap places in pairs (second first).
        drop_socket_after_ms: the media socket is cut this long after it opened, without `stop`.
        stall_socket_after_ms: from then on the media socket stays open, and nothing more passes.
        faulty_streams: how many streams of a call are cut or stalled so; 0 for each of them.
        rest_429: how many REST requests are refused as too many (error 20429).
        rest_500: how many REST requests fail with an internal error (20500).
        lose_response: how many calls are accepted while the HTTP answer is cut off.
    """

    callback_delay_ms: int = 0
    callback_duplicates: int = 0
    callback_reorder: int = 0
    drop_socket_after_ms: int = 0
    stall_socket_after_ms: int = 0
    faulty_streams: int = 0
    rest_429: int = 0
    rest_500: int = 0
    lose_response: int = 0

    def set(self, name: str, value: object) -> None:
        """Set one fault by name, from text or a number.

        Raises:
            FaultError: there is no such fault, or the value is not a whole number.
        """
        known = [field.name for field in fields(self)]
        if name not in known:
            raise FaultError(f"no fault called {name!r}; use one of: {', '.join(known)}")
        try:
            setattr(self, name, int(str(value)))
        except ValueError:
            raise FaultError(f"fault {name} needs a whole number, not {value!r}") from None


class FaultBook:
    """Faults by scope: a phone number, a persona's name, or everybody (`*`)."""

    def __init__(self, everybody: Faults | None = None) -> None:
        self._scopes: dict[str, Faults] = {EVERYBODY: everybody or Faults()}

    def scope(self, name: str = EVERYBODY) -> Faults:
        """Return the faults of a scope, creating it when it is the first time."""
        return self._scopes.setdefault(name or EVERYBODY, Faults())

    def add(self, text: str) -> None:
        """Add a fault written `name=value` or `scope:name=value`.

        Raises:
            FaultError: the text has another form, or names an unknown fault.
        """
        scope, colon, rest = text.rpartition(":")
        name, equals, value = rest.partition("=")
        if not equals:
            raise FaultError(f"write a fault as [number or persona:]name=value, not {text!r}")
        self.scope(scope if colon else EVERYBODY).set(name, value)

    def clear(self) -> None:
        """Remove every fault."""
        self._scopes = {EVERYBODY: Faults()}

    def value(self, name: str, *scopes: str) -> int:
        """Return a fault's value from the first scope that sets it, then from everybody's."""
        holder = self._holder(name, scopes)
        return int(getattr(holder, name)) if holder else 0

    def take(self, name: str, *scopes: str) -> bool:
        """Return whether a counted fault strikes now, using it up once."""
        holder = self._holder(name, scopes)
        if holder is None:
            return False
        left = int(getattr(holder, name))
        if left > 0:
            setattr(holder, name, left - 1)
        return True

    def _holder(self, name: str, scopes: tuple[str, ...]) -> Faults | None:
        for scope in (*scopes, EVERYBODY):
            faults = self._scopes.get(scope)
            if faults is not None and getattr(faults, name):
                return faults
        return None
