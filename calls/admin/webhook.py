"""Webhooks: which systems hear of events, and their secrets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold import decorators
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminURLInputWidget,
)

from calls.admin.webhook_delivery import STATES, deliveries_of
from calls.models import WebhookDelivery, WebhookEndpoint
from calls.services.outbox import outbox_run
from calls.services.webhook_endpoints import (
    BOTH_SIGN_FOR,
    endpoint_add,
    endpoint_change,
    endpoint_secret_renew,
)
from calls.services.webhook_events import (
    EVENTS,
    delivery_state,
    endpoint_test,
)
from calls.webhook_post import WebhookRefused, url_check
from leads.admin.actor import actor_of

# Unfold annotates it with what it makes of its argument, not with what it is.
action: Callable[..., Callable[[Any], Any]] = decorators.action  # type: ignore[assignment]


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where to, and what it hears of."""

    url = forms.URLField(
        max_length=500,
        assume_scheme="https",
        label="Address",
        widget=UnfoldAdminURLInputWidget,
        help_text="https://… of the system that is to hear of events.",
    )
    events = forms.MultipleChoiceField(
        choices=list(EVENTS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="Hears of",
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("name", "url", "events", "active")

    def clean_url(self) -> str:
        """Refuse an address to which nothing would be sent."""
        url: str = self.cleaned_data["url"]
        try:
            url_check(url)
        except WebhookRefused as error:
            raise ValidationError(str(error)) from None
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ModelAdmin):
    """Systems that hear of events."""

    form = EndpointForm
    list_display = ("name", "host", "hears_of", "standing", "last_delivery")
    list_filter = ("active",)
    actions_detail: Any = ("send_test", "new_secret")

    def get_queryset(self, request: HttpRequest) -> Any:
        last = WebhookDelivery.objects.select_related("job").order_by("-created_at")[:1]
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("deliveries", queryset=last, to_attr="last_deliveries"))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        told = [("What was sent", {"fields": ("standing", "deliveries_link")})] if obj else []
        active = ("active",) if obj else ()
        return [(None, {"fields": ("name", "url", "events", *active)}), *told]

    def get_readonly_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        return ("standing", "deliveries_link") if obj else ()

    @display(description="Hears of")
    def hears_of(self, row: WebhookEndpoint) -> str:
        return ", ".join(row.events) or "nothing"

    @display(description="Standing")
    def standing(self, row: WebhookEndpoint) -> str:
        if not row.active:
            return f"Switched off. {row.switched_off_because}".strip()
        if row.rests_until and row.rests_until > timezone.now():
            return f"Rests: its host failed {row.failures} times in a row"
        return "Active"

    @display(description="Last delivery")
    def last_delivery(self, row: Any) -> str:
        if not row.last_deliveries:
            return "–"
        (last,) = row.last_deliveries
        return f"{STATES[delivery_state(last)]}, {last.created_at:%b %-d, %H:%M}"

    @display(description="Deliveries")
    def deliveries_link(self, row: WebhookEndpoint) -> SafeString:
        return format_html(
            '<a href="{}" class="text-primary-600 dark:text-primary-500">Everything sent</a>',
            deliveries_of(row),
        )

    def has_change_detail_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("calls.change_webhookendpoint"))

    @action(description="Send a test…", permissions=["change_detail"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send at once, so that who asks sees what comes of it."""
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        if request.method != "POST":
            return self._ask(
                request,
                endpoint,
                f"Send a test to {endpoint.host} now?",
                ["It is signed like any event, and says nothing: its type is webhook.test."],
                button="Send it",
            )
        now = timezone.now()
        made = endpoint_test(endpoint_id=endpoint.pk, now=now)
        if made.job is not None:
            outbox_run(item_id=made.job.pk, now=now)
        sent = WebhookDelivery.objects.select_related("job").get(pk=made.pk)
        match delivery_state(sent):
            case "delivered":
                messages.success(request, f"The test was taken (HTTP {sent.status_code}).")
            case "waiting":
                messages.info(request, "The test waits: this host failed too often and rests.")
            case _:
                messages.error(request, f"The test was not taken. {sent.problem}")
        return HttpResponseRedirect(deliveries_of(endpoint))

    @action(description="New secret…", permissions=["change_detail"])
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a secret and show it, once."""
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        if request.method == "POST":
            secret = endpoint_secret_renew(
                endpoint_id=endpoint.pk, actor=actor_of(request), now=timezone.now()
            )
            return self._show(request, endpoint, secret)
        hours = int(BOTH_SIGN_FOR.total_seconds() // 3600)
        return self._ask(
            request,
            endpoint,
            f"Make a new secret for {endpoint}?",
            [
                f"For {hours} hours events are signed with both, the old one and the new one.",
                f"After that {endpoint.host} takes nothing unless it knows the new one.",
            ],
            button="Make it",
        )

    def _ask(
        self,
        request: HttpRequest,
        endpoint: WebhookEndpoint,
        question: str,
        consequences: list[str],
        *,
        button: str,
    ) -> HttpResponse:
        """Ask before something leaves the house or changes; the answer is a POST to here."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": question,
            "question": question,
            "consequences": consequences,
            "button": button,
            "back": _change_of(endpoint),
        }
        return TemplateResponse(request, "desk/confirm.html", context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Let the service write it, with its audit."""
        values = {name: form.cleaned_data[name] for name in ("name", "url", "events")}
        if change:
            endpoint_change(
                endpoint_id=obj.pk,
                active=form.cleaned_data["active"],
                actor=actor_of(request),
                now=timezone.now(),
                **values,
            )
            return
        made, secret = endpoint_add(**values, actor=actor_of(request), now=timezone.now())
        obj.pk, obj.host, obj.secret_once = made.pk, made.host, secret

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret in the answer itself: it is nowhere to be read afterwards."""
        return self._show(request, obj, obj.secret_once)

    def _show(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
        return TemplateResponse(
            request,
            "desk/webhook_secret.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"Secret of {endpoint}",
                "endpoint": endpoint,
                "secret": secret,
                "back": _change_of(endpoint),
            },
        )


def _change_of(endpoint: WebhookEndpoint) -> str:
    return reverse("admin:calls_webhookendpoint_change", args=(endpoint.pk,))
