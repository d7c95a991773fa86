"""Copies of what a city shows to others, written to the public schema in the city's own transaction.

Everything is read again from the city's schema, which must be active: running it twice equals running it once.
A plan that only the city may see leaves no row here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, F, Max, Q

from cohort.models import Projection, PublicAction, PublicGoal, PublicOutcome, PublicPlan
from tenants.models import Jurisdiction
from tenants.plans.models import Action, Goal, Outcome, Plan, ProgressNote
from tenants.plans.selectors import visible_plan
from tenants.plans.standing import overdue_from
from tenants.signals import projection_changed

MODELS: tuple[type[Projection], ...] = (PublicPlan, PublicGoal, PublicOutcome, PublicAction)
ActionStatus = Action.Status

_COPIED_FIELDS = [
    "uuid",
    "updated_at",
    "code",
    "number",
    "title",
    "details",
    "stage",
    "sectors",
    "topics",
    "reason",
    "next_step",
    "start_date",
    "due_date",
    "due_precision",
    "is_continuous",
    "last_update_on",
    "position",
]
# Not shown: a change of internal fields must not change the date of the public copy.
_TIMESTAMP_FIELDS = {"updated_at", "changed_at"}


@dataclass
class ProjectionRows:
    """The unsaved rows that the public tables should hold for one city."""

    plans: list[PublicPlan] = field(default_factory=list)
    goals: list[PublicGoal] = field(default_factory=list)
    outcomes: list[PublicOutcome] = field(default_factory=list)
    actions: list[PublicAction] = field(default_factory=list)

    def rows(self, model: type[Projection]) -> Sequence[Projection]:
        by_model: dict[type[Projection], Sequence[Projection]] = {
            PublicPlan: self.plans,
            PublicGoal: self.goals,
            PublicOutcome: self.outcomes,
            PublicAction: self.actions,
        }
        return by_model[model]


@transaction.atomic
def refresh(jurisdiction: Jurisdiction) -> None:
    """Write all rows of a city again; the same number of queries for any number of actions.

    Announces `projection_changed`.
    """
    _acquire_lock(jurisdiction)
    shown = build_rows(jurisdiction)
    for model in MODELS:
        _replace_rows(model.objects.filter(jurisdiction=jurisdiction), shown.rows(model))
    projection_changed.send(PublicPlan, jurisdiction=jurisdiction, action_ids=None)


@transaction.atomic
def refresh_actions(jurisdiction: Jurisdiction, action_ids: Iterable[int]) -> None:
    """Write these actions and the plan's numbers again; the rest stays as it is. Announces `projection_changed`.

    Falls back to all rows if the plan, or the outcome of an action, is not in the public tables yet.
    """
    _acquire_lock(jurisdiction)
    plan = visible_plan("members")
    if plan is None:
        refresh(jurisdiction)
        return
    ids = list(action_ids)
    actions = _action_rows(jurisdiction, plan, Action.objects.filter(pk__in=ids))
    outcome_uuids = {action.outcome_id for action in actions}
    expected = {"jurisdiction": jurisdiction, "visibility": plan.visibility}
    existing = PublicOutcome.objects.filter(**expected, uuid__in=outcome_uuids).count()
    if existing < len(outcome_uuids) or not PublicPlan.objects.filter(**expected, uuid=plan.uuid).exists():
        refresh(jurisdiction)
        return
    uuids = list(Action.objects.filter(pk__in=ids).values_list("uuid", flat=True))
    _replace_rows(PublicAction.objects.filter(jurisdiction=jurisdiction, uuid__in=uuids), actions)
    _replace_rows(PublicPlan.objects.filter(jurisdiction=jurisdiction), [_plan_row(jurisdiction, plan)])
    projection_changed.send(PublicPlan, jurisdiction=jurisdiction, action_ids=ids)


def differences(jurisdiction: Jurisdiction) -> list[str]:
    """Differences between the public tables and the city's own rows: ["PublicAction 0f3c…: status", …]."""
    expected_rows, messages = build_rows(jurisdiction), []
    for model in MODELS:
        expected = {row.uuid: row for row in expected_rows.rows(model)}
        stored = {row["uuid"]: row for row in model.objects.filter(jurisdiction=jurisdiction).values()}
        for uuid in sorted(expected.keys() | stored.keys()):
            if uuid not in stored:
                difference = "missing"
            elif uuid not in expected:
                difference = "should not be there"
            else:
                difference = ", ".join(_changed_fields(expected[uuid], stored[uuid]))
            if difference:
                messages.append(f"{model.__name__} {uuid}: {difference}")
    return messages


def build_rows(jurisdiction: Jurisdiction) -> ProjectionRows:
    """The rows that the public tables should hold for this city now."""
    plan = visible_plan("members")
    if plan is None:
        return ProjectionRows()
    common = {"jurisdiction": jurisdiction, "visibility": plan.visibility}
    goals = Goal.objects.filter(plan=plan, retired_at=None).order_by("position", "pk")
    current = Outcome.objects.filter(goal__plan=plan, retired_at=None, goal__retired_at=None)
    outcomes: Any = current.order_by("position", "pk").values(
        "uuid", "updated_at", "label", "title", "stage", "position", goal_uuid=F("goal__uuid")
    )
    return ProjectionRows(
        plans=[_plan_row(jurisdiction, plan)],
        goals=[
            PublicGoal(**common, **row)
            for row in goals.values("uuid", "updated_at", "label", "title", "position", "sectors")
        ],
        outcomes=[PublicOutcome(goal_id=row.pop("goal_uuid"), **common, **row) for row in outcomes],
        actions=_action_rows(jurisdiction, plan, Action.objects.all()),
    )


