"""The money of many calls, for benchmarks of its pages: charges, bills, budgets, words, scores.

On top of `many_leads.fill`, from whose calls all of it is made, by PostgreSQL itself.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from billing.models import Budget, BudgetPeriod, Charge, Price
from billing.policy.limits import period_start
from billing.services import daily_spend_add, prices_seed
from calls.models import Campaign

LEAST = 1000
"""Charges of the calls that a benchmark makes for itself: below, the ledger is not filled yet."""
_PARTS = (
    ("telephony_out", "twilio", "US", 3), ("media_stream", "twilio", "*", 3),
    ("recording", "twilio", "*", 1), ("amd", "twilio", "*", 1), ("tts", "elevenlabs", "*", 3),
    ("tts_cached", "elevenlabs", "*", 2),
)  # fmt: skip
"""Component, provider, region and how many charges of each call: thirteen."""
_BUDGETS = 40


def fill_money() -> None:
    """Give every call thirteen charges, a bill, four turns and a score; once."""
    if Charge.objects.count() > LEAST:
        return
    prices_seed()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE calls_call SET voice_tier = CASE WHEN random() < 0.5 THEN 'premium' "
            "ELSE 'local' END, dialed_at = created_at, answered_at = created_at + interval '6 s', "
            "stream_started_at = created_at + interval '7 s', "
            "ended_at = created_at + (20 + random() * 300) * interval '1 s', "
            "settled_at = created_at + interval '400 s' WHERE settled_at IS NOT NULL"
        )
        for component, provider, region, count in _PARTS:
            cursor.execute(_charges(component, provider, region, count))
        cursor.execute(_COSTS)
        cursor.execute(_BILLS)
        cursor.execute(_TURNS)
        cursor.execute(_SCORES)
        cursor.execute(_FACTORS)
        # Without its statistics PostgreSQL takes the new tables for empty.
        cursor.execute("ANALYZE calls_turn, leads_leadscore, billing_charge, calls_call")
        cursor.execute(_SPEECH)
    _budgets()
    daily_spend_add()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _charges(component: str, provider: str, region: str, count: int) -> str:
    price = Price.objects.filter(
        component=component.removesuffix("_cached"),
        provider=provider,
        region=region,
        valid_to__isnull=True,
    ).first()
    assert price is not None, (component, provider, region)
    billed = "0" if component == "tts_cached" else "1"
    return f"""
        INSERT INTO billing_charge (id, key, call_id, campaign_id, component, provider, price_id,
            quantity, billed_quantity, unit, unit_price, amount, is_estimate, at, created_at)
        SELECT gen_random_uuid(), c.id || ':{component}:' || n, c.id, c.campaign_id,
            '{component}', '{provider}', '{price.pk}', 0.8, {billed}, '{price.unit}',
            {price.unit_price}, {billed} * {price.unit_price}, true,
            c.created_at + n * interval '60 s', c.created_at + n * interval '61 s'
        FROM calls_call c, generate_series(1, {count}) n"""


_COSTS = """
    UPDATE calls_call c SET cost = s.total FROM (
        SELECT call_id, sum(amount) total FROM billing_charge GROUP BY call_id) s
    WHERE s.call_id = c.id"""
_BILLS = """
    INSERT INTO billing_reconciliation (id, call_id, component, provider, estimated, actual, at)
    SELECT gen_random_uuid(), c.id, 'telephony_out', 'twilio', 0.042,
        CASE WHEN random() < 0.05 THEN 0.044 ELSE 0.042 END, c.created_at + interval '1 hour'
    FROM calls_call c"""
_TURNS = """
    INSERT INTO calls_turn (id, call_id, index, speaker, text, started_ms, ended_ms, interrupted,
        latency_ms, agent, topic, why, tier, details, created_at)
    SELECT gen_random_uuid(), c.id, n, CASE WHEN n % 2 = 0 THEN 'agent' ELSE 'lead' END,
        repeat('We may well speak. ', 2 + n * 2), n * 5000, n * 5000 + 4000, false,
        CASE WHEN n % 2 = 0 THEN 150 + (random() * 200)::int END, '', '', '',
        CASE WHEN n % 2 = 0 THEN c.voice_tier ELSE '' END, '{}', c.created_at + interval '1 hour'
    FROM calls_call c, generate_series(0, 3) n
    ON CONFLICT DO NOTHING"""
_SCORES = """
    INSERT INTO leads_leadscore (id, lead_id, call_id, value, scorer_version, created_at)
    SELECT gen_random_uuid(), c.lead_id, c.id, (random() * 100)::int, 'bench',
        c.created_at + interval '400 s'
    FROM calls_call c"""
_FACTORS = """
    INSERT INTO leads_scorefactor (id, score_id, name, value, points, evidence, turn_index)
    SELECT gen_random_uuid(), s.id, 'timeframe', '', s.value, '', 1
    FROM leads_leadscore s WHERE s.scorer_version = 'bench'"""

_SPEECH = """
    INSERT INTO calls_callspeech (call_id, said, voice, sent, heard)
    SELECT t.call_id, jsonb_build_array(
            jsonb_build_array(-1, t.said / 3), jsonb_build_array(s.value, t.said - t.said / 3)),
        v.amount, v.quantity, CASE WHEN t.premium THEN t.said ELSE 0 END
    FROM (SELECT call_id, sum(length(text)) said, bool_or(tier = 'premium') premium
          FROM calls_turn WHERE speaker = 'agent' GROUP BY call_id) t
    JOIN (SELECT call_id, sum(amount) amount, sum(quantity) quantity FROM billing_charge
          WHERE component = 'tts' GROUP BY call_id) v ON v.call_id = t.call_id
    JOIN leads_leadscore s ON s.call_id = t.call_id AND s.scorer_version = 'bench'
    ON CONFLICT DO NOTHING"""


def _budgets() -> None:
    """A budget of each kind for the account, daily ones of campaigns with a year behind them."""
    campaigns = list(Campaign.objects.all())
    now = timezone.now()
    for number in range(_BUDGETS):
        period = ("day", "week", "month", "total")[number % 4]
        campaign = campaigns[number % len(campaigns)] if number >= 4 else None
        budget = Budget.objects.create(
            name=f"Budget {number}", campaign=campaign, period=period, limit=Decimal(5000)
        )
        starts = {
            period_start(period, now=now - timedelta(days=day), time_zone=budget.time_zone)
            for day in range(365)
        }
        BudgetPeriod.objects.bulk_create(
            BudgetPeriod(budget=budget, starts_on=day, spent=Decimal("1234.5"))
            for day in sorted(starts)
        )
