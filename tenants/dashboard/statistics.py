"""The numbers of a city's plan, read with a constant number of queries.

All numbers of a page, its CSV and its JSON are counted from one list of rows, so that they cannot differ.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import formats
from tenants.models import ActionStage
from tenants.plans import labels
from tenants.plans.models import Action, Goal, Plan, ProgressNote, freshness
from tenants.plans.selectors import undated_report
from tenants.plans.standing import NEEDS_ATTENTION, NOT_COUNTED, OVERDUE, is_past_due, standing

Row = dict[str, Any]


def get_action_rows(plan: Plan, *, on: dt.date, with_text: bool = False) -> list[Row]:
    """The plan's current actions in plan order, one query. `with_text` adds the long texts of downloads.

    Besides the columns: "state" (tenants.plans.standing), "is_open", "due_passed" (open, and its due date has passed:
    with a status it is overdue), "has_report", "undated_report" (label of the newest report without a date, None if
    there is none), "completed_on" (None where no report says it), "goal_count" (of the whole plan), "department",
    "fresh" ("none", "undated", "fresh", "due", "late", "stale"; False for those that owe no updates).
    """
    columns = [
        "pk",
        "uuid",
        "code",
        "number",
        "title",
        "status",
        "status_since",
        "stage",
        "due_date",
        "due_precision",
        "is_continuous",
        "last_update_on",
        "owner_vacant_since",
        "accountable_id",
        "outcome_id",
    ]
    if with_text:
        columns += [
            "details",
            "why",
            "reason",
            "next_step",
            "start_date",
            "start_precision",
            "timeline_raw",
            "resources",
            "sectors",
            "topics",
            "updated_at",
        ]
    actions = (
        Action.objects.current()
        .filter(outcome__goal__plan=plan)
        .in_plan_order()
        .values(
            *columns,
            department=F("accountable__name"),
            goal=F("outcome__goal_id"),
            goal_label=F("outcome__goal__label"),
            goal_title=F("outcome__goal__title"),
            goal_department=F("outcome__goal__department"),
            outcome_label=F("outcome__label"),
            outcome_title=F("outcome__title"),
            outcome_stage=F("outcome__stage"),
            undated_report=undated_report(),
            first_completed_report=_first_completed_report(),
            goal_count=_goal_count(plan),
        )
    )
    rows = list(actions)
    for row in rows:
        row["department"] = row["department"] or ""
        row["stage"] = row["stage"] or row["outcome_stage"]
        row["state"] = standing(row["status"], row["due_date"], on=on, is_draft=plan.is_draft)
        row["is_open"] = row["status"] not in Action.CLOSED
        row["completed_on"] = (
            row["status_since"] or row["first_completed_report"]
            if row["status"] == Action.Status.COMPLETED
            else None
        )
        row["has_report"] = row["last_update_on"] is not None or row["undated_report"] is not None
        row["due_passed"] = row["is_open"] and is_past_due(row["due_date"], on=on, is_draft=plan.is_draft)
        row["fresh"] = (
            plan.owes_updates
            and row["is_open"]
            and freshness(
                row["last_update_on"],
                on=on,
                cadence_days=plan.cadence_days,
                grace_days=plan.grace_days,
                has_undated=row["undated_report"] is not None,
            )
        )
    return rows


def _first_completed_report() -> Subquery:
    """The day of the first of an action's last dated reports in a row that say "completed".

    A status that came with a sheet has no day of its own: this is the day on which it was first reported.
    """
    dated = ProgressNote.objects.exclude(noted_on=None).exclude(status="")
    later = Q(noted_on__gt=OuterRef("noted_on")) | Q(
        noted_on=OuterRef("noted_on"), position__gt=OuterRef("position")
    )
    contradicted = dated.filter(later, action=OuterRef("action")).exclude(status=Action.Status.COMPLETED)
    completed = dated.filter(~Exists(contradicted), action=OuterRef("pk"), status=Action.Status.COMPLETED)
    return Subquery(completed.order_by("noted_on", "position", "pk").values("noted_on")[:1])


def _goal_count(plan: Plan) -> Subquery:
    """The number of the plan's goals, also of those without an action."""
    goals = Goal.objects.filter(plan=plan, retired_at=None).order_by().values("plan")
    return Subquery(goals.annotate(count=Count("pk")).values("count"))


