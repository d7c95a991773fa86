"""The sample sheets give the trees that stand beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tenants.plans.spreadsheets import as_json, read

DATA = Path(__file__).parent / "data"
FILES = (
    "port-lysander-gare.xlsx",
    "aldersgate-park-gare.csv",
    "marrow-bend-plan.xlsx",
    "tallow-county-department.xlsx",
)


def expected_of(name: str) -> dict[str, Any]:
    path = DATA / f"{name.rpartition('.')[0]}.expected.json"
    return json.loads(path.read_text(encoding="utf-8"))


def even(value: Any) -> Any:
    """Texts with blanks and line breaks in a row made one blank, everywhere inside."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return [even(item) for item in value]
    if isinstance(value, dict):
        return {name: even(item) for name, item in value.items()}
    return value


def differences(found: dict[str, Any], wanted: dict[str, Any], place: str) -> list[str]:
    """What is not as expected, field by field, `X_also_ok` allowed; children and guessed kinds aside."""
    told = []
    for name, value in wanted.items():
        if name in ("outcomes", "actions", "measure_kinds") or name.endswith("_also_ok"):
            continue
        allowed = [value, *wanted.get(f"{name}_also_ok", [])]
        if even(found.get(name)) not in [even(item) for item in allowed]:
            told.append(f"{place} {name}: {found.get(name)!r} instead of {value!r}")
    return told


@pytest.mark.parametrize("name", FILES)
def test_tree_is_as_expected(name: str) -> None:
    wanted = expected_of(name)
    found = as_json(read(DATA / name, filename=name))
    told: list[str] = []
    assert [goal["title"] for goal in found["tree"]] == [goal["title"] for goal in wanted["goals"]]
    for goal, wanted_goal in zip(found["tree"], wanted["goals"], strict=True):
        told += differences(goal, wanted_goal, f"goal in row {wanted_goal['row']}")
        for outcome, wanted_outcome in zip(goal["outcomes"], wanted_goal["outcomes"], strict=True):
            told += differences(outcome, wanted_outcome, f"outcome in row {wanted_outcome['row']}")
            for action, wanted_action in zip(outcome["actions"], wanted_outcome["actions"], strict=True):
                told += differences(action, wanted_action, f"action in row {wanted_action['row']}")
    assert told == []


@pytest.mark.parametrize("name", FILES)
def test_counts_are_as_expected(name: str) -> None:
    wanted = expected_of(name)
    result = read(DATA / name, filename=name)
    actions = list(result.actions)
    counts = {
        "goals": len(result.goals),
        "outcomes": len(list(result.outcomes)),
        "actions": len(actions),
        "accountable_parties": len({party for action in actions for party in action.accountable}),
        "dated_actions": sum(action.due is not None for action in actions),
        "measures": sum(len(action.measures) for action in actions),
        "notes": sum(len(action.progress_notes) for action in actions),
    }
    if "supporting_parties" in wanted["counts"]:
        counts["supporting_parties"] = len({party for action in actions for party in action.support})
    assert counts == wanted["counts"]
    assert {kind: result.count(kind) for kind in wanted["row_messages"]} == wanted["row_messages"]


@pytest.mark.parametrize("name", FILES)
def test_every_cell_is_accounted_for(name: str) -> None:
    result = read(DATA / name, filename=name)
    counts = result.cell_counts
    assert counts["total"] == counts["imported"] + counts["noted"] + counts["refused"] > 0
    assert counts["refused"] == 0
    assert len({(cell.sheet, cell.row, cell.column) for cell in result.cells}) == counts["total"]
    if name == "marrow-bend-plan.xlsx":
        noted = {cell.sheet for cell in result.cells if cell.disposition == "noted"}
        assert noted == {"Indicators"}


@pytest.mark.parametrize("name", FILES)
def test_seven_of_ten_measures_are_sorted_as_the_author_meant(name: str) -> None:
    wanted = [
        kind
        for goal in expected_of(name)["goals"]
        for outcome in goal["outcomes"]
        for action in outcome["actions"]
        for kind in action["measure_kinds"]
    ]
    found = [kind for action in read(DATA / name, filename=name).actions for kind in action.measure_kinds]
    assert len(found) == len(wanted)
    assert sum(one == two for one, two in zip(found, wanted, strict=True)) >= 0.7 * len(wanted)


def test_the_same_file_gives_the_same_result() -> None:
    name = "marrow-bend-plan.xlsx"
    assert as_json(read(DATA / name, filename=name)) == as_json(
        read((DATA / name).read_bytes(), filename=name)
    )


def test_result_is_plain_data() -> None:
    shape = as_json(read(DATA / FILES[3], filename=FILES[3]))
    assert json.loads(json.dumps(shape)) == shape
    assert set(shape) == {"goals", "outcomes", "actions", "cells", "messages", "tree"}
    assert set(shape["cells"]) == {"total", "imported", "noted", "refused"}
    assert shape["messages"][0]["text"].startswith("Public Health: ")  # rows alone would not tell which sheet
    assert all(set(message) == {"row", "column", "value", "text"} for message in shape["messages"])