def _plan_row(jurisdiction: Jurisdiction, plan: Plan) -> PublicPlan:
    current = Action.objects.current().filter(outcome__goal__plan=plan)
    counted = Q(status=None) | ~Q(status__in=[ActionStatus.CANCELLED, ActionStatus.MERGED])
    numbers = current.aggregate(
        actions=Count("pk", filter=counted),
        completed=Count("pk", filter=Q(status=ActionStatus.COMPLETED)),
        on_track=Count("pk", filter=Q(status=ActionStatus.ON_TRACK)),
        at_risk=Count("pk", filter=Q(status=ActionStatus.AT_RISK)),
        off_track=Count("pk", filter=Q(status=ActionStatus.OFF_TRACK)),
        on_hold=Count("pk", filter=Q(status=ActionStatus.ON_HOLD)),
        needs_attention=Count("pk", filter=Q(status__in=Action.NEEDS_ATTENTION)),
        not_started=Count("pk", filter=Q(status=ActionStatus.NOT_STARTED)),
        no_status=Count("pk", filter=Q(status=None)),
        left_out=Count("pk", filter=~counted),
        last_update_on=Max("last_update_on"),
    )
    heading_counts = Goal.objects.filter(plan=plan, retired_at=None).aggregate(
        goals=Count("pk", distinct=True),
        outcomes=Count("outcomes", filter=Q(outcomes__retired_at=None), distinct=True),
    )
    return PublicPlan(
        uuid=plan.uuid,
        jurisdiction=jurisdiction,
        visibility=plan.visibility,
        updated_at=plan.updated_at,
        title=plan.title,
        summary=plan.summary,
        lifecycle=plan.lifecycle,
        period_start=plan.period_start,
        period_end=plan.period_end,
        adopted_on=plan.adopted_on,
        published_at=plan.published_at,
        **numbers,
        **heading_counts,
    )


def _action_rows(jurisdiction: Jurisdiction, plan: Plan, actions: Any) -> list[PublicAction]:
    rows: list[dict[str, Any]] = list(
        actions.current()
        .filter(outcome__goal__plan=plan)
        .in_plan_order()
        .values(
            *_COPIED_FIELDS,
            "pk",
            current_status=F("status"),
            outcome_uuid=F("outcome__uuid"),
            outcome_stage=F("outcome__stage"),
            goal_sectors=F("outcome__goal__sectors"),
            accountable_name=F("accountable__name"),
        )
    )
    notes = _latest_notes([row["pk"] for row in rows])
    zone = _read_time_zone(jurisdiction)
    for row in rows:  # an action without a stage or sectors of its own has those of its outcome and goal
        outcome_stage, goal_sectors = row.pop("outcome_stage"), row.pop("goal_sectors")
        row["stage"], row["sectors"] = row["stage"] or outcome_stage, row["sectors"] or goal_sectors
    return [
        PublicAction(
            jurisdiction=jurisdiction,
            visibility=plan.visibility,
            last_update_text=notes.get(row.pop("pk"), ""),
            outcome_id=row.pop("outcome_uuid"),
            overdue_at=overdue_from(
                row["current_status"], row["due_date"], is_draft=plan.is_draft, zone=zone
            ),
            status=row.pop("current_status") or "",
            accountable=row.pop("accountable_name") or "",
            **row,
        )
        for row in rows
    ]


def _read_time_zone(jurisdiction: Jurisdiction) -> ZoneInfo:
    """The zone in the registry: the jurisdiction of a request may have been read before the zone was changed."""
    name = Jurisdiction.objects.values_list("timezone", flat=True).get(pk=jurisdiction.pk)
    return ZoneInfo(name)


def _latest_notes(action_ids: list[int]) -> dict[int, str]:
    """The text of each action's newest progress note."""
    notes = ProgressNote.objects.filter(action__in=action_ids).distinct("action_id")
    newest_first = notes.order_by("action_id", F("noted_on").desc(nulls_last=True), "-position", "-pk")
    return dict(newest_first.values_list("action_id", "text"))


def _acquire_lock(jurisdiction: Jurisdiction) -> None:
    """Wait for another writer of this city's rows to commit, so that the numbers count its change too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext(%s))", [f"projection {jurisdiction.schema_name}"]
        )


def _changed_fields(row: Projection, stored: dict[str, Any]) -> list[str]:
    """Names of the fields in which a row differs from the stored one, timestamps left out."""
    names = [
        f.attname for f in row._meta.concrete_fields if not f.primary_key and f.name not in _TIMESTAMP_FIELDS
    ]
    return [name for name in names if getattr(row, name) != stored[name]]


def _replace_rows(stored: Any, rows: Sequence[Projection]) -> None:
    """Replace the stored rows by these. A row without a change stays as it is, with its timestamps."""
    before = {row["uuid"]: row for row in stored.values()}
    changed = [row for row in rows if row.uuid not in before or _changed_fields(row, before[row.uuid])]
    unchanged = {row.uuid for row in rows} - {row.uuid for row in changed}
    _delete_rows(stored.exclude(uuid__in=unchanged))
    stored.model.objects.bulk_create(changed)


def _delete_rows(rows: Any) -> None:
    # One statement: `delete()` would first load every row to look for cascades, which `refresh` does itself.
    rows._raw_delete(rows.db)
