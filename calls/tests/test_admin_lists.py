"""Every page of the desk opens for those who may see it, and costs the same with many rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agents.models import Evaluation
from billing.models import RentedNumber, VarianceAlert
from calls.models import (
    CarrierDifference,
    Lease,
    RepLine,
    ScheduledWork,
    WebhookDelivery,
    WebhookEndpoint,
)
from leads.models import BookingRules, BulkChange, Holiday, ImportBatch
from tests import factories

pytestmark = pytest.mark.django_db


def _delivery() -> WebhookDelivery:
    """Return the only delivery to an endpoint."""
    endpoint = WebhookEndpoint.objects.create(
        name="Our CRM",
        url="https://crm.example.com/hook",
        host="crm.example.com",
        events=["call.ended"],
        sealed_secret="sealed",
    )
    return WebhookDelivery.objects.create(
        endpoint=endpoint, event="call.ended", key="k", message_id="msg_1", body="{}"
    )


ROWS: dict[str, Callable[[], Any]] = {
    "leads_lead": factories.LeadFactory,
    "leads_consent": factories.ConsentFactory,
    "leads_donotcall": factories.DoNotCallFactory,
    "leads_importbatch": lambda: ImportBatch.objects.create(
        file_name="fair.csv", source="fair", format="CSV, UTF-8", columns=["phone"]
    ),
    "leads_appointment": factories.AppointmentFactory,
    "leads_workinghours": factories.WorkingHoursFactory,
    "leads_timeoff": factories.TimeOffFactory,
    "leads_holiday": lambda: Holiday.objects.create(
        day=date(2026, 1, 1) + timedelta(days=Holiday.objects.count()), name="Holiday"
    ),
    "leads_bookingrules": lambda: BookingRules.objects.create(rep=factories.UserFactory()),
    "leads_bulkchange": lambda: BulkChange.objects.create(
        action="tag", title="Tag 2 leads: fair", state="done", at=timezone.now()
    ),
    "leads_leadscore": factories.LeadScoreFactory,
    "leads_timelineentry": factories.TimelineEntryFactory,
    "billing_price": lambda: factories.PriceFactory(
        provider=f"carrier {factories.Price.objects.count()}"
    ),
    "billing_charge": factories.ChargeFactory,
    "billing_reconciliation": factories.ReconciliationFactory,
    "billing_reservation": factories.ReservationFactory,
    "billing_budget": factories.BudgetPeriodFactory,
    "billing_rentednumber": lambda: RentedNumber.objects.create(
        number=f"+1512555{2000 + RentedNumber.objects.count()}", rented_from=date(2026, 1, 1)
    ),
    "billing_variancealert": lambda: VarianceAlert.objects.create(
        component="telephony_out",
        day=date(2026, 1, 1) + timedelta(days=VarianceAlert.objects.count()),
        calls=3,
        estimated=1,
        actual=2,
        at=timezone.now(),
    ),
    "agents_playbook": factories.PlaybookVersionFactory,
    "agents_playbookversion": factories.PlaybookVersionFactory,
    "agents_evaluation": lambda: Evaluation.objects.create(
        version=factories.PlaybookVersionFactory()
    ),
    "calls_campaign": factories.EnrolmentFactory,
    "calls_callernumber": factories.CallerNumberFactory,
    "calls_enrolment": factories.EnrolmentFactory,
    "calls_call": lambda: factories.CallFactory(ended=True),
    "calls_turn": factories.TurnFactory,
    "calls_callevent": factories.CallEventFactory,
    "calls_recording": factories.RecordingFactory,
    "calls_carrierevent": factories.CarrierEventFactory,
    "calls_outboxitem": factories.OutboxItemFactory,
    "calls_lease": lambda: Lease.objects.create(
        name=f"job {Lease.objects.count()}", holder="host:1", expires_at=timezone.now()
    ),
    "calls_webhookendpoint": _delivery,
    "calls_webhookdelivery": _delivery,
    "calls_repline": lambda: RepLine.objects.create(user=factories.UserFactory()),
    "calls_carrierdifference": lambda: CarrierDifference.objects.create(
        kind="unknown_here",
        sid=f"CA{CarrierDifference.objects.count()}",
        found_at=timezone.now(),
        seen_at=timezone.now(),
    ),
    "calls_scheduledwork": lambda: ScheduledWork.objects.create(
        kind=f"work {ScheduledWork.objects.count()}", next_due=timezone.now()
    ),
    "auth_user": factories.UserFactory,
    "auth_group": lambda: Group.objects.create(name=f"Role {Group.objects.count()}"),
}


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.ManagerFactory())
    return client


def test_it_has_a_page_for_every_model() -> None:
    registered = {
        f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry
    }
    # Pages of their own kind have tests of their own.
    own = {
        "billing_variancerule",
        "calls_killswitch",
        "leads_accesspolicy",
        "leads_assignmentrule",
        "leads_auditentry",
        "leads_callingpolicy",
        "leads_leadmerge",
        "leads_numberlist",
        "leads_reassignedcheck",
        "leads_registryarea",
        "leads_retentionrule",
        "leads_sheetconflict",
        "leads_sheetlink",
        "leads_task",
    }
    assert registered == set(ROWS) | own


@pytest.mark.parametrize("name", ROWS)
def test_it_opens_list_and_row_for_a_manager(manager: Client, name: str) -> None:
    ROWS[name]()
    answer = manager.get(reverse(f"admin:{name}_changelist"))
    assert answer.status_code == 200
    row = answer.context["cl"].result_list[0]
    page = reverse(f"admin:{name}_change", args=(row.pk,))
    assert manager.get(page, follow=True).status_code == 200
    # Whoever may not add is refused, and nothing breaks.
    assert manager.get(reverse(f"admin:{name}_add")).status_code in {200, 403}


@pytest.mark.parametrize("name", ROWS)
def test_it_searches_and_empty_lists_say_so(manager: Client, name: str) -> None:
    assert manager.get(reverse(f"admin:{name}_changelist"), {"q": "nobody"}).status_code == 200


@pytest.mark.parametrize("name", ROWS)
def test_it_asks_strangers_to_log_in(client: Client, name: str) -> None:
    answer = client.get(reverse(f"admin:{name}_changelist"))
    assert answer.status_code == 302
    assert reverse("admin:login") in answer["Location"]


@pytest.mark.parametrize("name", ROWS)
def test_it_refuses_staff_without_the_permission(client: Client, name: str) -> None:
    client.force_login(factories.UserFactory())
    assert client.get(reverse(f"admin:{name}_changelist")).status_code == 403


@pytest.mark.parametrize("name", ROWS)
def test_a_list_takes_as_many_queries_for_25_rows_as_for_5(manager: Client, name: str) -> None:
    address = reverse(f"admin:{name}_changelist")
    counts = []
    for more in (5, 20):
        for _ in range(more):
            ROWS[name]()
        manager.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert manager.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_it_finds_a_lead_by_its_number_as_people_write_it(manager: Client) -> None:
    wanted = factories.LeadFactory(phone="+15125550142")
    factories.LeadFactory(phone="+15125550199")
    answer = manager.get(reverse("admin:leads_lead_changelist"), {"q": "(512) 555-0142"})
    assert list(answer.context["cl"].result_list) == [wanted]


@pytest.mark.parametrize(("temperature", "scores"), [("hot", {70, 95}), ("warm", {40, 69})])
def test_it_filters_leads_by_temperature(
    manager: Client, temperature: str, scores: set[int]
) -> None:
    for score in (None, 10, 40, 69, 70, 95):
        factories.LeadFactory(score=score)
    answer = manager.get(reverse("admin:leads_lead_changelist"), {"temperature": temperature})
    assert {lead.score for lead in answer.context["cl"].result_list} == scores


def test_charges_cannot_be_changed_or_deleted_by_anybody(manager: Client) -> None:
    charge = factories.ChargeFactory()
    page = reverse("admin:billing_charge_change", args=(charge.pk,))
    assert manager.post(page, {"amount": "0"}).status_code == 403
    assert (
        manager.post(reverse("admin:billing_charge_delete", args=(charge.pk,))).status_code == 403
    )


def test_a_price_that_was_charged_keeps_its_figures(manager: Client) -> None:
    charge = factories.ChargeFactory()
    page = reverse("admin:billing_price_change", args=(charge.price_id,))
    answer = manager.get(page)
    assert not answer.context["adminform"].form.fields


def test_the_sidebar_shows_only_what_a_role_can_use(client: Client) -> None:
    client.force_login(factories.UserFactory())
    page = client.get(reverse("admin:index")).content.decode()
    assert reverse("costs") not in page
    assert "Stop all dialling" not in page
