"""Form of an action with all of its fields."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext_lazy as _

from tenants.models import Topic
from tenants.plans import services
from tenants.plans.commitments import is_adopted
from tenants.plans.forms.fields import (
    PartialDateField,
    day_input,
    format_partial_date,
    format_start,
    split_lines,
)
from tenants.plans.forms.plan import ReasonMixin, VersionMixin, stage_field
from tenants.plans.forms.rows import rows_of
from tenants.plans.labels import FIELD_LABELS, NOT_ASSIGNED
from tenants.plans.models import Action, ActionParty, Department, Outcome, Plan
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.selectors import team_of

DATE_HELP = _("A day, a month (June 2027), a quarter (2027 Q2) or a year.")
# What were lines of text in forms that were opened before an upgrade; their rows would be lost without a word.
FORMER_FIELDS = frozenset({"how_much", "how_well", "better_off", "milestones", "responsible", "support"})
MAX_DEPARTMENTS = 500  # that a field suggests


def department_field(**kwargs: Any) -> forms.CharField:
    """The name of a department, with those of the plan as suggestions: the page lists `department_names`."""
    widget = forms.TextInput(attrs={"list": "departments", "autocomplete": "off"})
    return forms.CharField(
        label=FIELD_LABELS["accountable"], required=False, max_length=160, widget=widget, **kwargs
    )


def department_names() -> list[str]:
    return list(Department.objects.order_by("name").values_list("name", flat=True)[:MAX_DEPARTMENTS])


def team_choices() -> list[tuple[int, str]]:
    return [
        (person.pk, f"{person.user}, {person.title}" if person.title else str(person.user))
        for person in team_of(connection.tenant)
    ]


def date_values(
    action: Action | None,
    *,
    start: tuple[dt.date | None, str],
    due: tuple[dt.date | None, str],
    is_continuous: bool,
) -> dict[str, Any]:
    """The dates of an action for the services. Where they differ from before, the sheet's own words for them go."""
    dates = {
        "start_date": start[0],
        "start_precision": start[1] if start[0] else "",
        "due_date": due[0],
        "due_precision": due[1] if due[0] else "",
        "is_continuous": is_continuous,
    }
    if action and any((getattr(action, name) or None) != (dates[name] or None) for name in dates):
        dates["timeline_raw"] = ""  # the change log keeps them
    return dates