@dataclass
class StatGroup:
    """One line of a summary table: a goal, a department or a kind of step, with counts of its actions by status."""

    key: str
    label: str
    rows: list[Row] = field(default_factory=list)

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter([row["state"] for row in self.rows])

    @cached_property
    def counted(self) -> int:
        """Number of actions without cancelled and merged ones."""
        return sum(number for state, number in self.counts.items() if state not in NOT_COUNTED)

    @property
    def completed(self) -> int:
        return self.counts["completed"]

    @property
    def attention(self) -> int:
        return sum(self.counts[state] for state in NEEDS_ATTENTION)

    @property
    def overdue(self) -> int:
        return self.counts[OVERDUE]

    @cached_property
    def due_passed(self) -> int:
        """Number of open actions past their due date, with a status or without."""
        return sum([row["due_passed"] for row in self.rows])


class PlanStatistics:
    """The numbers of a plan on a day."""

    def __init__(self, plan: Plan, rows: list[Row], *, on: dt.date) -> None:
        self.plan, self.rows, self.on = plan, rows, on
        self.overall = StatGroup("all", _("All actions"), rows)

    @property
    def counts(self) -> Counter[str]:
        return self.overall.counts

    @property
    def counted(self) -> int:
        return self.overall.counted

    @cached_property
    def owing_count(self) -> int:
        """Number of actions that owe updates: the open ones, unless the plan is completed."""
        return sum([bool(row["fresh"]) for row in self.rows])

    @cached_property
    def reported_count(self) -> int:
        """Number of actions with a status or a report, dated or not."""
        return sum([row["has_report"] or bool(row["status"]) for row in self.rows])

    @cached_property
    def undated_count(self) -> int:
        """Number of actions that owe updates and whose only reports are undated."""
        return sum([row["fresh"] == "undated" for row in self.rows])

    @cached_property
    def unreported_count(self) -> int:
        """Number of actions that owe updates and have no report."""
        return sum([row["fresh"] == "none" for row in self.rows])

    @cached_property
    def up_to_date_count(self) -> int:
        return sum([row["fresh"] == "fresh" for row in self.rows])

    @cached_property
    def by_goal(self) -> list[StatGroup]:
        return self._groups(
            lambda row: str(row["goal"]),
            lambda row: labels.goal_label(row["goal_label"], row["goal_title"], row["goal_department"]),
        )

    @cached_property
    def by_department(self) -> list[StatGroup]:
        groups = self._groups(
            lambda row: str(row["accountable_id"] or labels.NO_STATUS),
            lambda row: row["department"] or str(labels.NOT_ASSIGNED),
        )
        return sorted(groups, key=lambda group: (group.key == labels.NO_STATUS, group.label.casefold()))

    @cached_property
    def by_stage(self) -> list[StatGroup]:
        groups = self._groups(
            lambda row: row["stage"] or labels.NO_STATUS, lambda row: labels.stage_label(row["stage"])
        )
        order = [*ActionStage.values, labels.NO_STATUS]
        return sorted(groups, key=lambda group: order.index(group.key))

    def _groups(self, key: Callable[[Row], str], label: Callable[[Row], str]) -> list[StatGroup]:
        groups: dict[str, StatGroup] = {}
        for row in self.rows:
            group_key = key(row)
            if group_key not in groups:  # a label costs a translation: once per group, not once per row
                groups[group_key] = StatGroup(group_key, label(row))
            groups[group_key].rows.append(row)
        return list(groups.values())

    def most_delayed_action(self) -> Row | None:
        """The action furthest behind: off track, overdue, at risk, then on hold; of several, the one longest so."""
        return min(
            (row for row in self.rows if row["state"] in NEEDS_ATTENTION),
            key=lambda row: (
                labels.STATUSES_BY_URGENCY.index(row["state"]),
                (row["due_date"] if row["state"] == OVERDUE else row["status_since"] or row["due_date"])
                or dt.date.max,
            ),
            default=None,
        )

    def goal_needing_most_attention(self) -> StatGroup | None:
        """The goal with the largest share of actions that need attention, if at least two goals have a status."""
        goals = [goal for goal in self.by_goal if goal.attention]
        known = [goal for goal in self.by_goal if goal.counted > goal.counts[labels.NO_STATUS]]
        if not goals or len(known) < 2:
            return None
        return max(
            goals,
            key=lambda goal: (goal.attention / goal.counted, goal.counts["off_track"] + goal.overdue),
        )

    def lead_paragraph(self) -> str:
        """The plan in two or three sentences, built from its numbers."""
        plan, actions = self.plan, len(self.rows)
        goals = self.rows[0]["goal_count"] if self.rows else plan.goals.filter(retired_at=None).count()
        size = _("%(goals)s and %(actions)s") % {
            "goals": ngettext("%(n)s goal", "%(n)s goals", goals) % {"n": formats.spell_number(goals)},
            "actions": ngettext("%(n)s action", "%(n)s actions", actions)
            % {"n": formats.spell_number(actions)},
        }
        if plan.adopted_on and plan.adopting_body:
            sentences = [
                _("In %(month)s the %(body)s adopted %(size)s.")
                % {
                    "month": formats.format_partial_date(plan.adopted_on, "month"),
                    "body": plan.adopting_body,
                    "size": size,
                }
            ]
        elif plan.adopted_on:
            sentences = [
                _("Adopted in %(month)s: %(size)s.")
                % {"month": formats.format_partial_date(plan.adopted_on, "month"), "size": size}
            ]
        else:
            sentences = [_("The plan has %(size)s.") % {"size": size}]
        sentences += self._progress_sentences()
        return " ".join(sentences)

    def _progress_sentences(self) -> list[str]:
        """How many are done and overdue. Where no status is given, how many have a report."""
        sentences, done, overdue = [], self.overall.completed, self.overall.overdue
        if not self.reported_count:
            return [_("No progress is reported yet.")]
        if self.counted and self.counts[labels.NO_STATUS] == self.counted:
            reported = sum(row["has_report"] for row in self.rows if row["state"] == labels.NO_STATUS)
            if not reported:
                return [_("No progress is reported yet.")]
            return [
                formats.capitalize_first(
                    ngettext(
                        "%(n)s action has a report, and none has a status yet.",
                        "%(n)s actions have a report, and none has a status yet.",
                        reported,
                    )
                    % {"n": formats.spell_number(reported)}
                )
            ]
        if done:
            sentences.append(
                formats.capitalize_first(
                    ngettext("%(n)s action is done.", "%(n)s actions are done.", done)
                    % {"n": formats.spell_number(done)}
                )
            )
        else:
            sentences.append(_("None is done yet."))
        if overdue:
            sentences.append(
                formats.capitalize_first(
                    ngettext("%(n)s is overdue.", "%(n)s are overdue.", overdue)
                    % {"n": formats.spell_number(overdue)}
                )
            )
        goal = self.goal_needing_most_attention()
        if goal:
            sentences.append(
                _("“%(goal)s” is the goal furthest behind.")
                % {"goal": formats.sentence_case(goal.rows[0]["goal_title"])}
            )
        return sentences

    def describe_uncounted(self) -> str:
        """ "2 cancelled and 1 merged", or empty."""
        counts = [
            labels.format_status_counts({state: self.counts[state]}, self.plan.status_labels)
            for state in ("cancelled", "merged")
            if self.counts[state]
        ]
        return _(" and ").join(counts)

    @property
    def last_update(self) -> dt.date | None:
        return max((row["last_update_on"] for row in self.rows if row["last_update_on"]), default=None)


