"""The list of actions: filters, sorting and pages, all of them in the query string."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.translation import gettext as _

from tenants import formats
from tenants.dashboard.statistics import UNCOUNTED_STATUSES, PlanStatistics, Row
from tenants.models import ActionStage
from tenants.plans import labels
from tenants.plans.models import Action

PAGE_SIZE = 25
_URGENCY_RANK = {state: index for index, state in enumerate(labels.STATUSES_BY_URGENCY)}

# query parameter -> sort key of a row; "-" in front reverses the order; rows without the value come last both ways
SORT_KEYS: dict[str, Callable[[Row], Any]] = {
    "title": lambda row: row["title"].casefold(),
    "status": lambda row: _URGENCY_RANK[row["state"]] + 1,
    "due": lambda row: row["due_date"],
    "department": lambda row: row["department"].casefold(),
    "updated": lambda row: row["last_update_on"],
}


def status_group_filters() -> dict[str, tuple[str, Callable[[Row], bool]]]:
    """The status filter's choices besides single statuses: {"attention": ("Needs attention", predicate)}."""
    return {
        "attention": (_("Needs attention"), lambda row: row["status"] in Action.NEEDS_ATTENTION),
        "late": (_("Promised date has passed"), lambda row: row["is_late"]),
        "left_out": (_("Cancelled or merged"), lambda row: row["state"] in UNCOUNTED_STATUSES),
    }


@dataclass(frozen=True)
class ActionFilterSet:
    """The filters, sort order and page in a query string. Unknown values are ignored."""

    status: str = ""
    goal: str = ""
    department: str = ""
    stage: str = ""
    q: str = ""
    sort: str = ""
    page: str = ""
    preview: str = ""

    @classmethod
    def from_querydict(
        cls, params: QueryDict, statistics: PlanStatistics, *, preview_query: str = ""
    ) -> ActionFilterSet:
        choices: dict[str, set[str]] = {
            "status": {*status_group_filters(), *labels.STATUSES_BY_PROGRESS},
            "goal": {group.key for group in statistics.by_goal},
            "department": {group.key for group in statistics.by_department},
            "stage": {*ActionStage.values, labels.NO_STATUS},
            "sort": {sign + name for name in SORT_KEYS for sign in ("", "-")},
        }
        values = {
            name: value for name, allowed in choices.items() if (value := params.get(name, "")) in allowed
        }
        q = " ".join(params.get("q", "").replace("\x00", "").split())[:100]
        return cls(**values, q=q, page=params.get("page", ""), preview="1" if preview_query else "")

    def querystring(self, **changes: str) -> str:
        """This query string with changes, from page 1: "?status=late&sort=due", or "?"."""
        changed = replace(self, **({"page": ""} | changes))
        return "?" + urlencode(
            {f.name: value for f in fields(changed) if (value := getattr(changed, f.name))}
        )


def filter_rows(rows: list[Row], filters: ActionFilterSet) -> list[Row]:
    """The rows that match the filters, sorted; without a sort order, in plan order."""
    if filters.status:
        group = status_group_filters().get(filters.status)
        matches = group[1] if group else (lambda row: row["state"] == filters.status)
        rows = [row for row in rows if matches(row)]
    if filters.goal:
        rows = [row for row in rows if str(row["goal"]) == filters.goal]
    if filters.department:
        rows = [row for row in rows if str(row["accountable_id"] or labels.NO_STATUS) == filters.department]
    if filters.stage:
        rows = [row for row in rows if (row["stage"] or labels.NO_STATUS) == filters.stage]
    if filters.q:
        terms = _normalize(filters.q).split()
        rows = [row for row in rows if all(term in _searchable_text(row) for term in terms)]
    if filters.sort:
        key = SORT_KEYS[filters.sort.removeprefix("-")]
        with_value = sorted((row for row in rows if key(row)), key=key, reverse=filters.sort.startswith("-"))
        rows = with_value + [row for row in rows if not key(row)]
    return rows


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
    return Paginator(rows, PAGE_SIZE).get_page(number)


