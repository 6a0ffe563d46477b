"""Scenarios: who answers the telephone, what they say to what, and what should come of it.

They are TOML files, several scenarios in each, written by hand; `scenarios/README.md` is their
guide. Read and checked here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

FOLDER = Path(__file__).parent / "scenarios"
ANY = "any"
"""The playbook of a scenario that every playbook has to pass."""

Persona = Literal[
    "eager",
    "sceptical",
    "hostile",
    "busy",
    "wrong_number",
    "child",
    "third_person",
    "has_agent",
    "voicemail",
    "do_not_call",
    "injection",
    "elderly",
    "non_native",
    "rambling",
    "terse",
    "correcting",
    "multi_answer",
    "reschedule",
    "cancel",
    "time_zone",
    "callback",
    "robot_question",
    "recording",
    "transfer",
    "silent",
    "curious",
    "undecided",
    "not_interested",
    "returning",
    "misheard",
    "scheduling",
    "landlord",
    "renter",
]


class ScenarioInvalid(ValueError):  # noqa: N818 - says what happened
    """A scenario file that cannot be used; the message names file, scenario and fault."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; use a name such as America/Denver") from error
    return name


def _lines(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    """Return a time written as "2026-11-24 10:00", without a zone."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Zone = Annotated[str, AfterValidator(_zone)]
Spoken = Annotated[tuple[str, ...], BeforeValidator(_lines), Field(min_length=1)]
Outcomes = Annotated[tuple[str, ...], BeforeValidator(_lines), Field(min_length=1)]
Local = Annotated[datetime, BeforeValidator(_moment)]
"""A time on the lead's clock."""


class Expectation(BaseModel):
    """What a good agent comes to with this lead. What is not given is not looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Outcomes
    """The outcome, or those that are all right; "" is a call that the lead cut off."""
    answers: Mapping[str, Any] | None = None
    """All that the lead told: slot -> value. What is not in it must not be understood."""
    objections: tuple[str, ...] | None = None
    """All that the lead objected, in any order."""
    recovered: tuple[str, ...] = ()
    """Objections after which the talk went on."""
    appointment: Local | None = None
    """When the lead has an appointment in the end."""
    moved: bool = False
    cancelled: bool = False
    callback: Local | None = None
    topics: tuple[str, ...] = ()
    """What the agent must speak about, as shell-style patterns."""
    not_topics: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    """Words that the agent must say."""
    never_says: tuple[str, ...] = ()
    recording_stopped: bool | None = None
    turns_at_most: int | None = None


class Scenario(BaseModel):
    """One call with one simulated lead, and what should come of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    about: str
    persona: Persona
    playbook: str
    """Key of a shipped playbook, or "any"."""
    zone: Zone = "America/New_York"
    """The lead's."""
    rep_zone: Zone | None = None
    """The representative's, if it is another one."""
    now: Local = datetime(2026, 11, 23, 10)  # noqa: DTZ001 - on the lead's clock; a Monday
    free: tuple[Local, ...] | None = None
    """The only free times; else the representative's working days, nine to half past five."""
    taken: tuple[Local, ...] = ()
    """Free times that somebody else takes while the talk goes on."""
    appointment: Local | None = None
    """What the lead has booked before this call."""
    inbound: bool = False
    recorded: bool = True
    transfer: Literal["", "answered", "nobody"] = ""
    """Whether somebody can be put through to, and whether somebody then takes the call."""
    first_name: str = "Maria"
    remembers: Mapping[str, Any] = Field(default_factory=dict)
    """Slot -> value that the lead said on an earlier call."""
    says: Mapping[str, Spoken]
    """What the lead says to a topic: the first line, then the second, at last the last again."""
    expect: Expectation
    source: str = ""
    """The file it stands in."""

    @model_validator(mode="after")
    def _says_something(self) -> Scenario:
        if not self.says:
            raise ValueError("`says` is empty: give the lead at least one line")
        return self


def load(path: Path) -> tuple[Scenario, ...]:
    """Return the scenarios of one file.

    Raises:
        ScenarioInvalid: the file is not readable, or a scenario in it is not one.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioInvalid(f"{path.name} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(f"{path.name} is not readable TOML: {error}") from error
    rows = data.pop("scenario", None)
    if not isinstance(rows, list) or not rows:
        raise ScenarioInvalid(f"{path.name} holds no [[scenario]]")
    found = []
    for number, row in enumerate(rows, 1):
        name = row.get("name", f"number {number}")
        try:
            found.append(Scenario.model_validate({**data, **row, "source": path.name}))
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
            )
            raise ScenarioInvalid(f"{path.name}, scenario {name}: {faults}") from error
    return tuple(found)


def load_all(paths: Iterable[Path]) -> tuple[Scenario, ...]:
    """Return the scenarios of several files, in order.

    Raises:
        ScenarioInvalid: as `load`, or two scenarios have one name.
    """
    scenarios = tuple(scenario for path in paths for scenario in load(path))
    seen: dict[str, str] = {}
    for scenario in scenarios:
        if scenario.name in seen:
            raise ScenarioInvalid(
                f"{scenario.source} and {seen[scenario.name]} both hold a scenario called "
                f"{scenario.name}: give each its own name"
            )
        seen[scenario.name] = scenario.source
    return scenarios


@cache
def shipped() -> tuple[Scenario, ...]:
    """Return the scenarios that ship with the product."""
    return load_all(sorted(FOLDER.glob("*.toml")))
