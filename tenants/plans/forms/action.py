"""Forms of an action and of its measures."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import connection
from django.utils.translation import gettext_lazy as _

from tenants.models import Topic
from tenants.plans import services
from tenants.plans.commitments import is_adopted
from tenants.plans.forms.fields import (
    PartialDateField,
    day_input,
    format_milestone,
    format_partial_date,
    last_day_of_period,
    parse_milestone,
    split_lines,
)
from tenants.plans.forms.plan import ReasonMixin, VersionMixin, stage_field
from tenants.plans.labels import FIELD_LABELS
from tenants.plans.models import Action, Department, Outcome, PerformanceMeasure, Plan
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.selectors import team_of

KIND_FIELDS = {
    "how_much": _("How much will we do?"),
    "how_well": _("How well will we do it?"),
    "better_off": _("Is anyone better off?"),
}


class ActionForm(VersionMixin, ReasonMixin, forms.Form):
    """Form of one action: texts, parties, dates, measures. `values` are the fields for its service."""

    object_type = "action"
    number = forms.CharField(label=_("Number"), required=False, max_length=40)
    title = forms.CharField(
        label=_("What will be done"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    details = forms.CharField(
        label=_("Details"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    why = forms.CharField(
        label=_("Why it matters"), required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    stage = stage_field()
    accountable = forms.CharField(
        label=FIELD_LABELS["accountable"],
        help_text=_("One department, office or body."),
        required=False,
        max_length=160,
        widget=forms.TextInput(attrs={"list": "departments", "autocomplete": "off"}),
    )
    owner = forms.ChoiceField(
        label=_("Person"), help_text=_("Of your team; asked for updates."), required=False
    )
    vacant_since = forms.DateField(label=_("Position vacant since"), required=False, widget=day_input())
    responsible = forms.CharField(
        label=_("Also responsible"),
        help_text=_("One on each line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    support = forms.CharField(
        label=_("Supporting"),
        help_text=_("One on each line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    start = PartialDateField(label=_("Start"), is_start=True)
    due = PartialDateField(
        label=FIELD_LABELS["due_date"],
        help_text=_("A day, a month (June 2027), a quarter (2027 Q2) or a year."),
    )
    is_continuous = forms.BooleanField(label=FIELD_LABELS["is_continuous"], required=False)
    how_much = forms.CharField(
        label=KIND_FIELDS["how_much"],
        help_text=_("Measures, one on each line."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    how_well = forms.CharField(
        label=KIND_FIELDS["how_well"], required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    better_off = forms.CharField(
        label=KIND_FIELDS["better_off"], required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    milestones = forms.CharField(
        label=_("Milestones"),
        help_text=_("One on each line, the date first: “June 2027: 150 households helped”."),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    resources = forms.CharField(
        label=_("Resources"),
        help_text=_("Money, staff time, partners, and whether they are secured."),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    implementation_plan = forms.CharField(
        label=_("Steps"),
        help_text=_("One on each line."),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    topics = forms.MultipleChoiceField(label=_("Topics"), required=False, widget=forms.SelectMultiple)
    outcome = forms.ChoiceField(label=_("Stands under"), required=False)
    field_order = [
        "number", "title", "details", "why", "stage", "outcome", "accountable", "owner", "vacant_since", "responsible",
        "support", "start", "due", "is_continuous", "how_much", "how_well", "better_off", "resources",
        "implementation_plan", "topics", "reason",
    ]  # fmt: skip
    groups = (
        (_("What and why"), ("number", "title", "details", "why", "stage", "outcome", "topics")),
        (_("Who"), ("accountable", "owner", "vacant_since", "responsible", "support")),
        (_("When"), ("start", "due", "is_continuous", "milestones")),
        (_("How it is measured"), ("how_much", "how_well", "better_off")),
        (_("With what"), ("resources", "implementation_plan")),
    )

    def __init__(self, *args: Any, action: Action | None = None, plan: Plan, **kwargs: Any) -> None:
        self.action = action
        self.related = RelatedRows(actions=[action.pk]) if action else None
        if action:
            kwargs["initial"] = self._initial(action) | kwargs.get("initial", {})
        super().__init__(*args, is_adopted=is_adopted(plan), **kwargs)
        team = [(person.pk, f"{person.user}, {person.title}" if person.title else str(person.user))
                for person in team_of(connection.tenant)]  # fmt: skip
        if action and action.owner_id and action.owner_id not in dict(team):
            team.append((action.owner_id, str(_("Somebody who left the team"))))
        self.fields["owner"].choices = [("", _("Nobody yet")), *team]  # type: ignore[attr-defined]
        self.fields["topics"].choices = list(Topic.objects.order_by("label").values_list("slug", "label"))  # type: ignore[attr-defined]
        if not self.fields["topics"].choices:  # type: ignore[attr-defined]
            del self.fields["topics"]
        if action:
            outcomes = Outcome.objects.filter(goal__plan=plan, retired_at=None, goal__retired_at=None)
            self.fields["outcome"].choices = [  # type: ignore[attr-defined]
                (outcome.pk, f"{outcome.goal.label or outcome.goal.title[:40]} › {str(outcome)[:90]}")
                for outcome in outcomes.select_related("goal").order_by("goal__position", "position", "pk")
            ]
        else:
            del self.fields["outcome"]
        self.departments = list(Department.objects.order_by("name").values_list("name", flat=True)[:500])

    def grouped(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [
            (title, [self[name] for name in names if name in self.fields]) for title, names in self.groups
        ]

    def _initial(self, action: Action) -> dict[str, Any]:
        assert self.related is not None  # noqa: S101  (set just before)
        measures = self.related.measures[action.pk]
        return {
            "number": action.number,
            "title": action.title,
            "details": action.details,
            "why": action.why,
            "stage": action.stage,
            "accountable": action.accountable.name if action.accountable else "",
            "owner": action.owner_id or "",
            "vacant_since": action.owner_vacant_since,
            "responsible": "\n".join(self.related.department_names(action, "responsible")),
            "support": "\n".join(self.related.department_names(action, "support")),
            "start": format_partial_date(action.start_date, action.start_precision or "day")
            if action.start_date and action.start_precision not in ("quarter", "year")
            else format_partial_date(
                last_day_of_period(action.start_date, action.start_precision), action.start_precision
            ),
            "due": format_partial_date(action.due_date, action.due_precision or "day"),
            "is_continuous": action.is_continuous,
            "milestones": "\n".join(format_milestone(step) for step in self.related.milestones[action.pk]),
            "resources": action.resources,
            "implementation_plan": "\n".join(action.implementation_plan),
            "topics": action.topics,
            "outcome": action.outcome_id,
            "version": services.version_token(action),
        } | {kind: "\n".join(m.text for m in measures if m.kind == kind) for kind in KIND_FIELDS}

    def clean_milestones(self) -> list[dict[str, Any]]:
        milestones = self.related.milestones[self.action.pk] if self.related and self.action else []
        existing = {format_milestone(step): step for step in milestones}
        return [parse_milestone(line, existing) for line in split_lines(self.cleaned_data["milestones"])]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("owner") and data.get("vacant_since"):
            self.add_error(
                "vacant_since", _("A person is chosen above. Leave the date empty, or choose nobody.")
            )
        due = data.get("due")
        if data.get("is_continuous") and due and due[0]:
            self.add_error("due", _("Choose one: a date, or “ongoing”."))
        return data

    def values(self) -> dict[str, Any]:
        """Fields for `services.edit_action`: only those that the person changed."""
        data, changed = self.cleaned_data, set(self.changed_data)
        values: dict[str, Any] = {
            name: data[name]
            for name in ("number", "title", "details", "why", "stage", "accountable", "resources", "topics")
            if name in changed
        }
        if "owner" in changed or "vacant_since" in changed:
            values["owner"] = int(data["owner"]) if data["owner"] else None
            values["owner_vacant_since"] = data["vacant_since"]
        for name in ("responsible", "support", "implementation_plan"):
            if name in changed:
                values[name] = split_lines(data[name])
        if changed & {"start", "due", "is_continuous"}:
            values |= self._timeline(data, changed)
        if "milestones" in changed:
            values["milestones"] = data["milestones"]
        if changed & set(KIND_FIELDS):
            values["measures"] = self._measures(data)
        return values

    def _timeline(self, data: dict[str, Any], changed: set[str]) -> dict[str, Any]:
        (start, start_precision), (due, due_precision) = data["start"], data["due"]
        if self.action and "start" not in changed:
            start, start_precision = self.action.start_date, self.action.start_precision
        if self.action and "due" not in changed and due:
            due, due_precision = self.action.due_date, self.action.due_precision
        dates = {
            "start_date": start,
            "start_precision": start_precision if start else "",
            "due_date": due,
            "due_precision": due_precision if due else "",
            "is_continuous": data["is_continuous"],
        }
        if self.action and any(
            (getattr(self.action, name) or None) != (dates[name] or None) for name in dates
        ):
            dates["timeline_raw"] = ""  # the sheet's words gave other dates; the change log keeps them
        return dates

    def _measures(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        measures = self.related.measures[self.action.pk] if self.related and self.action else []
        existing: dict[str, PerformanceMeasure] = {measure.text: measure for measure in measures}
        return [
            {
                "kind": kind,
                "text": text,
                "baseline": existing[text].baseline if text in existing else "",
                "target": existing[text].target if text in existing else "",
            }
            for kind in KIND_FIELDS
            for text in split_lines(data[kind])
        ]


class MeasuresForm(VersionMixin, ReasonMixin):
    """The version and the reason, once for all measures of an action."""

    object_type = "action"


class MeasureForm(forms.Form):
    """One measure with its baseline and target."""

    kind = forms.ChoiceField(label=_("Question"), choices=list(KIND_FIELDS.items()))
    text = forms.CharField(
        label=_("Measure"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    baseline = forms.CharField(label=_("Baseline"), required=False, max_length=200)
    target = forms.CharField(label=_("Target"), required=False, max_length=200)
