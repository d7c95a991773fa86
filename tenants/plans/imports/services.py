"""Import a spreadsheet into the plan: upload, check, commit. All or nothing; nothing in the plan is deleted."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import spreadsheets
from tenants.plans.imports.promises import verdicts_on_promises
from tenants.plans.imports.writer import PlanWriter
from tenants.plans.models import ExportSnapshot, ImportJob, Plan
from tenants.plans.plan_tree import former_notes, read_tree, retired_ids
from tenants.plans.selectors import current_plan, date_conventions_of
from tenants.plans.services import (
    announce_plan,
    holds_only_starter,
    is_adopted,
    lock_plan,
    lock_plan_rows,
    make_starter_plan,
)
from tenants.plans.spreadsheets import three_way_merge

MAX_MEGABYTES = 20
UNDO_DAYS = 7
_MAX_BASE_TREES = 6  # of earlier imports, and of exports, from which a sheet may have been made


# ---- Reading ---------------------------------------------------------------------------------------------
def read_sheet(
    content: bytes, *, filename: str, mapping: Mapping[Any, Any] | None = None, date_order: str = ""
) -> spreadsheets.ParseResult:
    """Parse a file with the active city's settings. Raises SheetError if it cannot be read as a plan."""
    return spreadsheets.read(
        content,
        filename=filename,
        date_conventions=date_conventions_of(connection.tenant, date_order=date_order),
        mapping=mapping or None,
    )


def compare_with_plan(plan: Plan, goals: Iterable[spreadsheets.Goal]) -> three_way_merge.PlanDiff:
    """Difference between the sheet and the plan as it is now. A plan of starter text that nobody edited counts as empty."""
    rows = three_way_merge.flatten_tree(goals)
    if holds_only_starter(plan):
        return three_way_merge.three_way_diff(rows, [], {})
    plan_rows = three_way_merge.key_by_id(
        three_way_merge.flatten_tree(read_tree(plan, with_retired=True), retired=retired_ids(plan))
    )
    former = former_notes(plan)
    for row in plan_rows:
        row.former_notes = former.get(row.key, [])
    return three_way_merge.three_way_diff(rows, plan_rows, _merge_base(rows))


def _merge_base(rows: list[three_way_merge.Node]) -> dict[str, three_way_merge.Node]:
    """The rows on which sheet and plan last agreed, by uuid.

    They come from the earlier sheets and exports: first from the one that this sheet was most likely made from.
    """
    imports = ImportJob.objects.filter(state=ImportJob.State.COMMITTED).order_by("-committed_at")
    trees: list[Any] = [*imports.values_list("committed_at", "tree")[:_MAX_BASE_TREES]]
    trees += ExportSnapshot.objects.order_by("-created_at").values_list("created_at", "tree")[
        :_MAX_BASE_TREES
    ]
    trees.sort(key=lambda pair: pair[0], reverse=True)
    candidates = [
        three_way_merge.key_by_id(
            three_way_merge.flatten_tree(spreadsheets.Goal.from_dict(goal) for goal in tree)
        )
        for _created_at, tree in trees
        if tree
    ]
    if len(candidates) > 1:
        # The sort is stable: of equally near ones the newest comes first.
        candidates.sort(key=lambda nodes: three_way_merge.edit_distance(rows, nodes))
    base: dict[str, three_way_merge.Node] = {}
    for nodes in candidates:
        for node in nodes:
            base.setdefault(node.key, node)
    return base


