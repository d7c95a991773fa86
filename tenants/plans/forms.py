"""What people may type on the workspace's pages. Services check again and save."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import connection
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tenants.models import ActionStage, Sector, Topic, Visibility
from tenants.plans import services, spreadsheets
from tenants.plans.imports.services import MAX_MEGABYTES, date_conventions_of
from tenants.plans.models import Action, Department, Goal, Milestone, Outcome, PerformanceMeasure, Plan
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.selectors import team_of
from tenants.plans.spreadsheets.reading.date_parser import parse_date

KIND_FIELDS = {
    "how_much": _("How much will we do?"),
    "how_well": _("How well will we do it?"),
    "better_off": _("Is anyone better off?"),
}
DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
STAGES = [("", _("Not said")), *ActionStage.choices]


def day_input(**attrs: str) -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"} | attrs, format="%Y-%m-%d")


# ---- Dates as exact as they are meant --------------------------------------------------------------------
class PartialDateField(forms.CharField):
    """A day, a month, a quarter or a year, in words. Cleans to (date, precision); ("", nothing) for nothing."""

    def __init__(self, *, is_start: bool = False, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=60, **kwargs)
        self.is_start = is_start

    def clean(self, value: Any) -> tuple[dt.date | None, str]:
        text = super().clean(value)
        if not text:
            return None, ""
        span = parse_date(text, date_conventions_of(connection.tenant))
        if span is None:
            raise ValidationError(
                _("“%(text)s” is not a date. Write a day (June 30, 2027), a month (June 2027), a quarter (2027 Q2) "
                  "or a year.") % {"text": text}
            )  # fmt: skip
        return (span.first if self.is_start else span.last), span.precision


def format_partial_date(day: dt.date | None, precision: str) -> str:
    """What LooseDateField reads back as the same date: "June 2027"; in other languages "2027-06"."""
    if day is None:
        return ""
    if precision == "year":
        fiscal = connection.tenant.fiscal_year_start_month
        is_fiscal = fiscal != 1 and day == dt.date(day.year, fiscal, 1) - dt.timedelta(days=1)
        return f"FY{day.year}" if is_fiscal else str(day.year)
    if precision == "quarter":
        return f"{day.year} Q{(day.month + 2) // 3}"
    is_english = (get_language() or "en").startswith("en")
    month = calendar.month_name[day.month]
    if precision == "month":
        return f"{month} {day.year}" if is_english else f"{day:%Y-%m}"
    return f"{month} {day.day}, {day.year}" if is_english else day.isoformat()


# ---- Parts of the plan -----------------------------------------------------------------------------------
class VersionMixin(forms.Form):
    """Carries what the person saw, so that two people cannot overwrite each other."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)


class ReasonMixin(forms.Form):
    reason = forms.CharField(
        label=_("Reason for the change"),
        help_text=_("Kept in the history. Needed where a promise of an adopted plan changes."),
        required=False,
        max_length=300,
    )


class PlanItemForm(VersionMixin, forms.ModelForm):
    """The words of a part of the plan; `values` is what its service takes."""

    def values(self) -> dict[str, Any]:
        names = self._meta.fields or []
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}


