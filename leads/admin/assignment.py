"""Assignment rules: in their order, in words, and who would get a lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from leads.calendars import rep_name
from leads.models import AssignmentRule, Lead
from leads.policy.assignment import Applicant, Assignment, Rule, assign
from leads.policy.places import states
from leads.services.assignment import applicant, roster_load, rule_move, rule_place_last
from leads.staff import staff


class WordsField(forms.CharField):
    """A list in one line, with commas between."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        parts = (part.strip()[:80] for part in (super().to_python(value) or "").split(","))
        return list(dict.fromkeys(part for part in parts if part))


class RepsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """People of the staff, by full name."""

    def label_from_instance(self, obj: Any) -> str:
        return rep_name(obj)


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule. Whatever is left empty does not matter to it."""

    kinds = forms.MultipleChoiceField(
        choices=Lead.Kind.choices, widget=forms.CheckboxSelectMultiple, required=False
    )
    states = WordsField(required=False, label="US states", help_text="Two letters each: TX, OK")
    postal_prefixes = WordsField(
        required=False, label="Postal codes beginning with", help_text="787, 7600"
    )
    cities = WordsField(required=False, help_text="Austin, Round Rock")
    sources = WordsField(required=False, help_text="As they stand on the leads: website, fair")
    reps = RepsField(
        queryset=staff(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Representatives",
        help_text="They take turns. None: everybody who has working hours.",
    )

    class Meta:
        model = AssignmentRule
        fields = (
            "name", "active", "kinds", "states", "postal_prefixes", "cities", "sources",
            "score_from", "score_to", "reps", "working_now", "max_open_leads", "takes_over",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.is_default:
            # It fits every lead: there is nothing to narrow.
            for name in ("kinds", "states", "postal_prefixes", "cities", "sources"):
                self.fields.pop(name, None)

    def clean_states(self) -> list[str]:
        """Return the codes in capitals, if they are states."""
        codes = [code.upper() for code in self.cleaned_data["states"]]
        unknown = [code for code in codes if code not in states()]
        if unknown:
            raise forms.ValidationError(f"Not a US state: {', '.join(unknown)}. Two letters each.")
        return codes

    def clean_postal_prefixes(self) -> list[str]:
        """Return the beginnings, if they are digits."""
        prefixes: list[str] = self.cleaned_data["postal_prefixes"]
        wrong = [prefix for prefix in prefixes if not prefix.isdecimal() or len(prefix) > 5]
        if wrong:
            raise forms.ValidationError(f"One to five digits each: {', '.join(wrong)} is not.")
        return prefixes

    def clean(self) -> dict[str, Any]:
        """Refuse a range of scores that holds none, in words."""
        data: dict[str, Any] = super().clean() or {}
        low, high = data.get("score_from"), data.get("score_to")
        if low is not None and high is not None and low > high:
            self.add_error("score_to", "The score must not end below where it begins.")
        return data


class TryForm(forms.Form):
    """A lead that might come."""

    kind = forms.ChoiceField(choices=Lead.Kind.choices)
    state = forms.CharField(max_length=2, required=False, label="US state")
    postal_code = forms.CharField(max_length=12, required=False)
    city = forms.CharField(max_length=80, required=False)
    source = forms.CharField(max_length=80, required=False)
    score = forms.IntegerField(min_value=0, max_value=100, required=False)

    def applicant(self) -> Applicant:
        """Return it as the rules look at it."""
        data = self.cleaned_data
        return Applicant(
            kind=data["kind"],
            state=data["state"].upper(),
            postal_code=data["postal_code"],
            city=data["city"],
            source=data["source"],
            score=data["score"],
        )


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule on the page: its row, what it wants in words, and whose turn it is."""

    row: AssignmentRule
    wants: list[str]
    who: str
    next_rep: str


