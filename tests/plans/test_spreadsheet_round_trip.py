"""An exported plan reads back as the same plan."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.plans.spreadsheets import (
    ACTION_STAGES,
    ACTION_STATUSES,
    MEASURE_KINDS,
    Action,
    Goal,
    Milestone,
    Outcome,
    ParseResult,
    SheetError,
    SheetNote,
    read,
    write_xlsx,
)
from tenants.plans.spreadsheets.text import is_empty_marker
from tests.plans.sample_sheets import DATA, FILES

POSITION_FIELDS = ("row", "sheet")


def export(goals: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    write_xlsx(goals, buffer, **options)
    return buffer.getvalue()


def without_position(value: Any) -> Any:
    if isinstance(value, list):
        return [without_position(item) for item in value]
    if isinstance(value, dict):
        return {name: without_position(item) for name, item in value.items() if name not in POSITION_FIELDS}
    return value


def tree_of(result: ParseResult) -> Any:
    return without_position(result.tree)


def cells_of(data: bytes) -> dict[tuple[str, str], tuple[Any, str]]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        (sheet.title, cell.coordinate): (cell.value, cell.data_type)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


@pytest.mark.parametrize("name", FILES)
def test_a_sample_survives_the_round_trip(name: str) -> None:
    first = read(DATA / name, filename=name)
    for number, goal in enumerate(first.goals):
        goal.id = f"g{number}"
        for position, outcome in enumerate(goal.outcomes):
            outcome.id = f"g{number}o{position}"
            for index, action in enumerate(outcome.actions):
                action.id = f"g{number}o{position}a{index}"
    exported = export(first.goals, title="Racial Equity Action Plan")
    second = read(exported, filename="export.xlsx")
    assert tree_of(second) == tree_of(first)
    assert second.cell_counts["refused"] == 0
    kinds = {"no_date", "several_parties", "no_party", "no_measure"}
    assert {kind: second.count(kind) for kind in kinds} == {kind: first.count(kind) for kind in kinds}
    exported_again = export(second.tree, title="Racial Equity Action Plan")
    if name.endswith(".xlsx"):
        assert cells_of(exported_again) == cells_of(exported)
    assert tree_of(read(exported_again, filename="export.xlsx")) == tree_of(first)


def test_the_export_has_the_layout_that_cities_share_and_an_id_column() -> None:
    first = read(DATA / FILES[0], filename=FILES[0])
    book = openpyxl.load_workbook(io.BytesIO(export(first.goals)))
    sheet = book.active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == [
        "Community Indicator",
        "Outcomes and Actions",
        "Accountability",
        "Timeline",
        "Performance Measures",
        "Progress Report",
        "id",
    ]
    assert (
        sheet["A2"].value
        == "Goal 1: City government looks like Port Lysander and treats every employee fairly"
    )
    merged = {str(area) for area in sheet.merged_cells.ranges}
    assert {"A2:F2", "A3:F3", "A4:A7"} <= merged
    assert sheet.freeze_panes == "A2"


def plan_with(**fields: Any) -> list[Goal]:
    action = Action(**{"title": "Do it"} | fields)
    return [Goal(title="Fair streets", outcomes=[Outcome(title="No one waits", actions=[action])])]


def read_back(goals: list[Goal]) -> Action:
    """The first action of the exported goals."""
    return next(read(export(goals), filename="export.xlsx").actions)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        '=HYPERLINK("http://example.com","x")',
        "=cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
    ],
)
def test_a_text_is_never_a_formula(text: str) -> None:
    data = export(
        [
            Goal(
                title=text,
                story=text,
                notes=[SheetNote(text, text)],
                outcomes=[
                    Outcome(
                        title=text,
                        actions=[
                            Action(
                                title=text,
                                resources=text,
                                changes=text,
                                number=text,
                                accountable=[text.strip()],
                                measures=[text],
                                measure_kinds=["how_well"],
                                notes=[SheetNote("Cost code", text)],
                                progress_notes=[SheetNote("", text)],
                                implementation_plan=[text],
                                timeline_raw=text,
                                status_raw=text,
                            )
                        ],
                    )
                ],
            )
        ],
        title=text,
    )
    assert {kind for _value, kind in cells_of(data).values()} == {"s"}
    action = next(read(data, filename="export.xlsx").actions)
    assert action.title == text.strip()
    assert (action.resources or "").strip() == text.strip()
    assert action.accountable == [text.strip()]
    assert action.measures == [text.strip()]


@pytest.mark.parametrize(
    "fields",
    [
        {"start": "2026-07-15", "start_precision": "day", "due": "2027-06-30", "due_precision": "month"},
        {"timeline_raw": "June 2026", "due": "2027-01-31", "due_precision": "month"},
        {"timeline_raw": "June 2026", "due": "2026-06-30", "due_precision": "month", "continuous": True},
        {"timeline_raw": "TBD", "start": "2026-01-01", "start_precision": "year", "continuous": True},
        {"timeline_raw": "June 2026"},
        {
            "due": "2027-06-30",
            "due_precision": "quarter",
            "milestones": [
                Milestone("2026-06-30", 1, "month"),
                Milestone("2026-12-31", None, "year"),
                Milestone("2027-06-30", 0, "quarter"),
            ],
        },
        {"status": "completed"},
        {"status": "completed", "status_raw": "In Progress"},
        {"status_raw": "Completed"},
        {"status": "on_track", "status_raw": "Ongoing", "due": "2026-06-30", "due_precision": "day"},
        {"title": "1.1.2. Pay fees"},
        {"title": "Pay fees", "code": "Action 7"},
        {"title": "12 contracts split", "code": "2.1"},
        {"measures": ["- 5% fewer", "How well: x", "1) y"], "measure_kinds": [None, "how_much", "better_off"]},
        {"progress_notes": [SheetNote("", "A\nQ1: B"), SheetNote("", "C"), SheetNote("After the vote", "D\n\n[E]: F")]},
        {"notes": [SheetNote("Target", "5"), SheetNote("Target", "6"), SheetNote("Status", "n/a"), SheetNote("", "x")]},
        {"support": ["Library"], "owner_vacant_since": "2026-03"},
        {"owner_vacant_since": "2026-03-15"},
        {"implementation_plan": ["1) one", "- two", "n/a"]},
        {"indicator_text": "n/a", "details": "One.\n\n\n- Two\n- Three", "number": "7.0", "stage": "organize"},
    ],
)  # fmt: skip
def test_changes_made_in_the_portal_survive(fields: dict[str, Any]) -> None:
    goals = plan_with(**fields)
    action = read_back(goals)
    original = goals[0].outcomes[0].actions[0]
    if not original.due:
        original.due_precision = original.start_precision
    original.measure_kinds = original.measure_kinds or []
    fields_read = without_position(dataclasses.asdict(action))
    expected = without_position(dataclasses.asdict(original))
    if not original.accountability_raw and (original.accountable or original.support):
        expected.pop("accountability_raw"), fields_read.pop("accountability_raw")
    if original.progress_notes:
        for note in expected["progress_notes"]:
            note["label"] = note["label"].strip()
    assert fields_read == expected


def test_names_with_and_stay_one_party() -> None:
    goals = plan_with(accountable=["Parks and Recreation", "Library, North"])
    goals[0].outcomes[0].actions += [
        Action(title="More", accountable=["Parks"]),
        Action(title="Most", accountable=["Library"], support=["Recreation and Parks and Trees"]),
    ]
    actions = list(read(export(goals), filename="x.xlsx").actions)
    assert [action.accountable for action in actions] == [
        ["Parks and Recreation", "Library, North"],
        ["Parks"],
        ["Library"],
    ]
    assert actions[2].support == ["Recreation and Parks and Trees"]


def test_an_action_without_an_indicator_after_one_with_an_indicator_stays_without() -> None:
    goals = plan_with(indicator_text="Baseline 5%")
    goals[0].outcomes[0].actions += [
        Action(title="Two", indicator_text="Baseline 5%"),
        Action(title="Three"),
        Action(title="Four"),
        Action(title="Five", indicator_text="Baseline 6%"),
    ]
    indicators = [action.indicator_text for action in read(export(goals), filename="x.xlsx").actions]
    assert indicators == ["Baseline 5%", "Baseline 5%", None, None, "Baseline 6%"]


@pytest.mark.parametrize(
    ("label", "title"),
    [
        (None, "A. Smith Park"),
        (None, "1.1 Hiring"),
        (None, "Goal 1: no label"),
        (None, "Plain words"),
        ("Goal 1", "Fair streets: for all"),
        ("A", "B. C"),
        ("Vision", "Everyone belongs"),
        ("2.1", "12 contracts"),
        ("IV", "Housing"),
        ("Goal One", "Housing"),
        ("Phase 2 (east)", "Housing"),
    ],
)
def test_labels_survive(label: str | None, title: str) -> None:
    goals = [
        Goal(
            title=title,
            label=label,
            id="7",
            story="Where we stand: well.\n\nRating: 3 of 4.",
            notes=[SheetNote("Lead", "Mayor")],
            outcomes=[
                Outcome(title, label, id="8", story="Slow.", notes=[SheetNote("", "x")], actions=[Action("Do it", id="9")]),
                Outcome(title="Empty", label="B", id="10"),
            ],
        ),
        Goal(title="Later", label="Goal 9"),
    ]  # fmt: skip
    assert tree_of(read(export(goals), filename="x.xlsx")) == without_position(
        [dataclasses.asdict(goal) for goal in goals]
    )


def test_each_department_gets_a_sheet_with_a_name_that_a_workbook_accepts() -> None:
    goals = [
        Goal(title="One", department="Parks / Recreation: a very long name of a department"),
        Goal(title="Two", department="Parks / Recreation: a very long name of a department in the north"),
        Goal(title="Three", department="History"),
        Goal(title="Four", department="'Quoted'"),
    ]
    for goal in goals:
        goal.outcomes = [Outcome(title="Better", actions=[Action(title=f"Do {goal.title}")])]
    data = export(goals, title="Plan of the County")
    assert len(openpyxl.load_workbook(io.BytesIO(data)).sheetnames) == 4
    goals_read = read(data, filename="x.xlsx").goals
    assert [(goal.title, goal.department) for goal in goals_read] == [
        (goal.title, goal.department) for goal in goals
    ]


def test_an_empty_plan_gives_an_empty_sheet() -> None:
    data = export([])
    assert set(cells_of(data).values()) >= {("Outcomes and Actions", "s"), ("id", "s")}


def test_a_text_that_is_too_long_for_a_cell_is_refused() -> None:
    with pytest.raises(SheetError, match="32768 characters; a cell holds 32767"):
        export(plan_with(resources="x" * 32768))


def test_a_row_added_to_an_export_is_a_new_action() -> None:
    first = read(DATA / FILES[0], filename=FILES[0])
    for number, action in enumerate(first.actions):
        action.id = str(number)
    book = openpyxl.load_workbook(io.BytesIO(export(first.goals)))
    sheet = book.active
    assert sheet is not None
    sheet.append(
        [None, "Plant more trees.", "Parks and Recreation", "June 2028", "Trees planted", None, None]
    )
    buffer = io.BytesIO()
    book.save(buffer)
    actions = list(read(buffer.getvalue(), filename="x.xlsx").actions)
    assert [action.id for action in actions] == [*map(str, range(31)), None]
    assert (actions[-1].title, actions[-1].due) == ("Plant more trees.", "2028-06-30")


RAW_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=40
)
LINE = RAW_TEXT.map(lambda text: " ".join(text.split())).filter(bool)
NAME = (
    LINE.filter(lambda text: not is_empty_marker(text))
    .filter(lambda text: ";" not in text and ":" not in text and "(" not in text)
    .filter(lambda text: any(letter.isalpha() for letter in text) and "vacan" not in text.lower())
)
TEXT = st.lists(LINE, min_size=1, max_size=3).map("\n".join)
DATE = st.dates(min_value=dt.date(1995, 1, 1), max_value=dt.date(2090, 1, 1))
PERIOD = st.sampled_from(["", "Q1", "FY26 Q2", "May 2026", "By hand"])
PRECISION = st.sampled_from(["year", "quarter", "month", "day"])


@st.composite
def actions(draw: Any) -> Action:
    measures = draw(st.lists(LINE, max_size=3))
    start, due = sorted([draw(DATE), draw(DATE)])
    has_start, has_due = draw(st.booleans()), draw(st.booleans())
    action = Action(
        title=draw(LINE),
        details=draw(st.none() | TEXT),
        id=draw(st.none() | st.uuids().map(str)),
        number=draw(st.none() | LINE.map(lambda text: text[:40].strip()).filter(bool)),
        code=draw(st.none() | st.from_regex(r"[1-9]\.[1-9]", fullmatch=True)),
        accountable=draw(st.lists(NAME, max_size=2, unique_by=lambda name: name.casefold())),
        support=draw(st.lists(NAME, max_size=2, unique_by=lambda name: name.casefold())),
        timeline_raw=draw(st.sampled_from(["", "", "TBD", "June 2026", "Ongoing", "2026-2028"])),
        measures=measures,
        measure_kinds=[draw(st.none() | st.sampled_from(sorted(MEASURE_KINDS))) for _ in measures],
        progress_notes=draw(st.lists(st.builds(SheetNote, PERIOD, TEXT), max_size=3)),
        status=draw(st.none() | st.sampled_from(sorted(ACTION_STATUSES))),
        status_raw=draw(st.none() | st.sampled_from(["In Progress", "Done", "Purple"])),
        stage=draw(st.none() | st.sampled_from(sorted(ACTION_STAGES))),
        indicator_text=draw(st.none() | TEXT.filter(lambda text: text != "–")),
        resources=draw(st.none() | TEXT),
        implementation_plan=draw(st.lists(LINE, max_size=3)),
        changes=draw(st.none() | TEXT),
        notes=draw(st.lists(st.builds(SheetNote, st.sampled_from(["", "Target", "Who helps", "Status"]), TEXT), max_size=2)),
        continuous=draw(st.booleans()),
    )  # fmt: skip
    if has_start:
        action.start, action.start_precision = start.isoformat(), draw(PRECISION)
    if has_due:
        action.due, action.due_precision = due.isoformat(), draw(PRECISION)
    else:
        action.due_precision = action.start_precision
    if draw(st.booleans()):
        action.milestones = [
            Milestone(draw(DATE).isoformat(), draw(st.none() | st.integers(0, 4)), draw(PRECISION))
            for _ in range(2)
        ]
    return action


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(actions(), min_size=1, max_size=4),
    st.none() | LINE.map(lambda text: text[:40].strip()).filter(bool),
    LINE,
)
def test_any_plan_survives(items: list[Action], label: str | None, title: str) -> None:
    goals = [Goal(title=title, label=label, outcomes=[Outcome(title=title, label=label, actions=items)])]
    result = read(export(goals), filename="x.xlsx")
    expected = ParseResult("x.xlsx", result.date_conventions, goals=goals)
    for action in [*result.actions, *expected.actions]:
        action.accountability_raw = ""  # the writer makes one where there was none
        action.notes.sort(key=lambda note: note.label)  # the columns have the same order for all actions
    assert tree_of(result) == tree_of(expected)
