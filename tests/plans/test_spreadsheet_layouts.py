"""The layout is recognized whatever the headers, their order and the file format."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import random
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Font

from tenants.plans.spreadsheets import ParseResult, SheetError, read
from tenants.plans.spreadsheets.reading.label_parser import parse_label
from tests.plans.sample_sheets import DATA, FILES, collapse_whitespace

WORDINGS = {
    "indicator": ["Community Indicators", "Where things stand", "Baseline data"],
    "action": ["Strategies and Actions", "What we will do", "Action Items", "Activities"],
    "accountable": ["Who is responsible", "Lead / Accountable", "Responsible Party", "Owner(s)"],
    "timeline": ["By when", "Target Date", "Deadline", "Time Frame"],
    "measures": ["How will we know?", "Metrics", "KPIs", "Measures of Success"],
    "progress": ["Updates", "What happened", "Progress to date"],
    "number": ["#", "Action No.", "ID", "Ref."],
    "stage": ["N/O/O", "GARE stage", "Normalize / Organize / Operationalize"],
    "status": ["Current status", "State", "Implementation status"],
    "resources": ["Budget", "Cost and staff", "Funding"],
    "changes": ["Amendments", "Change log", "Revisions"],
    "implementation_plan": ["Steps", "Work plan", "How will we do it?"],
}
Sheet = tuple[str | None, list[str], list[list[Any]]]


@functools.cache
def sample(name: str) -> tuple[ParseResult, list[Sheet]]:
    """The result of a sample, and its sheets as roles and rows; a row with one text is a heading."""
    result = read(DATA / name, filename=name)
    sheets: list[Sheet] = []
    for info in result.sheets:
        if info.kind != "plan":
            continue
        roles = [column.role for column in info.columns]
        if name.endswith(".csv"):
            with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
                rows: list[list[Any]] = list(csv.reader(file))
        else:
            book = openpyxl.load_workbook(DATA / name)
            rows = [list(row) for row in book[info.name or ""].iter_rows(values_only=True)]
        filled = [row for row in rows[info.header_row :] if any(row)]
        trimmed = [
            [value for value in row if value] if sum(map(bool, row)) == 1 else row[: len(roles)]
            for row in filled
        ]
        sheets.append((info.name, roles, trimmed))
    return result, sheets


def reworded(sheet: Sheet, rng: random.Random) -> tuple[int, list[list[Any]]]:
    """The width and rows of the same plan with other headers in another order, titles, blank rows and an unknown column."""
    _name, roles, rows = sheet
    order = list(range(len(roles)))
    rng.shuffle(order)
    extra = rng.randint(0, len(order))
    header = [rng.choice(WORDINGS[roles[index]]) for index in order]
    header.insert(extra, rng.choice(["Council District", "Cost code", "Who benefits"]))
    lines: list[list[Any]] = [["Sample City Racial Equity Action Plan"], [], header]
    for row in rows:
        if len(row) == 1:
            lines += [[], row] if rng.random() < 0.3 else [row]
        else:
            line = [row[index] if index < len(row) else None for index in order]
            line.insert(extra, rng.choice([None, "see memo"]))
            lines.append(line)
    return len(header), lines


def workbook(sheets: list[tuple[str | None, int, list[list[Any]]]], heading_format: str) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, width, lines in sheets:
        worksheet = book.create_sheet(name or "Plan")
        for number, line in enumerate(lines, start=2):
            for index, value in enumerate(line, start=2):
                worksheet.cell(number, index, value or None)
            if len(line) == 1 and heading_format == "merged":
                worksheet.merge_cells(start_row=number, end_row=number, start_column=2, end_column=width + 1)
            if len(line) == 1 and heading_format == "bold":
                worksheet.cell(number, 2).font = Font(bold=True)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def table(lines: list[list[Any]], delimiter: str, encoding: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(
        ["" if value is None else value for value in line] for line in lines
    )
    return text.getvalue().encode(encoding)


def comparable_tree(result: ParseResult, sheet: str | None = None) -> Any:
    """The tree without rows, sheets and notes."""
    left_out = ("row", "sheet", "department", "notes", "accountability_raw")

    def without(value: Any) -> Any:
        if isinstance(value, list):
            return [without(item) for item in value]
        if isinstance(value, dict):
            return {name: without(item) for name, item in value.items() if name not in left_out}
        return value

    return collapse_whitespace(
        without([goal for goal in result.tree if sheet is None or goal["sheet"] == sheet])
    )


@pytest.mark.parametrize("heading_format", ["merged", "bold", "plain"])
@pytest.mark.parametrize("name", FILES)
def test_a_reworded_workbook_is_the_same_plan(name: str, heading_format: str) -> None:
    expected, sheets = sample(name)
    for seed in range(3):
        rng = random.Random(f"{heading_format}{seed}")
        data = workbook([(sheet[0], *reworded(sheet, rng)) for sheet in sheets], heading_format)
        result = read(data, filename="other.xlsx")
        assert comparable_tree(result) == comparable_tree(expected), f"seed {seed}"
        assert result.cell_counts["refused"] == 0
        assert any(note.text == "see memo" for action in result.actions for note in action.notes)


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (";", "utf-16-le"), (",", "cp1252")],
)
@pytest.mark.parametrize("name", FILES)
def test_a_reworded_csv_is_the_same_plan(name: str, delimiter: str, encoding: str) -> None:
    expected, sheets = sample(name)
    _width, lines = reworded(sheets[0], random.Random(delimiter + encoding))
    result = read(table(lines, delimiter, encoding), filename="other.csv")
    assert comparable_tree(result) == comparable_tree(expected, sheets[0][0])


@pytest.mark.parametrize("is_repeated", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_goals_and_outcomes_may_be_in_columns(name: str, is_repeated: bool) -> None:
    expected, sheets = sample(name)
    _name, roles, rows = sheets[0]
    lines: list[list[Any]] = [["Goal", "Desired Outcome", *[WORDINGS[role][0] for role in roles]]]
    goal = outcome = None
    for row in rows:
        if len(row) == 1:
            kind = parse_label(row[0]).kind
            if kind in ("goal", "number1"):
                goal, outcome = row[0], None
            elif kind != "plain":
                outcome = row[0]
        else:
            lines.append([goal, outcome, *row])
            if not is_repeated:
                goal = outcome = None
    result = read(table(lines, ";", "utf-8"), filename="flat.csv")
    expected_tree = comparable_tree(expected, sheets[0][0])
    for goal_dict in expected_tree:
        goal_dict["story"] = None  # this layout has no row for a story
    assert comparable_tree(result) == expected_tree


HEADER = "Actions,Lead,Timeline,Measures"
ROW = "Post jobs,HR,2026,Posts"


@pytest.mark.parametrize(
    ("goal", "outcome", "labels"),
    [
        ("GOAL 1 - Jobs", "Outcome A: Hiring", ("GOAL 1", "Outcome A")),
        ("Goal One: Jobs", "Objective 1.1 Hiring", ("Goal One", "Objective 1.1")),
        ("Priority Area 1: Jobs", "Strategy 1: Hiring", ("Priority Area 1", "Strategy 1")),
        ("1. Jobs", "1.1 Hiring", ("1", "1.1")),
        ("I. Jobs", "A) Hiring", ("I", "A")),
        ("JOBS", "1a. Hiring", (None, "1a")),
        ("Goal 1: Jobs", "Hiring", ("Goal 1", None)),
        ("Jobs", "Hiring", (None, None)),
    ],
)
def test_labels_of_many_kinds(goal: str, outcome: str, labels: tuple[str | None, str | None]) -> None:
    text = f"{HEADER}\n{goal},,,\n{outcome},,,\n{ROW}\n{ROW}\n"
    goals = read(text.encode(), filename="x.csv").goals
    assert [(item.title.title(), item.label) for item in goals] == [("Jobs", labels[0])]
    assert [(item.title, item.label) for item in goals[0].outcomes] == [("Hiring", labels[1])]
    assert len(goals[0].outcomes[0].actions) == 2


def read_csv(text: str, **options: Any) -> ParseResult:
    return read(text.encode(), filename="plan.csv", **options)


def test_without_goals_the_file_name_becomes_the_goal_with_a_warning() -> None:
    result = read_csv(f"{HEADER}\n{ROW}\n")
    assert [goal.title for goal in result.goals] == ["plan"]
    assert (result.count("no_goal"), result.count("no_outcome")) == (1, 1)


def test_start_and_end_columns_support_and_kinds_of_measures() -> None:
    result = read_csv(
        "Goal,Outcome,Action,Lead,Partners,Start date,End date,How much,How well,Better off\n"
        "Jobs,Hiring,Post jobs,HR,Fire; Police,1/15/2026,June 2026,10 posts,90% on time,More hired\n"
    )
    (action,) = result.actions
    assert (action.start, action.due, action.start_precision, action.due_precision) == (
        "2026-01-15",
        "2026-06-30",
        "day",
        "month",
    )
    assert (action.accountable, action.support) == (["HR"], ["Fire", "Police"])
    assert action.measure_kinds == ["how_much", "how_well", "better_off"]


def test_a_row_without_an_action_continues_the_one_above() -> None:
    result = read_csv(
        f"{HEADER}\nGoal 1: Jobs,,,\nA. Hiring,,,\nPost jobs,HR,June 2026,Posts\n,Fire,May 2027,Hires\n"
    )
    (action,) = result.actions
    assert action.accountable == ["HR", "Fire"]
    assert action.timeline_raw == "June 2026\nMay 2027"
    assert [(item.due, item.measure) for item in action.milestones] == [("2026-06-30", 0), ("2027-05-31", 1)]
    assert result.count("continued_row") == 1


def test_a_header_may_be_repeated_and_its_second_row_names_the_columns() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["Outcomes and Actions", "Accountability", None, "Timeline", "Performance Measures"],
        [None, "Lead", "Partners", None, None],
        ["Goal A: Jobs"],
        ["1. Hiring"],
        ["Post", "HR", "Fire", "June 2026", "Posts"],
        ["Outcomes and Actions", "Accountability", None, "Timeline", "Performance Measures"],
        ["2. Pay"],
        ["Study", "HR", None, "2027", "Study done"],
    ):
        sheet.append(row)
    for area in ("A1:A2", "B1:C1", "D1:D2", "E1:E2", "A3:E3", "A4:E4", "A7:E7"):
        sheet.merge_cells(area)
    buffer = io.BytesIO()
    book.save(buffer)
    result = read(buffer.getvalue(), filename="x.xlsx")
    assert [(outcome.label, len(outcome.actions)) for outcome in result.outcomes] == [("1", 1), ("2", 1)]
    assert [action.support for action in result.actions] == [["Fire"], []]


def test_a_merged_cell_belongs_to_every_action_beside_it() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        [*HEADER.split(",")],
        ["Goal 1: Jobs"],
        ["A. Hiring"],
        ["One", "HR", "2026", "x"],
        ["Two", None, "2027", "y"],
    ):
        sheet.append(row)
    sheet.merge_cells("B4:B5")
    buffer = io.BytesIO()
    book.save(buffer)
    result = read(buffer.getvalue(), filename="x.xlsx")
    assert [action.accountable for action in result.actions] == [["HR"], ["HR"]]
    assert result.cell_counts["total"] == 13


def test_dates_numbers_and_percentages_are_read_as_displayed() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Goal", "Outcome", "Action", "Lead", "Due", "Budget", "No.", "Measures"])
    sheet.append(["Jobs", "Hiring", "One", "HR", dt.date(2026, 12, 31), 25000, 1.0, 0.5])
    sheet.append(["Jobs", "Hiring", "Two", "HR", dt.date(2026, 12, 1), 1234.5, 2, True])
    sheet["E2"].number_format, sheet["E3"].number_format = "m/d/yyyy", "mmm yyyy"
    sheet["F2"].number_format, sheet["H2"].number_format = '"$"#,##0', "0%"
    buffer = io.BytesIO()
    book.save(buffer)
    first, second = read(buffer.getvalue(), filename="x.xlsx").actions
    assert (first.due, first.due_precision, first.resources) == (
        "2026-12-31",
        "day",
        "$25,000",
    )
    assert (first.number, first.measures) == ("1", ["50%"])
    assert (second.due, second.due_precision, second.resources, second.measures) == (
        "2026-12-31",
        "month",
        "1234.5",
        ["Yes"],
    )


def test_a_person_can_choose_the_role_of_a_column() -> None:
    text = "Alpha,Beta,Gamma,Delta\nPost jobs,HR,2026,4-11\n"
    with pytest.raises(SheetError, match=r"Row 1 has: Alpha \| Beta") as refusal:
        read_csv(text)
    assert [column.header for column in refusal.value.sheets[0].columns] == [
        "Alpha",
        "Beta",
        "Gamma",
        "Delta",
    ]
    result = read_csv(text, mapping={"A": "action", 2: "accountable", "C": "timeline", "D": "ignore"})
    (action,) = result.actions
    assert (action.title, action.accountable, action.due) == ("Post jobs", ["HR"], "2026-12-31")
    assert result.cell_counts["refused"] == 1
    by_sheet = {"Plan": {"header_row": 2, "columns": {"D": "resources"}}}
    assert read_csv(text, mapping={"A": "action", "D": "note"}).goals[0].outcomes[0].actions[0].notes[0].label
    with pytest.raises(ValueError, match="unknown role 'nonsense'"):
        read_csv(text, mapping={"A": "nonsense"})
    with pytest.raises(SheetError):
        read_csv(text, mapping=by_sheet)


def test_the_guess_is_shown_with_samples() -> None:
    info = read(DATA / FILES[3], filename=FILES[3]).sheets[0]
    assert (info.name, info.kind, info.header_row, info.department) == (
        "Public Health",
        "plan",
        2,
        "Department of Public Health",
    )
    assert [(column.letter, column.role) for column in info.columns][:3] == [
        ("A", "action"),
        ("B", "resources"),
        ("C", "measures"),
    ]
    assert info.columns[5].samples == ["Completed", "In Progress", "Ongoing"]
