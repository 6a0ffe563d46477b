"""The form of a lead's data, as a manager fills it in."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from leads.admin.bulk_pages import tags_of
from leads.models import Lead
from leads.policy.phones import InvalidPhone, phone_parse
from leads.policy.places import states


class TagsField(forms.CharField):
    """Tags in one line, with commas between."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return tags_of(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != tags_of(data or "")


class CustomFieldsField(forms.CharField):
    """Fields of one's own: a line each, the name before a colon."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            lines = (f"{name}: {said}" for name, said in value.items())
            return "\n".join(" ".join(line.split()) for line in lines)
        return value

    def to_python(self, value: Any) -> Any:
        fields: dict[str, str] = {}
        for line in (super().to_python(value) or "").splitlines():
            if not line.strip():
                continue
            name, colon, said = line.partition(":")
            if not colon or not name.strip():
                raise forms.ValidationError(
                    f"“{line.strip()[:40]}” has no name. Write one field a line, such as Beds: 3."
                )
            fields[name.strip()[:80]] = said.strip()[:500]
        return fields

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != self.to_python(self.prepare_value(initial or {})))
        except forms.ValidationError:
            return True


class LeadForm(forms.ModelForm):  # type: ignore[type-arg]
    """A lead's data. Stage, score and do-not-call have pages of their own, which ask why."""

    tags = TagsField(required=False, help_text="With commas between.")
    custom_fields = CustomFieldsField(
        required=False, help_text="One a line, the name first: Beds: 3"
    )

    class Meta:
        model = Lead
        fields = (
            "first_name", "last_name", "phone", "email", "kind", "owner", "source",
            "street", "city", "state", "postal_code", "tags", "custom_fields",
        )  # fmt: skip

    def clean_phone(self) -> str:
        """Return the number as it was typed, if it can be called."""
        number = self.cleaned_data["phone"]
        typed = str(getattr(number, "raw_input", "") or number)
        try:
            phone_parse(typed)
        except InvalidPhone as problem:
            raise forms.ValidationError(str(problem)) from None
        return typed

    def clean_state(self) -> str:
        """Return the two letters of a US state, or none."""
        code = self.cleaned_data["state"].strip().upper()
        if code and code not in states():
            raise forms.ValidationError(f"“{code}” is not a US state. Write two letters: FL.")
        return str(code)
