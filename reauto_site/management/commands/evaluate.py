"""Judge playbooks by simulated leads, in text and over the carrier simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from agents.evaluation.choosing import family_of, scenarios_for, shipped_scripts
from agents.evaluation.figures import TITLES, CaseFacts, Figures, figures_of
from agents.evaluation.run import Result, evaluate, transcript_of
from agents.evaluation.scenario import ScenarioInvalid
from agents.models import Playbook, PlaybookVersion
from agents.playbook import Script, ScriptInvalid
from agents.selectors import (
    playbook_script,
    playbook_version_current,
    playbook_version_newest,
)
from agents.services.evaluations import evaluation_record
from reauto_site.settings.env import BASE_DIR

AUDIO_CALL_S = 240
"""A call over the simulator takes one to two minutes; four run at once."""


@dataclass(frozen=True)
class Judged:
    """A script, what it is called, and which version of a playbook it is, if it is one."""

    name: str
    script: Script
    version: PlaybookVersion | None = None


class Command(BaseCommand):
    help = (
        "Let simulated leads talk with playbooks and judge what comes of it. Without options, all "
        "shipped playbooks and scenarios. Fails if a scenario fails."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--playbook",
            action="append",
            default=[],
            metavar="NAME|ID|FILE",
            help="A playbook's name or id (its newest version, drafts too), a version's id, or a "
            "TOML file. May be given several times.",
        )
        parser.add_argument(
            "--live", action="store_true", help="The version that calls use, not the newest."
        )
        parser.add_argument(
            "--scenario",
            action="append",
            default=[],
            metavar="NAME|FILE",
            help="Only these scenarios: a name, a pattern such as 'dnc_*', a file of scenarios or "
            "a folder of files. May be given several times.",
        )
        parser.add_argument(
            "--as",
            dest="family",
            metavar="KEY",
            help="Judge as this shipped playbook (seller, buyer, renter_landlord, old_lead), not "
            "as the one it is most like.",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="Write all of it there.")
        parser.add_argument(
            "--audio",
            type=int,
            default=0,
            metavar="N",
            help="Also make N calls with recorded voices over the carrier simulator (minutes).",
        )
        parser.add_argument("--quiet", action="store_true", help="Print only what failed.")
        parser.add_argument(
            "--transcripts", action="store_true", help="Print the talk of what failed."
        )
        parser.add_argument(
            "--no-store", action="store_true", help="Do not keep the result with the version."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        reports = []
        results: list[Result] = []
        for judged in _to_judge(options["playbook"], live=options["live"]):
            found = self._judge(judged, options)
            results += found
            reports.append(_report(judged, found))
            if judged.version is not None and not options["no_store"] and not options["scenario"]:
                evaluation_record(version_id=judged.version.pk, results=found)
        if not results:
            raise CommandError("No scenario matches. Look at --scenario and --playbook again.")
        seconds = time.monotonic() - began
        figures = figures_of([CaseFacts.of(result) for result in results])
        self._print(figures, len(results), seconds)
        audio = _audio(options["audio"]) if options["audio"] else None
        if audio is not None:
            self._print_audio(audio)
        if options["json"]:
            _write(options["json"], reports, figures, seconds, audio)
        failed = [result for result in results if not result.passed]
        unheard = figures.opt_out_recall.good < figures.opt_out_recall.of
        misheard = figures.false_opt_outs.good > 0
        wrong = [call["persona"] for call in (audio or []) if call["outcome"] != call["expected"]]
        if failed or unheard or misheard or wrong:
            raise CommandError(
                f"{len(failed)} of {len(results)} scenarios failed."
                + (" Not every opt-out was heard." if unheard else "")
                + (" Something else was taken for an opt-out." if misheard else "")
                + (f" Calls with an unexpected outcome: {', '.join(wrong)}." if wrong else "")
            )

    def _judge(self, judged: Judged, options: dict[str, Any]) -> list[Result]:
        family = options["family"] or family_of(judged.script)
        if family not in shipped_scripts():
            raise CommandError(f"--as must be one of {', '.join(shipped_scripts())}.")
        files = [Path(each) for each in options["scenario"] if Path(each).exists()]
        names = [each for each in options["scenario"] if not Path(each).exists()]
        try:
            scenarios = scenarios_for(family, chosen=names, from_files=files)
        except ScenarioInvalid as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            self.style.MIGRATE_HEADING(
                f"==> {judged.name}: {len(scenarios)} scenarios, as {family.replace('_', ' ')}"
            )
        )
        results = []
        for scenario in scenarios:
            (result,) = evaluate([(scenario, judged.script)])
            results.append(result)
            self._print_result(result, options)
        return results

    def _print_result(self, result: Result, options: dict[str, Any]) -> None:
        talk = result.talk
        if result.passed:
            if not options["quiet"]:
                came_to = talk.outcome or "cut off"
                self.stdout.write(f"ok    {talk.scenario.name}: {came_to}, {talk.lead_turns} turns")
            return
        why = "; ".join(fault.text for fault in result.faults)
        self.stdout.write(self.style.ERROR(f"FAIL  {talk.scenario.name}: {why}"))
        if options["transcripts"]:
            for turn in talk.turns:
                self.stdout.write(f"        {turn.speaker:5}  {turn.text}")

    def _print(self, figures: Figures, count: int, seconds: float) -> None:
        self.stdout.write("")
        for name, (title, _) in TITLES.items():
            value = getattr(figures, name)
            shown = "–" if value is None else value
            self.stdout.write(f"{title:40} {shown}")
        for each in figures.heard:
            if each.recall.good < each.recall.of or each.precision.good < each.precision.of:
                self.stdout.write(
                    f"  {each.kind} {each.name}: understood {each.recall}, rightly {each.precision}"
                )
        pace = figures.turns / seconds * 60 if seconds else 0
        self.stdout.write(
            f"{count} talks, {figures.turns} turns in {seconds:.1f} s: {pace:,.0f} turns a minute"
        )

    def _print_audio(self, calls: list[dict[str, Any]]) -> None:
        for call in calls:
            good = call["outcome"] == call["expected"]
            line = f"call  {call['persona']}: {call['outcome']}, expected {call['expected']}"
            self.stdout.write(line if good else self.style.ERROR(line))


def _to_judge(named: list[str], *, live: bool) -> list[Judged]:
    if not named:
        return [Judged(name, script) for name, script in shipped_scripts().items()]
    return [_found(name, live=live) for name in named]


def _found(name: str, *, live: bool) -> Judged:
    """Return what a name, an id or a file stands for."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise CommandError(f"There is no file {name}.")
        try:
            return Judged(path.stem, Script.from_toml(path))
        except ScriptInvalid as error:
            raise CommandError(f"{path.name} cannot be used: {error}") from None
    try:
        version = _version(name, live=live)
    except DatabaseError:
        version = None
    if version is not None:
        return Judged(str(version), playbook_script(version), version)
    if name.lower() in shipped_scripts():
        return Judged(name, shipped_scripts()[name.lower()])
    known = [*shipped_scripts(), *_names()]
    raise CommandError(f"There is no playbook {name!r}. There are: {', '.join(known)}.")