class ActionForm(VersionMixin, ReasonMixin, forms.Form):
    """Form of one action: texts and dates as fields, departments, milestones and measures as `rows`.

    `values` are the fields for its service.
    """

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
    accountable = department_field(help_text=_("One department, office or body."))
    owner = forms.ChoiceField(
        label=_("Person"), help_text=_("A member of your team, who is asked for updates."), required=False
    )
    vacant_since = forms.DateField(label=_("Position vacant since"), required=False, widget=day_input())
    start = PartialDateField(label=_("Start"), is_start=True)
    due = PartialDateField(label=FIELD_LABELS["due_date"], help_text=DATE_HELP)
    is_continuous = forms.BooleanField(label=FIELD_LABELS["is_continuous"], required=False)
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
    topics = forms.MultipleChoiceField(label=_("Topics"), required=False, widget=forms.CheckboxSelectMultiple)
    outcome = forms.ChoiceField(label=_("Part of outcome"), required=False)
    field_order = [
        "number", "title", "details", "why", "stage", "outcome", "accountable", "owner", "vacant_since", "start", "due",
        "is_continuous", "resources", "implementation_plan", "topics", "reason",
    ]  # fmt: skip
    # (heading, its id on the page, fields, prefix of the rows)
    groups = (
        (_("What and why"), "what", ("number", "title", "details", "why", "stage", "outcome"), ""),
        (_("Who is responsible"), "who", ("accountable", "owner", "vacant_since"), "parties"),
        (_("When"), "when", ("start", "due", "is_continuous"), "milestones"),
        (_("How it is measured"), "measured", (), "measures"),
        (_("Resources and steps"), "resources", ("resources", "implementation_plan"), ""),
        (_("Topics"), "topics", ("topics",), ""),
    )

    def __init__(self, *args: Any, action: Action | None = None, plan: Plan, **kwargs: Any) -> None:
        self.action = action
        related = RelatedRows(actions=[action.pk]) if action else None
        if action:
            kwargs["initial"] = self._initial(action) | kwargs.get("initial", {})
        super().__init__(*args, is_adopted=is_adopted(plan), **kwargs)
        self.rows = rows_of(action, related, self.data if self.is_bound else None)
        team = team_choices()
        if action and action.owner_id and action.owner_id not in dict(team):
            team.append((action.owner_id, str(_("Someone who left the team"))))
        self.fields["owner"].choices = [("", NOT_ASSIGNED), *team]  # type: ignore[attr-defined]
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
        self.departments = department_names()

    def grouped(self) -> list[dict[str, Any]]:
        """The groups of the page: [{"title", "slug", "fields", "rows", "prefix"}]; those without anything are left out."""
        groups = [
            {
                "title": title,
                "slug": slug,
                "fields": [self[name] for name in names if name in self.fields],
                "rows": self.rows.get(prefix),
                "prefix": prefix,
            }
            for title, slug, names, prefix in self.groups
        ]
        return [group for group in groups if group["fields"] or group["rows"] is not None]

    @staticmethod
    def _initial(action: Action) -> dict[str, Any]:
        return {
            "number": action.number,
            "title": action.title,
            "details": action.details,
            "why": action.why,
            "stage": action.stage,
            "accountable": action.accountable.name if action.accountable else "",
            "owner": action.owner_id or "",
            "vacant_since": action.owner_vacant_since,
            "start": format_start(action.start_date, action.start_precision),
            "due": format_partial_date(action.due_date, action.due_precision or "day"),
            "is_continuous": action.is_continuous,
            "resources": action.resources,
            "implementation_plan": "\n".join(action.implementation_plan),
            "topics": action.topics,
            "outcome": action.outcome_id,
            "version": services.version_token(action),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("owner") and data.get("vacant_since"):
            self.add_error(
                "vacant_since", _("A person is chosen above. Leave the date empty, or choose “Not assigned”.")
            )
        due = data.get("due")
        if data.get("is_continuous") and due and due[0]:
            self.add_error("due", _("Choose one: a date, or “ongoing”."))
        if FORMER_FIELDS & set(self.data) and not any(rows.is_bound for rows in self.rows.values()):
            self.add_error(
                None,
                _(
                    "This page was opened before the portal was updated. Check the rows below, then save again."
                ),
            )
        for rows in self.rows.values():
            if rows.is_bound and not rows.is_valid():
                self.add_error(None, [ValidationError(link) for link in rows.error_links()])
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
        if "implementation_plan" in changed:
            values["implementation_plan"] = split_lines(data["implementation_plan"])
        if changed & {"start", "due", "is_continuous"}:
            values |= self._timeline(data, changed)
        for prefix in ("measures", "milestones"):
            if self._rows_changed(prefix):
                values[prefix] = self.rows[prefix].values()
        if self._rows_changed("parties"):
            parties: Any = self.rows["parties"]
            values["responsible"] = parties.names(ActionParty.Role.RESPONSIBLE)
            values["support"] = parties.names(ActionParty.Role.SUPPORT)
        return values

    def _rows_changed(self, prefix: str) -> bool:
        return self.rows[prefix].is_bound and self.rows[prefix].has_changed()

    def _timeline(self, data: dict[str, Any], changed: set[str]) -> dict[str, Any]:
        start, due = data["start"], data["due"]
        if self.action and "start" not in changed:
            start = self.action.start_date, self.action.start_precision
        if self.action and "due" not in changed and due[0]:
            due = self.action.due_date, self.action.due_precision
        return date_values(self.action, start=start, due=due, is_continuous=data["is_continuous"])
