"""Write an import's difference into the plan, with a constant number of queries, and keep what undo needs."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.core import serializers
from django.db.models import Model
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.plans import change_log, spreadsheets
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
    ProgressNote,
    RetirableModel,
)
from tenants.plans.plan_tree import RelatedRows, parse_vacancy
from tenants.plans.services.editing import without_starter_flag
from tenants.plans.spreadsheets import three_way_merge
from tenants.plans.spreadsheets.reading.date_parser import parse_date

MODELS: dict[str, type[Goal] | type[Outcome] | type[Action]] = {
    "goal": Goal,
    "outcome": Outcome,
    "action": Action,
}
BATCH_SIZE = 500


class Writer:
    """One import. `write` changes the plan; `undo` then holds, as JSON, what takes it back."""

    _below: ClassVar[dict[str, type[Model]]] = {
        "accountability": ActionParty,
        "measures": PerformanceMeasure,
        "milestones": Milestone,
    }

    def __init__(
        self,
        plan: Plan,
        *,
        by: User | None,
        at: dt.datetime,
        reason: str,
        date_conventions: spreadsheets.DateConventions,
        choices: Mapping[str, str],
    ) -> None:
        self.plan, self.by, self.at, self.reason = plan, by, at, reason
        self.date_conventions, self.choices = date_conventions, choices
        self.has_changed = False
        self.undo: dict[str, Any] = {"created": {}, "rows": [], "below": [], "positions": {}, "touched": {}}
        self._rows: dict[str, Any] = {}  # by the sheet's key or the plan's uuid
        self._departments: dict[str, Department] = {}
        self._days: dict[str, dt.date | None] = {}
        self._new: dict[type[Model], list[Any]] = defaultdict(list)
        self._gone: dict[type[Model], list[int]] = defaultdict(list)
        self._entries: list[Change] = []

    # ---- The whole -----------------------------------------------------------------------------------
    def write(self, difference: three_way_merge.PlanDiff, *, replace_starter: bool) -> None:
        if replace_starter:
            self._remove_starter()
        takes = {item.node.key: self._takes(item) for item in difference.items}
        changing = [item for item in difference.items if takes[item.node.key]]
        self._load(difference)
        self._find_departments(
            name
            for item in difference.items
            if item.node.kind == "action"
            and (item.state == "new" or "accountability" in takes[item.node.key])
            for name in [
                *item.node.values["accountability"]["accountable"],
                *item.node.values["accountability"]["support"],
            ]
        )
        pks = [self._rows[item.plan.key].pk for item in changing if item.plan and item.node.kind == "action"]
        before = RelatedRows(actions=pks)
        snapshots = {
            item.node.key: change_log.snapshot(self._rows[item.plan.key], before)
            for item in changing
            if item.plan
        }
        self._keep_for_undo(changing, before, takes)
        parts = RelatedRows(actions=[])
        self._create(difference, parts)
        for item in changing:
            self._change(item, takes[item.node.key], before)
        self._save_rows(changing)
        self._order(difference)
        self._write_below(parts)
        after = RelatedRows(actions=pks) if pks else parts
        for item in changing:
            row = self._rows[item.plan.key] if item.plan else None
            if row is not None:
                changed = change_log.diff(snapshots[item.node.key], change_log.snapshot(row, after))
                self._enter(row, changed)
        self._finish(difference)

    def uuids(self, difference: three_way_merge.PlanDiff) -> list[str]:
        """The uuid of each row of the sheet, in order."""
        return [
            item.plan.key if item.plan else str(self._rows[item.node.key].uuid) for item in difference.items
        ]

    def _takes(self, item: three_way_merge.RowDiff) -> set[str]:
        """The facets that the sheet's side is taken of."""
        if item.state in ("new", "retired") or item.plan is None:
            return set()
        return {
            name
            for name, field in item.fields.items()
            if field.verdict == "sheet"
            or (field.verdict == "conflict" and self.choices.get(f"{item.plan.key}:{name}") == "sheet")
        }

    # ---- Before --------------------------------------------------------------------------------------
    def _remove_starter(self) -> None:
        goals = Goal.objects.filter(plan=self.plan)
        outcomes = Outcome.objects.filter(goal__plan=self.plan)
        actions = Action.objects.filter(outcome__goal__plan=self.plan)
        self.undo["starter"] = [*_stored(goals), *_stored(outcomes), *_stored(actions)]
        goals.delete()

    def _load(self, difference: three_way_merge.PlanDiff) -> None:
        """The plan's rows that the sheet names, three queries."""
        for kind, model in MODELS.items():
            uuids = [item.plan.key for item in difference.items if item.plan and item.node.kind == kind]
            rows: Any = model._default_manager.filter(uuid__in=uuids) if uuids else []
            if uuids:
                above = {"goal": [], "outcome": ["goal"], "action": ["outcome", "accountable"]}[kind]
                rows = rows.select_related(*above) if above else rows
            for row in rows:
                self._rows[str(row.uuid)] = row

    def _find_departments(self, names: Iterable[str]) -> None:
        self._departments = {row.name.casefold(): row for row in Department.objects.all()}
        missing: dict[str, Department] = {}
        for name in names:
            if name.casefold() not in self._departments:
                missing.setdefault(
                    name.casefold(), Department(name=name, created_by=self.by, updated_by=self.by)
                )
        made = Department.objects.bulk_create(missing.values(), batch_size=BATCH_SIZE)
        self._departments |= missing
        self.undo["created"]["department"] = [row.pk for row in made]

    def _keep_for_undo(
        self, changing: list[three_way_merge.RowDiff], before: RelatedRows, takes: dict[str, set[str]]
    ) -> None:
        rows = [self._rows[item.plan.key] for item in changing if item.plan]
        self.undo["rows"] = _stored(rows)
        below: list[Any] = []
        of: dict[str, list[int]] = {name: [] for name in self._below}
        for item in changing:
            if item.plan is None or item.node.kind != "action":
                continue
            pk = self._rows[item.plan.key].pk
            for name, there in (
                ("accountability", before.parties),
                ("measures", before.measures),
                ("milestones", before.milestones),
            ):
                if name in takes[item.node.key]:
                    of[name].append(pk)
                    below += there[pk]
        self.undo["below"], self.undo["below_of"] = _stored(below), of

    # ---- New rows ------------------------------------------------------------------------------------
    def _create(self, difference: three_way_merge.PlanDiff, parts: RelatedRows) -> None:
        for kind, model in MODELS.items():
            new = [item.node for item in difference.items if item.state == "new" and item.node.kind == kind]
            above = self._above(difference)
            rows = []
            indexes: Counter[str] = Counter()
            for node in new:
                row: Any = model(
                    source=_source(node),
                    created_by=self.by,
                    updated_by=self.by,
                )
                if kind == "goal":
                    row.plan = self.plan
                else:
                    setattr(row, {"outcome": "goal", "action": "outcome"}[kind], self._rows[above[node.key]])
                if kind == "action":
                    row.code = f"a{self.plan.next_code}"
                    self.plan.next_code += 1
                    row.last_update_on = max(
                        filter(None, map(self._day_of, node.values[three_way_merge.NOTES_FIELD])),
                        default=None,
                    )
                for name, value in node.values.items():
                    self._set(row, name, value)
                row.position = indexes[
                    above.get(node.key, "")
                ]  # right at once where all that stands there is new
                indexes[above.get(node.key, "")] += 1
                rows.append(row)
                self._rows[node.key] = row
            model._default_manager.bulk_create(rows, batch_size=BATCH_SIZE)
            self.undo["created"][kind] = [row.pk for row in rows]
            if kind == "action":
                for node, row in zip(new, rows, strict=True):
                    self._add_below(row, node.values, parts)
            self.has_changed = self.has_changed or bool(rows)
        self.plan.save(update_fields=["next_code"])

    def _above(self, difference: three_way_merge.PlanDiff) -> dict[str, str]:
        """Under which row, by the key that `_rows` knows it by, each row of the sheet stands."""
        keys = {item.node.key: item.plan.key if item.plan else item.node.key for item in difference.items}
        return {item.node.key: keys[item.node.parent] for item in difference.items if item.node.parent}

    def _add_below(self, row: Action, values: Mapping[str, Any], parts: RelatedRows) -> None:
        parts.parties[row.pk] = self._parties(row, values["accountability"])
        parts.measures[row.pk] = self._measures(row, values["measures"], [])
        parts.milestones[row.pk] = self._milestones(row, values["milestones"], [])
        parts.notes[row.pk] = self._notes(row, values[three_way_merge.NOTES_FIELD], 0)
        self._new[ActionParty] += parts.parties[row.pk]
        self._new[PerformanceMeasure] += parts.measures[row.pk]
        self._new[Milestone] += parts.milestones[row.pk]
        self._new[ProgressNote] += parts.notes[row.pk]

    # ---- Changed rows --------------------------------------------------------------------------------
    def _change(self, item: three_way_merge.RowDiff, names: set[str], before: RelatedRows) -> None:
        if item.plan is None:
            return
        row, values = self._rows[item.plan.key], item.node.values
        for name in names:
            if name == three_way_merge.PARENT_FIELD:
                above = self._rows[item.fields[name].sheet]
                setattr(row, "outcome" if isinstance(row, Action) else "goal", above)
            else:
                self._set(row, name, item.fields[name].sheet)
        if isinstance(row, Action):
            if "accountability" in names:
                self._gone[ActionParty] += [party.pk for party in before.parties[row.pk]]
                self._new[ActionParty] += self._parties(row, values["accountability"])
            if "measures" in names:
                self._replace(PerformanceMeasure, self._measures(row, values["measures"], before.measures[row.pk]),
                              before.measures[row.pk])  # fmt: skip
            if "milestones" in names:
                self._replace(Milestone, self._milestones(row, values["milestones"], before.milestones[row.pk]),
                              before.milestones[row.pk])  # fmt: skip
            if three_way_merge.NOTES_FIELD in names:
                there = before.notes[row.pk]
                fresh = item.fields[three_way_merge.NOTES_FIELD].sheet[
                    len(item.fields[three_way_merge.NOTES_FIELD].plan) :
                ]
                last = max((note.position for note in there), default=-1)
                self._new[ProgressNote] += self._notes(row, fresh, last + 1)
        row.updated_at, row.updated_by = self.at, self.by
        index = _source(item.node)
        if "number" not in names:
            index.pop("code", None)
        row.source = without_starter_flag(row) | index

    def _replace(self, model: type[Model], wanted: list[Any], there: list[Any]) -> None:
        kept = {row.pk for row in wanted if row.pk}
        self._gone[model] += [row.pk for row in there if row.pk not in kept]
        self._new[model] += wanted

    def _save_rows(self, changing: list[three_way_merge.RowDiff]) -> None:
        for kind, model in MODELS.items():
            rows = [self._rows[item.plan.key] for item in changing if item.plan and item.node.kind == kind]
            upsert(model, rows)
            self.has_changed = self.has_changed or bool(rows)

    # ---- Facets to columns ---------------------------------------------------------------------------
    def _set(self, row: Any, name: str, value: Any) -> None:
        if name in ("title", "details", "resources", "changes", "indicator_text", "stage", "story"):
            setattr(row, name, value)
        elif name in ("label", "number"):
            self._set_short(row, name, value, 40)
        elif name == "department":
            self._set_short(row, name, value, 160)
        elif name == "notes":
            row.notes = [{"label": label, "text": text} for label, text in value]
        elif name == "implementation_plan":
            row.implementation_plan = list(value)
        elif name == "status":
            self._set_status(row, value)
        elif name == "timeline":
            row.timeline_raw = value["raw"]
            row.start_date, row.start_precision = _day(value["start"]), value["start_precision"]
            row.due_date, row.due_precision = _day(value["due"]), value["due_precision"]
            row.is_continuous = value["continuous"]
        elif name == "accountability":
            row.accountability_raw = value["raw"]
            first = value["accountable"][0] if value["accountable"] else ""
            row.accountable = self._departments.get(first.casefold())
            row.owner_vacant_since = parse_vacancy(value["vacant_since"])
            if row.owner_vacant_since:
                row.owner = None

    def _set_short(self, row: Any, name: str, value: str, limit: int) -> None:
        """Words that do not fit are kept whole as a note."""
        setattr(row, name, Truncator(value).chars(limit))
        if len(value) > limit:
            row.notes = [*row.notes, {"label": str(row._meta.get_field(name).verbose_name), "text": value}]

    def _set_status(self, row: Action, value: Mapping[str, Any]) -> None:
        status = value["status"] or None
        if status != row.status:
            row.status_since = None
            if status not in Action.NEEDS_REASON:
                row.reason = ""
        row.status, row.status_raw = status, value["raw"]

    # ---- What hangs below an action ------------------------------------------------------------------
    def _parties(self, row: Action, value: Mapping[str, Any]) -> list[ActionParty]:
        found: dict[tuple[int, str], ActionParty] = {}
        for part, names in (
            (ActionParty.Part.RESPONSIBLE, value["accountable"][1:]),
            (ActionParty.Part.SUPPORT, value["support"]),
        ):
            for index, name in enumerate(names):
                department = self._departments[name.casefold()]
                if part == ActionParty.Part.RESPONSIBLE and department.pk == row.accountable_id:
                    continue
                found.setdefault(
                    (department.pk, part),
                    ActionParty(action=row, department=department, part=part, position=index),
                )
        return list(found.values())

    def _measures(
        self, row: Action, value: Iterable[Any], there: list[PerformanceMeasure]
    ) -> list[PerformanceMeasure]:
        """Those of the sheet in its order; one that was there in the same words keeps its baseline and target."""
        known = {three_way_merge.normalize(measure.text): measure for measure in reversed(there)}
        found = []
        for index, (text, kind) in enumerate(value):
            measure = known.pop(three_way_merge.normalize(text), None)
            if measure is None:
                measure = PerformanceMeasure(action=row, created_by=self.by)
            measure.text, measure.kind, measure.position, measure.updated_by = text, kind, index, self.by
            found.append(measure)
        return found

    def _milestones(self, row: Action, value: Iterable[Any], there: list[Milestone]) -> list[Milestone]:
        known = {step.due_date: step for step in reversed(there)}
        found = []
        for index, (due, precision, measure) in enumerate(value):
            day = dt.date.fromisoformat(due)
            step = known.pop(day, None) or Milestone(action=row, due_date=day, created_by=self.by)
            step.due_precision, step.measure_position, step.position = precision or "day", measure, index
            step.updated_by = self.by
            found.append(step)
        return found

    def _notes(self, row: Action, value: Iterable[Any], position: int) -> list[ProgressNote]:
        found = []
        for index, (label, text) in enumerate(value):
            day = self._day_of((label, text))
            if day and (row.last_update_on is None or day > row.last_update_on):
                row.last_update_on = day
            found.append(
                ProgressNote(
                    action=row,
                    label=Truncator(label).chars(40),
                    text=text,
                    noted_on=day,
                    position=position + index,
                    is_imported=True,
                    created_by=self.by,
                    updated_by=self.by,
                )
            )
        return found

    def _day_of(self, note: Iterable[str]) -> dt.date | None:
        """The last day of the period a note is about, or today if that is not over; None if it has not begun."""
        label, _text = note
        if label not in self._days:
            span = parse_date(label, self.date_conventions) if label else None
            today = timezone.localdate()
            self._days[label] = min(span.last, today) if span and span.first <= today else None
        return self._days[label]

    def _write_below(self, parts: RelatedRows) -> None:
        for model, pks in self._gone.items():
            gone = model._default_manager.filter(pk__in=pks)
            gone._raw_delete(gone.db)
        for model, rows in self._new.items():
            upsert(model, [row for row in rows if row.pk])
            fresh = [row for row in rows if not row.pk]
            model._default_manager.bulk_create(fresh, batch_size=BATCH_SIZE)
            if model is ProgressNote:
                self.undo["created"]["note"] = [row.pk for row in fresh]
        for kind in MODELS:
            for pk in self.undo["created"][kind]:
                row = self._created(kind, pk)
                self._enter(row, change_log.diff({}, change_log.snapshot(row, parts)))

    # ---- Order ---------------------------------------------------------------------------------------
    def _order(self, difference: three_way_merge.PlanDiff) -> None:
        """New and moved rows stand behind the row that precedes them in the sheet; the others keep their order."""
        for kind, model in MODELS.items():
            arriving = [
                item
                for item in difference.items
                if item.node.kind == kind
                and (item.state == "new" or three_way_merge.PARENT_FIELD in self._takes(item))
            ]
            if not arriving:
                continue
            arriving_keys = {item.node.key for item in arriving}
            name = {"goal": "plan_id", "outcome": "goal_id", "action": "outcome_id"}[kind]
            rows = {item.node.key: self._rows[item.plan.key if item.plan else item.node.key]
                    for item in difference.items if item.node.kind == kind}  # fmt: skip
            parents = {getattr(rows[key], name) for key in arriving_keys}
            mine = {rows[key].pk for key in arriving_keys}
            orders: dict[int, list[Any]] = {parent: [] for parent in parents}
            known = {row.pk: row for row in rows.values()}
            for row in model._default_manager.filter(**{f"{name}__in": parents}).order_by("position", "pk"):
                if row.pk not in mine:
                    orders[getattr(row, name)].append(known.get(row.pk, row))
            # which rows arrive behind which: {(the last row that was there, parent): [rows]}
            behind: dict[Any, list[Any]] = defaultdict(list)
            previous: dict[Any, Any] = {}
            for item in difference.items:
                if item.node.kind != kind:
                    continue
                row, parent = rows[item.node.key], getattr(rows[item.node.key], name)
                if item.node.key in arriving_keys:
                    behind[previous.get(parent), parent].append(row)
                else:
                    previous[parent] = row.pk
            for parent, order in orders.items():
                orders[parent] = [
                    *(one for row in order for one in (row, *behind[row.pk, parent])),
                    *behind[None, parent],
                ]
            self._number(model, kind, orders.values(), set(self.undo["created"][kind]))

    def _number(self, model: Any, kind: str, orders: Iterable[list[Any]], created: set[int]) -> None:
        moved = []
        old: dict[str, int] = {}
        for order in orders:
            for index, row in enumerate(order):
                if row.position != index:
                    if row.pk not in created:
                        old[str(row.pk)] = row.position
                    row.position = index
                    moved.append(row)
        model._default_manager.bulk_update(moved, ["position"], batch_size=BATCH_SIZE)
        self.undo["positions"][kind] = old

    # ---- History -------------------------------------------------------------------------------------
    def _created(self, kind: str, pk: int) -> Any:
        if not hasattr(self, "_created_rows"):
            self._created_rows = {
                (row._meta.model_name, row.pk): row
                for row in self._rows.values()
                if isinstance(row, RetirableModel)
            }
        return self._created_rows[kind, pk]

    def _enter(self, row: Any, fields: dict[str, list[Any]]) -> None:
        if fields:
            self._entries.append(
                change_log.build_entry(
                    row, "imported", by=self.by, at=self.at, fields=fields, reason=self.reason
                )
            )
        self.undo["touched"][str(row.uuid)] = change_log.truncate(str(row), 100)

    def _finish(self, difference: three_way_merge.PlanDiff) -> None:
        counts = difference.counts()["action"]
        if self.has_changed:
            fields = {
                _("new actions"): [None, counts["new"]],
                _("changed actions"): [None, counts["changed"] + counts["conflict"]],
            }
            self._entries.append(
                change_log.build_entry(
                    self.plan, "imported", by=self.by, at=self.at, fields=fields, reason=self.reason
                )
            )
            Change.objects.bulk_create(self._entries, batch_size=BATCH_SIZE)


def upsert(model: Any, rows: list[Any]) -> None:
    """Write whole rows over those with the same id, or add them; a constant number of statements per batch."""
    if rows:
        columns = [field.name for field in model._meta.concrete_fields if not field.primary_key]
        model._default_manager.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=columns, batch_size=BATCH_SIZE
        )


def _source(node: three_way_merge.Node) -> dict[str, Any]:
    """Where the row stands in the sheet, for the columns that an export gives back."""
    found = {"sheet": node.sheet, "row": node.row, "code": node.code}
    return {name: value for name, value in found.items() if value}


def _stored(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Whole rows as JSON values; Django's own encoder would cut moments to milliseconds."""
    plain = json.dumps(serializers.serialize("python", rows), default=lambda value: value.isoformat()
                       if isinstance(value, dt.date) else str(value))  # fmt: skip
    return json.loads(plain)


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
