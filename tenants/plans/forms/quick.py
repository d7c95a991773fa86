"""The short forms of the editor: four fields in a row of the tree, the same change for several actions, moves, merges."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from tenants.formats import title_with_label
from tenants.plans import services
from tenants.plans.commitments import is_adopted
from tenants.plans.forms.action import (
    DATE_HELP,
    date_values,
    department_field,
    department_names,
    team_choices,
)
from tenants.plans.forms.fields import PartialDateField, format_partial_date
from tenants.plans.forms.plan import ReasonMixin, VersionMixin
from tenants.plans.forms.rows import MAX_DIGITS
from tenants.plans.labels import FIELD_LABELS, NOT_ASSIGNED
from tenants.plans.models import Action, Goal, Milestone, Outcome, Plan

REASON_SUGGESTIONS = (
    _("Typo, no change of meaning"),
    _("Responsibility moved to another department"),
    _("More time needed"),
)


class ShortReason(ReasonMixin):
    """The reason with a short hint: what needs one, and that it is public."""

    object_type = "action"
    hint = _("Public. Required if the responsible department or the due date changes.")

    def __init__(self, *args: Any, is_adopted: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, is_adopted=is_adopted, **kwargs)
        reason = self.fields["reason"]
        reason.help_text = self.hint if is_adopted else _("Kept in the history.")
        if is_adopted:
            reason.widget.attrs["list"] = "reasons"
        self.reason_suggestions = REASON_SUGGESTIONS if is_adopted else ()


ONGOING: tuple[None, str] = (None, "ongoing")  # what DueField returns for the word
ONGOING_WORD = _("ongoing")


class DueField(PartialDateField):
    """A date, or the word “ongoing”."""

    def clean(self, value: Any) -> Any:
        if str(value or "").strip().casefold() in ("ongoing", str(ONGOING_WORD).casefold()):
            return ONGOING
        return super().clean(value)


class InlineForm(VersionMixin, ShortReason, forms.Form):
    """Responsible department, due date, next open milestone and the reason, in the action's row of the tree."""

    accountable = department_field()
    due = DueField(
        label=FIELD_LABELS["due_date"],
        help_text=_("A day, a month (June 2027), a quarter (2027 Q2), a year, or “ongoing”."),
    )
    milestone = forms.CharField(label=_("Next milestone"), required=False, max_length=300)
    milestone_due = PartialDateField(label=_("Date of the milestone"))
    milestone_id = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ["accountable", "due", "milestone", "milestone_due", "reason"]

    def __init__(self, *args: Any, action: Action, like: InlineForm | None = None, **kwargs: Any) -> None:
        """`like` is a form of the same action: the fields are then about the milestone that it is about."""
        self.action = action
        self.next_milestone: Milestone | None = (
            _read_milestone(action, like.next_milestone)
            if like
            else _milestone_of(action, args[0] if args else None)
        )
        plan = action.outcome.goal.plan
        super().__init__(
            *args,
            is_adopted=is_adopted(plan),
            initial=self._initial(),
            auto_id=f"id_{action.code}_%s",  # several rows may be open
            **kwargs,
        )
        if not self.is_bound:
            self.fields["accountable"].widget.attrs["data-focus"] = True

    def add_prefix(self, field_name: str) -> str:
        return super().add_prefix("milestone-id" if field_name == "milestone_id" else field_name)

    def _initial(self) -> dict[str, Any]:
        action, step = self.action, self.next_milestone
        return {
            "accountable": action.accountable.name if action.accountable else "",
            "due": str(ONGOING_WORD)
            if action.is_continuous and not action.due_date
            else format_partial_date(action.due_date, action.due_precision or "day"),
            "milestone": step.title if step else "",
            "milestone_due": format_partial_date(step.due_date, step.due_precision or "day") if step else "",
            "milestone_id": str(step.pk) if step else "",
            "version": services.version_token(action),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        title, due = data.get("milestone"), data.get("milestone_due", (None, ""))
        if title and not due[0] and "milestone_due" not in self.errors:
            self.add_error("milestone_due", _("Add the date of the milestone."))
        if self.next_milestone and not title and not due[0] and "milestone_due" not in self.errors:
            self.add_error("milestone", _("To remove a milestone, open “All fields”."))
        return data

    def values(self) -> dict[str, Any]:
        """Fields for `services.edit_action`: only those that the person changed."""
        data, changed = self.cleaned_data, set(self.changed_data)
        values: dict[str, Any] = {}
        if "accountable" in changed:
            values["accountable"] = data["accountable"]
        if "due" in changed:
            start = self.action.start_date, self.action.start_precision
            due, is_continuous = data["due"], data["due"] == ONGOING
            values |= date_values(
                self.action,
                start=start,
                due=(None, "") if is_continuous else due,
                is_continuous=is_continuous,
            )
        if changed & {"milestone", "milestone_due"}:
            values["milestones"] = self._milestones(data, changed)
        return values

    def _milestones(self, data: dict[str, Any], changed: set[str]) -> list[dict[str, Any]]:
        pks = self.action.milestones.order_by("position", "pk").values_list("pk", flat=True)
        rows: list[dict[str, Any]] = [{"id": pk} for pk in pks]
        new = {"title": data["milestone"]}
        if "milestone_due" in changed or not self.next_milestone:
            new["due_date"], new["due_precision"] = data["milestone_due"]
        if self.next_milestone is None:
            return [*rows, new]
        return [row | (new if row["id"] == self.next_milestone.pk else {}) for row in rows]


def next_milestone(action: Action) -> Milestone | None:
    """The open milestone that is due first."""
    return action.milestones.filter(done_date=None).order_by("due_date", "position", "pk").first()


def _milestone_of(action: Action, data: Any) -> Milestone | None:
    """The milestone that a form is about: that of its id, whatever has been done meanwhile; the next one without data.

    A form that was opened without one is about the milestone of its name, if that has been added since.
    """
    name, title = "milestone-id", "milestone"
    if data is None or name not in data:
        return next_milestone(action)
    if pk := data[name]:
        return action.milestones.filter(pk=pk).first() if pk.isdecimal() and len(pk) <= MAX_DIGITS else None
    words = str(data.get(title, "")).replace("\0", "").strip()
    return action.milestones.filter(title=words).order_by("position", "pk").first() if words else None


def _read_milestone(action: Action, milestone: Milestone | None) -> Milestone | None:
    return milestone and action.milestones.filter(pk=milestone.pk).first()


class BulkForm(ShortReason, forms.Form):
    """One change for several actions. What is left empty stays as it is."""

    due = PartialDateField(label=FIELD_LABELS["due_date"], help_text=DATE_HELP)
    accountable = department_field()
    owner = forms.ChoiceField(label=_("Person"), required=False)
    field_order = ["due", "accountable", "owner", "reason"]
    hint = _("Public, and the same for all of them. Required: the plan is adopted.")

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, is_adopted=is_adopted(plan), **kwargs)
        self.departments = department_names()
        self.fields["owner"].choices = [  # type: ignore[attr-defined]
            ("", _("No change")), ("none", NOT_ASSIGNED), *team_choices(),
        ]  # fmt: skip

    def values(self) -> dict[str, Any]:
        """Fields for `services.edit_actions`."""
        data = self.cleaned_data
        values: dict[str, Any] = {}
        if data["due"][0]:
            values |= {"due_date": data["due"][0], "due_precision": data["due"][1], "is_continuous": False}
        if data["accountable"]:
            values["accountable"] = data["accountable"]
        if data["owner"]:
            values["owner"] = None if data["owner"] == "none" else int(data["owner"])
            if values["owner"] is not None:
                values["owner_vacant_since"] = None
        return values


