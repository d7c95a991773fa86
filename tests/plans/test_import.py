"""A sheet on its way into the plan and out again: what it holds, twice, changed, taken back."""

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
from tenants.plans import selectors, services, spreadsheets
from tenants.plans.models import (
    Action,
    ActionParty,
    Change,
    Department,
    Export,
    Goal,
    ImportJob,
    Milestone,
    Outcome,
    PerformanceMeasure,
    Plan,
    ProgressNote,
)
from tenants.plans.spreadsheets import three_way_merge
from tests.plans.sample_sheets import DATA, FILES, differences, expected_of

PLAN_MODELS = (
    Plan,
    Goal,
    Outcome,
    Action,
    ActionParty,
    PerformanceMeasure,
    Milestone,
    ProgressNote,
    Department,
)
HEADER = (
    "Community Indicator,Outcomes and Actions,Accountability,Timeline,Performance Measures,Progress Report\n"
)
SHEET = HEADER + (
    "Goal 1: Fair streets,,,,,\n"
    "A. Crossings are safe,,,,,\n"
    ",Paint forty crossings,Public Works; Police,June 2027,How much: crossings painted,Q1: Ten are painted.\n"
    ",Repair the lights,Public Works,2028,How much: lights repaired,\n"
)


@pytest.fixture(autouse=True)
def _in_riverton(riverton: Any, in_city: Any) -> Any:
    with in_city(riverton):
        yield


def rows(*, without: tuple[str, ...] = ("updated_at",)) -> dict[str, Any]:
    found = {}
    for model in PLAN_MODELS:
        names = [field.attname for field in model._meta.concrete_fields if field.attname not in without]
        found[model.__name__] = list(model.objects.order_by("pk").values(*names))
    return found


def upload(text: str | bytes = SHEET, filename: str = "plan.csv") -> ImportJob:
    content = text.encode() if isinstance(text, str) else text
    return services.upload_sheet(filename=filename, content=content, by=None)


def imported(text: str | bytes = SHEET, **options: Any) -> ImportJob:
    return services.commit_import(upload(text), by=None, **options)


def action(title: str) -> Action:
    return Action.objects.select_related("accountable").get(title=title)


# ---- The samples -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FILES)
def test_a_sample_imports_to_its_expected_tree(name):
    services.import_sheet(filename=name, content=(DATA / name).read_bytes(), by=None)
    wanted = expected_of(name)
    told = []
    found = spreadsheets.json_format.compact_tree(services.export_tree(selectors.current_plan()))
    assert [goal["title"] for goal in found] == [goal["title"] for goal in wanted["goals"]]
    for goal, wanted_goal in zip(found, wanted["goals"], strict=True):
        told += differences(goal, wanted_goal, f"goal in row {wanted_goal['row']}")
        for outcome, wanted_outcome in zip(goal["outcomes"], wanted_goal["outcomes"], strict=True):
            told += differences(outcome, wanted_outcome, f"outcome in row {wanted_outcome['row']}")
            for row, wanted_row in zip(outcome["actions"], wanted_outcome["actions"], strict=True):
                told += differences(row, wanted_row, f"action in row {wanted_row['row']}")
    assert told == []


@pytest.mark.parametrize("name", FILES)
def test_the_same_sample_twice_changes_nothing(name):
    content = (DATA / name).read_bytes()
    services.import_sheet(filename=name, content=content, by=None)
    before, changes = rows(without=()), Change.objects.count()
    _result, difference = services.import_sheet(filename=name, content=content, by=None)
    assert difference.is_empty
    assert {item.state for item in difference.items} == {"same"}
    assert rows(without=()) == before
    assert Change.objects.count() == changes


@pytest.mark.parametrize("name", FILES)
def test_import_of_an_export_changes_nothing(name):
    services.import_sheet(filename=name, content=(DATA / name).read_bytes(), by=None)
    before = rows(without=())
    content = services.export_as_bytes(selectors.current_plan(), by=None)
    _result, difference = services.import_sheet(filename="export.xlsx", content=content, by=None)
    told = [(item.node.title, item.state, list(item.fields)) for item in difference.items if item.fields]
    assert told == []
    assert difference.is_empty
    assert rows(without=()) == before


def test_import_of_an_export_changes_nothing_after_work_in_the_portal(make_user, riverton):
    user = make_user(riverton, "coordinator")
    services.import_sheet(filename=FILES[2], content=(DATA / FILES[2]).read_bytes(), by=None)
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
    before = rows(without=())
    content = services.export_as_bytes(selectors.current_plan(), by=None)
    _result, difference = services.import_sheet(filename="export.xlsx", content=content, by=None)
    told = [(item.node.title, item.state, item.fields) for item in difference.items if item.fields]
    assert told == []
    assert rows(without=()) == before