def _version(name: str, *, live: bool) -> PlaybookVersion | None:
    playbook = Playbook.objects.filter(name__iexact=name).first()
    try:
        key = UUID(name)
    except ValueError:
        key = None
    if playbook is None and key is not None:
        version = PlaybookVersion.objects.select_related("playbook").filter(pk=key).first()
        if version is not None:
            return version
        playbook = Playbook.objects.filter(pk=key).first()
    if playbook is None:
        return None
    chosen = playbook_version_current if live else playbook_version_newest
    version = chosen(playbook.pk)
    if version is None:
        which = "live" if live else "written"
        raise CommandError(f"The playbook {playbook} has no version that is {which} yet.")
    return version


def _names() -> list[str]:
    try:
        return list(Playbook.objects.values_list("name", flat=True))
    except DatabaseError:
        return []


def _report(judged: Judged, results: list[Result]) -> dict[str, Any]:
    return {
        "playbook": judged.name,
        "version": str(judged.version.pk) if judged.version else None,
        "figures": figures_of([CaseFacts.of(result) for result in results]).as_json(),
        "scenarios": [
            {
                "name": result.talk.scenario.name,
                "persona": result.talk.scenario.persona,
                "passed": result.passed,
                "faults": [{"kind": each.kind, "text": each.text} for each in result.faults],
                "outcome": result.talk.outcome,
                "turns": result.talk.lead_turns,
                "transcript": transcript_of(result.talk),
            }
            for result in results
        ],
    }


def _write(
    path: Path,
    reports: list[dict[str, Any]],
    figures: Figures,
    seconds: float,
    audio: list[dict[str, Any]] | None,
) -> None:
    report = {
        "figures": figures.as_json(),
        "seconds": round(seconds, 2),
        "playbooks": reports,
        "audio": audio,
    }
    try:
        path.write_text(json.dumps(report, indent=2, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None


def _audio(calls: int) -> list[dict[str, Any]]:
    """Make calls as the demo does, in processes and a database of their own."""
    with tempfile.TemporaryDirectory(prefix="evaluate-") as folder:
        report = Path(folder) / "calls.json"
        command = [
            *(sys.executable, str(BASE_DIR / "manage.py"), "demo"),
            *("--calls", str(calls), "--exit", "--json", str(report)),
            *("--port", "0", "--carrier-port", "0"),
        ]
        data = Path(folder)
        environment = {**_environment(), "DATA_DIR": folder, "DATABASE_URL": "", "REDIS_URL": ""}
        rounds = -(-calls // 4)
        with (data / "demo.log").open("wb") as log:
            subprocess.run(  # noqa: S603 - our own command, with our own arguments
                command,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=AUDIO_CALL_S * rounds + 60,
                check=False,
            )
        if not report.is_file():
            last = (data / "demo.log").read_text(errors="replace").strip().splitlines()[-1:]
            raise CommandError(f"The calls could not be made: {''.join(last)}")
        found: list[dict[str, Any]] = json.loads(report.read_text())["calls"]
        return found


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL_FILE"}
