"""Consent is evidence, its withdrawal is immediate, and do-not-call holds for the number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from leads.models import Consent, DoNotCall, Lead
from leads.policy.may_call import may_call
from leads.selectors import call_facts
from leads.services import consent_give, consent_revoke, do_not_call_add, lead_create

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
PHONE = "+12125550123"


@pytest.fixture
def lead() -> Lead:
    return lead_create(phone=PHONE, now=NOW)


def give(lead: Lead, **other: object) -> Consent:
    values: dict[str, object] = {
        "text": "Call me, also with an artificial voice.",
        "seller": "Harbor Homes",
        "source": "form 12",
        "given_at": NOW,
    }
    return consent_give(lead_id=lead.pk, **(values | other))  # type: ignore[arg-type]


def codes(lead: Lead, **facts: object) -> tuple[str, ...]:
    return may_call(call_facts(lead, attempts_at=(), **facts), now=NOW).codes  # type: ignore[arg-type]


def test_a_lead_without_consent_may_not_be_called(lead: Lead):
    assert codes(lead) == ("no_consent",)
    give(lead)
    assert codes(lead) == ()


def test_the_same_consent_is_kept_once(lead: Lead):
    assert give(lead) == give(lead)
    assert lead.timeline.filter(kind="consent").count() == 1


@pytest.mark.parametrize("field", ["text", "seller", "source"])
def test_a_consent_without_evidence_is_refused(lead: Lead, field: str):
    with pytest.raises(ValidationError, match=f"without its {field}"):
        give(lead, **{field: "  "})


def test_spoken_consent_is_not_enough_for_an_artificial_voice(lead: Lead):
    give(lead, kind=Consent.Kind.EXPRESS)
    assert codes(lead) == ("no_consent",)


def test_consent_for_another_number_does_not_count(lead: Lead):
    give(lead, phone="+12125550124")
    assert codes(lead) == ("no_consent",)


def test_a_withdrawal_is_effective_at_once_and_safe_to_repeat(lead: Lead):
    give(lead)
    assert consent_revoke(lead_id=lead.pk, via="e-mail", now=NOW) == 1
    assert codes(lead) == ("consent_revoked",)
    assert consent_revoke(lead_id=lead.pk, via="e-mail", now=NOW) == 0
    assert lead.timeline.filter(text="Consent withdrawn: e-mail.").count() == 1


def test_a_consent_given_after_a_withdrawal_counts(lead: Lead):
    give(lead)
    consent_revoke(lead_id=lead.pk, via="e-mail", now=NOW)
    give(lead, given_at=NOW + timedelta(minutes=1))
    assert codes(lead) == ()


def test_do_not_call_holds_at_once_and_withdraws_consent(lead: Lead):
    give(lead)
    do_not_call_add(phone=PHONE, source="voice", now=NOW)
    assert codes(lead) == ("do_not_call", "consent_revoked")
    assert lead.timeline.get(kind="do_not_call").text == (
        "Never to be called again: said on a call."
    )


def test_do_not_call_is_safe_to_repeat_and_keeps_the_first_source(lead: Lead):
    first = do_not_call_add(phone=PHONE, source="key", now=NOW)
    assert do_not_call_add(phone="(212) 555-0123", source="voice", now=NOW) == first
    assert DoNotCall.objects.get().source == "key"
    assert lead.timeline.filter(kind="do_not_call").count() == 1


def test_do_not_call_holds_for_a_number_whose_lead_comes_later():
    do_not_call_add(phone=PHONE, source="import", now=NOW)
    lead = lead_create(phone=PHONE, now=NOW)
    give(lead)
    assert codes(lead) == ("do_not_call",)


def test_a_consent_dated_later_than_its_withdrawal_is_withdrawn_all_the_same(lead: Lead):
    give(lead, given_at=NOW + timedelta(hours=1))
    do_not_call_add(phone=PHONE, source="voice", now=NOW)
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()


def test_the_state_of_the_number_counts_even_without_an_address():
    lead = lead_create(phone="+14155550100", now=NOW)
    give(lead)
    assert codes(lead) == ("state_blocked",)
    assert codes(lead, california_override="In-person consent, file 7.") == ()


def test_the_gate_reads_twice_from_the_database(lead: Lead, django_assert_num_queries):
    with django_assert_num_queries(2):
        call_facts(lead, attempts_at=())