# ---- What is written -------------------------------------------------------------------------------------
def test_a_first_import_takes_the_place_of_untouched_starter_text():
    imported()
    assert [goal.title for goal in Goal.objects.all()] == ["Fair streets"]
    assert action("Paint forty crossings").code == "a7"


def test_starter_text_that_somebody_touched_stays():
    mine = Action.objects.order_by("pk").first()
    services.edit_action(mine, by=None, title="Ours now")
    imported()
    assert Goal.objects.count() == 4
    assert Action.objects.filter(title="Ours now").exists()


def test_the_first_party_answers_and_the_others_are_responsible():
    Department.objects.create(name="police")
    imported()
    found = action("Paint forty crossings")
    assert found.accountable.name == "Public Works"
    assert [(p.department.name, p.part) for p in found.parties.all()] == [("police", "responsible")]
    assert found.accountability_raw == "Public Works; Police"
    assert Department.objects.count() == 2


def test_an_import_is_in_the_history_of_every_row_and_of_the_plan(make_user, riverton):
    user = make_user(riverton, "coordinator")
    services.commit_import(upload(), by=user)
    entry = Change.objects.get(object_uuid=action("Repair the lights").uuid)
    assert (entry.verb, entry.by, entry.reason) == ("imported", user, "Spreadsheet import: plan.csv")
    assert entry.fields["accountable"] == [None, "Public Works"]
    assert entry.fields["measures"][1][0]["text"] == "lights repaired"
    assert Change.objects.filter(object_uuid=selectors.current_plan().uuid, verb="imported").exists()


def test_an_import_into_a_public_plan_is_public_at_once():
    services.publish_plan(selectors.current_plan(), by=None)
    imported()
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
def test_a_file_that_is_no_plan_is_refused_in_words_and_changes_nothing(content, filename):
    before = rows(without=())
    with pytest.raises(spreadsheets.SheetError) as refused:
        services.import_sheet(filename=filename, content=content, by=None)
    assert len(str(refused.value)) > 20
    assert rows(without=()) == before
    assert not ImportJob.objects.exists()


def test_a_file_that_is_too_big_is_refused_before_it_is_read():
    with pytest.raises(ValidationError, match="the limit is 20 MB"):
        upload(b"x" * (20 * 1024 * 1024 + 1))
    assert not ImportJob.objects.exists()


# ---- An edited sheet -------------------------------------------------------------------------------------
def test_what_only_the_sheet_changed_is_taken():
    imported()
    job = imported(SHEET.replace("2028", "2029"))
    assert job.result["counts"]["action"]["changed"] == 1
    found = action("Repair the lights")
    assert found.due_date.isoformat() == "2029-12-31"
    entry = Change.objects.filter(object_uuid=found.uuid).latest("pk")
    assert entry.fields["due_date"] == ["2028-12-31", "2029-12-31"]


def test_what_only_the_plan_changed_is_kept():
    imported()
    services.edit_action(action("Repair the lights"), by=None, title="Repair all lights", resources="$9,000")
    before = rows()
    job = imported()
    assert job.result["counts"]["action"]["same"] == 2
    assert rows() == before


def test_what_both_changed_is_a_conflict_and_the_plan_keeps_its_own():
    imported()
    services.edit_action(action("Repair the lights"), by=None, title="Repair all lights")
    job = upload(SHEET.replace("Repair the lights", "Repair the street lights"))
    (row,) = [row for row in job.result["rows"] if row["state"] == "conflict"]
    assert row["fields"]["title"]["base"] == "Repair the lights"
    services.commit_import(job, by=None)
    assert Action.objects.filter(title="Repair all lights").exists()
    # the same sheet again asks nothing again
    assert (
        upload(SHEET.replace("Repair the lights", "Repair the street lights")).result["counts"]["action"][
            "same"
        ]
        == 2
    )


def test_the_coordinator_may_take_the_sheets_side():
    imported()
    mine = action("Repair the lights")
    services.edit_action(mine, by=None, title="Repair all lights")
    job = upload(SHEET.replace("Repair the lights", "Repair the street lights"))
    services.commit_import(job, by=None, choices={f"{mine.uuid}:title": "sheet"})
    mine.refresh_from_db()
    assert mine.title == "Repair the street lights"


def test_a_conflict_that_the_check_did_not_show_is_shown_first():
    imported()
    job = upload(SHEET.replace("Repair the lights", "Repair the street lights"))
    services.edit_action(action("Repair the lights"), by=None, title="Repair all lights")
    before = rows()
    with pytest.raises(ValidationError, match="Check again"):
        services.commit_import(job, by=None)
    assert rows() == before
    job.refresh_from_db()
    assert job.state == "checked"


