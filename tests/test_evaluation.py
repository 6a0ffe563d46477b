"""Playbooks are judged by simulated leads: what passes, what fails and why, and what is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agents.evaluation.choosing import family_of, scenarios_for, shipped_scripts
from agents.evaluation.figures import CaseFacts, figures_of
from agents.evaluation.run import Result, evaluate
from agents.evaluation.scenario import Scenario, ScenarioInvalid, load, shipped
from agents.models import Evaluation, Playbook, PlaybookVersion
from agents.playbook import Script
from agents.services.evaluations import (
    evaluation_record,
    evaluation_start,
    evaluation_step,
)
from agents.services.playbooks import playbook_version_save, playbooks_seed
from calls.models import OutboxItem
from calls.services.outbox import outbox_run
from tests.factories import UserFactory

SELLER = shipped_scripts()["seller"]

EAGER: dict[str, Any] = {
    "name": "eager",
    "about": "Answers everything.",
    "persona": "eager",
    "playbook": "seller",
    "says": {
        "greet": "yes",
        "motivation": "new job",
        "timeframe": "three months",
        "property": "three bedroom house",
        "price": "four hundred thousand",
        "has_agent": "no",
        "offer": "the first one",
        "confirm": "yes",
    },
    "expect": {
        "outcome": "appointment",
        "appointment": "2026-11-23 12:00",
        "answers": {
            "motivation": "relocation",
            "timeframe": 3,
            "property": {"kind": "house", "bedrooms": 3},
            "price": 400_000,
            "has_agent": False,
        },
    },
}


def scenario(**changes: Any) -> Scenario:
    expect = {**EAGER["expect"], **changes.pop("expect", {})}
    says = {**EAGER["says"], **changes.pop("says", {})}
    return Scenario.model_validate({**EAGER, **changes, "says": says, "expect": expect})


def judged(script: Script = SELLER, **changes: Any) -> Result:
    (result,) = evaluate([(scenario(**changes), script)])
    return result


def why(result: Result) -> str:
    return "; ".join(fault.text for fault in result.faults)


def test_there_are_enough_scenarios_of_every_kind() -> None:
    everybody = shipped()
    assert len(everybody) >= 150
    assert len({each.about for each in everybody}) == len(everybody)
    personas = {each.persona for each in everybody}
    assert personas >= {
        *("eager", "sceptical", "hostile", "busy", "wrong_number", "child", "has_agent"),
        *("voicemail", "do_not_call", "injection", "elderly", "non_native", "rambling", "terse"),
        *("correcting", "multi_answer", "reschedule", "cancel", "time_zone", "callback"),
        *("robot_question", "recording", "transfer", "silent"),
    }
    assert {each.playbook for each in everybody} == {*shipped_scripts(), "any"}


def test_every_shipped_playbook_passes_a_sample() -> None:
    pairs = [
        (each, shipped_scripts()[name])
        for name in shipped_scripts()
        for each in scenarios_for(name)
    ]
    results = evaluate(pairs[::9])
    assert {r.talk.scenario.name: why(r) for r in results if not r.passed} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(shipped_scripts()))
def test_every_shipped_playbook_passes_every_scenario(name: str) -> None:
    script = shipped_scripts()[name]
    results = evaluate((each, script) for each in scenarios_for(name))
    assert {r.talk.scenario.name: why(r) for r in results if not r.passed} == {}


def test_an_agent_that_does_well_passes() -> None:
    result = judged()
    assert why(result) == ""
    assert result.talk.outcome == "appointment"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"expect": {"outcome": "callback"}}, "outcome appointment, not callback"),
        ({"expect": {"appointment": "2026-11-25 09:00"}}, "not 2026-11-25 09:00"),
        ({"expect": {"answers": {"timeframe": 6}}}, "timeframe understood as 3, not 6"),
        ({"expect": {"answers": {"timeframe": 3}}}, "but never told"),
        ({"expect": {"topics": ["fact.robot"]}}, "never spoke about fact.robot"),
        ({"expect": {"not_topics": ["ask.price"]}}, "spoke about ask.price"),
        ({"expect": {"says": ["Pacific time"]}}, "never said “Pacific time”"),
        ({"expect": {"never_says": ["it is booked"]}}, "said “it is booked”"),
        ({"expect": {"moved": True}}, "was not moved"),
        ({"expect": {"objections": ["commission"]}}, "raised: commission"),
        ({"expect": {"turns_at_most": 3}}, "at most 3"),
        ({"says": {"timeframe": "stop calling me"}}, "opted out"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(changes: dict[str, Any], fault: str) -> None:
    assert fault in why(judged(**changes))


def edited(**changes: Any) -> Script:
    data = SELLER.model_dump()
    for path, value in changes.items():
        part, _, field = path.partition("__")
        data[part] = {**data[part], field: value} if field else value
    return Script.model_validate(data)


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        (edited(disclosure__identity="Hello, this is {agent}."), "do not say who calls"),
        (edited(scheduling__booked="It is booked, I guarantee it."), "guarantee"),
        (
            edited(questions=[{**q, "ask": ["Well?"]} for q in SELLER.model_dump()["questions"]]),
            "said “Well?” more than 3 times",
        ),
    ],
)
def test_an_edited_playbook_is_held_to_what_holds_for_all(script: Script, fault: str) -> None:
    assert fault in why(judged(script))


def test_an_edited_playbook_that_does_no_harm_passes() -> None:
    assert why(judged(edited(closing__goodbye="Goodbye {name}."))) == ""


def test_a_slot_that_the_playbook_does_not_ask_for_is_not_missed() -> None:
    data = SELLER.model_dump()
    data["questions"] = [each for each in data["questions"] if each["slot"] != "price"]
    assert why(judged(Script.model_validate(data))) == ""


def test_a_script_is_judged_as_the_playbook_it_is_most_like() -> None:
    for name, script in shipped_scripts().items():
        assert family_of(script) == name
    assert family_of(edited(acknowledgements=["Fine."])) == "seller"


def test_the_figures_count_what_they_say() -> None:
    results = [judged(), judged(expect={"answers": {**EAGER["expect"]["answers"], "price": 1}})]
    figures = figures_of([CaseFacts.of(result) for result in results])
    assert (figures.passed.good, figures.passed.of) == (1, 2)
    assert (figures.answer_recall.good, figures.answer_recall.of) == (9, 10)
    assert (figures.appointments.good, figures.appointments.of) == (2, 2)
    assert figures.opt_out_recall.value == 1
    assert figures.false_opt_outs.good == 0
    assert figures.turns_to_qualify == 6


def test_every_answer_and_objection_is_counted_by_itself() -> None:
    results = [
        judged(),
        judged(expect={"answers": {**EAGER["expect"]["answers"], "price": 1}}),
        judged(says={"price": "what do you charge"}, expect={"objections": ["commission"]}),
    ]
    heard = {each.name: each for each in figures_of([CaseFacts.of(r) for r in results]).heard}
    assert (heard["price"].recall.good, heard["price"].recall.of) == (1, 3)
    assert (heard["price"].precision.good, heard["price"].precision.of) == (1, 2)
    assert heard["timeframe"].recall.value == 1
    assert heard["commission"].kind == "objection"
    assert heard["commission"].recall.value == 1


def test_facts_survive_being_kept() -> None:
    facts = CaseFacts.of(judged())
    assert CaseFacts.from_json(json.loads(json.dumps(facts.as_json()))) == facts


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a = [", "is not readable TOML"),
        ("a = 1", r"holds no \[\[scenario\]\]"),
        ('[[scenario]]\nname = "x"', "scenario x: .*about"),
        ('[[scenario]]\nname = "x"\nzone = "Mars/Base"', "Mars/Base"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(text)
    with pytest.raises(ScenarioInvalid, match=rf"broken\.toml.*{fault}"):
        load(file)


@pytest.fixture
def version(db: None) -> PlaybookVersion:
    return next(each for each in playbooks_seed() if each.playbook.name == "Seller")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scenarios in place of all: one passes, one fails."""
    pair = (scenario(), scenario(name="wrong", expect={"outcome": "callback"}))
    for module in ("agents.services.evaluations", "reauto_site.management.commands.evaluate"):
        monkeypatch.setattr(f"{module}.scenarios_for", lambda *args, **kwargs: pair)


