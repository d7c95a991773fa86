"""The list of actions: filters, sorting and pages, all of them in the query string."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from tenants import formats
from tenants.dashboard import due_dates
from tenants.dashboard.statistics import PlanStatistics, Row
from tenants.models import ActionStage
from tenants.plans import labels
from tenants.plans.models import Action
from tenants.plans.standing import NEEDS_ATTENTION, NOT_COUNTED, OVERDUE
from tenants.web.filters import (
    AnyChoiceField,
    AnyChoiceFilter,
    ListFilterSet,
    SortFilter,
    TextFilter,
    field_label,
)
from tenants.web.urlconf import city_path

PAGE_SIZE = 25
ALL_PAGES = "all"

# The status filter's choices besides single statuses.
STATUS_GROUPS: dict[str, tuple[Promise, Callable[[Row], bool]]] = {
    "attention": (_("Needs attention"), lambda row: row["state"] in NEEDS_ATTENTION),
    "open": (_("Open"), lambda row: row["is_open"]),
    "left_out": (_("Cancelled or merged"), lambda row: row["state"] in NOT_COUNTED),
}
_FORMER_STATUS_CHOICES = {"late": OVERDUE}  # in addresses that others keep


class StatusField(AnyChoiceField):
    def to_python(self, value: Any) -> str:
        choice = super().to_python(value)
        return _FORMER_STATUS_CHOICES.get(choice, choice)


class StatusFilter(AnyChoiceFilter):
    field_class = StatusField


class ActionFilterSet(ListFilterSet):
    """Filters a plan's rows in memory: the page counts all of them too. The choices are those of the plan."""

    status = StatusFilter(label=field_label(Action, "status"), empty_label=_("All"), method="with_status")
    goal = AnyChoiceFilter(label=_("Goal"), empty_label=_("All"), method="with_goal")
    department = AnyChoiceFilter(label=_("Department"), empty_label=_("All"), method="with_department")
    stage = AnyChoiceFilter(label=labels.FIELD_LABELS["stage"], empty_label=_("All"), method="with_stage")
    due = AnyChoiceFilter(label=labels.FIELD_LABELS["due_date"], empty_label=_("All"), method="with_due")
    q = TextFilter(label=_("Keyword"), method="with_words")
    sort = SortFilter(
        keys={
            "title": lambda row: row["title"].casefold(),
            "status": lambda row: labels.STATUSES_BY_URGENCY.index(row["state"]),
            "due": lambda row: row["due_date"],
            "department": lambda row: row["department"].casefold() or None,
            "updated": lambda row: row["last_update_on"],
        },
        choices=[
            ("title", _("Action")),
            ("status", _("Status")),
            ("due", labels.FIELD_LABELS["due_date"]),
            ("department", labels.FIELD_LABELS["accountable"]),
            ("updated", _("Last update")),
        ],
    )

    class Meta:
        model = Action
        fields = ()

    def __init__(self, data: QueryDict, statistics: PlanStatistics, *, preview_query: str = "") -> None:
        super().__init__(data, kept={"preview": "1"} if preview_query else None)
        self.statistics = statistics
        choices: dict[str, list[tuple[str, Any]]] = {
            "status": _status_choices(statistics.plan.status_labels),
            "goal": [(group.key, group.label) for group in statistics.by_goal],
            "department": [(group.key, group.label) for group in statistics.by_department],
            "stage": [*ActionStage.choices, (labels.NO_STATUS, labels.stage_label(""))],
            "due": due_dates.choices(statistics.rows, data.get("due", "")),
        }
        for name, of_plan in choices.items():
            self.filters[name].extra["choices"] = of_plan

    def with_status(self, rows: list[Row], _name: str, value: str) -> list[Row]:
        if value in STATUS_GROUPS:
            return list(filter(STATUS_GROUPS[value][1], rows))
        return [row for row in rows if row["state"] == value]

    def with_goal(self, rows: list[Row], _name: str, value: str) -> list[Row]:
        return [row for row in rows if str(row["goal"]) == value]

    def with_department(self, rows: list[Row], _name: str, value: str) -> list[Row]:
        return [row for row in rows if str(row["accountable_id"] or labels.NO_STATUS) == value]

    def with_stage(self, rows: list[Row], _name: str, value: str) -> list[Row]:
        return [row for row in rows if (row["stage"] or labels.NO_STATUS) == value]

    def with_due(self, rows: list[Row], _name: str, value: str) -> list[Row]:
        return due_dates.rows_due(rows, value)

    def with_words(self, rows: list[Row], _name: str, text: str) -> list[Row]:
        terms = _normalize(text).split()
        return [row for row in rows if all(term in _searchable_text(row) for term in terms)]

    def facets(self) -> list[dict[str, Any]]:
        """The facets with the counts of the whole plan. Uncounted statuses are offered as one; a selected value always."""
        statistics = self.statistics
        counts: dict[str, dict[str, int]] = {
            "status": {
                value: sum(map(STATUS_GROUPS[value][1], statistics.rows))
                if value in STATUS_GROUPS
                else statistics.counts[value]
                for value in self.labels("status")
                if value and (value not in NOT_COUNTED or value == self.values["status"])
            }
        }
        for name in ("goal", "department", "stage"):
            groups = getattr(statistics, f"by_{name}")
            counts[name] = {group.key: len(group.rows) for group in groups}
        counts["due"] = dict(due_dates.counts(statistics.rows))
        for value in self.selected("due"):  # it may be a year
            counts["due"][value] = len(due_dates.rows_due(statistics.rows, value))
        return [
            self.facet(name, dict.fromkeys(self.selected(name), 0) | counts[name])
            | {"all_label": self.labels(name)[""]}
            for name in self.facet_names
        ]


