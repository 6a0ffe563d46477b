"""Users and roles, in the forms of the manager's desk. Who gives whom which role is audited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from leads.admin.actor import actor_of
from leads.models import AuditEntry
from leads.services.audit import audit_record
from reauto_site.roles import roles

# The two bases annotate the same hooks differently; Unfold documents this very combination.
admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.index_title = "Dashboard"


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People who work here."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "username", "first_name", "last_name", "role_names", "is_active", "last_login",
    )  # fmt: skip
    list_filter = ("groups", "is_active", "is_superuser")

    @display(description="Roles")
    def role_names(self, user: User) -> str:
        names = sorted(group.name for group in user.groups.all())
        return ", ".join(["Administrator", *names] if user.is_superuser else names) or "none"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody gives more than they have: only an administrator makes administrators."""
        fields = super().get_readonly_fields(request, obj)
        if request.user.is_superuser:
            return fields
        return (*fields, "is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An administrator is changed by administrators: else their password could be set."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_delete_permission(request, obj))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        before = sorted(form.instance.groups.values_list("name", flat=True))
        super().save_related(request, form, formsets, change)
        after = sorted(form.instance.groups.values_list("name", flat=True))
        if before != after:
            text = f"Gave {form.instance} the roles: {', '.join(after) or 'none'}."
            _audit(request, form.instance, text, {"before": before, "after": after})


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Named sets of permissions. Those that ship with the product are shown, not edited."""

    list_display = ("name", "about")

    @display(description="For")
    def about(self, group: Group) -> str:
        return next((role.about for role in roles() if role.name == group.name), "Your own role.")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _ships(obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _ships(obj) and bool(super().has_delete_permission(request, obj))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        count = form.instance.permissions.count()
        text = f"Saved the role {form.instance} with {count} permissions."
        _audit(request, form.instance, text, {"permissions": count})


def _ships(group: Group | None) -> bool:
    return group is not None and any(role.name == group.name for role in roles())


def _audit(request: HttpRequest, subject: User | Group, text: str, data: dict[str, Any]) -> None:
    audit_record(
        action=AuditEntry.Action.ROLES,
        text=text,
        actor=actor_of(request),
        subject=subject,
        data=data,
    )
