"""The manager's desk: its name, colours, and the sidebar in the order of the work."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import lazy

# Unfold compares each link of the sidebar with each of every tab, on every page: an address is
# looked up once.
_link = lazy(cache(reverse), str)


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    def allowed(request: HttpRequest) -> bool:
        return bool(request.user.has_perm(permission))

    return allowed


def _item(title: str, icon: str, view: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": _link(f"admin:{view}"),
        "permission": _may(permission),
    }


def _at(prefix: str, *, but: str = "") -> Callable[[HttpRequest], bool]:
    """Light an item only where it is: live calls lie below the calls in the address."""

    def here(request: HttpRequest) -> bool:
        return request.path.startswith(prefix) and not (but and request.path.startswith(but))

    return here


def _group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "separator": False, "items": list(items)}


# Teal. Chosen so that white text on 600 and 500 text on the dark ground pass WCAG AA.
_PRIMARY = {
    "50": "#f0fdfa",
    "100": "#ccfbf1",
    "200": "#99f6e4",
    "300": "#5eead4",
    "400": "#2dd4bf",
    "500": "#14a394",
    "600": "#0f766e",
    "700": "#115e59",
    "800": "#134e4a",
    "900": "#12403d",
    "950": "#042f2e",
}

_PEOPLE_TABS = (
    ("Users", "auth_user_changelist", "auth.view_user"),
    ("Roles", "auth_group_changelist", "auth.view_group"),
    ("Who sees what", "leads_accesspolicy_changelist", "leads.view_accesspolicy"),
)
_DO_NOT_CALL_TABS = (
    ("Do not call", "leads_donotcall_changelist", "leads.view_donotcall"),
    ("Uploaded lists", "leads_numberlist_changelist", "leads.view_numberlist"),
    ("National registry", "leads_registryarea_changelist", "leads.view_registryarea"),
    ("Reassigned numbers", "leads_reassignedcheck_changelist", "leads.view_reassignedcheck"),
    ("Policy", "leads_callingpolicy_changelist", "leads.view_callingpolicy"),
)
_BILL_TABS = (
    ("Bills", "billing_reconciliation_changelist", "billing.view_reconciliation"),
    ("What was told", "billing_variancealert_changelist", "billing.view_variancealert"),
    ("When to tell", "billing_variancerule_changelist", "billing.view_variancerule"),
)
_WEBHOOK_TABS = (
    ("Webhooks", "calls_webhookendpoint_changelist", "calls.view_webhookendpoint"),
    ("Deliveries", "calls_webhookdelivery_changelist", "calls.view_webhookdelivery"),
)

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "REAutomation2",
    "SITE_HEADER": "REAutomation2",
    "SITE_SUBHEADER": "Calls that book appointments",
    "SITE_SYMBOL": "call",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("reauto/icon.svg"),
        }
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "COLORS": {"primary": _PRIMARY},
    "STYLES": [
        lambda request: static("reauto/desk.css"),
        lambda request: static("reauto/crm.css"),
    ],
    "SCRIPTS": [lambda request: static("reauto/viewer-zone.js")],
    "DASHBOARD_CALLBACK": "calls.admin.dashboard.dashboard",
    "COMMAND": {"search_callback": "calls.admin.search.find", "show_history": False},
    "TABS": [
        {
            "models": [
                "auth.user",
                "auth.group",
                {"name": "leads.accesspolicy", "detail": True},
            ],
            "items": [
                {"title": title, "link": _link(f"admin:{view}"), "permission": _may(may)}
                for title, view, may in _PEOPLE_TABS
            ],
        },
        {
            "models": [
                "leads.donotcall",
                "leads.numberlist",
                "leads.registryarea",
                "leads.reassignedcheck",
                {"name": "leads.callingpolicy", "detail": True},
            ],
            "items": [
                {"title": title, "link": _link(f"admin:{view}"), "permission": _may(may)}
                for title, view, may in _DO_NOT_CALL_TABS
            ],
        },
        {
            "models": [
                "billing.reconciliation",
                "billing.variancealert",
                {"name": "billing.variancerule", "detail": True},
            ],
            "items": [
                {"title": title, "link": _link(f"admin:{view}"), "permission": _may(may)}
                for title, view, may in _BILL_TABS
            ],
        },
        {
            "models": ["calls.webhookendpoint", "calls.webhookdelivery"],
            "items": [
                {"title": title, "link": _link(f"admin:{view}"), "permission": _may(may)}
                for title, view, may in _WEBHOOK_TABS
            ],
        },
    ],
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": [
            _group(
                "Overview",
                {"title": "Dashboard", "icon": "dashboard", "link": _link("admin:index")},
                _item("Live calls", "graphic_eq", "calls_live", "calls.view_call"),
                _item("My phone", "headset_mic", "calls_phone", "calls.view_call"),
            ),
            _group(
                "Leads",
                _item("Leads", "person", "leads_lead_changelist", "leads.view_lead"),
                _item(
                    "Imports",
                    "upload_file",
                    "leads_importbatch_changelist",
                    "leads.view_importbatch",
                ),
                _item(
                    "Duplicates",
                    "join_inner",
                    "leads_leadmerge_changelist",
                    "leads.view_leadmerge",
                ),
                _item("Tasks", "task_alt", "leads_task_changelist", "leads.view_task"),
                {
                    **_item("Calendar", "event", "leads_calendar", "leads.view_appointment"),
                    "active": _at("/admin/leads/appointment/"),
                },
                _item(
                    "Assignment",
                    "alt_route",
                    "leads_assignmentrule_changelist",
                    "leads.view_assignmentrule",
                ),
            ),
            _group(
                "Calling",
                _item("Campaigns", "campaign", "calls_campaign_changelist", "calls.view_campaign"),
                _item(
                    "Caller numbers",
                    "dialpad",
                    "calls_callernumber_changelist",
                    "calls.view_callernumber",
                ),
                {
                    **_item("Calls", "call", "calls_call_changelist", "calls.view_call"),
                    "active": _at("/admin/calls/call/", but="/admin/calls/call/live/"),
                },
                _item(
                    "Do not call",
                    "phone_disabled",
                    "leads_donotcall_changelist",
                    "leads.view_donotcall",
                ),
            ),
            _group(
                "Agent",
                _item(
                    "Playbooks", "menu_book", "agents_playbook_changelist", "agents.view_playbook"
                ),
                _item(
                    "Evaluation",
                    "fact_check",
                    "agents_evaluation_changelist",
                    "agents.view_evaluation",
                ),
            ),
            _group(
                "Money",
                _item("Budgets", "savings", "billing_budget_changelist", "billing.view_budget"),
                {
                    "title": "Costs",
                    "icon": "receipt_long",
                    "link": _link("costs"),
                    "permission": _may("billing.view_charge"),
                },
                _item("Prices", "sell", "billing_price_changelist", "billing.view_price"),
                _item(
                    "Number rents",
                    "event_repeat",
                    "billing_rentednumber_changelist",
                    "billing.view_rentednumber",
                ),
            ),
            _group(
                "Connections",
                _item(
                    "Google Sheets",
                    "table_view",
                    "leads_sheetlink_changelist",
                    "leads.view_sheetlink",
                ),
                _item(
                    "Webhooks",
                    "webhook",
                    "calls_webhookendpoint_changelist",
                    "calls.view_webhookendpoint",
                ),
            ),
            _group(
                "System",
                _item(
                    "Carrier records",
                    "compare_arrows",
                    "calls_carrierdifference_changelist",
                    "calls.view_carrierdifference",
                ),
                _item("Jobs", "checklist", "calls_outboxitem_changelist", "calls.view_outboxitem"),
                _item("Users", "group", "auth_user_changelist", "auth.view_user"),
                _item("Roles", "badge", "auth_group_changelist", "auth.view_group"),
                _item(
                    "Retention",
                    "auto_delete",
                    "leads_retentionrule_changelist",
                    "leads.view_retentionrule",
                ),
                _item("Audit", "policy", "leads_auditentry_changelist", "leads.view_auditentry"),
            ),
        ],
    },
}