@admin.register(AssignmentRule)
class AssignmentRuleAdmin(ModelAdmin):
    """The list is the order in which rules are asked; the default one stays last for ever."""

    form = RuleForm
    fieldsets = (
        (None, {"fields": (("name", "active"),)}),
        (
            "Which leads",
            {
                "description": "Whatever is left empty does not matter.",
                "fields": (
                    "kinds",
                    ("states", "postal_prefixes"),
                    ("cities", "sources"),
                    ("score_from", "score_to"),
                ),
            },
        ),
        (
            "Who gets them",
            {"fields": ("reps", ("working_now", "max_open_leads"), "takes_over")},
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.move))
        return [
            path("<uuid:object_id>/move/", view, name="leads_assignmentrule_move"),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.is_default:
            return (
                (
                    None,
                    {
                        "description": "This rule fits every lead and is asked last.",
                        "fields": ("name", "reps", ("working_now", "max_open_leads")),
                    },
                ),
            )
        return super().get_fieldsets(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The default rule stays: without it a lead could belong to nobody without a word."""
        if obj is not None and obj.is_default:
            return False
        return bool(super().has_delete_permission(request, obj))

    def get_actions(self, request: HttpRequest) -> Any:
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        if not change:
            rule_place_last(obj)
        super().save_model(request, obj, form, change)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        roster = roster_load(now=timezone.now(), lock=False)
        by_id = {rule.rule_id: rule for rule in roster.rules}
        form, lead, answer = self._tried(request, roster.rules)
        rows = AssignmentRule.objects.prefetch_related("reps")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Assignment rules",
            "rows": [_row(row, by_id.get(row.pk)) for row in rows],
            "form": form,
            "answer": answer,
            "tried": lead,
            "may_change": self.has_change_permission(request),
            "may_add": self.has_add_permission(request),
        }
        return TemplateResponse(request, "desk/rules.html", context)

    def move(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Put a rule one place up or down."""
        rule: AssignmentRule | None = self.get_object(request, str(object_id))
        if rule is None or rule.is_default:
            raise Http404("There is no such rule, or it cannot be moved.")
        if not self.has_change_permission(request, rule):
            raise PermissionDenied
        before = list(
            AssignmentRule.objects.filter(is_default=False).values_list("pk", flat=True)
        ).index(rule.pk)
        step = -1 if request.POST.get("to") == "up" else 1
        rule_move(rule_id=rule.pk, to=before + step)
        messages.success(request, f"“{rule}” is asked {'earlier' if step < 0 else 'later'} now.")
        return HttpResponseRedirect(reverse("admin:leads_assignmentrule_changelist"))

    def _tried(
        self, request: HttpRequest, rules: list[Rule]
    ) -> tuple[TryForm, Lead | None, Assignment | None]:
        asked = request.GET.get("lead", "")
        lead = _lead(asked)
        if lead is not None:
            return TryForm(), lead, assign(applicant(lead), rules)
        if "kind" not in request.GET:
            return TryForm(), None, None
        form = TryForm(request.GET)
        return form, None, assign(form.applicant(), rules) if form.is_valid() else None


def _lead(pk: str) -> Lead | None:
    try:
        return Lead.objects.filter(pk=UUID(pk)).first()
    except ValueError:
        return None


def _row(row: AssignmentRule, rule: Rule | None) -> RuleRow:
    reps = [rep.get_full_name() or rep.get_username() for rep in row.reps.all()]
    if rule is None:
        return RuleRow(row, _wants(row), ", ".join(reps) or "Everybody with working hours", "")
    free, why = rule.free()
    turn = min(free, key=lambda rep: (rep.last_turn, rep.rep_id)).name if free else why
    who = ", ".join(rep.name for rep in rule.reps)
    if not reps:
        who = f"Everybody with working hours: {who}" if who else "Everybody with working hours"
    return RuleRow(row, _wants(row), who, turn)


def _wants(row: AssignmentRule) -> list[str]:
    """Return a rule's conditions in words."""
    wants = []
    for name, values in (
        ("kind", row.kinds),
        ("state", row.states),
        ("postal code from", row.postal_prefixes),
        ("city", row.cities),
        ("source", row.sources),
    ):
        if values:
            wants.append(f"{name} {' or '.join(map(str, values))}")
    low, high = row.score_from, row.score_to
    if low is not None or high is not None:
        wants.append(f"score {low if low is not None else 0}–{high if high is not None else 100}")
    if row.working_now:
        wants.append("only who is at work")
    if row.max_open_leads:
        wants.append(f"at most {row.max_open_leads} open leads each")
    if row.takes_over:
        wants.append("takes leads over from later rules")
    return wants
