"""Webhooks: what was sent to whom, and what came of it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from calls.models import OutboxItem, WebhookDelivery, WebhookEndpoint
from calls.services.webhook_events import delivery_repeat, delivery_state
from leads.admin.append_only import AppendOnlyAdmin

STATES = {
    "delivered": "Delivered",
    "waiting": "Waiting",
    "given_up": "Given up",
    "not_sent": "Not taken",
}
_COLOURS = {"Delivered": "success", "Waiting": "info", "Given up": "danger", "Not taken": "warning"}


class DeliveryStateFilter(admin.SimpleListFilter):
    """Delivered, waiting, given up or not taken."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return list(STATES.items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
    ) -> QuerySet[WebhookDelivery]:
        undone = queryset.filter(delivered_at__isnull=True)
        match self.value():
            case "delivered":
                return queryset.filter(delivered_at__isnull=False)
            case "waiting":
                return undone.filter(
                    job__isnull=False, job__done_at__isnull=True, job__dead_at__isnull=True
                )
            case "given_up":
                return undone.filter(job__dead_at__isnull=False)
            case "not_sent":
                return undone.filter(Q(job__isnull=True) | Q(job__done_at__isnull=False))
        return queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(AppendOnlyAdmin):
    """What was sent to whom, and what came of it."""

    list_display = (
        "created_at",
        "endpoint",
        "event",
        "state_label",
        "attempts",
        "answer",
        "next_attempt",
    )
    list_filter = (DeliveryStateFilter, ("endpoint", RelatedDropdownFilter), "event")
    list_select_related = ("endpoint", "job")
    search_fields = ("message_id", "key")
    search_help_text = "webhook-id"
    fields = (
        ("endpoint", "event"),
        "message_id",
        ("state_label", "attempts"),
        ("attempted_at", "delivered_at"),
        "answer",
        "body",
    )
    readonly_fields = ("state_label", "answer")
    actions = ("repeat",)

    @display(description="State", label=_COLOURS)
    def state_label(self, row: WebhookDelivery) -> str:
        return STATES[delivery_state(row)]

    @display(description="Answer")
    def answer(self, row: WebhookDelivery) -> str:
        return row.problem or (f"HTTP {row.status_code}" if row.status_code else "–")

    @display(description="Next attempt")
    def next_attempt(self, row: WebhookDelivery) -> str:
        job: OutboxItem | None = row.job
        if job is None or delivery_state(row) != "waiting":
            return "–"
        return f"{timezone.localtime(job.due_at):%b %-d, %H:%M}"

    def has_repeat_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.change_webhookendpoint"))

    @admin.action(description="Send again", permissions=["repeat"])
    def repeat(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Send what was chosen once more; receivers know it by its webhook-id."""
        now = timezone.now()
        chosen = list(queryset.values_list("pk", flat=True)[:1000])
        sent = sum(delivery_repeat(delivery_id=pk, now=now) for pk in chosen)
        messages.success(request, f"{sent} will be sent again now.")
        if sent < len(chosen):
            messages.info(request, f"{len(chosen) - sent} are waiting to be sent anyway.")


def deliveries_of(endpoint: WebhookEndpoint) -> str:
    """Return the address of the list of what was sent to an endpoint."""
    return f"{reverse('admin:calls_webhookdelivery_changelist')}?endpoint__id__exact={endpoint.pk}"
