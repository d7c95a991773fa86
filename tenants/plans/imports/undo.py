"""Take an import back within seven days: the plan is then exactly as it was before."""

from __future__ import annotations

from typing import Any

from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.imports.writer import upsert
from tenants.plans.models import (
    Action,
    ActionParty,
    Change,
    Department,
    Goal,
    ImportJob,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    ProgressNote,
)
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.services.editing import announce_plan, lock_plan_rows

_MAX_NAMED_ROWS = 5  # how many rows a refusal names


@transaction.atomic
def undo_import(job: ImportJob, *, by: User | None) -> ImportJob:
    """Put back what the import changed and remove what it added. Announces `plan_changed`.

    Raises ValidationError, naming rows, if some of them were changed since; also when the seven days are over, or
    there is nothing to take back. Then nothing has changed.
    """
    plan = Plan.objects.in_force().select_for_update().order_by("-pk").get()
    job = ImportJob.objects.select_for_update().get(pk=job.pk)
    lock_plan_rows(plan)
    _check(job)
    undo = job.before
    changed = list(serializers.deserialize("python", undo["rows"]))
    actions = [row.object.pk for row in changed if isinstance(row.object, Action)]
    now = _snapshots([row.object for row in changed], actions)
    _remove_created(undo["created"])
    _put_back(changed, undo)
    for group in _by_model(serializers.deserialize("python", undo.get("starter", []))):
        type(group[0]).objects.bulk_create(group)
    _enter(plan, job, changed, actions, now, by=by)
    job.state, job.undone_at, job.updated_by = ImportJob.State.UNDONE, timezone.now(), by
    job.save(update_fields=["state", "undone_at", "updated_by", "updated_at"])
    announce_plan(plan)
    return job


def can_undo(job: ImportJob) -> bool:
    return (
        job.state == ImportJob.State.COMMITTED
        and job.undo_until is not None
        and timezone.now() <= job.undo_until
    )


def _check(job: ImportJob) -> None:
    if job.state != ImportJob.State.COMMITTED or job.undo_until is None:
        raise ValidationError(
            _("“%(file)s” changed nothing that could be taken back.") % {"file": job.filename}
        )
    if timezone.now() > job.undo_until:
        raise ValidationError(
            _("This import could be taken back until %(day)s. Edit or retire what is wrong instead.")
            % {"day": date_format(timezone.localtime(job.undo_until))}
        )
    touched: dict[str, str] = job.before["touched"]
    since = Change.objects.filter(object_uuid__in=list(touched), at__gt=job.committed_at)
    names = {str(uuid): touched[str(uuid)] for uuid in since.values_list("object_uuid", flat=True)}
    created = job.before["created"]
    for later in (
        Outcome.objects.filter(goal__in=created.get("goal", [])).exclude(pk__in=created.get("outcome", [])),
        Action.objects.filter(outcome__in=created.get("outcome", [])).exclude(
            pk__in=created.get("action", [])
        ),
    ):
        names |= {str(row.uuid): change_log.truncate(str(row), 100) for row in later}
    if names:
        shown = ", ".join(f"“{name}”" for name in list(names.values())[:_MAX_NAMED_ROWS])
        if len(names) > _MAX_NAMED_ROWS:
            shown = _("%(names)s and %(count)d more") % {
                "names": shown,
                "count": len(names) - _MAX_NAMED_ROWS,
            }
        raise ValidationError(
            _(
                "These were changed after the import: %(names)s. Taking it back would lose that work, so nothing "
                "was changed. Edit the rows that are wrong instead."
            )
            % {"names": shown}
        )


def _snapshots(rows: list[Any], action_ids: list[int]) -> dict[Any, dict[str, Any]]:
    """What the rows say now, by uuid: a constant number of queries."""
    parts = RelatedRows(actions=action_ids)
    found: dict[Any, dict[str, Any]] = {}
    for model, above in ((Goal, []), (Outcome, ["goal"]), (Action, ["outcome", "accountable"])):
        pks = [row.pk for row in rows if isinstance(row, model)]
        kept: Any = model._default_manager.filter(pk__in=pks)
        for row in kept.select_related(*above) if above else kept:
            found[row.uuid] = change_log.snapshot(row, parts)
    return found


def _remove_created(created: dict[str, list[int]]) -> None:
    ProgressNote.objects.filter(pk__in=created.get("note", [])).delete()
    Action.objects.filter(pk__in=created.get("action", [])).delete()
    Outcome.objects.filter(pk__in=created.get("outcome", [])).delete()
    Goal.objects.filter(pk__in=created.get("goal", [])).delete()


def _put_back(changed: list[Any], undo: dict[str, Any]) -> None:
    of = undo["below_of"]
    ActionParty.objects.filter(action__in=of["accountability"]).delete()
    PerformanceMeasure.objects.filter(action__in=of["measures"]).delete()
    Milestone.objects.filter(action__in=of["milestones"]).delete()
    for group in _by_model(changed):
        upsert(type(group[0]), group)
    for group in _by_model(serializers.deserialize("python", undo["below"])):
        type(group[0]).objects.bulk_create(group)
    for kind, model in (("goal", Goal), ("outcome", Outcome), ("action", Action)):
        rows: list[Any] = [
            model(pk=int(pk), position=position) for pk, position in undo["positions"].get(kind, {}).items()
        ]
        model._default_manager.bulk_update(rows, ["position"])
    made = Department.objects.filter(pk__in=undo["created"].get("department", []))
    made.filter(answers_for=None, parts=None).delete()


def _by_model(rows: Any) -> list[list[Any]]:
    """The objects, those of one model together, in the order the models came."""
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(type(row.object), []).append(row.object)
    return list(groups.values())


def _enter(
    plan: Plan,
    job: ImportJob,
    changed: list[Any],
    action_ids: list[int],
    now: dict[Any, Any],
    *,
    by: User | None,
) -> None:
    then = _snapshots([row.object for row in changed], action_ids)
    at = timezone.now()
    reason = _("Import taken back: %(file)s") % {"file": job.filename}
    entries = [change_log.build_entry(plan, "undone", by=by, at=at, reason=reason)]
    for row in changed:
        uuid = row.object.uuid
        if fields := change_log.diff(now[uuid], then[uuid]):
            entries.append(
                change_log.build_entry(row.object, "undone", by=by, at=at, fields=fields, reason=reason)
            )
    Change.objects.bulk_create(entries)
