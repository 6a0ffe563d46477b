"""Leads are found by whatever a person remembers of them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Lead
from leads.search import _LEAD_WORDS, _matches, _query_words, leads_found, leads_search
from tests.factories import LeadFactory, TimelineEntryFactory

pytestmark = pytest.mark.django_db


def found(term: str) -> set[Lead]:
    return set(leads_found(Lead.objects.all(), term))


@pytest.fixture
def maria() -> Lead:
    LeadFactory(
        first_name="Tom", last_name="Baker", phone="+15125550999", email="tom@other.com",
        street="9 Elm Road", city="Dallas", postal_code="75201",
    )  # fmt: skip
    lead = LeadFactory(
        first_name="Maria", last_name="Lopez-Ortega", phone="+15125550133",
        email="maria.lopez@example.com", street="120 Congress Avenue", city="Austin",
        state="TX", postal_code="78701",
    )  # fmt: skip
    TimelineEntryFactory(lead=lead, text="Wants the pool fenced before the open house.")
    TimelineEntryFactory(lead=lead, kind="call", text="Call: zeppelin.")
    return lead


@pytest.mark.parametrize(
    "term",
    [
        "maria", "MARIA LOPEZ", "lopez maria", "ortega", "mar lop",
        "(512) 555-0133", "512.555.0133", "5125550133", "+1 512 555 0133", "1-512-555-0133",
        "555-0133", "0133", "maria 0133",
        "maria.lopez@example.com", "lopez@example", "120 Congress", "78701", "congress austin",
        "120 78701", "fenced pool",
    ],
)  # fmt: skip
def test_it_finds_a_lead_by(maria: Lead, term: str):
    assert found(term) == {maria}


@pytest.mark.parametrize(
    "term", ["maria baker", "zeppelin", "pool zeppelin", "555-0134", "", "...", "& | !", "'; --"]
)
def test_it_finds_nobody_by(maria: Lead, term: str):
    assert found(term) == set()


def test_it_finds_numbers_of_other_countries_as_they_are_dialled_there():
    lead = LeadFactory(phone="+442079460123")
    for term in ("+44 20 7946 0123", "020 7946 0123", "7946 0123"):
        assert found(term) == {lead}, term


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite compares letters as they are")
def test_it_finds_names_without_their_accents():
    lead = LeadFactory(first_name="José", last_name="Núñez")
    assert found("jose nunez") == found("JOSÉ") == {lead}


def test_it_finds_a_name_with_its_accents():
    lead = LeadFactory(first_name="José", last_name="Núñez")
    assert found("José Núñez") == {lead}


def test_it_takes_few_queries_and_stays_within_what_may_be_seen(maria: Lead):
    with CaptureQueriesContext(connection) as queries:
        assert set(leads_found(Lead.objects.filter(city="Dallas"), "maria")) == set()
    assert len(queries) <= 3


@pytest.mark.parametrize("most", [1, 2000])
def test_a_word_that_many_have_finds_all_of_them_also_within_another_query(
    monkeypatch: pytest.MonkeyPatch, most: int
):
    monkeypatch.setattr("leads.search.MOST", most)
    many = {LeadFactory(last_name="Hill") for _ in range(3)}
    LeadFactory(last_name="Dale", email="dale@example.com")
    assert found("hill") == many
    assert leads_search(Lead.objects.all(), "hill").counted.count() == 3
    inner = leads_found(Lead.objects.all(), "hill").order_by().values("pk")
    assert set(Lead.objects.filter(pk__in=inner)) == many


@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no index of words")
@pytest.mark.parametrize("term", ["maria", "(512) 555-0133", "lopez austin"])
def test_the_index_answers(maria: Lead, term: str):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Lead.objects.filter(_matches(_LEAD_WORDS, _query_words(term))).explain()
    assert "lead_search" in plan