class MoveForm(VersionMixin, ReasonMixin, forms.Form):
    """Where a goal, outcome or action should stand: first in a part of the plan, or after another one."""

    target = forms.ChoiceField(label=_("New position"))
    field_order = ["target", "reason"]

    def __init__(self, *args: Any, item: Goal | Outcome | Action, plan: Plan, **kwargs: Any) -> None:
        self.object_type = item._meta.model_name or ""
        super().__init__(*args, is_adopted=is_adopted(plan), **kwargs)
        if isinstance(item, Goal):
            del self.fields["reason"]
        else:
            self.fields["reason"].help_text = (
                _("Required and published if the plan is adopted and the action moves to another outcome.")
                if isinstance(item, Action)
                else _("Required and published if the plan is adopted and the outcome moves to another goal.")
            )
        self.parents = _parents(item, plan)
        self.fields["target"].choices = _positions(item, self.parents)  # type: ignore[attr-defined]
        self.position_now = self.fields["target"].initial = _position_now(item)

    def target_of(self) -> tuple[Any, int | None]:
        """The parent, and the id of the sibling to stand after; None for the first position."""
        parent, _dot, after = self.cleaned_data["target"].partition(".")
        return self.parents[int(parent)], int(after) or None


def _parents(item: Goal | Outcome | Action, plan: Plan) -> dict[int, Any]:
    if isinstance(item, Goal):
        return {plan.pk: plan}
    goals = Goal.objects.filter(plan=plan, retired_at=None).order_by("position", "pk")
    if isinstance(item, Outcome):
        return {goal.pk: goal for goal in goals}
    outcomes = Outcome.objects.filter(goal__in=goals, retired_at=None).select_related("goal__plan")
    return {row.pk: row for row in outcomes.order_by("goal__position", "goal", "position", "pk")}


