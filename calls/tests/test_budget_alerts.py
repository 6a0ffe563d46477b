"""A budget that runs out is told of once, by e-mail and on the dashboard, and pauses campaigns."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction

from billing.models import Budget, BudgetAlert, BudgetPeriod, QualifiedLead
from billing.services import BudgetExhausted
from billing.standing import budget_uses
from calls.desk.dashboard import needs_a_person
from calls.models import Campaign, Enrolment, OutboxItem
from calls.services.budget_alerts import NO_SERVER, budget_refusal_note, budgets_watch
from calls.services.dialer import dial_next
from calls.services.outbox import outbox_run_due
from calls.tests.conftest import NOON, Exchange, enrol
from tests.factories import BudgetFactory, CallFactory, CampaignFactory, LeadFactory
from tests.threads import at_once, shared_database

ANA = "ana@example.com"


@pytest.fixture
def post_office(settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example.com"


def use(budget: Budget, spent: str, reserved: str = "0", *, at: datetime = NOON) -> BudgetPeriod:
    """Let a budget's running period have spent and promised some USD."""
    period, _ = BudgetPeriod.objects.update_or_create(
        budget=budget,
        starts_on=at.date(),
        defaults={"spent": Decimal(spent), "reserved": Decimal(reserved)},
    )
    return period


def told() -> list[int]:
    return sorted(BudgetAlert.objects.filter(kind="notice").values_list("percent", flat=True))


@pytest.mark.django_db
def test_each_threshold_is_told_of_once(post_office: None) -> None:
    budget = BudgetFactory(limit=10, notify=ANA)
    for spent, expected in (("4.99", []), ("5", [50]), ("7.9", [50]), ("8", [50, 80])):
        use(budget, spent)
        for _ in range(2):
            budgets_watch(NOON)
        assert told() == expected
    use(budget, "9", "0.5")
    assert budgets_watch(NOON) == 1
    use(budget, "4")
    assert budgets_watch(NOON) == 0
    outbox_run_due(NOON)
    assert [message.subject for message in mail.outbox] == [
        f"{budget.name}: {percent} % used" for percent in (50, 80, 95)
    ]


@pytest.mark.django_db
def test_a_jump_over_several_thresholds_is_one_message(post_office: None) -> None:
    use(BudgetFactory(limit=10, notify=ANA), "9.6")
    assert budgets_watch(NOON) == 1
    assert told() == [50, 80, 95]
    outbox_run_due(NOON)
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_new_period_is_told_of_anew() -> None:
    budget = BudgetFactory(limit=10)
    use(budget, "5")
    budgets_watch(NOON)
    tomorrow = NOON + timedelta(days=1)
    assert budgets_watch(tomorrow) == 0
    use(budget, "5", at=tomorrow)
    assert budgets_watch(tomorrow) == 1


@pytest.mark.django_db
def test_a_changed_limit_is_told_of_anew() -> None:
    budget = BudgetFactory(limit=10)
    use(budget, "8")
    budgets_watch(NOON)
    for limit, new in ((20, 0), (15, 1), (8, 1), (10, 0)):
        Budget.objects.filter(pk=budget.pk).update(limit=limit)
        assert budgets_watch(NOON) == new, limit


@pytest.mark.django_db
def test_an_inactive_budget_is_silent() -> None:
    use(BudgetFactory(limit=10, active=False), "10")
    assert budgets_watch(NOON) == 0


@pytest.mark.django_db
def test_it_looks_at_many_budgets_in_three_queries(
    django_assert_num_queries: Any,
) -> None:
    for _ in range(20):
        use(BudgetFactory(limit=10), "1")
    with django_assert_num_queries(3):
        budgets_watch(NOON)


