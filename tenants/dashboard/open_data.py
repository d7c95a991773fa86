"""The numbers and actions of the public pages as records for CSV and JSON."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _

from tenants.dashboard.plan_outline import build_outline
from tenants.dashboard.statistics import PlanStatistics, Row, StatGroup
from tenants.models import Jurisdiction
from tenants.plans import labels
from tenants.plans.models import ActionParty, Milestone, PerformanceMeasure, Plan, ProgressNote
from tenants.web.exports import LICENSE
from tenants.web.urlconf import city_path

ACTION_COLUMNS = [
    "code",
    "number",
    "goal",
    "outcome",
    "action",
    "details",
    "status",
    "status_words",
    "standing",
    "status_since",
    "reason",
    "next_step",
    "who_answers",
    "vacant_since",
    "start",
    "start_precision",
    "promised_by",
    "promised_by_precision",
    "goes_on",
    "promised_date_passed",
    "kind_of_step",
    "topics",
    "last_update",
    "freshness",
    "address",
]
NUMBER_COLUMNS = [
    "by",
    "name",
    "actions_counted",
    "completed",
    "on_track",
    "at_risk",
    "off_track",
    "overdue",
    "on_hold",
    "not_started",
    "no_status",
    "cancelled",
    "merged",
    "promised_date_passed",
    "counted_on",
]


def describe_columns() -> list[tuple[str, str]]:
    """The columns that do not explain themselves: [("code", "…"), …]."""
    return [
        ("code", _("The portal’s permanent code for the action. It is part of its page’s address.")),
        ("number", _("The action’s number in the plan.")),
        (
            "status",
            _(
                "One of: completed, on_track, at_risk, off_track, on_hold, not_started, cancelled, merged. "
                "Empty: no status is reported yet."
            ),
        ),
        (
            "standing",
            _(
                "The group in which the action is counted: its status, or overdue for an open action with a status "
                "that is past its due date, or none if it has no status yet."
            ),
        ),
        ("promised_by", _("The last day of the due date: “June 2027” is 2027-06-30.")),
        ("promised_by_precision", _("How exact the due date is: day, month, quarter or year.")),
        ("promised_date_passed", _("Still open after that day, with or without a report.")),
        (
            "freshness",
            _(
                "How old the last update is, by the plan’s own rhythm: fresh, due, late, stale, undated, none. "
                "“closed” for actions that need no more updates."
            ),
        ),
    ]


def action_record(row: Row, *, jurisdiction: Jurisdiction, plan: Plan) -> dict[str, Any]:
    """One action by the names of ACTION_COLUMNS; an action without a status has status None."""
    return {
        "code": row["code"],
        "number": row["number"],
        "goal": _as_written(row["goal_label"], row["goal_title"]),
        "outcome": _as_written(row["outcome_label"], row["outcome_title"]),
        "action": row["title"],
        "details": row["details"],
        "status": row["status"],
        "status_words": labels.status_label(row["status"], plan.status_labels),
        "standing": row["state"],
        "status_since": row["status_since"],
        "reason": row["reason"],
        "next_step": row["next_step"],
        "who_answers": row["department"],
        "vacant_since": row["owner_vacant_since"],
        "start": row["start_date"],
        "start_precision": row["start_precision"],
        "promised_by": row["due_date"],
        "promised_by_precision": row["due_precision"],
        "goes_on": row["is_continuous"],
        "promised_date_passed": row["due_passed"],
        "kind_of_step": row["stage"],
        "topics": row["topics"],
        "last_update": row["last_update_on"],
        "freshness": row["fresh"] or "closed",
        "address": jurisdiction.base_url + city_path("dashboard:action", row["code"]),
    }


def _as_written(label: str, title: str) -> str:
    return f"{label}: {title}" if label else title


def statistics_records(statistics: PlanStatistics) -> list[dict[str, Any]]:
    """The summary tables: a record for the plan and for each goal, department and kind of step."""

    def record(by: str, group: StatGroup) -> dict[str, Any]:
        counts = {state: group.counts[state] for state in labels.STATUSES_BY_PROGRESS}
        return {
            "by": by,
            "name": group.label,
            "actions_counted": group.counted,
            "no_status": counts.pop(labels.NO_STATUS),
            **counts,
            "promised_date_passed": group.due_passed,
            "counted_on": statistics.on,
        }

    tables = [
        ("goal", statistics.by_goal),
        ("department", statistics.by_department),
        ("kind_of_step", statistics.by_stage),
    ]
    return [record("plan", statistics.overall)] + [
        record(by, group) for by, groups in tables for group in groups
    ]


def file_metadata(jurisdiction: Jurisdiction, statistics: PlanStatistics) -> dict[str, Any]:
    """The header of every JSON file: whose numbers, of which plan, counted when, under which license."""
    plan = statistics.plan
    return {
        "jurisdiction": jurisdiction.name,
        "is_sample": jurisdiction.is_sample,
        "plan": plan.title,
        "period_start": plan.period_start,
        "period_end": plan.period_end,
        "adopted_on": plan.adopted_on,
        "counted_on": statistics.on,
        "source": f"{jurisdiction.base_url}/",
        "rule": (
            "Totals leave out cancelled and merged actions. Status is what departments report; "
            "an open action with a status that is past its due date is counted as overdue."
        ),
        "licence": LICENSE,
    }


def plan_tree(jurisdiction: Jurisdiction, statistics: PlanStatistics) -> list[dict[str, Any]]:
    """Goals, outcomes and actions with their measures, milestones, parties and progress notes: six queries."""
    plan = statistics.plan

    def rows_by_action(model: Any, *columns: str, order: str = "position") -> dict[int, list[dict[str, Any]]]:
        rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
        in_plan = model.objects.filter(action__outcome__goal__plan=plan)
        for row in in_plan.order_by(order, "pk").values("action_id", *columns):
            rows[row.pop("action_id")].append(row)
        return rows

    measures = rows_by_action(PerformanceMeasure, "kind", "text", "baseline", "target")
    milestones = rows_by_action(Milestone, "title", "due_date", "due_precision", "done_date")
    parties = rows_by_action(ActionParty, "role", "department__name")
    notes = rows_by_action(
        ProgressNote, "noted_on", "label", "status", "text", "reason", "next_step", order="noted_on"
    )
    heading_columns = {"goal", "outcome"}
    return [
        {
            "label": goal["label"],
            "title": goal["title"],
            "story": goal["story"],
            "outcomes": [
                {
                    "label": outcome["label"],
                    "title": outcome["title"],
                    "kind_of_step": outcome["stage"],
                    "actions": [
                        {
                            k: v
                            for k, v in action_record(row, jurisdiction=jurisdiction, plan=plan).items()
                            if k not in heading_columns
                        }
                        | {
                            "parties": [
                                {"part": party["role"], "name": party["department__name"]}
                                for party in parties[row["pk"]]
                            ],
                            "measures": measures[row["pk"]],
                            "milestones": milestones[row["pk"]],
                            "updates": notes[row["pk"]],
                        }
                        for row in outcome["rows"]
                    ],
                }
                for outcome in goal["outcomes"]
            ],
        }
        for goal in build_outline(plan, statistics.rows)
    ]
