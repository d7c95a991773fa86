"""The sample sheets give the expected trees."""

from __future__ import annotations

import json

import pytest

from tenants.plans.spreadsheets import as_json, read
from tests.plans.sample_sheets import DATA, FILES, differences, expected_of


@pytest.mark.parametrize("name", FILES)
def test_tree_is_as_expected(name: str) -> None:
    expected = expected_of(name)
    result = as_json(read(DATA / name, filename=name))
    messages: list[str] = []
    assert [goal["title"] for goal in result["tree"]] == [goal["title"] for goal in expected["goals"]]
    for goal, expected_goal in zip(result["tree"], expected["goals"], strict=True):
        messages += differences(goal, expected_goal, f"goal in row {expected_goal['row']}")
        for outcome, expected_outcome in zip(goal["outcomes"], expected_goal["outcomes"], strict=True):
            messages += differences(outcome, expected_outcome, f"outcome in row {expected_outcome['row']}")
            for action, expected_action in zip(outcome["actions"], expected_outcome["actions"], strict=True):
                messages += differences(action, expected_action, f"action in row {expected_action['row']}")
    assert messages == []


@pytest.mark.parametrize("name", FILES)
def test_counts_are_as_expected(name: str) -> None:
    expected = expected_of(name)
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
    if "supporting_parties" in expected["counts"]:
        counts["supporting_parties"] = len({party for action in actions for party in action.support})
    assert counts == expected["counts"]
    assert {kind: result.count(kind) for kind in expected["row_messages"]} == expected["row_messages"]


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
def test_seven_of_ten_measures_get_the_kind_that_the_author_meant(name: str) -> None:
    expected = [
        kind
        for goal in expected_of(name)["goals"]
        for outcome in goal["outcomes"]
        for action in outcome["actions"]
        for kind in action["measure_kinds"]
    ]
    kinds = [kind for action in read(DATA / name, filename=name).actions for kind in action.measure_kinds]
    assert len(kinds) == len(expected)
    assert sum(kind == other for kind, other in zip(kinds, expected, strict=True)) >= 0.7 * len(expected)


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
    assert shape["messages"][0]["text"].startswith("Public Health: ")  # a row alone does not tell the sheet
    assert all(set(message) == {"row", "column", "value", "text"} for message in shape["messages"])