def test_a_row_that_the_sheet_omits_stays():
    imported()
    job = imported("\n".join(SHEET.splitlines()[:-1]) + "\n")
    assert [row["title"] for row in job.result["absent"]] == ["Repair the lights"]
    assert Action.objects.filter(title="Repair the lights", retired_at=None).exists()


def test_an_empty_cell_takes_nothing_away():
    imported()
    imported(SHEET.replace("June 2027", "").replace("Q1: Ten are painted.", ""))
    found = action("Paint forty crossings")
    assert found.due_date.isoformat() == "2027-06-30"
    assert found.progress_notes.count() == 1


def test_a_new_row_stands_where_the_sheet_has_it():
    imported()
    lines = SHEET.splitlines()
    lines.insert(4, ",Slow the traffic,Public Works,2027,,")
    imported("\n".join(lines) + "\n")
    titles = list(Action.objects.in_plan_order().values_list("title", flat=True))
    assert titles == ["Paint forty crossings", "Slow the traffic", "Repair the lights"]


def test_a_new_note_is_added_and_none_is_lost(make_user, riverton):
    imported()
    mine = action("Paint forty crossings")
    services.record_progress(
        mine,
        status="on_track",
        text="Said here.",
        by=make_user(riverton, "coordinator"),
        on=timezone.localdate(),
    )
    imported(SHEET.replace("Q1: Ten are painted.", '"Q1: Ten are painted.\nFY26 Q2: All are painted."'))
    assert list(mine.progress_notes.order_by("position").values_list("text", flat=True)) == [
        "Ten are painted.",
        "Said here.",
        "All are painted.",
    ]


def test_a_retired_action_is_not_brought_back_by_the_sheet():
    imported()
    services.retire(action("Repair the lights"), reason="Done by the state.", by=None)
    before = rows()
    job = imported(SHEET.replace("2028", "2029"))
    assert job.result["counts"]["action"]["retired"] == 1
    assert rows() == before


def test_a_moved_row_keeps_its_identity():
    imported()
    mine = action("Repair the lights")
    moved = SHEET.replace(",Repair the lights", "B. Streets are lit,,,,,\n,Repair the lights")
    imported(moved)
    mine.refresh_from_db()
    assert mine.outcome.title == "Streets are lit"
    assert Action.objects.count() == 2


def test_a_measure_in_the_same_words_keeps_its_baseline():
    imported()
    measure = action("Repair the lights").measures.get()
    measure.baseline = "12 in 2025"
    measure.save()
    imported(SHEET.replace("How much: lights repaired", '"How much: lights repaired\nHow well: lit on time"'))
    found = action("Repair the lights").measures.order_by("position")
    assert [m.text for m in found] == ["lights repaired", "lit on time"]
    assert found[0].pk == measure.pk
    assert found[0].baseline == "12 in 2025"


def test_a_sheet_made_from_an_older_export_does_not_revert_the_portal():
    imported()
    old = services.export_as_bytes(selectors.current_plan(), by=None)
    services.edit_action(action("Repair the lights"), by=None, title="Repair all lights")
    services.export_as_bytes(selectors.current_plan(), by=None)
    assert Export.objects.count() == 2
    job = services.upload_sheet(filename="old.xlsx", content=old, by=None)
    services.commit_import(job, by=None)
    assert Action.objects.filter(title="Repair all lights").exists()


def test_two_departments_send_sheets_of_their_own():
    imported()
    other = HEADER + "Goal 2: Fair libraries,,,,,\nA. Cards for all,,,,,\n,End late fees,Library,2027,,\n"
    imported(other)
    imported(SHEET.replace("2028", "2029"))
    assert action("Repair the lights").due_date.year == 2029
    assert action("End late fees").outcome.goal.title == "Fair libraries"
    assert Goal.objects.count() == 2


# ---- Taking back -----------------------------------------------------------------------------------------
def test_taking_back_a_first_import_brings_the_starter_plan_back_exactly():
    before = rows(without=("updated_at", "next_code"))
    job = imported()
    services.undo_import(job, by=None)
    assert rows(without=("updated_at", "next_code")) == before
    job.refresh_from_db()
    assert job.state == "undone"
    assert Change.objects.filter(verb="undone", object_type="plan").exists()