@pytest.mark.django_db
def test_the_message_says_what_it_means_and_what_to_do(post_office: None) -> None:
    budget = BudgetFactory(limit=10, notify=f"{ANA}\nben@example.com", time_zone="America/Chicago")
    use(budget, "8")
    budgets_watch(NOON)
    outbox_run_due(NOON)
    [message] = mail.outbox
    assert message.to == [ANA, "ben@example.com"]
    for words in (
        "for all campaigns has reached 80 % of its limit",
        "Limit: $10.00 (day)",
        "Spent and promised: $8.00",
        "Next period: Thursday 19 November 2026, 00:00 CST",
        "cheaper voice",
        f"/admin/billing/budget/{budget.pk}/change/",
    ):
        assert words in message.body


@pytest.mark.django_db
def test_a_message_that_was_sent_is_not_sent_again(post_office: None) -> None:
    use(BudgetFactory(limit=10, notify=ANA), "5")
    budgets_watch(NOON)
    for _ in range(2):
        outbox_run_due(NOON)
        OutboxItem.objects.update(done_at=None, due_at=NOON)
    assert len(mail.outbox) == 1
    assert BudgetAlert.objects.get().emailed_at is not None


@pytest.mark.django_db
def test_a_server_that_is_away_is_tried_again(post_office: None, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    use(BudgetFactory(limit=10, notify=ANA), "5")
    budgets_watch(NOON)
    outbox_run_due(NOON)
    item = OutboxItem.objects.get()
    assert item.done_at is None
    assert item.last_error.startswith("ConnectionRefusedError")
    assert BudgetAlert.objects.get().emailed_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outbox_run_due(item.due_at)
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_without_a_mail_server_the_dashboard_says_so(settings: Any) -> None:
    settings.EMAIL_HOST = ""
    use(BudgetFactory(limit=10, notify=ANA, name="November"), "8")
    budgets_watch(NOON)
    outbox_run_due(NOON)
    assert mail.outbox == []
    assert f"November has reached 80 % of $10.00. No e-mail went out: {NO_SERVER}" in [
        row.text for row in needs_a_person(NOON)
    ]


@pytest.mark.django_db
def test_the_dashboard_shows_what_is_nearly_used_up_until_that_changes() -> None:
    budget = BudgetFactory(limit=10, name="November")

    def shown(at: datetime = NOON) -> list[str]:
        return [row.text for row in needs_a_person(at) if "November" in row.text]

    use(budget, "8")
    budgets_watch(NOON)
    assert shown() == []
    use(budget, "9.7")
    budgets_watch(NOON)
    assert shown() == ["November has reached 95 % of $10.00"]
    use(budget, "10")
    budgets_watch(NOON)
    assert shown() == ["November is used up: $10.00"]
    assert shown(NOON + timedelta(days=1)) == []
    Budget.objects.filter(pk=budget.pk).update(limit=20)
    assert shown() == []


@pytest.mark.django_db
def test_a_budget_per_lead_is_measured_by_what_its_leads_have_earned() -> None:
    budget = BudgetFactory(measure="per_qualified_lead", limit=3, minimum_spend=5)
    [unbegun] = budget_uses(NOON)
    assert unbegun.limit == 5
    period = use(budget, "4.80")
    [before] = budget_uses(NOON)
    assert (before.limit, before.spent_percent) == (5, 96)
    call = CallFactory(ended=True)
    for lead in (call.lead, LeadFactory(), LeadFactory(), LeadFactory()):
        QualifiedLead.objects.create(period=period, lead=lead, call=call, at=NOON)
    [after] = budget_uses(NOON)
    assert (after.limit, after.spent_percent) == (12, 40)


@pytest.mark.django_db
def test_it_pauses_the_campaign_once_and_says_why(post_office: None) -> None:
    campaign, other = (CampaignFactory(running=True) for _ in range(2))
    budget = BudgetFactory(
        limit=10, campaign=campaign, pause_campaign_at_percent=90, notify=ANA, name="Spring"
    )
    use(budget, "8.9")
    budgets_watch(NOON)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.RUNNING
    use(budget, "9")
    budgets_watch(NOON)
    campaign.refresh_from_db()
    other.refresh_from_db()
    assert (campaign.state, other.state) == (Campaign.State.PAUSED, Campaign.State.RUNNING)
    assert campaign.pause_reason.startswith("90 % of the budget “Spring” is used")
    outbox_run_due(NOON)
    assert f"Paused: {campaign.name}." in mail.outbox[-1].body
    # Somebody starts it all the same: their word stands.
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.RUNNING)
    budgets_watch(NOON)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.RUNNING


