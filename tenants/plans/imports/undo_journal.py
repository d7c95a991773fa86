"""The undo journal of an import: what `undo_import` needs to restore the plan, as JSON values."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core import serializers
from django.db.models import Model

from tenants.plans import change_log
from tenants.plans.models import Action, Goal, Outcome
from tenants.plans.stored_names import field_name, stored_name

# Length of the titles by which a refused undo names rows.
MAX_TITLE_LENGTH = 100


@dataclass(slots=True)
class UndoJournal:
    """The state before an import, of everything that it changes.

    `created`: ids of the new rows, by "goal", "outcome", "action", "note" and "department".
    `rows`: the changed goals, outcomes and actions; `related_rows`: the replaced related rows of actions.
    `related_of`: ids of the actions whose "accountability", "measures" or "milestones" were replaced.
    `positions`: {"action": {"12": 3}}, the old position of each renumbered row by its id.
    `changed_titles`: {uuid: title} of each new or changed row; `starter`: the deleted rows of the starter plan.
    """

    created: dict[str, list[int]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    related_rows: list[dict[str, Any]] = field(default_factory=list)
    related_of: dict[str, list[int]] = field(default_factory=dict)
    positions: dict[str, dict[str, int]] = field(default_factory=dict)
    changed_titles: dict[str, str] = field(default_factory=dict)
    starter: list[dict[str, Any]] = field(default_factory=list)

    def record_title(self, row: Goal | Outcome | Action) -> None:
        self.changed_titles[str(row.uuid)] = change_log.truncate(str(row), MAX_TITLE_LENGTH)

    def as_json(self) -> dict[str, Any]:
        """The journal as it is stored in ImportJob.before. The stored keys are those of the first version."""
        return {
            "created": self.created,
            "rows": self.rows,
            "below": self.related_rows,
            "below_of": self.related_of,
            "positions": self.positions,
            "touched": self.changed_titles,
            "starter": self.starter,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> UndoJournal:
        return cls(
            created=data["created"],
            rows=data["rows"],
            related_rows=data["below"],
            related_of=data.get("below_of", {}),
            positions=data["positions"],
            changed_titles=data["touched"],
            starter=data.get("starter", []),
        )


def serialize_rows(rows: Iterable[Model]) -> list[dict[str, Any]]:
    """Whole rows as JSON values. Moments keep their microseconds, which Django's own encoder would cut off."""
    data = serializers.serialize("python", rows)
    for row in data:
        row["fields"] = {stored_name(name): value for name, value in row["fields"].items()}
    text = json.dumps(
        data, default=lambda value: value.isoformat() if isinstance(value, dt.date) else str(value)
    )
    return json.loads(text)


def deserialize_rows(data: Iterable[dict[str, Any]]) -> Iterator[Model]:
    """The unsaved rows that `serialize_rows` stored."""
    renamed = [
        row | {"fields": {field_name(name): value for name, value in row["fields"].items()}} for row in data
    ]
    for deserialized in serializers.deserialize("python", renamed):
        yield deserialized.object