def _rows_below(item: Goal | Outcome | Action, parents: Iterable[int]) -> Any:
    name = services.PARENT_NAMES[type(item)]
    rows: Any = type(item).objects.filter(**{f"{name}__in": parents}, retired_at=None)
    return rows.annotate(parent=F(f"{name}_id")).order_by("position", "pk")


def _positions(item: Goal | Outcome | Action, parents: dict[int, Any]) -> list[Any]:
    """For each parent: first, or after one of its rows; the values are "parent.row", with 0 for first."""
    options: dict[int, list[tuple[str, Any]]] = {pk: [(f"{pk}.0", _("First"))] for pk in parents}
    for row in _rows_below(item, parents):
        if row.pk != item.pk:
            label = _("After “%(title)s”") % {"title": str(row)[:90]}
            options[row.parent].append((f"{row.parent}.{row.pk}", label))
    if isinstance(item, Goal):
        return [option for each in options.values() for option in each]
    return [(_heading(parents[pk]), each) for pk, each in options.items()]


def _position_now(item: Goal | Outcome | Action) -> str:
    """The option for where the item stands already."""
    parent = getattr(item, f"{services.PARENT_NAMES[type(item)]}_id")
    rows = [row.pk for row in _rows_below(item, [parent])]
    index = rows.index(item.pk) if item.pk in rows else 0
    return f"{parent}.{rows[index - 1] if index else 0}"


def _heading(parent: Goal | Outcome) -> str:
    if isinstance(parent, Outcome):
        return f"{parent.goal.label or parent.goal.title[:40]} › {title_with_label(parent.label, parent.title)[:90]}"
    return str(parent)[:120]


class MergeForm(VersionMixin, forms.Form):
    """The action that continues this one."""

    into = forms.ChoiceField(label=_("Merge into"))
    reason = forms.CharField(label=_("Reason for the merge"), required=False, max_length=300)

    def __init__(self, *args: Any, action: Action, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _need_reason(self.fields["reason"], is_adopted(plan))
        targets = (
            Action.objects.counted().filter(outcome__goal__plan=plan).exclude(pk=action.pk).in_plan_order()
        )
        self.targets = {row.code: row for row in targets.select_related("outcome__goal__plan")}
        groups: dict[str, list[tuple[str, str]]] = {}
        for row in self.targets.values():
            groups.setdefault(_heading(row.outcome), []).append((row.code, str(row)[:110]))
        self.fields["into"].choices = [("", _("Choose an action")), *groups.items()]  # type: ignore[attr-defined]


class SeparateForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), required=False, max_length=300)

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _need_reason(self.fields["reason"], is_adopted(plan))


def _need_reason(field: forms.Field, is_needed: bool) -> None:
    """An adopted plan publishes why: then the reason is required."""
    field.required = is_needed
    field.help_text = _("Published with the action.") if is_needed else _("Kept in the history.")