def load_statistics(plan: Plan, *, with_text: bool = False) -> PlanStatistics:
    """The plan's numbers of today; for `with_text` see get_action_rows."""
    today = timezone.localdate()
    return PlanStatistics(plan, get_action_rows(plan, on=today, with_text=with_text), on=today)


def quarter_start(on: dt.date) -> dt.date:
    return on.replace(month=on.month - (on.month - 1) % 3, day=1)


def get_recent_notes(plan: Plan, since: dt.date, *, until: dt.date, limit: int) -> list[dict[str, Any]]:
    """The newest progress notes of the plan's current actions, with the status before: one query.

    [{"noted_on", "text", "status", "before", "code", "number", "title"}]
    """
    earlier = ProgressNote.objects.filter(
        action=OuterRef("action"), noted_on__lt=OuterRef("noted_on")
    ).exclude(status="")
    notes: Any = (
        ProgressNote.objects.filter(
            action__outcome__goal__plan=plan,
            action__retired_at=None,
            action__outcome__retired_at=None,
            action__outcome__goal__retired_at=None,
            noted_on__range=(since, until),
        )
        .order_by("-noted_on", "-position", "-pk")
        .values(
            "noted_on",
            "text",
            "status",
            "reason",
            before=Subquery(earlier.order_by("-noted_on", "-position", "-pk").values("status")[:1]),
            code=F("action__code"),
            number=F("action__number"),
            title=F("action__title"),
        )
    )
    return list(notes[:limit])