@pytest.mark.django_db
def test_the_account_s_budget_pauses_every_running_campaign() -> None:
    running = [CampaignFactory(running=True) for _ in range(2)]
    draft = CampaignFactory()
    use(BudgetFactory(limit=10, pause_campaign_at_percent=50), "6")
    budgets_watch(NOON)
    alert = BudgetAlert.objects.get(kind="pause")
    assert alert.campaigns == sorted(campaign.name for campaign in running)
    draft.refresh_from_db()
    assert draft.state == Campaign.State.DRAFT


@pytest.mark.django_db
def test_a_refused_call_shows_that_a_budget_is_used_up(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    budget = BudgetFactory(limit="1.00", campaign=campaign, pause_campaign_at_percent=100)
    use(budget, "0.98")
    budgets_watch(now)
    assert told() == [50, 80, 95]
    enrolment = enrol(campaign)
    assert dial_next(now) is None
    assert told() == [50, 80, 95, 100]
    campaign.refresh_from_db()
    enrolment.refresh_from_db()
    assert campaign.state == Campaign.State.PAUSED
    assert enrolment.state == Enrolment.State.WAITING
    assert enrolment.blocked_reasons == ["no_budget"]


@pytest.mark.django_db
def test_a_budget_that_is_only_promised_away_is_not_used_up() -> None:
    budget = BudgetFactory(limit="1.00")
    use(budget, "0.40", "0.58")
    exhausted = BudgetExhausted([budget], Decimal("0.05"))
    assert budget_refusal_note(exhausted=exhausted, now=NOON) == 0
    use(budget, "0.96")
    assert budget_refusal_note(exhausted=exhausted, now=NOON) == 1
    assert budget_refusal_note(exhausted=exhausted, now=NOON) == 0
    assert told() == [50, 80, 95, 100]


@pytest.mark.django_db
def test_a_promise_undone_tells_nobody() -> None:
    budget = BudgetFactory(limit=1)
    with transaction.atomic():
        use(budget, "0.6")
        budgets_watch(NOON)
        transaction.set_rollback(True)
    assert not BudgetAlert.objects.exists()
    assert not OutboxItem.objects.exists()


def watch_at_once(threads: int, folder: Path) -> None:
    campaign = CampaignFactory(running=True)
    for limit in (10, 20, 40):
        use(BudgetFactory(limit=limit, pause_campaign_at_percent=20), "9.6")
    with shared_database(folder):
        results = at_once(threads, lambda _: budgets_watch(NOON))
        [(alerts, items, state)] = at_once(
            1,
            lambda _: (
                sorted(BudgetAlert.objects.values_list("limit", "kind", "percent")),
                OutboxItem.objects.count(),
                Campaign.objects.values_list("state", flat=True).get(pk=campaign.pk),
            ),
        )
    assert not [result for result in results if isinstance(result, Exception)], results
    # 95 % of 10 with the thresholds below it; 48 % of 20 and 24 % of 40 only pause.
    assert [(int(limit), kind, percent) for limit, kind, percent in alerts] == [
        (10, "notice", 50), (10, "notice", 80), (10, "notice", 95), (10, "pause", 20),
        (20, "pause", 20), (40, "pause", 20),
    ]  # fmt: skip
    assert sum(int(result) for result in results) == items == 4
    assert state == Campaign.State.PAUSED


@pytest.mark.postgresql
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="DATABASE_URL names no PostgreSQL database"
)
@pytest.mark.django_db(transaction=True)
def test_thirty_watchers_tell_of_a_threshold_once(tmp_path: Path) -> None:
    watch_at_once(30, tmp_path)


@pytest.mark.django_db(transaction=True)
def test_six_watchers_tell_of_a_threshold_once(tmp_path: Path) -> None:
    watch_at_once(6, tmp_path)