def _status_choices(status_labels: dict[str, str]) -> list[tuple[str, Any]]:
    """The groups of statuses and the statuses with the city's labels; those that count come first."""
    groups = [(value, label) for value, (label, _matches) in STATUS_GROUPS.items()]
    statuses = [(state, labels.status_label(state, status_labels)) for state in labels.STATUSES_BY_PROGRESS]
    counted = [choice for choice in statuses if choice[0] not in NOT_COUNTED]
    return [*groups[:2], *counted, groups[2], *(choice for choice in statuses if choice not in counted)]


def _searchable_text(row: Row) -> str:
    values = [
        row["code"],
        row["number"],
        row["title"],
        row["department"],
        row["goal_title"],
        row["outcome_title"],
    ]
    return _normalize(" ".join([*values, row.get("details", "")]))


def _normalize(text: str) -> str:
    """The text in lower case without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def paginate(rows: list[Row], number: str) -> Page:
    """A page of the list; all rows for the number ALL_PAGES."""
    return Paginator(rows, max(1, len(rows)) if number == ALL_PAGES else PAGE_SIZE).get_page(number)


def build_display_rows(
    rows: list[Row], *, statistics: PlanStatistics, preview_query: str
) -> list[dict[str, Any]]:
    """Rows as display text: the template only prints, because rendering is the slow part of a long list."""
    status_labels, on = statistics.plan.status_labels, statistics.on
    query_suffix = f"?{preview_query}" if preview_query else ""
    display_rows = []
    for row in rows:
        updated = row["last_update_on"]
        closed_on = None if row["is_open"] else row["completed_on"] or row["status_since"]
        display_rows.append(
            {
                "code": row["code"],
                "url": city_path("dashboard:action", row["code"]) + query_suffix,
                "heading": formats.action_heading(row["number"], row["title"]),
                "state": row["state"],
                "status": labels.status_label(row["state"], status_labels),
                "note": labels.standing_note(
                    row["status"], status_labels, due_passed=row["due_passed"], has_report=row["has_report"]
                ),
                "due": labels.format_due(row["due_date"], row["due_precision"], row["is_continuous"]),
                "overdue": _days_overdue((on - row["due_date"]).days) if row["state"] == OVERDUE else "",
                "is_open": row["is_open"],
                "accountable": labels.format_accountable(row["department"], row["owner_vacant_since"]),
                "fresh": row["fresh"] or "",
                "days": (on - updated).days if updated else None,
                "updated": formats.time_since(updated, on=on) if updated else "",
                "undated": ""
                if updated or row["undated_report"] is None
                else labels.format_undated_report(row["undated_report"]),
                "closed_on": formats.format_partial_date(closed_on),
                "last_report": formats.format_partial_date(updated),
                "plan_of": formats.sentence_case(row["goal_department"]),
            }
        )
    return display_rows


def _days_overdue(days: int) -> str:
    """ "98 days overdue"."""
    return ngettext("%(n)s day overdue", "%(n)s days overdue", days) % {"n": formats.format_number(days)}
