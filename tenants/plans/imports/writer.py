"""Apply the difference of an import to the plan, with a constant number of queries."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log, spreadsheets
from tenants.plans.imports.ordering import order_siblings, renumber
from tenants.plans.imports.row_builder import BATCH_SIZE, RowBuilder
from tenants.plans.imports.undo_journal import UndoJournal, serialize_rows
from tenants.plans.models import (
    Action,
    ActionParty,
    Goal,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    PlanLogEntry,
    ProgressNote,
)
from tenants.plans.plan_tree import RelatedRows
from tenants.plans.services import build_change_entry, without_starter_flag
from tenants.plans.spreadsheets.three_way_merge import NOTES_FIELD, PARENT_FIELD, Node, PlanDiff, RowDiff

MODELS: dict[str, type[Goal] | type[Outcome] | type[Action]] = {
    "goal": Goal,
    "outcome": Outcome,
    "action": Action,
}
PARENT_FIELDS = {"outcome": "goal", "action": "outcome"}
SELECT_RELATED = {"goal": [], "outcome": ["goal"], "action": ["outcome", "accountable"]}

AcceptedFields = dict[str, set[str]]  # by node key: the fields that take the sheet's value


@dataclass(slots=True)
class RelatedChanges:
    """Related rows of actions to write and to delete, by model."""

    rows: dict[type[Model], list[Any]] = field(default_factory=lambda: defaultdict(list))
    deleted_pks: dict[type[Model], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, model: type[Model], rows: list[Any]) -> None:
        self.rows[model] += rows

    def replace(self, model: type[Model], rows: list[Any], existing: list[Any]) -> None:
        """Write `rows` and delete the existing rows that are not among them."""
        remaining = {row.pk for row in rows if row.pk}
        self.deleted_pks[model] += [row.pk for row in existing if row.pk not in remaining]
        self.rows[model] += rows

    def save(self) -> dict[type[Model], list[Any]]:
        """Delete and write the rows; returns the created ones."""
        for model, pks in self.deleted_pks.items():
            obsolete = model._default_manager.filter(pk__in=pks)
            # One statement; `delete()` would look for cascades, whose rows are deleted here too.
            obsolete._raw_delete(obsolete.db)
        created = {}
        for model, rows in self.rows.items():
            upsert(model, [row for row in rows if row.pk])
            created[model] = [row for row in rows if not row.pk]
            model._default_manager.bulk_create(created[model], batch_size=BATCH_SIZE)
        return created


class PlanWriter:
    """Writer of one import. `write` changes the plan; `undo` is then the journal that takes it back.

    `reason` is a person's, for changed commitments of an adopted plan; `origin` says which import it was. Entries of the
    change log have both.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        by: User | None,
        at: dt.datetime,
        origin: str,
        reason: str,
        date_conventions: spreadsheets.DateConventions,
        choices: Mapping[str, str],
    ) -> None:
        self.plan, self.by, self.at, self.choices = plan, by, at, choices
        self.reason = reason
        self.logged_reason = f"{reason} ({origin})" if reason else origin
        self.has_changed = False
        self.undo = UndoJournal()
        self._builder = RowBuilder(by=by, date_conventions=date_conventions)
        self._rows: dict[str, Any] = {}  # by the key of the sheet's node, or the uuid in the plan
        self._related = RelatedChanges()
        self._entries: list[PlanLogEntry] = []

    def write(self, difference: PlanDiff, *, replace_starter: bool) -> None:
        if replace_starter:
            self._delete_starter_plan()
        accepted = {item.node.key: self._accepted_fields(item) for item in difference.items}
        changing = [item for item in difference.items if accepted[item.node.key] and item.plan]
        self._load_rows(difference)
        self.undo.created["department"] = self._builder.load_departments(
            _department_names(difference, accepted)
        )
        action_pks = [self._row(item).pk for item in changing if item.node.kind == "action"]
        before = RelatedRows(actions=action_pks)
        snapshots = {item.node.key: change_log.snapshot(self._row(item), before) for item in changing}
        self._record_undo(changing, accepted, before)

        created_rows = self._create_rows(difference)
        created_related = self._build_related(difference)
        for item in changing:
            self._change_row(item, accepted[item.node.key], before)
        self._save_changed(changing)
        self._reorder(difference, accepted)
        created = self._related.save()
        if ProgressNote in created:
            self.undo.created["note"] = [note.pk for note in created[ProgressNote]]

        for row in created_rows:
            self._log(row, {}, change_log.snapshot(row, created_related))
        after = RelatedRows(actions=action_pks) if action_pks else created_related
        for item in changing:
            row = self._row(item)
            self._log(row, snapshots[item.node.key], change_log.snapshot(row, after))
        self._save_log(difference)

    def uuids(self, difference: PlanDiff) -> list[str]:
        """The uuid of each row of the sheet, in order."""
        return [
            item.plan.key if item.plan else str(self._rows[item.node.key].uuid) for item in difference.items
        ]

    def _row(self, item: RowDiff) -> Any:
        return self._rows[item.plan.key if item.plan else item.node.key]

    def _accepted_fields(self, item: RowDiff) -> set[str]:
        """The fields of an existing row that take the sheet's value."""
        if item.state in ("new", "retired") or item.plan is None:
            return set()
        return {
            name
            for name, diff in item.fields.items()
            if diff.verdict == "sheet"
            or (diff.verdict == "conflict" and self.choices.get(f"{item.plan.key}:{name}") == "sheet")
        }

    # ---- Before --------------------------------------------------------------------------------------
    def _delete_starter_plan(self) -> None:
        goals = Goal.objects.filter(plan=self.plan)
        outcomes = Outcome.objects.filter(goal__plan=self.plan)
        actions = Action.objects.filter(outcome__goal__plan=self.plan)
        self.undo.starter = [*serialize_rows(goals), *serialize_rows(outcomes), *serialize_rows(actions)]
        goals.delete()

    def _load_rows(self, difference: PlanDiff) -> None:
        """Load the plan's rows that the sheet has; three queries."""
        for kind, model in MODELS.items():
            uuids = [item.plan.key for item in difference.items if item.plan and item.node.kind == kind]
            if uuids:
                rows: Any = model._default_manager.filter(uuid__in=uuids)
                if SELECT_RELATED[kind]:
                    rows = rows.select_related(*SELECT_RELATED[kind])
                self._rows |= {str(row.uuid): row for row in rows}

    def _record_undo(self, changing: list[RowDiff], accepted: AcceptedFields, before: RelatedRows) -> None:
        self.undo.rows = serialize_rows([self._row(item) for item in changing])
        replaced: list[Any] = []
        self.undo.related_of = {"accountability": [], "measures": [], "milestones": []}
        for item in changing:
            if item.node.kind != "action":
                continue
            pk = self._row(item).pk
            for name, existing in (
                ("accountability", before.parties),
                ("measures", before.measures),
                ("milestones", before.milestones),
            ):
                if name in accepted[item.node.key]:
                    self.undo.related_of[name].append(pk)
                    replaced += existing[pk]
        self.undo.related_rows = serialize_rows(replaced)

    # ---- New rows ------------------------------------------------------------------------------------
    def _create_rows(self, difference: PlanDiff) -> list[Goal | Outcome | Action]:
        """Create the new goals, then outcomes, then actions, and return them."""
        parents = _parent_keys(difference)
        created: list[Any] = []
        for kind, model in MODELS.items():
            rows = []
            positions: Counter[str] = Counter()
            for node in (item.node for item in difference.items if item.state == "new"):
                if node.kind != kind:
                    continue
                parent_key = parents.get(node.key, "")
                row = self._build_row(model, node, self._rows.get(parent_key))
                row.position = positions[parent_key]  # final where all children of the parent are new
                positions[parent_key] += 1
                rows.append(row)
                self._rows[node.key] = row
            model._default_manager.bulk_create(rows, batch_size=BATCH_SIZE)
            self.undo.created[kind] = [row.pk for row in rows]
            created += rows
        self.has_changed = self.has_changed or bool(created)
        self.plan.save(update_fields=["next_code"])
        return created

    def _build_row(self, model: type[Goal] | type[Outcome] | type[Action], node: Node, parent: Any) -> Any:
        row: Any = model(source=_source(node), created_by=self.by, updated_by=self.by)
        if node.kind == "goal":
            row.plan = self.plan
        else:
            setattr(row, PARENT_FIELDS[node.kind], parent)
        if node.kind == "action":
            row.code = f"a{self.plan.next_code}"
            self.plan.next_code += 1
            days = (self._builder.period_day(label) for label, _text in node.values[NOTES_FIELD])
            row.last_update_on = max(filter(None, days), default=None)
        for name, value in node.values.items():
            self._builder.set_value(row, name, value)
        return row

    def _build_related(self, difference: PlanDiff) -> RelatedRows:
        """Build the related rows of the new actions, and return them by action id."""
        related = RelatedRows(actions=[])
        for item in difference.items:
            if item.state != "new" or item.node.kind != "action":
                continue
            row, values = self._rows[item.node.key], item.node.values
            related.parties[row.pk] = self._builder.parties(row, values["accountability"])
            related.measures[row.pk] = self._builder.measures(row, values["measures"], [])
            related.milestones[row.pk] = self._builder.milestones(row, values["milestones"], [])
            related.progress_notes[row.pk] = self._builder.progress_notes(
                row, values[NOTES_FIELD], first_position=0
            )
            self._related.add(ActionParty, related.parties[row.pk])
            self._related.add(PerformanceMeasure, related.measures[row.pk])
            self._related.add(Milestone, related.milestones[row.pk])
            self._related.add(ProgressNote, related.progress_notes[row.pk])
        return related

    # ---- Changed rows --------------------------------------------------------------------------------
    def _change_row(self, item: RowDiff, names: set[str], before: RelatedRows) -> None:
        row = self._row(item)
        for name in names:
            value = item.fields[name].sheet
            if name == PARENT_FIELD:
                setattr(row, PARENT_FIELDS[item.node.kind], self._rows[value])
            else:
                self._builder.set_value(row, name, value)
        if isinstance(row, Action):
            self._change_related(row, item, names, before)
        row.updated_at, row.updated_by = self.at, self.by
        source = _source(item.node)
        if "number" not in names:
            source.pop("code", None)
        row.source = without_starter_flag(row) | source

    def _change_related(self, row: Action, item: RowDiff, names: set[str], before: RelatedRows) -> None:
        values = item.node.values
        if "accountability" in names:
            self._related.replace(
                ActionParty, self._builder.parties(row, values["accountability"]), before.parties[row.pk]
            )
        if "measures" in names:
            measures = before.measures[row.pk]
            self._related.replace(
                PerformanceMeasure, self._builder.measures(row, values["measures"], measures), measures
            )
        if "milestones" in names:
            milestones = before.milestones[row.pk]
            self._related.replace(
                Milestone, self._builder.milestones(row, values["milestones"], milestones), milestones
            )
        if NOTES_FIELD in names:
            diff = item.fields[NOTES_FIELD]
            last = max((note.position for note in before.progress_notes[row.pk]), default=-1)
            added = diff.sheet[len(diff.plan) :]
            self._related.add(ProgressNote, self._builder.progress_notes(row, added, first_position=last + 1))

    def _save_changed(self, changing: list[RowDiff]) -> None:
        for kind, model in MODELS.items():
            rows = [self._row(item) for item in changing if item.node.kind == kind]
            upsert(model, rows)
            self.has_changed = self.has_changed or bool(rows)

    # ---- Order ---------------------------------------------------------------------------------------
    def _reorder(self, difference: PlanDiff, accepted: AcceptedFields) -> None:
        for kind, model in MODELS.items():
            items = [item for item in difference.items if item.node.kind == kind]
            new_or_moved_keys = {
                item.node.key
                for item in items
                if item.state == "new" or PARENT_FIELD in accepted[item.node.key]
            }
            if not new_or_moved_keys:
                continue
            rows = {item.node.key: self._row(item) for item in items}
            changed = renumber(order_siblings(model, items, rows, new_or_moved_keys))
            model._default_manager.bulk_update(
                [row for row, _old in changed], ["position"], batch_size=BATCH_SIZE
            )
            created = set(self.undo.created[kind])
            self.undo.positions[kind] = {str(row.pk): old for row, old in changed if row.pk not in created}

    # ---- Change log ----------------------------------------------------------------------------------
    def _log(self, row: Goal | Outcome | Action, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        entry = build_change_entry(
            row, "imported", before, after, plan=self.plan, by=self.by, at=self.at, reason=self.reason
        )
        if entry is not None:
            entry.reason = self.logged_reason
            self._entries.append(entry)
        self.undo.record_title(row)

    def _save_log(self, difference: PlanDiff) -> None:
        if not self.has_changed:
            return
        counts = difference.counts()["action"]
        fields = {
            _("new actions"): [None, counts["new"]],
            _("changed actions"): [None, counts["changed"] + counts["conflict"]],
        }
        self._entries.append(
            change_log.build_entry(
                self.plan, "imported", by=self.by, at=self.at, fields=fields, reason=self.logged_reason
            )
        )
        PlanLogEntry.objects.bulk_create(self._entries, batch_size=BATCH_SIZE)


def upsert(model: Any, rows: list[Any]) -> None:
    """Insert whole rows, or overwrite those of the same id; a constant number of statements per batch."""
    if rows:
        columns = [column.name for column in model._meta.concrete_fields if not column.primary_key]
        model._default_manager.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=columns, batch_size=BATCH_SIZE
        )


def _department_names(difference: PlanDiff, accepted: AcceptedFields) -> Iterator[str]:
    """Names of the departments that new actions have and changed ones get."""
    for item in difference.items:
        if item.node.kind == "action" and (
            item.state == "new" or "accountability" in accepted[item.node.key]
        ):
            yield from item.node.values["accountability"]["accountable"]
            yield from item.node.values["accountability"]["support"]


def _parent_keys(difference: PlanDiff) -> dict[str, str]:
    """Key of the parent's row (its uuid in the plan, else its node's key) by the key of each node."""
    keys = {item.node.key: item.plan.key if item.plan else item.node.key for item in difference.items}
    return {item.node.key: keys[item.node.parent] for item in difference.items if item.node.parent}


def _source(node: Node) -> dict[str, Any]:
    """Where the sheet has the row, for `source` and for the columns of an export."""
    source = {"sheet": node.sheet, "row": node.row, "code": node.code}
    return {name: value for name, value in source.items() if value}
