"""Users and roles, in the forms of the manager's desk. Who gives whom which role is audited."""

from __future__ import annotations

from copy import copy
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from leads.admin.actor import actor_of
from leads.models import AuditEntry
from leads.services.audit import audit_record
from reauto_site.rights import RightsWidget, rights, rights_shown
from reauto_site.roles import roles

# The two bases annotate the same hooks differently; Unfold documents this very combination.
admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.index_title = "Dashboard"


class RoleChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Roles to tick, each with what it is for."""

    widget = UnfoldAdminCheckboxSelectMultipleWidget

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}: {_about(obj)}"


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
    fieldsets = (
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        ("Log-in", {"fields": ("username", "password", "is_active")}),
        ("What they may do", {"fields": ("groups", "is_superuser")}),
        ("Since", {"classes": ("collapse",), "fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets: Any = (
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        ("Log-in", {"fields": ("username", "password1", "password2")}),
        ("What they may do", {"fields": ("groups",)}),
    )
    filter_horizontal = ()
    search_help_text = "Name, log-in or e-mail"

    @display(description="Roles")
    def role_names(self, user: User) -> str:
        names = sorted(group.name for group in user.groups.all())
        return ", ".join(["Administrator", *names] if user.is_superuser else names) or "none"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nobody gives more than they have: only an administrator makes administrators."""
        fields = (*super().get_readonly_fields(request, obj), "last_login", "date_joined")
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name != "groups":
            return super().formfield_for_manytomany(db_field, request, **kwargs)
        return RoleChoices(Group.objects.order_by("name"), required=False, label="Roles")

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        words = _WORDS.get(db_field.name)
        if field is not None and words:
            field.label, field.help_text = words
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        # Whoever is added here is to log in here; without it Django would turn them away.
        obj.is_staff = obj.is_staff or not change
        super().save_model(request, obj, form, change)

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
            text = f"Gave {form.instance.username} the roles: {', '.join(after) or 'none'}."
            _audit(request, form.instance, text, {"before": before, "after": after})


_WORDS = {
    "is_active": (
        "May log in",
        "Take it away rather than delete somebody: their work stays theirs.",
    ),
    "is_superuser": ("Administrator", "May do everything, whatever the roles say."),
}


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Named sets of permissions. Those that ship with the product are shown, not edited."""

    list_display = ("name", "about")
    fields = ("name", "permissions")
    filter_horizontal = ()
    empty_hint = "The product's own come with `manage.py migrate`."

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        # The model is Django's; its pages call it by the desk's word.
        self.opts = copy(model._meta)
        self.opts.verbose_name, self.opts.verbose_name_plural = "role", "roles"

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        rows = super().get_changelist_instance(request)
        rows.opts = self.opts
        return rows

    @display(description="For")
    def about(self, group: Group) -> str:
        return _about(group)

    @display(description="May")
    def may(self, group: Group) -> SafeString:
        given = set(group.permissions.values_list("pk", flat=True))
        return mark_safe(rights_shown(given))  # noqa: S308 - rendered from a template

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "permissions" if self._editable(request, obj) else "may")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if self._editable(request, obj) else ("may",)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        return forms.ModelMultipleChoiceField(
            rights(), required=False, label="May", widget=RightsWidget
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _ships(obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _ships(obj) and bool(super().has_delete_permission(request, obj))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        super().save_related(request, form, formsets, change)
        count = form.instance.permissions.count()
        text = f"Saved the role {form.instance} with {count} permissions."
        _audit(request, form.instance, text, {"permissions": count})

    def _editable(self, request: HttpRequest, group: Group | None) -> bool:
        return group is None or self.has_change_permission(request, group)


def _about(group: Group) -> str:
    return next((role.about for role in roles() if role.name == group.name), "Your own role.")


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
