"""Which scenarios a script has to pass: those written for the playbook it is most like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from agents.evaluation.scenario import ANY, Scenario, load_all, shipped
from agents.playbook import Script

DATA = Path(__file__).resolve().parent.parent / "data"


@cache
def shipped_scripts() -> Mapping[str, Script]:
    """Return the scripts that ship with the product: file name -> script."""
    return {file.stem: Script.from_toml(file) for file in sorted(DATA.glob("*.toml"))}


def family_of(script: Script) -> str:
    """Return the shipped playbook that a script is most like, by what it asks and answers."""

    def likeness(other: Script) -> float:
        mine, theirs = _parts(script), _parts(other)
        return len(mine & theirs) / len(mine | theirs)

    scripts = shipped_scripts()
    return max(scripts, key=lambda name: likeness(scripts[name]))


def _parts(script: Script) -> frozenset[tuple[str, str]]:
    slots = {("asks", question.slot) for question in script.questions}
    return frozenset(slots | {("answers", each.key) for each in script.objections})


def scenarios_for(
    family: str, *, chosen: Sequence[str] = (), from_files: Sequence[Path] = ()
) -> tuple[Scenario, ...]:
    """Return the scenarios of a family and those for anyone.

    Args:
        chosen: shell-style patterns of names; all if there are none.
        from_files: scenario files or folders of them, in place of the shipped ones.

    Raises:
        ScenarioInvalid: a file holds no scenarios.
    """
    paths = [
        path
        for given in from_files
        for path in (sorted(given.glob("*.toml")) if given.is_dir() else [given])
    ]
    scenarios = load_all(paths) if paths else shipped()
    return tuple(
        scenario
        for scenario in scenarios
        if scenario.playbook in (family, ANY)
        and (not chosen or any(fnmatchcase(scenario.name, pattern) for pattern in chosen))
    )