def build_display_rows(
    rows: list[Row], *, statistics: PlanStatistics, preview_query: str
) -> list[dict[str, Any]]:
    """Rows as display text: the template only prints, because rendering is the slow part of a long list."""
    status_labels, on = statistics.plan.status_labels, statistics.on
    query_suffix = f"?{preview_query}" if preview_query else ""
    display_rows = []
    for row in rows:
        updated = row["last_update_on"]
        display_rows.append(
            {
                "code": row["code"],
                "url": f"/plan/actions/{row['code']}/{query_suffix}",
                "name": labels.action_heading(row["number"], row["title"]),
                "state": row["state"],
                "status": labels.status_label(row["status"], status_labels),
                "due": labels.format_due(row["due_date"], row["due_precision"], row["is_continuous"]),
                "is_late": row["is_late"],
                "accountable": labels.format_accountable(row["department"], row["owner_vacant_since"]),
                "fresh": row["fresh"] or "",
                "days": (on - updated).days if updated else None,
                "updated": formats.time_since(updated, on=on) if updated else "",
            }
        )
    return display_rows


def active_filters(filters: ActionFilterSet, statistics: PlanStatistics) -> list[dict[str, str]]:
    """The filters in use, each with the query string without it: [{"name", "remove_url"}]."""
    status_labels = statistics.plan.status_labels
    status_group = status_group_filters().get(filters.status)
    names = {
        "status": status_group[0] if status_group else labels.status_label(filters.status, status_labels),
        "goal": next((group.name for group in statistics.by_goal if group.key == filters.goal), ""),
        "department": next(
            (group.name for group in statistics.by_department if group.key == filters.department), ""
        ),
        "stage": labels.stage_label("" if filters.stage == labels.NO_STATUS else filters.stage),
        "q": f"“{filters.q}”",
    }
    return [
        {"name": text, "remove_url": filters.querystring(**{name: ""})}
        for name, text in names.items()
        if getattr(filters, name)
    ]


def facets(filters: ActionFilterSet, statistics: PlanStatistics) -> dict[str, list[dict[str, Any]]]:
    """The choices of each select with their counts: {"status": [{"value", "name", "chosen"}]}."""
    status_labels, counts, total = statistics.plan.status_labels, statistics.counts, len(statistics.rows)

    def choice(facet: str, value: str, name: str, count: int) -> dict[str, Any]:
        return {
            "value": value,
            "name": f"{name} ({formats.format_number(count)})",
            "chosen": getattr(filters, facet) == value,
        }

    statuses = [choice("status", "", _("All"), total)]
    for value, (name, matches) in status_group_filters().items():
        statuses.append(choice("status", value, name, sum(map(matches, statistics.rows))))
    statuses[3:3] = [
        choice("status", state, labels.status_label(state, status_labels), counts[state])
        for state in labels.STATUSES_BY_PROGRESS
        if state not in UNCOUNTED_STATUSES
    ]
    return {
        "status": statuses,
        "goal": [choice("goal", "", _("All goals"), total)]
        + [choice("goal", g.key, g.name, len(g.rows)) for g in statistics.by_goal],
        "department": [choice("department", "", _("All departments"), total)]
        + [choice("department", g.key, g.name, len(g.rows)) for g in statistics.by_department],
        "stage": [choice("stage", "", _("All kinds"), total)]
        + [choice("stage", g.key, g.name, len(g.rows)) for g in statistics.by_stage],
    }


def sortable_columns(filters: ActionFilterSet) -> list[dict[str, str]]:
    """The columns: their name, sort direction ("", "ascending", "descending"), and the query string to sort by them."""
    names = {
        "title": _("Action"),
        "status": _("Status"),
        "due": _("Promised by"),
        "department": _("Who answers"),
        "updated": _("Last update"),
    }
    columns = []
    for name, text in names.items():
        direction = {name: "ascending", f"-{name}": "descending"}.get(filters.sort, "")
        url = filters.querystring(sort=f"-{name}" if direction == "ascending" else name)
        columns.append({"name": text, "direction": direction, "url": url})
    return columns
