"""Undo an import within seven days: the plan is then exactly as it was before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log
from tenants.plans.imports.undo_journal import MAX_TITLE_LENGTH, UndoJournal, deserialize_rows
from tenants.plans.imports.writer import upsert
from tenants.plans.models import (
    Action,
    ActionParty,
    Department,
    Goal,
    ImportJob,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    PlanLogEntry,
    ProgressNote,
)
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.services import (
    announce_plan,
    build_change_entry,
    lock_plan,
    lock_plan_rows,
    make_starter_plan,
)

_MAX_NAMED_ROWS = 5  # in the text of a refusal


@transaction.atomic
def undo_import(job: ImportJob, *, by: User | None) -> ImportJob:
    """Restore the rows that the import changed and remove those it added. Announces `plan_changed`.

    Raises ValidationError, with nothing changed: if rows were changed since, naming them; after the seven days; or
    if the import changed nothing.
    """
    plan = lock_plan(make_starter_plan())
    job = ImportJob.objects.select_for_update().get(pk=job.pk)
    lock_plan_rows(plan)
    _check_deadline(job)
    journal = UndoJournal.from_json(job.before)
    _check_unchanged(job, journal)
    restored: list[Any] = list(deserialize_rows(journal.rows))
    before = _snapshots(restored)
    _restore(restored, journal)  # first: deleting a new outcome would delete what still stands under it
    _remove_created(journal.created)
    for rows in _group_by_model(deserialize_rows(journal.starter)):
        type(rows[0])._default_manager.bulk_create(rows)
    _log(plan, job, restored, before, by=by)
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


def _check_deadline(job: ImportJob) -> None:
    if job.state != ImportJob.State.COMMITTED or job.undo_until is None:
        raise ValidationError(_("“%(file)s” has no changes to undo.") % {"file": job.filename})
    if timezone.now() > job.undo_until:
        raise ValidationError(
            _("This import could be undone until %(day)s. Edit or archive what is wrong instead.")
            % {"day": date_format(timezone.localtime(job.undo_until))}
        )


def _check_unchanged(job: ImportJob, journal: UndoJournal) -> None:
    """Raise ValidationError if a row of the import was changed since, or something was added under it.

    A row that the import itself put under a new goal or outcome is not added since: the undo moves it back.
    """
    later = PlanLogEntry.objects.filter(object_uuid__in=list(journal.changed_titles), at__gt=job.committed_at)
    titles = {
        str(uuid): journal.changed_titles[str(uuid)] for uuid in later.values_list("object_uuid", flat=True)
    }
    created = journal.created
    for rows in (
        Outcome.objects.filter(goal__in=created.get("goal", [])),
        Action.objects.filter(outcome__in=created.get("outcome", [])),
    ):
        added = rows.exclude(uuid__in=journal.changed_titles)
        titles |= {str(row.uuid): change_log.truncate(str(row), MAX_TITLE_LENGTH) for row in added}
    if titles:
        names = ", ".join(f"“{title}”" for title in list(titles.values())[:_MAX_NAMED_ROWS])
        if len(titles) > _MAX_NAMED_ROWS:
            names = _("%(names)s and %(count)d more") % {
                "names": names,
                "count": len(titles) - _MAX_NAMED_ROWS,
            }
        raise ValidationError(
            _(
                "These were changed after the import: %(names)s. Undoing the import would lose that work, so nothing "
                "was changed. Edit the rows that are wrong instead."
            )
            % {"names": names}
        )


def _snapshots(rows: list[Any]) -> dict[Any, dict[str, Any]]:
    """Snapshots, by uuid, of these rows as the database has them; a constant number of queries."""
    related = RelatedRows(actions=[row.pk for row in rows if isinstance(row, Action)])
    snapshots: dict[Any, dict[str, Any]] = {}
    for model, parents in (
        (Goal, []),
        (Outcome, ["goal"]),
        (Action, ["outcome", "accountable", "merged_into"]),
    ):
        pks = [row.pk for row in rows if isinstance(row, model)]
        current: Any = model._default_manager.filter(pk__in=pks)
        for row in current.select_related(*parents) if parents else current:
            snapshots[row.uuid] = change_log.snapshot(row, related)
    return snapshots


def _restore(rows: list[Any], journal: UndoJournal) -> None:
    ActionParty.objects.filter(action__in=journal.related_of["accountability"]).delete()
    PerformanceMeasure.objects.filter(action__in=journal.related_of["measures"]).delete()
    Milestone.objects.filter(action__in=journal.related_of["milestones"]).delete()
    for changed in _group_by_model(rows):
        upsert(type(changed[0]), changed)
    for related in _group_by_model(deserialize_rows(journal.related_rows)):
        type(related[0])._default_manager.bulk_create(related)
    for kind, model in (("goal", Goal), ("outcome", Outcome), ("action", Action)):
        renumbered: list[Any] = [
            model(pk=int(pk), position=position) for pk, position in journal.positions.get(kind, {}).items()
        ]
        model._default_manager.bulk_update(renumbered, ["position"])


def _remove_created(created: Mapping[str, list[int]]) -> None:
    ProgressNote.objects.filter(pk__in=created.get("note", [])).delete()
    Action.objects.filter(pk__in=created.get("action", [])).delete()
    Outcome.objects.filter(pk__in=created.get("outcome", [])).delete()
    Goal.objects.filter(pk__in=created.get("goal", [])).delete()
    departments = Department.objects.filter(pk__in=created.get("department", []))
    departments.filter(answers_for=None, parties=None).delete()


def _group_by_model(rows: Iterable[Model]) -> list[list[Any]]:
    """The rows in one list for each model, in the order in which the models occur."""
    groups: dict[type[Model], list[Any]] = {}
    for row in rows:
        groups.setdefault(type(row), []).append(row)
    return list(groups.values())


def _log(
    plan: Plan, job: ImportJob, rows: list[Any], before: Mapping[Any, dict[str, Any]], *, by: User | None
) -> None:
    after = _snapshots(rows)
    at = timezone.now()
    reason = _("Import undone: %(file)s") % {"file": job.filename}
    entries = [change_log.build_entry(plan, "undone", by=by, at=at, reason=reason)]
    for row in rows:
        entry = build_change_entry(
            row, "undone", before[row.uuid], after[row.uuid], plan=plan, by=by, at=at, reason=reason
        )
        if entry is not None:
            entries.append(entry)
    PlanLogEntry.objects.bulk_create(entries)