def test_taking_back_a_changed_sheet_puts_back_every_field():
    imported()
    mine = action("Paint forty crossings")
    services.edit_action(mine, by=None, milestones=[{"title": "Half", "due_date": "2027-01-31"}])
    before = rows(without=("updated_at", "updated_by_id", "next_code"))
    changed = (
        SHEET.replace("June 2027", "July 2027")
        .replace("Public Works; Police", "Parks; Fire")
        .replace("crossings painted", "crossings repainted")
        .replace("Q1: Ten are painted.", '"Q1: Ten are painted.\nQ2: Twenty."')
        .replace("Fair streets", "Fair and safe streets")
    )
    lines = changed.splitlines()
    lines.insert(4, ",Slow the traffic,Public Works,2027,,")
    job = imported("\n".join(lines) + "\n")
    assert rows(without=("updated_at", "updated_by_id", "next_code")) != before
    services.undo_import(job, by=None)
    assert rows(without=("updated_at", "updated_by_id", "next_code")) == before


def test_taking_back_is_refused_for_rows_edited_since_and_names_them():
    job = imported()
    services.edit_action(action("Repair the lights"), by=None, resources="$9,000")
    before = rows(without=())
    with pytest.raises(ValidationError, match="Repair the lights"):
        services.undo_import(job, by=None)
    assert rows(without=()) == before


def test_taking_back_is_refused_where_something_was_added_below():
    job = imported()
    services.add_action(Outcome.objects.get(title="Crossings are safe"), by=None, title="Added since")
    with pytest.raises(ValidationError, match="Added since"):
        services.undo_import(job, by=None)
    assert Action.objects.filter(title="Added since").exists()


def test_taking_back_ends_after_seven_days():
    job = imported()
    ImportJob.objects.filter(pk=job.pk).update(undo_until=timezone.now() - timezone.timedelta(minutes=1))
    with pytest.raises(ValidationError, match="could be taken back until"):
        services.undo_import(job, by=None)
    assert Action.objects.filter(title="Repair the lights").exists()


def test_an_import_is_committed_and_taken_back_once():
    job = imported()
    with pytest.raises(ValidationError, match="imported already"):
        services.commit_import(job, by=None)
    services.undo_import(job, by=None)
    with pytest.raises(ValidationError, match="changed nothing that could be taken back"):
        services.undo_import(job, by=None)


# ---- Growth ----------------------------------------------------------------------------------------------
def sheet_of(count: int) -> str:
    lines = [
        f",Action {n} of many words {n * 7},Department {n % 5}; Helper {n % 3},June 2027,Measure {n},Q1: Note {n}"
        for n in range(count)
    ]
    return HEADER + "Goal 1: One,,,,,\nA. First,,,,,\n" + "\n".join(lines) + "\n"


def test_an_import_needs_as_many_queries_for_32_actions_as_for_2():
    counts = []
    for number in (2, 8, 32):
        Goal.objects.all().delete()
        ImportJob.objects.all().delete()
        Department.objects.all().delete()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            imported(sheet_of(number))
        with CaptureQueriesContext(connection) as again:
            imported(sheet_of(number).replace("June 2027", "July 2027"))
        counts.append((len(queries), len(again)))
    assert counts[0] == counts[1] == counts[2]


def test_fifteen_hundred_actions_import_within_ten_seconds_of_work():
    started = time.process_time()
    imported(sheet_of(1500))
    assert time.process_time() - started < 10
    assert Action.objects.count() == 1500


# ---- Commands --------------------------------------------------------------------------------------------
def test_the_command_prints_the_result_as_json_and_a_dry_run_changes_nothing(capsys):
    before = rows(without=())
    call_command("import_plan", "riverton", str(DATA / FILES[0]), "--dry-run", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"goals", "outcomes", "actions", "cells", "messages", "tree"}
    assert (printed["goals"], printed["outcomes"], printed["actions"]) == (4, 9, 31)
    assert rows(without=()) == before
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
    ("slug", "name", "told"),
    [
        ("nowhere", FILES[0], "Known: "),
        ("riverton", "missing.xlsx", "Cannot read"),
        ("riverton", "empty.csv", "Nothing was imported"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, slug, name, told):
    (tmp_path / "empty.csv").write_text("")
    path = DATA / name if name in FILES else tmp_path / name
    with pytest.raises(CommandError, match=told):
        call_command("import_plan", slug, str(path))
    assert not ImportJob.objects.exists()


# ---- Comparing -------------------------------------------------------------------------------------------
def test_two_rows_of_the_same_words_are_told_apart_by_their_number():
    def node(key: str, number: str) -> three_way_merge.Node:
        return three_way_merge.Node("action", key, None, {"title": "Train staff", "number": number})

    found = three_way_merge.match_rows(
        [node("s1", "2"), node("s2", "1")], [node("p1", "1"), node("p2", "2")], {}
    )
    assert {key: row.key for key, row in found.items()} == {"s1": "p2", "s2": "p1"}


def test_blanks_and_line_breaks_make_no_difference():
    assert three_way_merge.normalize("a \n b") == three_way_merge.normalize(" a b ")
    assert three_way_merge.normalize({"raw": "", "list": []}) is None
