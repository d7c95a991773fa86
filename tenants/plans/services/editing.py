"""Add, edit, move, retire and bring back the parts of a plan. Nothing is deleted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.models import Affiliation
from tenants.plans import change_log
from tenants.plans.models import (
    Action,
    ActionParty,
    Change,
    Department,
    Goal,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
)
from tenants.signals import action_changed, plan_changed

PlanItem = TypeVar("Part", Goal, Outcome, Action)

GOAL_FIELDS = frozenset({"label", "title", "story", "department", "sectors"})
OUTCOME_FIELDS = frozenset({"label", "title", "story", "stage"})
ACTION_FIELDS = frozenset(
    {
        *(
            "number",
            "title",
            "details",
            "why",
            "stage",
            "sectors",
            "topics",
            "accountable",
            "responsible",
            "support",
        ),
        *("owner", "owner_vacant_since", "start_date", "start_precision", "due_date", "due_precision"),
        *("is_continuous", "timeline_raw", "resources", "implementation_plan", "changes", "indicator_text"),
        *("measures", "milestones"),
    }
)
PLAN_FIELDS = frozenset(
    {
        "title",
        "summary",
        "vision",
        "period_start",
        "period_end",
        "cadence_days",
        "grace_days",
        "status_labels",
    }
)
# Once a plan is adopted these are promises: whoever changes one says why.
COMMITMENT_FIELDS = frozenset(
    {
        *("title", "details", "accountable", "owner", "owner_vacant_since", "due_date", "due_precision"),
        *("is_continuous", "measures", "outcome"),
    }
)


class EditConflict(ValidationError):
    """Somebody else changed the row after the page was opened. Nothing was saved."""


def version_token(row: Plan | Goal | Outcome | Action) -> str:
    """What an edit form carries, so that two people do not overwrite each other."""
    return row.updated_at.isoformat()


def is_adopted(plan: Plan) -> bool:
    return plan.lifecycle != Plan.Lifecycle.DRAFT


# ---- Plan ------------------------------------------------------------------------------------------------
@transaction.atomic
def edit_plan(plan: Plan, *, by: User | None, seen: str = "", **fields: Any) -> Plan:
    """Change what the plan says about itself: PLAN_FIELDS. Announces `plan_changed`.

    Raises Stale if it was changed since `seen`, ValidationError for a field that cannot stay so.
    """
    _check_fields(fields, PLAN_FIELDS, "edit_plan")
    plan = Plan.objects.select_for_update().get(pk=plan.pk)
    _check_version(plan, seen)
    before = change_log.snapshot(plan)
    for name, value in fields.items():
        setattr(plan, name, value)
    plan.full_clean()
    if _save_and_log(plan, "edited", before, by=by, columns=fields):
        announce_plan(plan)
    return plan


# ---- Goals and outcomes ----------------------------------------------------------------------------------
@transaction.atomic
def add_goal(plan: Plan, *, by: User | None, **fields: Any) -> Goal:
    """Add a goal at the end of the plan. Announces `plan_changed`."""
    _check_fields(fields, GOAL_FIELDS, "add_goal")
    plan = Plan.objects.select_for_update().get(pk=plan.pk)
    goal = Goal(plan=plan, position=_next_position(plan.goals.all()), created_by=by, updated_by=by, **fields)
    return _added(goal, plan, by=by)


@transaction.atomic
def add_outcome(goal: Goal, *, by: User | None, **fields: Any) -> Outcome:
    """Add an outcome at the end of a goal. Announces `plan_changed`."""
    _check_fields(fields, OUTCOME_FIELDS, "add_outcome")
    goal = Goal.objects.select_for_update().select_related("plan").get(pk=goal.pk)
    outcome = Outcome(
        goal=goal, position=_next_position(goal.outcomes.all()), created_by=by, updated_by=by, **fields
    )
    return _added(outcome, goal.plan, by=by)


def _added(row: PlanItem, plan: Plan, *, by: User | None) -> PlanItem:
    row.full_clean()
    row.save()
    change_log.build_entry(
        row, "added", by=by, at=timezone.now(), fields=change_log.diff({}, change_log.snapshot(row))
    ).save()
    announce_plan(plan)
    return row


@transaction.atomic
def edit_goal(goal: Goal, *, by: User | None, seen: str = "", reason: str = "", **fields: Any) -> Goal:
    """Change a goal's words. Announces `plan_changed`. Raises Stale, or ValidationError naming the field."""
    _check_fields(fields, GOAL_FIELDS, "edit_goal")
    goal = Goal.objects.select_for_update(of=("self",)).select_related("plan").get(pk=goal.pk)
    return _edited(goal, goal.plan, by=by, seen=seen, reason=reason, fields=fields)


