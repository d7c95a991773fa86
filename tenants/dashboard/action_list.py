"""The list of actions: filters, sorting and pages, all kept in the address."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.translation import gettext as _

from tenants.dashboard import labels
from tenants.dashboard.statistics import UNCOUNTED_STATUSES, PlanStatistics, Row
from tenants.models import ActionStage
from tenants.plans.models import Action

PAGE_SIZE = 25
_URGENCY_RANK = {state: index for index, state in enumerate(labels.STATUSES_BY_URGENCY)}

# name in the address -> what a row sorts by; "-" in front turns it around; rows without it stand last both ways
SORT_KEYS: dict[str, Callable[[Row], Any]] = {
    "title": lambda row: row["title"].casefold(),
    "status": lambda row: _URGENCY_RANK[row["state"]] + 1,
    "due": lambda row: row["due_date"],
    "department": lambda row: row["department"].casefold(),
    "updated": lambda row: row["last_update_on"],
}


def status_group_filters() -> dict[str, tuple[str, Callable[[Row], bool]]]:
    """What the status filter offers besides single statuses: {"attention": ("Needs attention", test)}."""
    return {
        "attention": (_("Needs attention"), lambda row: row["status"] in Action.NEEDS_ATTENTION),
        "late": (_("Promised date has passed"), lambda row: row["is_late"]),
        "left_out": (_("Cancelled or merged"), lambda row: row["state"] in UNCOUNTED_STATUSES),
    }


@dataclass(frozen=True)
class ActionFilterSet:
    """What the address asks for. Anything unknown counts as not asked."""

    status: str = ""
    goal: str = ""
    department: str = ""
    stage: str = ""
    q: str = ""
    sort: str = ""
    page: str = ""
    preview: str = ""

    @classmethod
    def from_address(cls, asked: QueryDict, facts: PlanStatistics, *, keep: str = "") -> ActionFilterSet:
        known: dict[str, set[str]] = {
            "status": {*status_group_filters(), *labels.STATUSES_BY_PROGRESS},
            "goal": {group.key for group in facts.by_goal},
            "department": {group.key for group in facts.by_department},
            "stage": {*ActionStage.values, labels.NO_STATUS},
            "sort": {sign + name for name in SORT_KEYS for sign in ("", "-")},
        }
        values = {name: value for name, allowed in known.items() if (value := asked.get(name, "")) in allowed}
        keeps = "1" if keep else ""
        q = " ".join(asked.get("q", "").replace("\x00", "").split())[:100]
        return cls(**values, q=q, page=asked.get("page", ""), preview=keeps)

    def query(self, **changes: str) -> str:
        """The address of this list with changes, from page 1: "?status=late&sort=due", or "?"."""
        other = replace(self, **({"page": ""} | changes))
        return "?" + urlencode({f.name: value for f in fields(other) if (value := getattr(other, f.name))})

    def narrowed(self) -> bool:
        return bool(self.status or self.goal or self.department or self.stage or self.q)


def filter_rows(rows: list[Row], filters: ActionFilterSet) -> list[Row]:
    """The rows the filters leave, sorted; without a sort, in plan order."""
    if filters.status:
        special = status_group_filters().get(filters.status)
        test = special[1] if special else (lambda row: row["state"] == filters.status)
        rows = [row for row in rows if test(row)]
    if filters.goal:
        rows = [row for row in rows if str(row["goal"]) == filters.goal]
    if filters.department:
        rows = [row for row in rows if str(row["accountable_id"] or labels.NO_STATUS) == filters.department]
    if filters.stage:
        rows = [row for row in rows if (row["stage"] or labels.NO_STATUS) == filters.stage]
    if filters.q:
        wanted = _normalize(filters.q).split()
        rows = [row for row in rows if all(word in _searchable_text(row) for word in wanted)]
    if filters.sort:
        by = SORT_KEYS[filters.sort.removeprefix("-")]
        have = sorted((row for row in rows if by(row)), key=by, reverse=filters.sort.startswith("-"))
        rows = have + [row for row in rows if not by(row)]
    return rows


def _searchable_text(row: Row) -> str:
    parts = [
        row["code"],
        row["number"],
        row["title"],
        row["department"],
        row["goal_title"],
        row["outcome_title"],
    ]
    return _normalize(" ".join([*parts, row.get("details", "")]))


def _normalize(text: str) -> str:
    """Small letters without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def paginate(rows: list[Row], number: str) -> Page:
    return Paginator(rows, PAGE_SIZE).get_page(number)


