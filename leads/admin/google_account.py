"""Connecting one's own Google account: away to Google, and back."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_POST

from leads.admin.actor import actor_of
from leads.models import GoogleAccount
from leads.sheets.errors import SheetsError
from leads.sheets.oauth import connect_begin, connect_finish, disconnect, is_set_up

_SESSION = "google_oauth"


@require_POST
def google_connect(request: HttpRequest) -> HttpResponse:
    """Send the user to Google."""
    _require(request)
    if not is_set_up():
        messages.error(
            request,
            "Own Google accounts are not set up: GOOGLE_OAUTH_CLIENT_ID and "
            "GOOGLE_OAUTH_CLIENT_SECRET are missing on the server.",
        )
        return HttpResponseRedirect(_add())
    start = connect_begin(redirect_uri=_callback())
    request.session[_SESSION] = {"state": start.state, "verifier": start.verifier}
    return HttpResponseRedirect(start.url)


def google_callback(request: HttpRequest) -> HttpResponse:
    """Take what Google sends back with the user."""
    _require(request)
    kept = request.session.pop(_SESSION, {})
    state = request.GET.get("state", "")
    if not kept or not constant_time_compare(state, kept["state"]):
        messages.error(request, "This sign-in was not begun here, or is too old: begin again.")
    elif "error" in request.GET:
        messages.warning(request, "Google was not given the permission: nothing has changed.")
    else:
        user = actor_of(request)
        assert user is not None  # noqa: S101 - `_require` lets nobody else in
        try:
            account = connect_finish(
                user=user,
                code=request.GET.get("code", ""),
                verifier=kept["verifier"],
                redirect_uri=_callback(),
            )
        except SheetsError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{account} is connected.")
    return HttpResponseRedirect(_add())


@require_POST
def google_disconnect(request: HttpRequest) -> HttpResponse:
    """Give the permission back to Google, and forget it."""
    _require(request)
    account = GoogleAccount.objects.filter(user=actor_of(request)).first()
    if account is not None:
        paused = disconnect(account=account)
        sheets = f" {paused} sheets that used it are paused." if paused else ""
        messages.success(request, f"{account} is disconnected.{sheets}")
    return HttpResponseRedirect(_add())


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm("leads.add_sheetlink"):
        raise PermissionDenied


def _add() -> str:
    return reverse("admin:leads_sheetlink_add")


def _callback() -> str:
    # The address that is entered in Google's console: the public one, whatever the request says.
    return f"{settings.ENV.public_base_url}{reverse('admin:leads_google_callback')}"
