"""Campaigns: what each is doing in words, and the buttons that start and stop it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, DecimalField, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from billing.formats import usd
from billing.models import Charge
from calls.admin.campaign_form import CampaignForm
from calls.admin.enrol import enrol_page
from calls.desk.campaign import campaign_page, start_preview
from calls.desk.live import goodbye, on_the_line
from calls.models import Campaign
from calls.services.campaign_edits import campaign_edit
from calls.services.campaigns import (
    CampaignRefused,
    campaign_pause,
    campaign_start,
    campaign_stop,
)
from leads.admin.actor import actor_of

STATE_COLOURS = {"Running": "success", "Paused": "warning", "Draft": "info"}
_VERBS = {"start": "Start", "pause": "Pause", "stop": "Stop"}
_MAY = {
    "start": (Campaign.State.DRAFT, Campaign.State.PAUSED, Campaign.State.FINISHED),
    "pause": (Campaign.State.RUNNING,),
    "stop": (Campaign.State.RUNNING, Campaign.State.PAUSED),
}
_CONSEQUENCES = {
    "pause": [
        "No new call is dialled.",
        "Start it again at any time: leads keep their place.",
    ],
    "stop": [
        "The campaign is finished: waiting leads are taken out and no new call is dialled.",
        "Calls on the line go on to their end.",
        "To go on later, enrol leads again and start it.",
    ],
}


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
    """A campaign's page begins with its progress and the buttons; its settings come below."""

    empty_hint = "A campaign says who is called, with which playbook, when, and for how much."
    form = CampaignForm
    list_display = ("name", "state_label", "playbook", "progress", "appointments", "spent", "hours")
    list_filter = (("state", ChoicesDropdownFilter), ("playbook", RelatedDropdownFilter))
    list_select_related = ("playbook",)
    search_fields = ("name", "business_name")
    autocomplete_fields = ("playbook", "numbers")
    change_form_template = "desk/campaign_page.html"
    actions = ("pause_chosen",)
    readonly_fields = ("state", "pause_reason", "started_at", "finished_at")
    fieldsets = (
        (
            "What is said, and by whom",
            {"fields": ("name", ("playbook", "business_name"), "numbers")},
        ),
        (
            "When and how fast",
            {
                "fields": (
                    ("window_opens", "window_closes"),
                    ("max_concurrent", "calls_per_minute"),
                    ("priority", "weight"),
                    ("ring_seconds", "max_call_seconds"),
                )
            },
        ),
        ("Calling again", {"fields": ("max_attempts", "cadence")}),
        ("Goal", {"fields": ("goal_outcome", ("goal_count", "goal_then"))}),
        (
            "Voice and recording",
            {
                "fields": (
                    ("voice_tier", "premium_from_score"),
                    ("recording_policy", "leave_message"),
                    "detect_machines",
                )
            },
        ),
        (
            "When people call us, or ask for a person",
            {
                "fields": (
                    "transfer_mode",
                    ("inbound_opens", "inbound_closes"),
                    "inbound_closed_line",
                    "inbound_busy_line",
                )
            },
        ),
        (
            "Taking turns",
            {
                "fields": (("patience", "interrupting"), "least_gap_ms"),
                "description": "What is left empty is as the playbook says.",
            },
        ),
        (
            "Law and state",
            {
                "fields": (
                    "california_override",
                    ("state", "pause_reason"),
                    ("started_at", "finished_at"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        rows: QuerySet[Campaign] = super().get_queryset(request)
        match = request.resolver_match
        if match is None or match.url_name != "calls_campaign_changelist":
            return rows
        spent = (
            Charge.objects.filter(campaign=OuterRef("pk"))
            .order_by()
            .values("campaign")
            .annotate(total=Sum("amount"))
            .values("total")
        )
        return rows.annotate(
            leads_all=Count("enrolments", distinct=True),
            leads_left=Count("enrolments", filter=Q(enrolments__state="waiting"), distinct=True),
            booked=Count(
                "enrolments", filter=Q(enrolments__last_outcome="appointment"), distinct=True
            ),
            spent_usd=Subquery(spent, output_field=DecimalField(decimal_places=6)),
        )

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_label(self, campaign: Campaign) -> str:
        return campaign.get_state_display()

    @display(description="Leads left", ordering="leads_left")
    def progress(self, campaign: Campaign) -> str:
        left, total = getattr(campaign, "leads_left", 0), getattr(campaign, "leads_all", 0)
        return f"{left:,} of {total:,}"

    @display(description="Appointments", ordering="booked")
    def appointments(self, campaign: Campaign) -> Any:
        return getattr(campaign, "booked", 0)

    @display(description="Spent", ordering="spent_usd")
    def spent(self, campaign: Campaign) -> str:
        return usd(getattr(campaign, "spent_usd", None) or 0)

    @display(description="Hours")
    def hours(self, campaign: Campaign) -> str:
        if campaign.window_opens is None and campaign.window_closes is None:
            return "as the law allows"
        opens = f"{campaign.window_opens:%H:%M}" if campaign.window_opens else "legal"
        closes = f"{campaign.window_closes:%H:%M}" if campaign.window_closes else "legal"
        return f"{opens}–{closes}"

    def save_model(self, request: HttpRequest, obj: Any, form: forms.Form, change: bool) -> None:
        """Write what was changed, and only that: the dialer and others write here meanwhile."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        campaign_edit(
            campaign=obj, changed=form.changed_data, actor=actor_of(request), now=timezone.now()
        )

    def has_steer_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("calls.change_campaign"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A campaign that has called somebody is part of the record."""
        if obj is not None and obj.calls.exists():
            return False
        return bool(super().has_delete_permission(request, obj))

    def get_urls(self) -> list[URLPattern]:
        steps = [
            path(
                f"<uuid:object_id>/{verb}/",
                self.admin_site.admin_view(self._step),
                {"verb": verb},
                name=f"calls_campaign_{verb}",
            )
            for verb in _VERBS
        ]
        enrol = path(
            "<uuid:object_id>/enrol/",
            self.admin_site.admin_view(enrol_page),
            name="calls_campaign_enrol",
        )
        return [*steps, enrol, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        page = campaign_page(campaign) if campaign is not None else None
        return super().change_view(
            request,
            object_id,
            form_url,
            {**(extra_context or {}), "page": page, "show_save_and_add_another": False},
        )

    @admin.action(description="Pause the chosen campaigns", permissions=["steer"])
    def pause_chosen(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        """Pausing harms nothing, so it needs no confirmation; starting does, one by one."""
        chosen = list(queryset.filter(state=Campaign.State.RUNNING))
        for campaign in chosen:
            self._run(request, campaign, "pause")
        messages.success(request, f"{len(chosen)} paused.")

    def _step(self, request: HttpRequest, object_id: Any, verb: str) -> HttpResponse:
        """Ask once, saying what will happen, then do it."""
        if not self.has_steer_permission(request):
            raise PermissionDenied
        campaign = self.get_object(request, str(object_id))
        if campaign is None:
            return HttpResponseRedirect(reverse("admin:calls_campaign_changelist"))
        back = reverse("admin:calls_campaign_change", args=(campaign.pk,))
        if campaign.state not in _MAY[verb]:
            state = campaign.get_state_display().lower()
            messages.info(request, f"{campaign} is {state}: it cannot be {_past(verb)} now.")
            return HttpResponseRedirect(back)
        if request.method == "POST":
            self._run(request, campaign, verb)
            return HttpResponseRedirect(back)
        preview = start_preview(campaign, now=timezone.now()) if verb == "start" else None
        ringing, talking = on_the_line(campaign.calls.all())
        now_is = f"Now: {ringing} ringing, {talking} talking."
        choices = {}
        if verb == "pause":
            choices = {
                "at_once": "Also cancel what rings, within a second; otherwise it rings on.",
                "end_live": goodbye(talking),
            }
        return TemplateResponse(
            request,
            "desk/confirm.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"{_VERBS[verb]} {campaign}",
                "question": f"{_VERBS[verb]} “{campaign}”?",
                "consequences": preview.lines if preview else [now_is, *_CONSEQUENCES[verb]],
                "warnings": preview.warnings if preview else [],
                "choices": choices,
                "button": f"{_VERBS[verb]} campaign",
                "danger": verb == "stop",
                "back": back,
            },
        )

    def _run(self, request: HttpRequest, campaign: Campaign, verb: str) -> None:
        actor, now = actor_of(request), timezone.now()
        try:
            if verb == "start":
                campaign_start(campaign_id=campaign.pk, actor=actor, now=now)
            elif verb == "pause":
                campaign_pause(
                    campaign_id=campaign.pk,
                    actor=actor,
                    at_once="at_once" in request.POST,
                    end_live="end_live" in request.POST,
                    now=now,
                )
            else:
                campaign_stop(campaign_id=campaign.pk, actor=actor, now=now)
        except CampaignRefused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{campaign}: {_past(verb)}.")


def _past(verb: str) -> str:
    return {"start": "started", "pause": "paused", "stop": "stopped"}[verb]