def build_display_rows(rows: list[Row], *, facts: PlanStatistics, keep: str) -> list[dict[str, Any]]:
    """Rows with every word ready, so that the template only prints: it is the costly part of a long list."""
    status_labels, on = facts.plan.status_labels, facts.on
    tail = f"?{keep}" if keep else ""
    ready = []
    for row in rows:
        updated = row["last_update_on"]
        ready.append(
            {
                "code": row["code"],
                "url": f"/plan/actions/{row['code']}/{tail}",
                "name": labels.action_heading(row["number"], row["title"]),
                "state": row["state"],
                "status": labels.status_label(row["status"], status_labels),
                "due": labels.format_due(
                    row["due_date"], row["due_precision"], row["is_continuous"], short=True
                ),
                "is_late": row["is_late"],
                "who": labels.format_accountable(row["department"], row["owner_vacant_since"]),
                "fresh": row["fresh"] or "",
                "days": (on - updated).days if updated else None,
                "updated": labels.time_since(updated, on=on) if updated else "",
            }
        )
    return ready


def active_filters(filters: ActionFilterSet, facts: PlanStatistics) -> list[dict[str, str]]:
    """The filters in use, each with the address of the list without it."""
    status_labels = facts.plan.status_labels
    special = status_group_filters().get(filters.status)
    names = {
        "status": special[0] if special else labels.status_label(filters.status, status_labels),
        "goal": next((group.name for group in facts.by_goal if group.key == filters.goal), ""),
        "department": next(
            (group.name for group in facts.by_department if group.key == filters.department), ""
        ),
        "stage": labels.stage_label("" if filters.stage == labels.NO_STATUS else filters.stage),
        "q": f"“{filters.q}”",
    }
    return [
        {"name": text, "without": filters.query(**{name: ""})}
        for name, text in names.items()
        if getattr(filters, name)
    ]


def facets(filters: ActionFilterSet, facts: PlanStatistics) -> dict[str, list[dict[str, Any]]]:
    """The options of each select with their counts: {"status": [{"value", "name", "chosen"}]}."""
    status_labels, counts, total = facts.plan.status_labels, facts.counts, len(facts.rows)

    def option(kind: str, value: str, name: str, number: int) -> dict[str, Any]:
        return {"value": value, "name": f"{name} ({number})", "chosen": getattr(filters, kind) == value}

    statuses = [option("status", "", _("All"), total)]
    for value, (name, test) in status_group_filters().items():
        statuses.append(option("status", value, name, sum(map(test, facts.rows))))
    statuses[3:3] = [
        option("status", state, labels.status_label(state, status_labels), counts[state])
        for state in labels.STATUSES_BY_PROGRESS
        if state not in UNCOUNTED_STATUSES
    ]
    return {
        "status": statuses,
        "goal": [option("goal", "", _("All goals"), total)]
        + [option("goal", g.key, g.name, len(g.rows)) for g in facts.by_goal],
        "department": [option("department", "", _("All departments"), total)]
        + [option("department", g.key, g.name, len(g.rows)) for g in facts.by_department],
        "stage": [option("stage", "", _("All kinds"), total)]
        + [option("stage", g.key, g.name, len(g.rows)) for g in facts.by_stage],
    }


def sortable_columns(filters: ActionFilterSet) -> list[dict[str, str]]:
    """The columns, how they sort now ("", "ascending", "descending"), and the address that sorts by them."""
    names = {
        "title": _("Action"),
        "status": _("Status"),
        "due": _("Promised by"),
        "department": _("Who answers"),
        "updated": _("Last update"),
    }
    found = []
    for name, text in names.items():
        now = {name: "ascending", f"-{name}": "descending"}.get(filters.sort, "")
        found.append(
            {"name": text, "now": now, "url": filters.query(sort=f"-{name}" if now == "ascending" else name)}
        )
    return found