# ---- Upload and check ------------------------------------------------------------------------------------
@transaction.atomic
def upload_sheet(*, filename: str, content: bytes, by: User | None, date_order: str = "") -> ImportJob:
    """Store a file and check it: state "checked", or "uploaded" where a person must first map the columns.

    Raises ValidationError for a file that cannot be read at all. The plan does not change.
    """
    if len(content) > MAX_MEGABYTES * 1024 * 1024:
        raise ValidationError(
            _("“%(file)s” has %(size)d MB; the limit is %(limit)d MB. Save it without pictures, or as CSV.")
            % {"file": filename, "size": len(content) // 1024 // 1024 + 1, "limit": MAX_MEGABYTES}
        )
    job = ImportJob(
        filename=filename[-255:],
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        options={"date_order": date_order} if date_order else {},
        created_by=by,
        updated_by=by,
    )
    return check_import(job, by=by)


@transaction.atomic
def check_import(
    job: ImportJob,
    *,
    by: User | None,
    mapping: Mapping[str, Any] | None = None,
    date_order: str | None = None,
) -> ImportJob:
    """Parse the stored file again, with a corrected mapping if given, and store the difference from the plan.

    Raises ValidationError for a file that cannot be read, or an import that is committed or undone.
    """
    if job.pk:
        job = ImportJob.objects.select_for_update().get(pk=job.pk)
        _require_open(job)
    if mapping is not None:
        job.mapping = dict(mapping)
    if date_order is not None:
        job.options = job.options | {"date_order": date_order}
    try:
        result = read_sheet(
            bytes(job.content),
            filename=job.filename,
            mapping=job.mapping,
            date_order=job.options.get("date_order", ""),
        )
    except spreadsheets.SheetError as error:
        if not error.sheets:
            raise ValidationError(str(error)) from error
        job.state, job.tree = ImportJob.State.UPLOADED, []
        job.result = {"error": str(error), "sheets": [dataclasses.asdict(sheet) for sheet in error.sheets]}
    else:
        plan = make_starter_plan()
        job.state, job.tree = ImportJob.State.CHECKED, result.tree
        job.result = describe(
            result, compare_with_plan(plan, result.goals), replaces_starter=holds_only_starter(plan)
        )
    job.updated_by = by
    job.save()
    return job


def describe(
    result: spreadsheets.ParseResult, difference: three_way_merge.PlanDiff, *, replaces_starter: bool = False
) -> dict[str, Any]:
    """The check as JSON values: the page shows it, and `commit_import` compares it with the plan of that moment."""
    examples: dict[str, str] = {}
    for cell in result.cells:
        examples.setdefault(
            cell.disposition, f"{cell.column}{cell.row} “{' '.join(cell.value.split())[:60]}”"
        )
    return {
        "replaces_starter": replaces_starter,
        "counts": difference.counts(),
        "cells": result.cell_counts,
        "cell_examples": examples,
        "messages": [dataclasses.asdict(message) for message in result.messages],
        "refused": [_describe_cell(cell) for cell in result.cells if cell.disposition == "refused"],
        "sheets": [dataclasses.asdict(sheet) for sheet in result.sheets],
        "rows": _describe_rows(difference),
        "absent": [
            {"kind": node.kind, "uuid": node.key, "number": node.number, "title": node.title}
            for node in difference.absent
        ],
    }


def _describe_cell(cell: spreadsheets.CellDisposition) -> dict[str, Any]:
    return {
        "sheet": cell.sheet,
        "row": cell.row,
        "column": cell.column,
        "value": cell.value,
        "fate": cell.disposition,  # stored under the name of the first version
        "reason": cell.reason,
    }


def _describe_rows(difference: three_way_merge.PlanDiff) -> list[dict[str, Any]]:
    retired = {item.node.key for item in difference.items if item.state == "retired"}
    return [
        _describe_row(item)
        | ({"under_retired": True} if item.state == "new" and item.node.parent in retired else {})
        for item in difference.items
    ]


def _describe_row(item: three_way_merge.RowDiff) -> dict[str, Any]:
    return {
        "kind": item.node.kind,
        "state": item.state,
        "uuid": item.plan.key if item.plan else None,
        "number": item.node.number,
        "title": item.node.title,
        "sheet": item.node.sheet,
        "row": item.node.row,
        "fields": {name: dataclasses.asdict(field) for name, field in item.fields.items()},
    }


# ---- Commit ----------------------------------------------------------------------------------------------
@transaction.atomic
def commit_import(
    job: ImportJob, *, by: User | None, choices: Mapping[str, str] | None = None, reason: str = ""
) -> ImportJob:
    """Write the checked sheet into the plan, in one transaction; a constant number of queries for any number of rows.

    `choices` decides conflicts: {"<uuid>:<field>": "sheet" or "plan"}; without a choice the plan keeps its value.
    `reason` is for all rows: why commitments of an adopted plan change. Announces `plan_changed` if anything changed.
    Raises ValidationError, with the plan unchanged, if the import is committed or undone, was not checked, has conflicts
    that the check did not show (code "unseen"), or needs a reason and has none (a dict with "reason").
    """
    plan = lock_plan(make_starter_plan())
    job = ImportJob.objects.select_for_update().get(pk=job.pk)
    _require_open(job)
    if job.state != ImportJob.State.CHECKED:
        raise ValidationError(_("Match the columns first. Then the sheet can be checked and imported."))
    goals = [spreadsheets.Goal.from_dict(goal) for goal in job.tree]
    lock_plan_rows(plan)  # the rows that are compared are those that are overwritten
    difference = compare_with_plan(plan, goals)
    if new_conflicts := _conflicts(difference) - _checked_conflicts(job.result):
        raise ValidationError(
            _(
                "The plan was changed after the check, and %(count)d cells now differ on both sides. Check again."
            )
            % {"count": len(new_conflicts)},
            code="unseen",
        )
    at = timezone.now()
    writer = PlanWriter(
        plan,
        by=by,
        at=at,
        origin=_("Spreadsheet import: %(file)s") % {"file": job.filename},
        reason=reason.strip(),
        date_conventions=date_conventions_of(connection.tenant, date_order=job.options.get("date_order", "")),
        choices=choices or {},
    )
    if not difference.is_empty:
        writer.write(difference, replace_starter=holds_only_starter(plan))
    _assign_uuids(goals, writer.uuids(difference))
    job.options = job.options | {"choices": dict(choices or {})}
    job.tree = [dataclasses.asdict(goal) for goal in goals]
    job.before = writer.undo.as_json()
    job.result = job.result | {"counts": difference.counts(), "changed": writer.has_changed}
    job.state, job.committed_at, job.updated_by = ImportJob.State.COMMITTED, at, by
    job.undo_until = at + dt.timedelta(days=UNDO_DAYS) if writer.has_changed else None
    job.save()
    if writer.has_changed:
        announce_plan(plan)
    return job


def changes_promises(difference: three_way_merge.PlanDiff) -> bool:
    """True if an import of the difference, in which the plan keeps its side of conflicts, needs a reason."""
    plan = current_plan()
    return (
        plan is not None and is_adopted(plan) and "sheet" in verdicts_on_promises(_describe_rows(difference))
    )


def _conflicts(difference: three_way_merge.PlanDiff) -> set[str]:
    return {
        f"{item.plan.key}:{name}"
        for item in difference.items
        if item.plan
        for name, field in item.fields.items()
        if field.verdict == "conflict"
    }


def _checked_conflicts(result: Mapping[str, Any]) -> set[str]:
    return {
        f"{row['uuid']}:{name}"
        for row in result.get("rows", [])
        for name, field in row["fields"].items()
        if field["verdict"] == "conflict"
    }


def _assign_uuids(goals: list[spreadsheets.Goal], uuids: list[str]) -> None:
    """Set `id` of each item of the tree to the uuid of its row: the tree is a base for the next import.

    `uuids` are in the order of the tree: each goal, its outcomes, and each outcome's actions.
    """
    remaining = iter(uuids)
    for goal in goals:
        goal.id = next(remaining)
        for outcome in goal.outcomes:
            outcome.id = next(remaining)
            for action in outcome.actions:
                action.id = next(remaining)


def _require_open(job: ImportJob) -> None:
    if job.state == ImportJob.State.COMMITTED:
        raise ValidationError(_("“%(file)s” was already imported.") % {"file": job.filename})
    if job.state == ImportJob.State.UNDONE:
        raise ValidationError(
            _("This import of “%(file)s” was undone. Upload the file again.") % {"file": job.filename}
        )


# ---- All steps in one, for commands ----------------------------------------------------------------------
@transaction.atomic
def import_sheet(
    *, filename: str, content: bytes, by: User | None, dry_run: bool = False, reason: str = ""
) -> tuple[spreadsheets.ParseResult, three_way_merge.PlanDiff]:
    """Parse, check and, unless it is a dry run, commit; in a conflict the plan keeps its value.

    Raises, with nothing changed, SheetError for a file that cannot be read as a plan, and ValidationError if the import
    needs a reason and has none.
    """
    result = read_sheet(content, filename=filename)
    plan = make_starter_plan()
    difference = compare_with_plan(plan, result.goals)
    if not dry_run:
        job = ImportJob.objects.create(
            filename=filename[-255:],
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            tree=result.tree,
            result=describe(result, difference, replaces_starter=holds_only_starter(plan)),
            state=ImportJob.State.CHECKED,
            created_by=by,
            updated_by=by,
        )
        commit_import(job, by=by, reason=reason)
    return result, difference