@transaction.atomic
def edit_outcome(
    outcome: Outcome, *, by: User | None, seen: str = "", reason: str = "", **fields: Any
) -> Outcome:
    """Change an outcome's words. Announces `plan_changed`. Raises Stale, or ValidationError naming the field."""
    _check_fields(fields, OUTCOME_FIELDS, "edit_outcome")
    outcome = Outcome.objects.select_for_update(of=("self",)).select_related("goal__plan").get(pk=outcome.pk)
    return _edited(outcome, outcome.goal.plan, by=by, seen=seen, reason=reason, fields=fields)


def _edited(
    row: PlanItem, plan: Plan, *, by: User | None, seen: str, reason: str, fields: Mapping[str, Any]
) -> PlanItem:
    _check_version(row, seen)
    before = change_log.snapshot(row)
    for name, value in fields.items():
        setattr(row, name, value)
    row.full_clean()
    _require_reason(plan, change_log.diff(before, change_log.snapshot(row)), reason)
    if _save_and_log(row, "edited", before, by=by, columns=fields, reason=reason):
        announce_plan(plan)
    return row


# ---- Actions ---------------------------------------------------------------------------------------------
@transaction.atomic
def add_action(outcome: Outcome, *, by: User | None, **fields: Any) -> Action:
    """Add an action at the end of an outcome, with a code of its own. Announces `action_changed`.

    `fields` are ACTION_FIELDS, as for `edit_action`.
    """
    _check_fields(fields, ACTION_FIELDS, "add_action")
    plan = Plan.objects.select_for_update().get(goals__outcomes=outcome.pk)
    outcome = Outcome.objects.select_for_update(of=("self",)).select_related("goal").get(pk=outcome.pk)
    columns, below = _split(fields)
    action = Action(
        outcome=outcome,
        code=f"a{plan.next_code}",
        position=_next_position(outcome.actions.all()),
        created_by=by,
        updated_by=by,
        **columns,
    )
    _check_action(action)
    action.save()
    plan.next_code += 1
    plan.save(update_fields=["next_code"])
    _write_below(action, below, by=by)
    change_log.build_entry(
        action, "added", by=by, at=timezone.now(), fields=change_log.diff({}, change_log.snapshot(action))
    ).save()
    announce_actions([action.pk])
    return action


@transaction.atomic
def edit_action(
    action: Action, *, by: User | None, seen: str = "", reason: str = "", **fields: Any
) -> Action:
    """Change an action. Announces `action_changed`; what stays the same leaves no trace.

    Besides columns, `fields` may hold `accountable` (a name or a Department or None), `responsible` and `support`
    (names), `measures` ([{"kind", "text", "baseline", "target"}]) and `milestones` ([{"title", "due_date",
    "due_precision", "done_date"}]): each takes the place of what there was.
    Raises Stale if the action was changed since `seen`; ValidationError if an adopted promise changes without a
    reason, or a field cannot stay so.
    """
    _check_fields(fields, ACTION_FIELDS, "edit_action")
    action = lock_action(action)
    plan = action.outcome.goal.plan
    _check_version(action, seen)
    before = change_log.snapshot(action)
    columns, below = _split(fields)
    if "number" in columns and action.source.get("code") == action.number:
        action.source["code"] = columns["number"]
    for name, value in columns.items():
        setattr(action, name, value)
    _check_action(action)
    _write_below(action, below, by=by)
    after = change_log.snapshot(action)
    if {"accountable", "responsible", "support", "owner_vacant_since"} & set(change_log.diff(before, after)):
        action.accountability_raw = _accountability_words(after, action.owner_vacant_since)
        after["accountability_raw"] = action.accountability_raw
    _require_reason(plan, change_log.diff(before, after), reason)
    if _save_and_log(
        action, "edited", before, by=by, columns=[*columns, "accountability_raw"], reason=reason, after=after
    ):
        announce_actions([action.pk])
    return action


