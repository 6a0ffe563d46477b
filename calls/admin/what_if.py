"""The page that answers what past calls would have cost with another voice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from billing.policy.tiers import Mode, TierPolicy
from billing.policy.what_if import CallResult, Change, WhatIf, tiers_of
from billing.selectors import PriceUnknown
from calls.admin.costs import may_or_denied
from calls.admin.money_pages import money_pages
from calls.admin.span_form import SpanForm, presets, span_form, span_of
from calls.desk.past_calls import MOST, past_calls, tier_what_ifs
from calls.models import Call, Campaign

_POLICIES = (
    ("by_score", "Premium by score"),
    ("premium", "Premium only"),
    ("local", "Local only"),
)
_SCORE = Campaign._meta.get_field("premium_from_score").default


class WhatIfForm(SpanForm):
    """Which calls, and which policy they are priced by."""

    tier: Any = None  # not asked: Django takes the field out
    policy = forms.ChoiceField(choices=_POLICIES, label="If the voice had been")
    score = forms.IntegerField(min_value=0, max_value=100, label="Premium from score")


@dataclass(frozen=True, slots=True)
class Difference:
    """A past call and what the policy makes of it."""

    call: Call
    result: CallResult
    tiers: list[Change]

    @property
    def in_words(self) -> str:
        """Which voice it would have had, and why."""
        return "; then ".join(
            f"{change.choice.tier}: {change.choice.words}" for change in self.tiers
        )


def what_if_page(request: HttpRequest) -> HttpResponse:
    """Show what past calls would have cost under each policy, and call by call under one."""
    may_or_denied(request, "billing.view_charge")
    now = timezone.now()
    given = {"policy": "by_score", "score": _SCORE} | request.GET.dict()
    form = span_form(given, now, WhatIfForm)
    span = span_of(form, now)
    chosen = form.cleaned_data if form.is_valid() else {}
    mode = cast(Mode, chosen.get("policy", "by_score"))
    score: int = chosen.get("score", _SCORE)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "What would it have cost?",
        "money_pages": money_pages(request),
        "form": form,
        "presets": presets(span, now),
    }
    policies = [TierPolicy(cast(Mode, name), score) for name, _ in _POLICIES]
    try:
        found = tier_what_ifs(
            policies=policies,
            since=span.since,
            until=span.until,
            campaign_id=span.campaign_id,
            day=now.date(),
            most=MOST,
        )
    except PriceUnknown as error:
        context["problem"] = str(error)
    else:
        result = next(each for each in found.results if each.policy.mode == mode)
        context |= {
            "found": found,
            "rows": [
                (_name(each.policy), each, each.policy == result.policy) for each in found.results
            ],
            "policy": _name(result.policy),
            "result": result,
            "differences": _differences(result),
        }
    return TemplateResponse(request, "desk/what_if.html", context)


def _name(policy: TierPolicy) -> str:
    name = dict(_POLICIES)[policy.mode]
    return f"{name}, from {policy.premium_from}" if policy.mode == "by_score" else name


def _differences(result: WhatIf) -> list[Difference]:
    """Return the calls that differ most, with the voices that each would have had."""
    found = Call.objects.select_related("lead", "campaign").in_bulk(
        [each.call_id for each in result.furthest]
    )
    shown = [each for each in result.furthest if each.call_id in found]
    calls = [found[each.call_id] for each in shown]
    return [
        Difference(call, each, tiers_of(past, result.policy))
        for call, each, past in zip(calls, shown, past_calls(calls), strict=True)
    ]