@pytest.mark.usefixtures("few")
def test_an_evaluation_runs_through_the_outbox_and_is_kept(version: PlaybookVersion) -> None:
    evaluation = evaluation_start(version_id=version.pk)
    assert evaluation_start(version_id=version.pk) == evaluation
    item = OutboxItem.objects.get(kind="evaluation")
    while not evaluation.is_over:  # on a slow machine it takes more than one step
        assert outbox_run(item_id=item.pk, now=timezone.now())
        evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.passed, evaluation.failed) == ("done", 1, 1)
    assert evaluation.figures["passed"] == {"good": 1, "of": 2, "value": 0.5}
    case = evaluation.cases.get(scenario="wrong")
    assert "outcome appointment, not callback" in case.faults[0]
    assert case.transcript[0]["speaker"] == "agent"
    assert case.transcript[0]["why"]


@pytest.mark.usefixtures("few")
def test_an_evaluation_goes_on_where_it_was_left(version: PlaybookVersion) -> None:
    evaluation = evaluation_start(version_id=version.pk)
    assert evaluation_step(evaluation_id=evaluation.pk, seconds=0)
    assert evaluation.cases.count() == 1
    assert not evaluation_step(evaluation_id=evaluation.pk, seconds=0)
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.cases.count()) == ("done", 2)
    assert not evaluation_step(evaluation_id=evaluation.pk, seconds=5)