def lock_action(action: Action) -> Action:
    """The action as it is now, locked until the transaction ends, with what it stands under."""
    return (
        Action.objects.select_for_update(of=("self",))
        .select_related("outcome__goal__plan", "accountable")
        .get(pk=action.pk)
    )


def get_or_create_department(name: str | Department | None, *, by: User | None) -> Department | None:
    """The department of that name in any case; made if it is new. None for no name."""
    if name is None or isinstance(name, Department):
        return name
    name = " ".join(name.split())
    if not name:
        return None
    found = Department.objects.filter(name__iexact=name).first()
    if found is None:
        found = Department(name=name, created_by=by, updated_by=by)
        found.full_clean()
        found.save()
    return found


def _split(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    below = {"responsible", "support", "measures", "milestones"}
    columns = {name: value for name, value in fields.items() if name not in below}
    if "accountable" in columns:
        columns["accountable"] = get_or_create_department(columns["accountable"], by=None)
    if columns.get("owner") is not None and not isinstance(columns["owner"], Affiliation):
        columns["owner"] = Affiliation.objects.get(pk=columns["owner"])
    return columns, {name: value for name, value in fields.items() if name in below}


def _check_action(action: Action) -> None:
    if action.owner_id is not None:
        jurisdiction = connection.tenant
        if not Affiliation.objects.filter(pk=action.owner_id, jurisdiction=jurisdiction).exists():
            raise ValidationError({"owner": _("Choose somebody of this jurisdiction’s team.")})
    action.full_clean(exclude=["owner"], validate_unique=False)


def _write_below(action: Action, below: Mapping[str, Any], *, by: User | None) -> None:
    if "responsible" in below:
        write_parties(action, ActionParty.Part.RESPONSIBLE, below["responsible"], by=by)
    if "support" in below:
        write_parties(action, ActionParty.Part.SUPPORT, below["support"], by=by)
    if "measures" in below:
        _write_rows(
            action.measures.all(),
            PerformanceMeasure,
            [dict(row, action=action) for row in below["measures"]],
            by=by,
        )
    if "milestones" in below:
        _write_rows(
            action.milestones.all(),
            Milestone,
            [dict(row, action=action) for row in below["milestones"]],
            by=by,
        )


def write_parties(action: Action, part: str, names: Iterable[str], *, by: User | None) -> None:
    departments: dict[int, Department] = {}
    for name in names:
        found = get_or_create_department(name, by=by)
        if found and not (part == ActionParty.Part.RESPONSIBLE and found.pk == action.accountable_id):
            departments.setdefault(found.pk, found)
    there = {party.department_id: party for party in action.parties.filter(part=part)}
    for index, (pk, found) in enumerate(departments.items()):
        party = there.pop(pk, None)
        if party is None:
            ActionParty.objects.create(action=action, department=found, part=part, position=index)
        elif party.position != index:
            party.position = index
            party.save(update_fields=["position"])
    for party in there.values():
        party.delete()


def _write_rows(
    there: Any,
    model: type[PerformanceMeasure] | type[Milestone],
    wanted: Sequence[dict[str, Any]],
    *,
    by: User | None,
) -> None:
    """Keep the rows that are still wanted, by what identifies them; change, add and remove the others."""
    identity = ("kind", "text") if model is PerformanceMeasure else ("title", "due_date")
    known: dict[tuple[Any, ...], Any] = {}
    for row in there.order_by("position", "pk"):
        known.setdefault(tuple(getattr(row, name) for name in identity), row)
    kept = []
    for index, fields in enumerate(wanted):
        row = known.pop(tuple(fields.get(name, "") for name in identity), None)
        if row is None:
            row = model(created_by=by)
        for name, value in fields.items():
            setattr(row, name, value)
        row.position, row.updated_by = index, by
        row.full_clean()
        row.save()
        kept.append(row.pk)
    there.exclude(pk__in=kept).delete()


def _accountability_words(after: Mapping[str, Any], vacant_since: dt.date | None) -> str:
    """How a sheet would say it: "Library; Finance", then "Support: Clerk" on a line of its own."""
    leads = [name for name in (after["accountable"], *after["responsible"]) if name]
    lines = ["; ".join(leads)] if leads else []
    if vacant_since and not leads:
        lines = [f"Vacant since {vacant_since.isoformat()}"]
    if after["support"]:
        lines = [*(f"Lead: {line}" for line in lines), "Support: " + "; ".join(after["support"])]
    return "\n".join(lines)


# ---- Place, retirement -----------------------------------------------------------------------------------
@transaction.atomic
def move(row: Goal | Outcome | Action, *, direction: str, by: User | None) -> bool:
    """Let a part change places with the one above ("up") or below ("down") it; False if it stands at that end.

    Announces `plan_changed`.
    """
    step = {"up": -1, "down": 1}[direction]
    row, plan = _locked(row)
    siblings = list(_siblings(row).select_for_update().order_by("position", "pk"))
    here = next(index for index, other in enumerate(siblings) if other.pk == row.pk)
    there = here + step
    if not 0 <= there < len(siblings):
        return False
    siblings[here], siblings[there] = siblings[there], siblings[here]
    _number(siblings)
    change_log.build_entry(row, "moved", by=by, at=timezone.now(), fields={"position": [here, there]}).save()
    _mark_edited(row, by)
    announce_plan(plan)
    return True


@transaction.atomic
def move_to(
    row: Outcome | Action, parent: Goal | Outcome, *, by: User | None, reason: str = "", seen: str = ""
) -> None:
    """Put an action at the end of another outcome, or an outcome at the end of another goal.

    Announces `plan_changed`. Raises ValidationError if the new place is retired or of another plan, or if an
    adopted plan's part moves without a reason.
    """
    row, plan = _locked(row)
    _check_version(row, seen)
    name = "outcome" if isinstance(row, Action) else "goal"
    other = parent.goal.plan_id if isinstance(parent, Outcome) else parent.plan_id
    if other != plan.pk or parent.retired_at is not None:
        raise ValidationError(_("“%(title)s” cannot hold it: choose a part of this plan that is not retired.") % {
            "title": parent})  # fmt: skip
    if getattr(row, f"{name}_id") == parent.pk:
        return
    before = change_log.snapshot(row)
    setattr(row, name, parent)
    row.position = _next_position(row.__class__.objects.filter(**{name: parent}))  # type: ignore[attr-defined]
    _require_reason(plan, {"outcome": [before[name], str(parent)]}, reason)
    _save_and_log(row, "moved", before, by=by, columns=[name, "position"], reason=reason)
    announce_plan(plan)


@transaction.atomic
def retire(row: PlanItem, *, reason: str, by: User | None, seen: str = "") -> PlanItem:
    """Take a part, with all that stands under it, out of the plan. It is kept and can be brought back.

    Announces `plan_changed`. Raises ValidationError without a reason.
    """
    row, plan = _locked(row)
    _check_version(row, seen)
    if row.retired_at is not None:
        return row
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": _("Say why. The reason stays in the history.")})
    if len(reason) > 300:
        raise ValidationError(
            {"reason": _("The reason has %(count)s characters; 300 fit.") % {"count": len(reason)}}
        )
    before = change_log.snapshot(row)
    row.retired_at, row.retired_reason = timezone.now(), reason
    _save_and_log(row, "retired", before, by=by, columns=["retired_at", "retired_reason"], reason=reason)
    announce_plan(plan)
    return row


@transaction.atomic
def restore(row: PlanItem, *, by: User | None) -> PlanItem:
    """Bring a retired part back to its place. Announces `plan_changed`.

    Raises ValidationError while what it stands under is retired itself.
    """
    row, plan = _locked(row)
    if row.retired_at is None:
        return row
    for above in _ancestors(row):
        if above.retired_at is not None:
            raise ValidationError(
                _("It stands under “%(title)s”, which is retired. Bring that back first.") % {"title": above}
            )
    before = change_log.snapshot(row)
    row.retired_at, row.retired_reason = None, ""
    _save_and_log(row, "restored", before, by=by, columns=["retired_at", "retired_reason"])
    announce_plan(plan)
    return row


# ---- What the services share -----------------------------------------------------------------------------
def announce_plan(plan: Plan) -> None:
    plan_changed.send(Plan, jurisdiction=connection.tenant, plan_id=plan.pk)


def announce_actions(action_ids: list[int]) -> None:
    action_changed.send(Action, jurisdiction=connection.tenant, action_ids=action_ids)


def normalize_newlines(text: str) -> str:
    """Browsers send line breaks as two characters; the plan keeps one, so that unchanged text stays unchanged."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_fields(fields: dict[str, Any], known: frozenset[str], service: str) -> None:
    """Refuse fields the service does not have; even out the line breaks of the others, in place."""
    if unknown := sorted(set(fields) - known):
        raise TypeError(f"{service}() has no field {unknown[0]!r}; it has {', '.join(sorted(known))}.")
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = normalize_newlines(value)


def _next_position(rows: Any) -> int:
    return (rows.aggregate(last=Max("position"))["last"] or 0) + 1 if rows.exists() else 0


def lock_plan_rows(plan: Plan) -> None:
    """Let nobody change a row of the plan until the transaction ends; the plan itself must be locked already.

    Who locks several rows locks the plan first: then no two can wait for each other.
    """
    for rows in (
        Goal.objects.filter(plan=plan),
        Outcome.objects.filter(goal__plan=plan),
        Action.objects.filter(outcome__goal__plan=plan),
    ):
        list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _locked(row: Any) -> tuple[Any, Plan]:
    below = {Goal: "goals", Outcome: "goals__outcomes", Action: "goals__outcomes__actions"}[type(row)]
    plan = Plan.objects.select_for_update().get(**{below: row.pk})
    if isinstance(row, Action):
        return lock_action(row), plan
    above = {Goal: "plan", Outcome: "goal__plan"}[type(row)]
    return type(row).objects.select_for_update(of=("self",)).select_related(above).get(pk=row.pk), plan


def _ancestors(row: Any) -> list[Any]:
    if isinstance(row, Action):
        return [row.outcome, row.outcome.goal]
    return [row.goal] if isinstance(row, Outcome) else []


def _siblings(row: Any) -> Any:
    name = {Goal: "plan", Outcome: "goal", Action: "outcome"}[type(row)]
    return type(row).objects.filter(**{f"{name}_id": getattr(row, f"{name}_id")}, retired_at=None)


def _number(rows: Sequence[Any]) -> None:
    """Give rows the places they stand in; one statement."""
    changed = []
    for index, row in enumerate(rows):
        if row.position != index:
            row.position = index
            changed.append(row)
    if changed:
        type(changed[0]).objects.bulk_update(changed, ["position"])


def _mark_edited(row: Any, by: User | None) -> None:
    """The row is a person's now, no longer untouched starter text; it and its token are new."""
    type(row).objects.filter(pk=row.pk).update(
        updated_at=timezone.now(), updated_by=by, source=without_starter_flag(row)
    )
    for above in _ancestors(row):
        if above.source.get("starter"):
            type(above).objects.filter(pk=above.pk).update(source=without_starter_flag(above))


def without_starter_flag(row: Any) -> dict[str, Any]:
    """The row's source without the mark of starter text."""
    return {name: value for name, value in row.source.items() if name != "starter"}


def _save_and_log(
    row: Any,
    verb: str,
    before: Mapping[str, Any],
    *,
    by: User | None,
    columns: Iterable[str],
    reason: str = "",
    after: Mapping[str, Any] | None = None,
) -> Change | None:
    """Save the named columns and the entry of what changed; None, and nothing saved, if nothing did."""
    after = after if after is not None else change_log.snapshot(row)
    changed = change_log.diff(before, after)
    if not changed:
        return None
    row.updated_by = by
    names = {*columns, "updated_by", "updated_at"}
    if hasattr(row, "source"):
        row.source = without_starter_flag(row)
        names.add("source")
    row.save(update_fields=names)
    for above in _ancestors(row):
        if above.source.get("starter"):
            type(above).objects.filter(pk=above.pk).update(source=without_starter_flag(above))
    entry = change_log.build_entry(row, verb, by=by, at=timezone.now(), fields=changed, reason=reason)
    entry.save()
    return entry


def _check_version(row: Any, seen: str) -> None:
    if not seen or seen == version_token(row):
        return
    last = change_log.entries_for([row.uuid]).first()
    who = str(last.by) if last and last.by else _("Somebody else")
    raise EditConflict(
        _(
            "%(who)s changed this after you opened the page. Nothing of yours was saved, and it still stands "
            "below. Compare it with what is there now, then save again."
        )
        % {"who": who}
    )


def _require_reason(plan: Plan, changed: Mapping[str, Any], reason: str) -> None:
    if is_adopted(plan) and not reason.strip() and COMMITMENT_FIELDS & set(changed):
        raise ValidationError(
            {
                "reason": _(
                    "The plan is adopted, so this is a promise. Say why it changes; the reason is kept."
                )
            }
        )