class GoalForm(PlanItemForm, ReasonMixin):
    field_order = ["label", "title", "story", "department", "sectors", "reason"]
    sectors = forms.MultipleChoiceField(
        label=_("Sectors"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Goal
        fields = ["label", "title", "story", "department", "sectors"]
        widgets = {"title": forms.Textarea(attrs={"rows": 2}), "story": forms.Textarea(attrs={"rows": 4})}
        help_texts = {
            "label": _("As you number it, like “Goal 1”."),
            "story": _("Where this goal stands, in your own words. Shown to the public."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sectors: Any = self.fields["sectors"]
        sectors.choices = list(Sector.objects.order_by("position").values_list("slug", "label"))
        if not sectors.choices:
            del self.fields["sectors"]


class OutcomeForm(PlanItemForm, ReasonMixin):
    field_order = ["label", "title", "stage", "story", "reason"]

    class Meta:
        model = Outcome
        fields = ["label", "title", "stage", "story"]
        widgets = {"title": forms.Textarea(attrs={"rows": 2}), "story": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "label": _("As you number it, like “A”."),
            "title": _("The change you commit to cause, as a full sentence."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"] = forms.ChoiceField(label=_("Kind of step"), required=False, choices=STAGES)


class ActionForm(VersionMixin, ReasonMixin, forms.Form):
    """One action: words, who answers, when, how it is measured. `values` is what the services take."""

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
    stage = forms.ChoiceField(label=_("Kind of step"), required=False, choices=STAGES)
    accountable = forms.CharField(
        label=_("Who answers"),
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
        label=_("Promised by"),
        help_text=_("A day, a month (June 2027), a quarter (2027 Q2) or a year."),
    )
    is_continuous = forms.BooleanField(label=_("Goes on without an end date"), required=False)
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
        self.parts = RelatedRows(actions=[action.pk]) if action else None
        if action:
            kwargs["initial"] = self._initial(action) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
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
        assert self.parts is not None  # noqa: S101  (set just before)
        measures = self.parts.measures[action.pk]
        return {
            "number": action.number,
            "title": action.title,
            "details": action.details,
            "why": action.why,
            "stage": action.stage,
            "accountable": action.accountable.name if action.accountable else "",
            "owner": action.owner_id or "",
            "vacant_since": action.owner_vacant_since,
            "responsible": "\n".join(self.parts.named(action, "responsible")),
            "support": "\n".join(self.parts.named(action, "support")),
            "start": format_partial_date(action.start_date, action.start_precision or "day")
            if action.start_date and action.start_precision not in ("quarter", "year")
            else format_partial_date(
                _last_of(action.start_date, action.start_precision), action.start_precision
            ),
            "due": format_partial_date(action.due_date, action.due_precision or "day"),
            "is_continuous": action.is_continuous,
            "milestones": "\n".join(format_milestone(step) for step in self.parts.milestones[action.pk]),
            "resources": action.resources,
            "implementation_plan": "\n".join(action.implementation_plan),
            "topics": action.topics,
            "outcome": action.outcome_id,
            "seen": services.version_token(action),
        } | {kind: "\n".join(m.text for m in measures if m.kind == kind) for kind in KIND_FIELDS}

    def clean_milestones(self) -> list[dict[str, Any]]:
        there = self.parts.milestones[self.action.pk] if self.parts and self.action else []
        known = {format_milestone(step): step for step in there}
        return [_milestone(line, known) for line in split_lines(self.cleaned_data["milestones"])]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("owner") and found.get("vacant_since"):
            self.add_error(
                "vacant_since", _("A person is chosen above. Leave the date empty, or choose nobody.")
            )
        due = found.get("due")
        if found.get("is_continuous") and due and due[0]:
            self.add_error("due", _("Choose one: a date, or “goes on without an end date”."))
        return found

    def values(self) -> dict[str, Any]:
        """The fields that `services.edit_action` takes; only what the person changed."""
        data, changed = self.cleaned_data, set(self.changed_data)
        found: dict[str, Any] = {
            name: data[name]
            for name in ("number", "title", "details", "why", "stage", "accountable", "resources", "topics")
            if name in changed
        }
        if "owner" in changed or "vacant_since" in changed:
            found["owner"] = int(data["owner"]) if data["owner"] else None
            found["owner_vacant_since"] = data["vacant_since"]
        for name in ("responsible", "support", "implementation_plan"):
            if name in changed:
                found[name] = split_lines(data[name])
        if changed & {"start", "due", "is_continuous"}:
            found |= self._timeline(data, changed)
        if "milestones" in changed:
            found["milestones"] = data["milestones"]
        if changed & set(KIND_FIELDS):
            found["measures"] = self._measures(data)
        return found

    def _timeline(self, data: dict[str, Any], changed: set[str]) -> dict[str, Any]:
        (start, start_precision), (due, due_precision) = data["start"], data["due"]
        if self.action and "start" not in changed:
            start, start_precision = self.action.start_date, self.action.start_precision
        if self.action and "due" not in changed and due:
            due, due_precision = self.action.due_date, self.action.due_precision
        words = [self.data.get(self.add_prefix(name), "").strip() for name in ("start", "due")]
        text = " - ".join(word for word in words if word)
        if data["is_continuous"]:
            text = f"Begins {words[0]}, ongoing" if words[0] else "Ongoing"
        elif words[0] and not words[1]:
            text = f"Begins {words[0]}"
        return {
            "start_date": start,
            "start_precision": start_precision if start else "",
            "due_date": due,
            "due_precision": due_precision if due else "",
            "is_continuous": data["is_continuous"],
            "timeline_raw": text,
        }

    def _measures(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        there = self.parts.measures[self.action.pk] if self.parts and self.action else []
        known: dict[str, PerformanceMeasure] = {measure.text: measure for measure in there}
        return [
            {
                "kind": kind,
                "text": text,
                "baseline": known[text].baseline if text in known else "",
                "target": known[text].target if text in known else "",
            }
            for kind in KIND_FIELDS
            for text in split_lines(data[kind])
        ]


def format_milestone(step: Milestone) -> str:
    """How the form shows a milestone: "June 2027: 150 households helped"."""
    day = format_partial_date(step.due_date, step.due_precision or "day")
    return f"{day}: {step.title}" if step.title else day


def _milestone(line: str, known: dict[str, Milestone]) -> dict[str, Any]:
    """A line as the services take it; one that was there keeps its exact date and whether it is done."""
    if line in known:
        step = known[line]
        return {"title": step.title, "due_date": step.due_date, "due_precision": step.due_precision,
                "done_date": step.done_date, "measure_position": step.measure_position}  # fmt: skip
    date, _colon, title = line.partition(":")
    span = parse_date(date.strip(), date_conventions_of(connection.tenant))
    if span is None:
        raise ValidationError(
            _("“%(line)s” does not begin with a date. Write it like “June 2027: 150 households helped”.")
            % {"line": line[:80]}
        )
    if len(title.strip()) > 300:
        raise ValidationError(_("“%(line)s…” is longer than 300 characters.") % {"line": line[:80]})
    return {"title": title.strip(), "due_date": span.last, "due_precision": span.precision}


class MeasuresForm(VersionMixin, ReasonMixin):
    """What goes with all measures of an action."""


class MeasureForm(forms.Form):
    """One measure with where it starts and where it should get."""

    kind = forms.ChoiceField(label=_("Question"), choices=list(KIND_FIELDS.items()))
    text = forms.CharField(
        label=_("Measure"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    baseline = forms.CharField(label=_("Baseline"), required=False, max_length=200)
    target = forms.CharField(label=_("Target"), required=False, max_length=200)


def _last_of(day: dt.date | None, precision: str) -> dt.date | None:
    """The last day of the quarter or year that begins on `day`: what `loose_date` takes."""
    if day is None or precision not in ("quarter", "year"):
        return day
    months = 3 if precision == "quarter" else 12
    month = day.month - 1 + months
    return dt.date(day.year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def split_lines(text: str) -> list[str]:
    """The lines of a text box that hold something."""
    return [line.strip() for line in text.splitlines() if line.strip()]


class RetireForm(VersionMixin, forms.Form):
    reason = forms.CharField(
        label=_("Why is it retired?"), help_text=_("Stays in the history."), max_length=300
    )


class PlanForm(PlanItemForm):
    class Meta:
        model = Plan
        fields = ["title", "summary", "vision", "period_start", "period_end", "cadence_days", "grace_days"]
        widgets = {
            "summary": forms.Textarea(attrs={"rows": 4}),
            "vision": forms.Textarea(attrs={"rows": 3}),
            "period_start": day_input(),
            "period_end": day_input(),
        }
        help_texts = {
            "summary": _("In plain words, for residents."),
            "cadence_days": _("After how many days an update is due. 92 is a quarter."),
            "grace_days": _("After how many more days silence counts as stale."),
        }


# ---- Progress --------------------------------------------------------------------------------------------
class ProgressForm(forms.Form):
    """What happened on an action. The service says which status needs a reason and a next step."""

    status = forms.ChoiceField(
        label=_("How is it going?"),
        choices=[(choice.value, choice.label) for choice in services.REPORTABLE_STATUSES],
        widget=forms.RadioSelect(attrs={"class": "choice choice--status"}),
    )
    text = forms.CharField(
        label=_("What happened?"),
        help_text=_("One or two sentences that a resident understands."),
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    reason = forms.CharField(
        label=_("What is in the way?"),
        help_text=_("Needed for at risk, off track, on hold and cancelled."),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    next_step = forms.CharField(
        label=_("What is next?"),
        help_text=_("Needed for at risk, off track and on hold."),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    on = forms.DateField(label=_("As of"), widget=day_input(), initial=timezone.localdate)

    def __init__(self, *args: Any, labels: dict[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = labels or {}
        field: Any = self.fields["status"]
        field.choices = [(code, words.get(code) or label) for code, label in field.choices]


# ---- Publishing ------------------------------------------------------------------------------------------
class PublishForm(forms.Form):
    visibility = forms.ChoiceField(
        label=_("Who may see the plan?"),
        choices=[
            (Visibility.PUBLIC, _("Everybody")),
            (Visibility.COHORT, _("Members of the cohort, signed in")),
        ],
        widget=forms.RadioSelect,
        initial=Visibility.PUBLIC,
    )
    launch = forms.BooleanField(
        label=_("Open our public site now"),
        help_text=_("Until it is open, everybody outside your team finds “not found” at its address."),
        required=False,
        initial=True,
    )
    confirmed = forms.BooleanField(
        label=_("I have looked at the preview"),
        error_messages={"required": _("Look at the preview, then tick this.")},
    )

    def __init__(self, *args: Any, is_launched: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_launched:
            del self.fields["launch"]


class UnpublishForm(forms.Form):
    reason = forms.CharField(
        label=_("Why is the plan taken out of view?"), help_text=_("Stays in the history."), max_length=300
    )
    close_site = forms.BooleanField(label=_("Close our public site too"), required=False)


class AdoptForm(forms.Form):
    on = forms.DateField(label=_("Adopted on"), widget=day_input())
    body = forms.CharField(label=_("Adopted by"), help_text=_("Such as “City Council”."), max_length=120)
    resolution = forms.CharField(
        label=_("Resolution"), help_text=_("Its number, if there is one."), required=False, max_length=120
    )


# ---- Import ----------------------------------------------------------------------------------------------
DATE_ORDERS = [
    ("month/day/year", _("Month first: 05/06/2026 is May 6")),
    ("day/month/year", _("Day first: 05/06/2026 is June 5")),
    ("year/month/day", _("Year first: 2026/05/06")),
]
ROLE_LABELS = {
    "action": _("Action (and goals and outcomes between)"),
    "details": _("Details of the action"),
    "number": _("Number"),
    "code": _("Code"),
    "goal": _("Goal"),
    "outcome": _("Outcome"),
    "accountable": _("Who answers"),
    "support": _("Who supports"),
    "start": _("Start"),
    "timeline": _("Timeline or due date"),
    "measures": _("Performance measures"),
    "measures_how_much": _("Measures: how much"),
    "measures_how_well": _("Measures: how well"),
    "measures_better_off": _("Measures: better off"),
    "indicator": _("Community indicator"),
    "status": _("Status"),
    "stage": _("Kind of step"),
    "progress": _("Progress notes"),
    "resources": _("Resources"),
    "implementation_plan": _("Steps"),
    "changes": _("What changed"),
    "note": _("Keep as a note"),
    "ignore": _("Leave out"),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("Your plan’s spreadsheet"),
        help_text=_("XLSX or CSV, up to %(limit)d MB, in the layout you use today.")
        % {"limit": MAX_MEGABYTES},
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )
    date_order = forms.ChoiceField(label=_("How dates in figures are written"), choices=DATE_ORDERS)

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_MEGABYTES * 1024 * 1024:
            raise ValidationError(
                _(
                    "“%(file)s” has %(size)d MB; the limit is %(limit)d MB. Save it without pictures, or as CSV."
                )
                % {"file": file.name, "size": (file.size or 0) // 1024 // 1024 + 1, "limit": MAX_MEGABYTES}
            )
        return file


class ColumnsForm(forms.Form):
    """Which column is which, sheet by sheet; `mapping` is what the reader takes."""

    def __init__(
        self, *args: Any, sheet_list: list[dict[str, Any]], date_order: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.sheet_list = [sheet for sheet in sheet_list if sheet["kind"] != "hidden"]
        choices = [(role, ROLE_LABELS[role]) for role in spreadsheets.COLUMN_ROLES]
        for index, sheet in enumerate(self.sheet_list):
            self.fields[f"s{index}_header"] = forms.IntegerField(
                label=_("Row with the column titles"),
                min_value=1,
                max_value=1_048_576,
                required=False,
                initial=sheet["header_row"],
            )
            for column in sheet["columns"]:
                if column["role"] != "id":
                    self.fields[f"s{index}_{column['letter']}"] = forms.ChoiceField(
                        label=_("Column %(letter)s") % {"letter": column["letter"]},
                        choices=choices,
                        initial=column["role"] if column["role"] in spreadsheets.COLUMN_ROLES else "note",
                    )
        self.fields["date_order"] = forms.ChoiceField(
            label=_("How dates in figures are written"),
            choices=DATE_ORDERS,
            initial=date_order or DATE_ORDERS[0][0],
        )

    def blocks(self) -> list[dict[str, Any]]:
        """Ready for the page: [{"sheet", "header": field, "columns": [{"letter", "header", "samples", "field"}]}]."""
        return [
            {
                "sheet": sheet,
                "header": self[f"s{index}_header"],
                "columns": [
                    column | {"field": self[f"s{index}_{column['letter']}"]}
                    for column in sheet["columns"]
                    if f"s{index}_{column['letter']}" in self.fields
                ],
            }
            for index, sheet in enumerate(self.sheet_list)
        ]

    def mapping(self) -> dict[str, Any]:
        """Only what differs from what was guessed."""
        found: dict[str, Any] = {}
        for index, sheet in enumerate(self.sheet_list):
            changed = {}
            columns = {
                column["letter"]: self.cleaned_data[f"s{index}_{column['letter']}"]
                for column in sheet["columns"]
                if f"s{index}_{column['letter']}" in self.fields
            }
            if any(f"s{index}_{letter}" in self.changed_data for letter in columns):
                changed["columns"] = columns
            if f"s{index}_header" in self.changed_data and self.cleaned_data[f"s{index}_header"]:
                changed["header_row"] = self.cleaned_data[f"s{index}_header"]
            if changed:
                found[sheet["name"] or ""] = changed
        return found
