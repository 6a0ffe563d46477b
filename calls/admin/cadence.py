"""The cadence in a form: a row for every outcome, presets to begin from, and the words it means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from pydantic import ValidationError as BadCadence

from calls.policy.cadence import PRESETS, Cadence
from calls.policy.cadence_words import WHEN

UNITS = {"min": 1, "h": 60, "days": 1440}


class CadenceWidget(forms.Widget):
    """A table; its inputs are named `<name>-<outcome>-<what>`."""

    template_name = "desk/cadence.html"

    class Media:
        js = ("reauto/cadence.js",)

    def format_value(self, value: Any) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
        return data or Cadence().model_dump()

    def get_context(self, name: str, value: Any, attrs: Mapping[str, Any] | None) -> dict[str, Any]:
        rules = self.format_value(value)
        rows = []
        for kind, when in WHEN.items():
            rule = rules.get(kind) or {}
            amount, unit = _split(rule.get("gap_minutes"))
            rows.append({"kind": kind, "when": when, "gap": amount, "unit": unit, **rule})
        context: dict[str, Any] = super().get_context(name, None, dict(attrs or {}))
        presets = {label: preset.model_dump() for label, preset in PRESETS.items()}
        context |= {"name": name, "rows": rows, "units": list(UNITS), "presets": presets}
        return context

    def _render(self, template_name: str, context: Any, renderer: Any = None) -> SafeString:
        """Find the template among ours: Django's renderer of forms looks only into apps."""
        return render_to_string(template_name, context)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if not any(key.startswith(f"{name}-") for key in data):
            return None
        return json.dumps(
            {
                kind: {
                    "gap_minutes": _minutes(
                        data.get(f"{name}-{kind}-gap"), data.get(f"{name}-{kind}-unit")
                    ),
                    "most": data.get(f"{name}-{kind}-most"),
                    "other_part": f"{name}-{kind}-other_part" in data,
                }
                for kind in WHEN
            }
        )


class CadenceField(forms.Field):
    """A cadence as the campaign keeps it."""

    widget = CadenceWidget

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != Cadence.model_validate(initial).model_dump())
        except (ValidationError, BadCadence):
            return True

    def to_python(self, value: Any) -> dict[str, Any]:
        if not value:
            return Cadence().model_dump()
        try:
            return Cadence.model_validate_json(value).model_dump()
        except BadCadence as error:
            raise ValidationError([_problem(one) for one in error.errors()]) from None


def _problem(error: Any) -> str:
    place = [str(part) for part in error["loc"]]
    when = WHEN.get(place[0], place[0]) if place else ""
    wanted = {
        "gap_minutes": "the time before the next call must be 1 minute to 90 days",
        "most": "the number of further calls must be a whole number from 0 to 20",
    }
    return f"If {when}: {wanted.get(place[-1] if place else '', error['msg'])}."


def _split(minutes: Any) -> tuple[Any, str]:
    """Return a number of minutes in the largest unit that divides it."""
    if isinstance(minutes, int) and minutes:
        for unit in ("days", "h"):
            if minutes % UNITS[unit] == 0:
                return minutes // UNITS[unit], unit
    return minutes, "min"


def _minutes(amount: Any, unit: Any) -> Any:
    try:
        return int(amount) * UNITS.get(str(unit), 1)
    except (TypeError, ValueError):
        return amount
