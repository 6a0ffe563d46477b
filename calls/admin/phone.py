"""My phone: where a representative takes calls, and the telephone in the browser."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from phonenumber_field.formfields import PhoneNumberField

from calls.access_tokens import LIFETIME_S, NoApiKey, access_token, browsers_can_be_rung
from calls.desk.phone import ringing_for
from calls.models import RepLine
from calls.services.lines import browser_gone, browser_seen, rep_line_set
from leads.admin.append_only import AppendOnlyAdmin

NO_API_KEY = (
    "Browsers cannot be rung yet: an administrator has to set TWILIO_API_KEY_SID and "
    "TWILIO_API_KEY_SECRET. Until then, take calls on your telephone."
)


class PhoneForm(forms.Form):
    """Where somebody takes calls."""

    available = forms.BooleanField(required=False, label="I take calls now")
    via = forms.ChoiceField(choices=RepLine.Via.choices, label="Where", widget=forms.RadioSelect)
    phone = PhoneNumberField(required=False, label="My telephone", region="US")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("via") == RepLine.Via.PHONE and not found.get("phone"):
            raise ValidationError("To take calls on the telephone, give its number.")
        in_browser = found.get("available") and found.get("via") == RepLine.Via.BROWSER
        if in_browser and not browsers_can_be_rung():
            raise ValidationError(NO_API_KEY)
        return found


@admin.register(RepLine)
class RepLineAdmin(AppendOnlyAdmin):
    """Who takes calls, and where; each person's own page is My phone."""

    list_display = ("user", "available", "via", "browser_seen_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("mine/", wrap(phone_page), name="calls_phone"),
            path("mine/token.json", wrap(phone_token), name="calls_phone_token"),
            path("mine/ringing.json", wrap(phone_ringing), name="calls_phone_ringing"),
            path("mine/closed/", wrap(phone_closed), name="calls_phone_closed"),
            *super().get_urls(),
        ]


def phone_page(request: HttpRequest) -> HttpResponse:
    """Show and keep where somebody takes calls."""
    user = _rep(request)
    line = RepLine.objects.filter(user=user).first() or RepLine(user=user)
    form = PhoneForm(
        request.POST or None,
        initial={"available": line.available, "via": line.via, "phone": line.phone},
    )
    if request.method == "POST" and form.is_valid():
        kept = rep_line_set(
            user=user,
            available=form.cleaned_data["available"],
            via=form.cleaned_data["via"],
            phone=str(form.cleaned_data["phone"] or ""),
        )
        messages.success(
            request, "You take calls now." if kept.available else "You take no calls now."
        )
        return HttpResponseRedirect(reverse("admin:calls_phone"))
    return TemplateResponse(
        request,
        "desk/phone.html",
        {
            **admin.site.each_context(request),
            "title": "My phone",
            "form": form,
            "line": line,
            "in_browser": line.via != RepLine.Via.PHONE or line.pk is None,
            "missing": "" if browsers_can_be_rung() else NO_API_KEY,
        },
    )


@require_POST
def phone_token(request: HttpRequest) -> JsonResponse:
    """Give the browser a token with which it can be rung."""
    user = _rep(request)
    try:
        token = access_token(user_id=user.pk)
    except NoApiKey:
        return JsonResponse({"problem": NO_API_KEY}, status=503)
    return JsonResponse({"token": token, "seconds": LIFETIME_S})


@require_POST
def phone_ringing(request: HttpRequest) -> JsonResponse:
    """Note that the browser is open if it says that it can be rung, and say what rings."""
    user = _rep(request)
    if request.POST.get("registered") == "yes":
        browser_seen(user=user, now=timezone.now())
    ringing = ringing_for(user.pk)
    return JsonResponse({"ringing": None if ringing is None else asdict(ringing)})


@require_POST
def phone_closed(request: HttpRequest) -> HttpResponse:
    """Note that the browser was closed."""
    browser_gone(user=_rep(request))
    return HttpResponse(status=204)


def _rep(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.has_perm("calls.view_call"):
        raise PermissionDenied
    return request.user
