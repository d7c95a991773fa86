"""Import of a sheet: the samples, the rows that are written, conflicts, commands."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cohort.models import PublicAction
from tenants.plans import imports, selectors, services, spreadsheets
from tenants.plans.imports import public_export
from tenants.plans.imports import services as services_of_imports
from tenants.plans.imports.row_builder import RowBuilder
from tenants.plans.models import Action, Department, ExportSnapshot, Goal, ImportJob, PlanLogEntry
from tenants.plans.spreadsheets import three_way_merge
from tests.plans.factories import MeasureFactory
from tests.plans.import_samples import (
    HEADER,
    SHEET,
    get_action,
    import_text,
    plan_rows,
    sheet_of,
    upload_text,
)
from tests.plans.sample_sheets import DATA, FILES, differences, expected_of


@pytest.fixture(autouse=True)
def _in_riverton(riverton: Any, in_city: Any) -> Any:
    with in_city(riverton):
        yield


# ---- The samples -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FILES)
def test_a_sample_imports_to_its_expected_tree(name):
    imports.import_sheet(filename=name, content=(DATA / name).read_bytes(), by=None)
    expected = expected_of(name)
    mismatches = []
    goals = spreadsheets.json_format.compact_tree(imports.export_tree(selectors.current_plan()))
    assert [goal["title"] for goal in goals] == [goal["title"] for goal in expected["goals"]]
    for goal, expected_goal in zip(goals, expected["goals"], strict=True):
        mismatches += differences(goal, expected_goal, f"goal in row {expected_goal['row']}")
        for outcome, expected_outcome in zip(goal["outcomes"], expected_goal["outcomes"], strict=True):
            mismatches += differences(outcome, expected_outcome, f"outcome in row {expected_outcome['row']}")
            for row, expected_row in zip(outcome["actions"], expected_outcome["actions"], strict=True):
                mismatches += differences(row, expected_row, f"action in row {expected_row['row']}")
    assert mismatches == []


@pytest.mark.parametrize("name", FILES)
def test_the_same_sample_twice_changes_nothing(name):
    content = (DATA / name).read_bytes()
    imports.import_sheet(filename=name, content=content, by=None)
    before, changes = plan_rows(without=()), PlanLogEntry.objects.count()
    _result, difference = imports.import_sheet(filename=name, content=content, by=None)
    assert difference.is_empty
    assert {item.state for item in difference.items} == {"same"}
    assert plan_rows(without=()) == before
    assert PlanLogEntry.objects.count() == changes


@pytest.mark.parametrize("name", FILES)
def test_import_of_an_export_changes_nothing(name):
    imports.import_sheet(filename=name, content=(DATA / name).read_bytes(), by=None)
    before = plan_rows(without=())
    content = imports.export_as_bytes(selectors.current_plan(), by=None)
    _result, difference = imports.import_sheet(filename="export.xlsx", content=content, by=None)
    unexpected = [
        (item.node.title, item.state, list(item.fields)) for item in difference.items if item.fields
    ]
    assert unexpected == []
    assert difference.is_empty
    assert plan_rows(without=()) == before


def test_import_of_an_export_changes_nothing_after_work_in_the_portal(make_user, riverton):
    user = make_user(riverton, "coordinator")
    imports.import_sheet(filename=FILES[2], content=(DATA / FILES[2]).read_bytes(), by=None)
    first, second, third = Action.objects.in_plan_order()[:3]
    services.record_progress(
        first,
        status="at_risk",
        text="Late.",
        reason="No lead.",
        next_step="Hire.",
        by=user,
        on=timezone.localdate(),
    )
    services.edit_action(
        second, by=user, accountable="City Clerk", support=["Library and Arts"], number="9.9"
    )
    services.edit_action(third, by=user, title="=SUM(A1)", details="+1 for all", timeline_raw="Ongoing",
                         due_date=None, due_precision="", is_continuous=True)  # fmt: skip
    services.add_action(
        second.outcome, by=user, title="New here", measures=[{"kind": "better_off", "text": "Rents"}]
    )
    before = plan_rows(without=())
    content = imports.export_as_bytes(selectors.current_plan(), by=None)
    _result, difference = imports.import_sheet(filename="export.xlsx", content=content, by=None)
    unexpected = [(item.node.title, item.state, item.fields) for item in difference.items if item.fields]
    assert unexpected == []
    assert plan_rows(without=()) == before


# ---- What is written -------------------------------------------------------------------------------------
def test_a_first_import_replaces_starter_text_that_nobody_edited():
    import_text()
    assert [goal.title for goal in Goal.objects.all()] == ["Fair streets"]
    assert get_action("Paint forty crossings").code == "a7"


def test_starter_text_that_somebody_edited_stays():
    action = Action.objects.order_by("pk").first()
    services.edit_action(action, by=None, title="Ours now")
    import_text()
    assert Goal.objects.count() == 4
    assert Action.objects.filter(title="Ours now").exists()


def test_the_first_party_is_accountable_and_the_others_are_responsible():
    Department.objects.create(name="police")
    import_text()
    changed = get_action("Paint forty crossings")
    assert changed.accountable.name == "Public Works"
    assert [(p.department.name, p.role) for p in changed.parties.all()] == [("police", "responsible")]
    assert changed.accountability_raw == "Public Works; Police"
    assert Department.objects.count() == 2


@pytest.mark.parametrize("names", [("number", "notes"), ("notes", "number")])
def test_a_number_over_40_characters_is_kept_whole_in_the_extra_columns(names):
    builder = RowBuilder(by=None, date_conventions=spreadsheets.DateConventions())
    long, longer = (
        "Part 1 of the plan, as amended in March 2026",
        "Part 1 of the plan, as amended in April 2026",
    )
    values = {"number": long, "notes": [["Cost code", "4-11"]]}
    row = Action()
    for name in names:
        builder.set_value(row, name, values[name])
    assert row.number == "Part 1 of the plan, as amended in March…"
    assert row.extra_columns == [{"label": "Cost code", "text": "4-11"}, {"label": "number", "text": long}]

    values = {"number": longer, "notes": [["Cost code", "4-12"]]}
    for name in names:
        builder.set_value(row, name, values[name])
    assert row.extra_columns == [{"label": "Cost code", "text": "4-12"}, {"label": "number", "text": longer}]


def test_a_long_label_of_a_new_row_is_kept_whole_beside_the_notes_of_the_sheet():
    job = upload_text()
    label, note = "Goal 1 of the plan, as amended in March 2026", {"label": "Cost code", "text": "4-11"}
    job.tree[0] |= {"label": label, "notes": [note]}
    job.save()
    imports.commit_import(job, by=None)
    goal = Goal.objects.get()
    assert goal.label == "Goal 1 of the plan, as amended in March…"
    assert goal.extra_columns == [note, {"label": "label", "text": label}]


def test_an_import_is_logged_for_every_row_and_for_the_plan(make_user, riverton):
    user = make_user(riverton, "coordinator")
    imports.commit_import(upload_text(), by=user)
    entry = PlanLogEntry.objects.get(object_uuid=get_action("Repair the lights").uuid)
    assert (entry.verb, entry.by, entry.reason) == ("imported", user, "Spreadsheet import: plan.csv")
    assert entry.fields["accountable"] == [None, "Public Works"]
    assert entry.fields["measures"][1][0]["text"] == "lights repaired"
    assert PlanLogEntry.objects.filter(object_uuid=selectors.current_plan().uuid, verb="imported").exists()


def test_an_import_into_a_public_plan_is_public_at_once():
    services.publish_plan(selectors.current_plan(), by=None)
    import_text()
    assert set(PublicAction.objects.values_list("title", flat=True)) == {
        "Paint forty crossings",
        "Repair the lights",
    }


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"", "plan.xlsx"),
        (b"no table here", "plan.csv"),
        (b"PK\x03\x04 broken", "plan.xlsx"),
        (b"%PDF-1.7", "plan.pdf"),
    ],
)
def test_a_file_without_a_plan_is_refused_with_a_message_and_changes_nothing(content, filename):
    before = plan_rows(without=())
    with pytest.raises(spreadsheets.SheetError) as refused:
        imports.import_sheet(filename=filename, content=content, by=None)
    assert len(str(refused.value)) > 20
    assert plan_rows(without=()) == before
    assert not ImportJob.objects.exists()


def test_a_file_that_is_too_big_is_refused_before_it_is_read():
    with pytest.raises(ValidationError, match="the limit is 20 MB"):
        upload_text(b"x" * (20 * 1024 * 1024 + 1))
    assert not ImportJob.objects.exists()


# ---- An edited sheet -------------------------------------------------------------------------------------
def test_a_change_in_the_sheet_alone_is_imported():
    import_text()
    job = import_text(SHEET.replace("2028", "2029"))
    assert job.result["counts"]["action"]["changed"] == 1
    changed = get_action("Repair the lights")
    assert changed.due_date.isoformat() == "2029-12-31"
    entry = PlanLogEntry.objects.filter(object_uuid=changed.uuid).latest("pk")
    assert entry.fields["due_date"] == ["2028-12-31", "2029-12-31"]


def test_a_change_in_the_plan_alone_stays():
    import_text()
    services.edit_action(
        get_action("Repair the lights"), by=None, title="Repair all lights", resources="$9,000"
    )
    before = plan_rows()
    job = import_text()
    assert job.result["counts"]["action"]["same"] == 2
    assert plan_rows() == before


def test_a_change_on_both_sides_is_a_conflict_and_the_plan_keeps_its_value():
    import_text()
    services.edit_action(get_action("Repair the lights"), by=None, title="Repair all lights")
    job = upload_text(SHEET.replace("Repair the lights", "Repair the street lights"))
    (row,) = [row for row in job.result["rows"] if row["state"] == "conflict"]
    assert row["fields"]["title"]["base"] == "Repair the lights"
    imports.commit_import(job, by=None)
    assert Action.objects.filter(title="Repair all lights").exists()
    # The same sheet again has no conflict.
    assert (
        upload_text(SHEET.replace("Repair the lights", "Repair the street lights")).result["counts"][
            "action"
        ]["same"]
        == 2
    )


def test_the_coordinator_may_decide_a_conflict_for_the_sheet():
    import_text()
    action = get_action("Repair the lights")
    services.edit_action(action, by=None, title="Repair all lights")
    job = upload_text(SHEET.replace("Repair the lights", "Repair the street lights"))
    imports.commit_import(job, by=None, choices={f"{action.uuid}:title": "sheet"})
    action.refresh_from_db()
    assert action.title == "Repair the street lights"


def test_a_conflict_that_the_check_did_not_show_is_shown_first():
    import_text()
    job = upload_text(SHEET.replace("Repair the lights", "Repair the street lights"))
    services.edit_action(get_action("Repair the lights"), by=None, title="Repair all lights")
    before = plan_rows()
    with pytest.raises(ValidationError, match="Check again"):
        imports.commit_import(job, by=None)
    assert plan_rows() == before
    job.refresh_from_db()
    assert job.state == "checked"


def test_a_row_that_is_not_in_the_sheet_stays():
    import_text()
    job = import_text("\n".join(SHEET.splitlines()[:-1]) + "\n")
    assert [row["title"] for row in job.result["absent"]] == ["Repair the lights"]
    assert Action.objects.filter(title="Repair the lights", retired_at=None).exists()


def test_an_empty_cell_deletes_nothing():
    import_text()
    import_text(SHEET.replace("June 2027", "").replace("Q1: Ten are painted.", ""))
    changed = get_action("Paint forty crossings")
    assert changed.due_date.isoformat() == "2027-06-30"
    assert changed.progress_notes.count() == 1


def test_a_new_row_is_positioned_as_in_the_sheet():
    import_text()
    lines = SHEET.splitlines()
    lines.insert(4, ",Slow the traffic,Public Works,2027,,")
    import_text("\n".join(lines) + "\n")
    titles = list(Action.objects.in_plan_order().values_list("title", flat=True))
    assert titles == ["Paint forty crossings", "Slow the traffic", "Repair the lights"]


def test_a_new_note_is_added_and_none_is_lost(make_user, riverton):
    import_text()
    action = get_action("Paint forty crossings")
    services.record_progress(
        action,
        status="on_track",
        text="Said here.",
        by=make_user(riverton, "coordinator"),
        on=timezone.localdate(),
    )
    import_text(SHEET.replace("Q1: Ten are painted.", '"Q1: Ten are painted.\nFY26 Q2: All are painted."'))
    assert list(action.progress_notes.order_by("position").values_list("text", flat=True)) == [
        "Ten are painted.",
        "Said here.",
        "All are painted.",
    ]


def test_an_older_public_file_brings_back_no_report_that_was_taken_back(make_user, riverton):
    import_text()
    action, rosa = get_action("Paint forty crossings"), make_user(riverton, "coordinator")
    today = timezone.localdate()
    typo, mistake = (
        services.record_progress(action, status="on_track", text=text, by=rosa, on=today)
        for text in ("Half is don.", "Not ours.")
    )
    content = public_export.public_workbook(selectors.current_plan())
    services.correct_progress(typo, status="on_track", text="Half is done.", by=rosa, on=today)
    services.withdraw_progress(mistake, reason="Wrong action.", by=rosa)
    imports.import_sheet(filename="plan.xlsx", content=content, by=None)
    texts = list(action.progress_notes.order_by("position").values_list("text", flat=True))
    assert texts == ["Ten are painted.", "Half is done."]


def test_long_lists_are_cut_in_the_public_file():
    import_text()
    action = get_action("Paint forty crossings")
    Action.objects.filter(pk=action.pk).update(implementation_plan=["Step " + "x" * 7_495] * 6)
    MeasureFactory.create_batch(30, action=action, text="Families " + "y" * 1_900)
    content = public_export.public_workbook(selectors.current_plan())
    result = services_of_imports.read_sheet(content, filename="plan.xlsx")
    read_action = next(
        action
        for goal in result.goals
        for outcome in goal.outcomes
        for action in outcome.actions
        if action.title == "Paint forty crossings"
    )
    assert [len(step) for step in read_action.implementation_plan[:2]] == [7_500, 7_500]
    assert read_action.implementation_plan[-1].endswith("…")
    assert 5 < len(read_action.measures) < 12
    assert read_action.measures[-1].endswith("…")


def test_a_retired_action_is_not_brought_back_by_the_sheet():
    import_text()
    services.retire(get_action("Repair the lights"), reason="Done by the state.", by=None)
    before = plan_rows()
    job = import_text(SHEET.replace("2028", "2029"))
    assert job.result["counts"]["action"]["retired"] == 1
    assert plan_rows() == before


def test_a_moved_row_keeps_its_identity():
    import_text()
    action = get_action("Repair the lights")
    moved = SHEET.replace(",Repair the lights", "B. Streets are lit,,,,,\n,Repair the lights")
    import_text(moved)
    action.refresh_from_db()
    assert action.outcome.title == "Streets are lit"
    assert Action.objects.count() == 2


def test_a_measure_with_the_same_text_keeps_its_baseline():
    import_text()
    measure = get_action("Repair the lights").measures.get()
    measure.baseline = "12 in 2025"
    measure.save()
    import_text(
        SHEET.replace("How much: lights repaired", '"How much: lights repaired\nHow well: lit on time"')
    )
    measures = get_action("Repair the lights").measures.order_by("position")
    assert [m.text for m in measures] == ["lights repaired", "lit on time"]
    assert measures[0].pk == measure.pk
    assert measures[0].baseline == "12 in 2025"


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("lights repaired", "street lights repaired", ["12 in 2025"]),  # reworded
        ("120 apprentices", "120 apprentices (corrected)", ["12 in 2025"]),
        ("120 apprentices", "150 apprentices", ["12 in 2025"]),  # the only one, so little may stay
        ("lights repaired", "complaints answered within a week", [""]),  # another measure
        ("lights repaired", '"lights repaired early\nHow well: lit on time"', ["12 in 2025", ""]),
        ("lights repaired", '"lamps bought\nHow much: lights repaired early"', ["", "12 in 2025"]),
    ],
)
def test_a_reworded_measure_keeps_its_baseline_and_target(before, after, kept):
    sheet = SHEET.replace("How much: lights repaired", f"How much: {before}")
    import_text(sheet)
    get_action("Repair the lights").measures.update(baseline="12 in 2025", target="80")
    after = after if after.startswith('"') else f'"{after}"'
    import_text(sheet.replace(f"How much: {before}", after.replace('"', '"How much: ', 1)))
    measures = get_action("Repair the lights").measures.order_by("position")
    assert [m.baseline for m in measures] == kept
    assert [m.target for m in measures] == ["80" if text else "" for text in kept]


def test_a_measure_of_another_kind_is_another_measure():
    import_text()
    get_action("Repair the lights").measures.update(baseline="12 in 2025")
    import_text(SHEET.replace("How much: lights repaired", "How well: lights repaired well"))
    assert get_action("Repair the lights").measures.get().baseline == ""


MILESTONES = '"June 2027\nJune 2028"'


@pytest.mark.parametrize(
    ("timeline", "titles"),
    [
        ('"July 2027\nJune 2028"', ["First half", "Second half"]),  # the open one is moved
        ('"June 2027\nJuly 2028"', ["First half", ""]),  # what is done does not move
        ('"June 2027\nDecember 2027\nJune 2028"', ["First half", "", "Second half"]),
        ('"May 2027\nJuly 2027\nJuly 2028"', ["", "", ""]),  # nobody knows which is which
    ],
)
def test_a_moved_milestone_keeps_its_title_and_a_done_one_stays_on_its_day(timeline, titles):
    sheet = SHEET.replace("Public Works,2028", f"Public Works,{MILESTONES}")
    import_text(sheet)
    first, second = get_action("Repair the lights").milestones.order_by("due_date")
    for milestone, title, done in ((first, "First half", None), (second, "Second half", "2026-11-01")):
        milestone.title, milestone.done_date = title, done
        milestone.save()
    job = import_text(sheet.replace(MILESTONES, timeline))
    milestones = get_action("Repair the lights").milestones.order_by("due_date")
    assert [milestone.title for milestone in milestones] == titles
    assert [bool(milestone.done_date) for milestone in milestones] == [
        title == "Second half" for title in titles
    ]
    imports.undo_import(job, by=None)
    milestones = get_action("Repair the lights").milestones.order_by("due_date")
    assert [milestone.title for milestone in milestones] == ["First half", "Second half"]


def test_a_sheet_made_from_an_older_export_does_not_revert_the_portal():
    import_text()
    old = imports.export_as_bytes(selectors.current_plan(), by=None)
    services.edit_action(get_action("Repair the lights"), by=None, title="Repair all lights")
    imports.export_as_bytes(selectors.current_plan(), by=None)
    assert ExportSnapshot.objects.count() == 2
    job = imports.upload_sheet(filename="old.xlsx", content=old, by=None)
    imports.commit_import(job, by=None)
    assert Action.objects.filter(title="Repair all lights").exists()


def test_two_departments_import_separate_sheets():
    import_text()
    other = HEADER + "Goal 2: Fair libraries,,,,,\nA. Cards for all,,,,,\n,End late fees,Library,2027,,\n"
    import_text(other)
    import_text(SHEET.replace("2028", "2029"))
    assert get_action("Repair the lights").due_date.year == 2029
    assert get_action("End late fees").outcome.goal.title == "Fair libraries"
    assert Goal.objects.count() == 2


# ---- Growth ----------------------------------------------------------------------------------------------
def test_an_import_needs_as_many_queries_for_32_actions_as_for_2():
    counts = []
    for number in (2, 8, 32):
        Goal.objects.all().delete()
        ImportJob.objects.all().delete()
        Department.objects.all().delete()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            import_text(sheet_of(number))
        with CaptureQueriesContext(connection) as repeated:
            import_text(sheet_of(number).replace("June 2027", "July 2027"))
        counts.append((len(queries), len(repeated)))
    assert counts[0] == counts[1] == counts[2]


def test_fifteen_hundred_actions_import_within_ten_seconds_of_work():
    started = time.process_time()
    import_text(sheet_of(1500))
    assert time.process_time() - started < 10
    assert Action.objects.count() == 1500


# ---- Commands --------------------------------------------------------------------------------------------
def test_the_command_prints_the_result_as_json_and_a_dry_run_changes_nothing(capsys):
    before = plan_rows(without=())
    call_command("import_plan", "riverton", str(DATA / FILES[0]), "--dry-run", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"goals", "outcomes", "actions", "cells", "messages", "tree"}
    assert (printed["goals"], printed["outcomes"], printed["actions"]) == (4, 9, 31)
    assert plan_rows(without=()) == before
    assert not ImportJob.objects.exists()


def test_the_commands_import_and_export(tmp_path: Path, capsys):
    call_command("import_plan", "riverton", str(DATA / FILES[1]))
    assert "18 actions new" in capsys.readouterr().out
    target = tmp_path / "plan.xlsx"
    call_command("export_plan", "riverton", str(target))
    assert "Wrote 18 actions" in capsys.readouterr().out
    call_command("import_plan", "riverton", str(target))
    assert "0 actions new, 0 changed, 18 the same, 0 in conflict" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("slug", "name", "message"),
    [
        ("nowhere", FILES[0], "Known: "),
        ("riverton", "missing.xlsx", "Cannot read"),
        ("riverton", "empty.csv", "Nothing was imported"),
    ],
)
def test_the_command_explains_an_error(tmp_path, slug, name, message):
    (tmp_path / "empty.csv").write_text("")
    path = DATA / name if name in FILES else tmp_path / name
    with pytest.raises(CommandError, match=message):
        call_command("import_plan", slug, str(path))
    assert not ImportJob.objects.exists()


# ---- Comparing -------------------------------------------------------------------------------------------
def test_two_rows_of_the_same_title_are_matched_by_their_number():
    def node(key: str, number: str) -> three_way_merge.Node:
        return three_way_merge.Node("action", key, None, {"title": "Train staff", "number": number})

    matches = three_way_merge.match_rows(
        [node("s1", "2"), node("s2", "1")], [node("p1", "1"), node("p2", "2")], {}
    )
    assert {key: row.key for key, row in matches.items()} == {"s1": "p2", "s2": "p1"}


def test_spaces_and_line_breaks_make_no_difference():
    assert three_way_merge.normalize("a \n b") == three_way_merge.normalize(" a b ")
    assert three_way_merge.normalize({"raw": "", "list": []}) is None
