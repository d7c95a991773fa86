"""The plan as a tree of goals, outcomes and action rows, and its split into pages. Two queries."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from tenants.dashboard.statistics import Row
from tenants.formats import sentence_case, title_with_label
from tenants.plans.models import Goal, Outcome, Plan

ACTIONS_PER_PAGE = 100


def build_outline(plan: Plan, rows: list[Row]) -> list[dict[str, Any]]:
    """Goals with their outcomes and rows: [{"pk", "heading", "story", "outcomes": [{"pk", "heading", "rows"}]}].

    Goals and outcomes without an action are included.
    """
    rows_by_outcome: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        rows_by_outcome[row["outcome_id"]].append(row)
    outcomes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    current_outcomes = Outcome.objects.filter(goal__plan=plan, retired_at=None, goal__retired_at=None)
    for outcome in current_outcomes.order_by("position", "pk").values(
        "pk", "uuid", "label", "title", "stage", "goal_id"
    ):
        heading = title_with_label(outcome["label"], outcome["title"])
        outcomes[outcome["goal_id"]].append(
            outcome | {"heading": heading, "rows": rows_by_outcome[outcome["pk"]]}
        )
    goals = Goal.objects.filter(plan=plan, retired_at=None).order_by("position", "pk")
    return [
        goal | {"heading": title_with_label(goal["label"], goal["title"]), "outcomes": outcomes[goal["pk"]]}
        for goal in goals.values("pk", "uuid", "label", "title", "story", "department", "sectors")
    ]


def group_by_department(goals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The goals of each department together, departments in the order of their first goals: the order of a page."""
    order = list(dict.fromkeys(goal["department"] for goal in goals))
    return sorted(goals, key=lambda goal: order.index(goal["department"]))


def department_sections(goals: list[dict[str, Any]], *, is_grouped: bool) -> list[dict[str, Any]]:
    """Consecutive goals of one department: [{"heading", "goals"}]; the heading is empty unless the plan `is_grouped`.

    Goals of no department are "Across departments" in a plan that has others.
    """
    sections = []
    for department, goals_of_section in groupby(goals, key=lambda goal: goal["department"]):
        heading = sentence_case(department) or _("Across departments")
        sections.append({"heading": heading if is_grouped else "", "goals": list(goals_of_section)})
    return sections


def paginate_outline(goals: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The outline split after every ACTIONS_PER_PAGE actions.

    A goal or outcome that is split is named on both pages; its second entry has `is_continuation` set.
    """
    pages: list[list[dict[str, Any]]] = [[]]
    remaining = ACTIONS_PER_PAGE
    for goal in goals:
        if not remaining and any(outcome["rows"] for outcome in goal["outcomes"]):
            pages.append([])
            remaining = ACTIONS_PER_PAGE
        page_goal = goal | {"outcomes": [], "is_continuation": False}
        pages[-1].append(page_goal)
        for outcome in goal["outcomes"]:
            remaining_rows, is_continuation = outcome["rows"], False
            while True:
                if remaining_rows and not remaining:
                    page_goal = goal | {"outcomes": [], "is_continuation": True}
                    pages.append([page_goal])
                    remaining = ACTIONS_PER_PAGE
                page_rows, remaining_rows = remaining_rows[:remaining], remaining_rows[remaining:]
                page_goal["outcomes"].append(
                    outcome | {"rows": page_rows, "is_continuation": is_continuation}
                )
                remaining -= len(page_rows)
                is_continuation = True
                if not remaining_rows:
                    break
    return pages