def test_a_script_that_cannot_be_read_breaks_the_evaluation_off(version: PlaybookVersion) -> None:
    evaluation = evaluation_start(version_id=version.pk)
    PlaybookVersion.objects.filter(pk=version.pk).update(script={"no": "script"})
    assert not evaluation_step(evaluation_id=evaluation.pk, seconds=5)
    evaluation.refresh_from_db()
    assert evaluation.state == "failed"
    assert evaluation.error


@pytest.mark.usefixtures("few")
def test_the_command_fails_with_the_reason_and_keeps_the_result(
    version: PlaybookVersion, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    with pytest.raises(CommandError, match="1 of 2 scenarios failed"):
        call_command("evaluate", "--playbook", "seller", "--json", str(file))
    out = capsys.readouterr().out
    assert "ok    eager: appointment" in out
    assert "FAIL  wrong: outcome appointment, not callback" in out
    assert "Opt-outs heard" in out
    report = json.loads(file.read_text())
    assert report["playbooks"][0]["version"] == str(version.pk)
    assert report["figures"]["passed"]["of"] == 2
    assert Evaluation.objects.get().failed == 1


@pytest.mark.django_db
def test_the_command_says_what_playbooks_there_are(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no playbook 'nobody'\. There are: .*seller"):
        call_command("evaluate", "--playbook", "nobody")
    with pytest.raises(CommandError, match=r"There is no file .*none\.toml"):
        call_command("evaluate", "--playbook", str(tmp_path / "none.toml"))
    with pytest.raises(CommandError, match="No scenario matches"):
        call_command("evaluate", "--playbook", "seller", "--scenario", "no_such_one")


def test_the_command_takes_files_of_scenarios(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'playbook = "any"\n[[scenario]]\nname = "mine"\nabout = "Mine."\npersona = "do_not_call"\n'
        '[scenario.says]\ngreet = "lose my number"\n[scenario.expect]\noutcome = "do_not_call"\n'
    )
    data = Path(__file__).parents[1] / "agents" / "data" / "buyer.toml"
    call_command("evaluate", "--playbook", str(data), "--scenario", str(file))
    assert "ok    mine: do_not_call, 1 turns" in capsys.readouterr().out


@pytest.mark.usefixtures("few")
def test_a_draft_is_evaluated_before_it_goes_live(
    version: PlaybookVersion, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = playbook_version_save(
        playbook_id=version.playbook_id, script=edited(acknowledgements=["Fine."]), note="Fine."
    )
    with pytest.raises(CommandError):
        call_command("evaluate", "--playbook", "Seller", "--no-store")
    assert str(draft) in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("evaluate", "--playbook", "Seller", "--live", "--no-store")
    assert str(version) in capsys.readouterr().out
    assert not Evaluation.objects.exists()


@pytest.fixture
def manager(db: None, client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def test_a_manager_starts_an_evaluation_and_sees_how_far_it_is(
    manager: Client, version: PlaybookVersion, few: None
) -> None:
    page = manager.get(reverse("admin:agents_playbook_change", args=(version.playbook_id,)))
    start = reverse("admin:agents_evaluation_start", args=(version.pk,))
    assert start in page.content.decode()
    answer = manager.post(start, follow=True)
    evaluation = Evaluation.objects.get()
    assert "0 of 2 talks" in answer.content.decode()
    news = manager.get(reverse("admin:agents_evaluation_progress", args=(evaluation.pk,)))
    assert news.json() == {"over": False, "percent": 0, "words": "0 of 2 talks, 0 failed"}
    assert manager.get(start).status_code == 405


def test_the_page_shows_figures_talks_and_what_changed_since_the_last(
    manager: Client, version: PlaybookVersion
) -> None:
    good, bad = judged(), judged(expect={"outcome": "callback"})
    evaluation_record(version_id=version.pk, results=[good])
    evaluation = evaluation_record(version_id=version.pk, results=[bad])
    address = reverse("admin:agents_evaluation_change", args=(evaluation.pk,))
    text = manager.get(address).content.decode()
    assert "1 failed" in text
    assert "Passed before, failed now" in text
    assert "outcome appointment, not callback" in text
    assert "What makes you think about selling?" in text
    assert "Why: " in text
    assert "▼ worse" in text
    assert "Every answer and objection by itself" in text
    assert "Has agent" in text
    listed = manager.get(reverse("admin:agents_evaluation_changelist")).content.decode()
    assert "Some failed" in listed
    assert "All passed" in listed
    playbook = manager.get(reverse("admin:agents_playbook_change", args=(version.playbook_id,)))
    assert address in playbook.content.decode()


def test_who_may_not_change_playbooks_cannot_start_one(
    client: Client, version: PlaybookVersion
) -> None:
    client.force_login(UserFactory(is_staff=True))
    start = reverse("admin:agents_evaluation_start", args=(version.pk,))
    assert client.post(start).status_code == 403
    assert not Evaluation.objects.exists()
    assert Playbook.objects.exists()
