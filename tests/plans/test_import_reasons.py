"""An import that changes what an adopted plan promises needs a reason in words: on the page and in the command."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection

from tenants.plans import imports, services
from tenants.plans.imports.promises import verdicts_on_promises
from tenants.plans.models import Goal, ImportJob, Outcome, Plan, PlanLogEntry
from tests.plans.import_samples import SHEET, get_action, import_text, plan_rows, upload_text
from tests.plans.pages import csv, url

REASON = "The council moved the grant."
FIELD = "Reason for these changes"
LATER = SHEET.replace("2028", "2029").replace("Police", "Fire")
OUTCOMES = SHEET.replace(",Repair the lights", "B. Streets are lit,,,,,\n,Repair the lights")

# What a sheet changes, before and after; those of COMMITMENT_FIELDS that an import can change, then others.
PROMISES = {
    "title of a goal": (SHEET, "Fair streets", "Fair and safe streets"),
    "title of an outcome": (SHEET, "Crossings are safe", "All crossings are safe"),
    "title of an action": (SHEET, "Paint forty crossings", "Paint all forty crossings"),
    "accountable department": (SHEET, "Public Works; Police", "Parks; Police"),
    "vacant position": (SHEET, "Public Works; Police", "Vacant since June 2026"),
    "start": (SHEET, "June 2027", "January 2026 to June 2027"),
    "due date": (SHEET, "June 2027", "July 2027"),
    "precision": (SHEET, "June 2027", '"June 30, 2027"'),
    "no end": (SHEET, "June 2027", "Ongoing"),
    "measures": (SHEET, "crossings painted", "crossings repainted"),
    "outcome of an action": (SHEET, ",Repair the lights", "B. Streets are lit,,,,,\n,Repair the lights"),
    "goal of an outcome": (OUTCOMES, "B. Streets", "Goal 2: Light,,,,,\nB. Streets"),
}
OTHERS = {
    "helpers": (SHEET, "Public Works; Police", "Public Works; Fire"),
    "case of a department": (SHEET, "Public Works; Police", "public works; Police"),
    "progress notes": (SHEET, "Q1: Ten are painted.", '"Q1: Ten are painted.\nQ2: Twenty."'),
    "community indicator": (SHEET, ",Paint forty", "Injuries,Paint forty"),
    "a new action": (SHEET, ",Repair", ",Slow the traffic,Public Works,2027,,\n,Repair"),
    "a new goal": (SHEET, "Goal 1", "Goal 2: Light,,,,,\nA. Streets are lit,,,,,\n,Buy lamps,Parks,2027,,\nGoal 1"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_riverton(riverton: Any, in_city: Any) -> Any:
    with in_city(riverton):
        yield


def adopt_sheet(text: str = SHEET) -> None:
    """Import the sheet and record the plan's adoption."""
    import_text(text)
    services.adopt(Plan.objects.get(), on=dt.date(2026, 1, 14), body="City Council", by=None)


# ---- The service -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PROMISES)
def test_a_changed_promise_is_imported_only_with_a_reason_and_the_check_foretells_it(name):
    before, was, now = PROMISES[name]
    adopt_sheet(before)
    job = upload_text(before.replace(was, now, 1))
    assert verdicts_on_promises(job.result["rows"]) == {"sheet"}
    rows, entries = plan_rows(without=()), PlanLogEntry.objects.count()
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        imports.commit_import(job, by=None, reason=" ")
    assert (plan_rows(without=()), PlanLogEntry.objects.count()) == (rows, entries)
    job.refresh_from_db()
    assert job.state == "checked"

    imports.commit_import(job, by=None, reason=REASON)
    assert plan_rows(without=()) != rows


@pytest.mark.parametrize("name", OTHERS)
def test_another_change_is_imported_without_a_reason_and_the_check_foretells_it(name):
    before, was, now = OTHERS[name]
    adopt_sheet(before)
    job = upload_text(before.replace(was, now, 1))
    assert verdicts_on_promises(job.result["rows"]) == set()
    imports.commit_import(job, by=None)
    entry = PlanLogEntry.objects.filter(verb="imported").latest("pk")
    assert entry.reason == "Spreadsheet import: plan.csv"


def test_no_reason_is_needed_in_a_draft():
    import_text()
    import_text(LATER)
    entry = PlanLogEntry.objects.filter(object_uuid=get_action("Repair the lights").uuid).latest("pk")
    assert entry.reason == "Spreadsheet import: plan.csv"


def test_the_reason_is_kept_with_the_name_of_the_file_for_every_row():
    adopt_sheet()
    imports.commit_import(upload_text(LATER), by=None, reason=f" {REASON} ")
    entries = PlanLogEntry.objects.filter(verb="imported").order_by("-pk")[:3]
    assert {entry.object_type for entry in entries} == {"plan", "action"}
    assert {entry.reason for entry in entries} == {f"{REASON} (Spreadsheet import: plan.csv)"}


def test_an_undo_needs_no_reason_and_keeps_its_own():
    adopt_sheet()
    rows = plan_rows(without=("updated_at", "updated_by_id", "next_code"))
    job = import_text(LATER, reason=REASON)
    imports.undo_import(job, by=None)
    assert plan_rows(without=("updated_at", "updated_by_id", "next_code")) == rows
    entry = PlanLogEntry.objects.filter(object_uuid=get_action("Repair the lights").uuid).latest("pk")
    assert entry.reason == "Import undone: plan.csv"


# ---- The page --------------------------------------------------------------------------------------------
@pytest.fixture
def send(coordinator_client, riverton):
    """send("post", "import-commit", pk, data) is the response; Riverton's schema is active afterwards."""

    def send(method: str, name: str, *args: Any, data: Any = None) -> Any:
        response = getattr(coordinator_client, method)(url(name, *args), data, follow=True)
        connection.set_tenant(riverton)
        return response

    return send


@pytest.fixture
def upload(send):
    """upload(text) is the import of that sheet, uploaded on the page."""

    def upload(text: str) -> ImportJob:
        send("post", "imports", data=csv(text))
        return ImportJob.objects.latest("pk")

    return upload


def test_the_page_asks_for_the_reason_and_keeps_it_with_the_change(send, upload):
    adopt_sheet()
    job = upload(LATER)
    page = send("get", "import", job.pk)
    assert FIELD in page.text
    assert page.context["form"]["reason"].build_widget_attrs({})["required"]
    before = plan_rows(without=())
    refused = send("post", "import-commit", job.pk, data={"reason": "  "})
    assert refused.status_code == 422
    assert f"{FIELD}: The plan is adopted. Add a reason for this change;" in refused.text
    assert plan_rows(without=()) == before
    assert ImportJob.objects.get(pk=job.pk).state == "checked"

    assert "Your plan was imported" in send("post", "import-commit", job.pk, data={"reason": REASON}).text
    assert get_action("Repair the lights").due_date.year == 2029
    assert f"{REASON} (Spreadsheet import: plan.csv)" in send("get", "history").text


@pytest.mark.parametrize(
    ("lifecycle", "text"), [("draft", LATER), ("adopted", SHEET.replace("Police", "Fire"))]
)
def test_the_page_asks_for_no_reason_where_none_is_needed(send, upload, lifecycle, text):
    adopt_sheet()
    Plan.objects.update(lifecycle=lifecycle)
    job = upload(text)
    assert FIELD not in send("get", "import", job.pk).text
    assert "Your plan was imported" in send("post", "import-commit", job.pk).text


def test_a_reason_that_is_too_long_is_refused_and_kept_in_the_field(send, upload):
    adopt_sheet()
    job = upload(LATER)
    refused = send("post", "import-commit", job.pk, data={"reason": "x" * 301})
    assert refused.status_code == 422
    assert f'value="{"x" * 301}"' in refused.text
    assert get_action("Repair the lights").due_date.year == 2028


@pytest.mark.parametrize("choice", ["plan", "sheet"])
def test_a_conflict_needs_a_reason_only_if_the_sheet_is_taken(send, upload, choice):
    adopt_sheet()
    action = get_action("Repair the lights")
    services.edit_action(action, by=None, title="Repair all lights", reason=REASON)
    job = upload(SHEET.replace("Repair the lights", "Repair the street lights"))
    page = send("get", "import", job.pk)
    assert FIELD in page.text
    assert "required" not in page.context["form"]["reason"].build_widget_attrs({})
    take = {f"take:{action.uuid}:title": choice}
    response = send("post", "import-commit", job.pk, data=take)
    action.refresh_from_db()
    assert action.title == "Repair all lights"
    if choice == "plan":
        assert "Nothing changed" in response.text
        return
    assert response.status_code == 422
    radios = re.findall(rf'<input[^>]+name="take:{action.uuid}:title"[^>]+>', response.text)
    assert ["checked" in radio for radio in radios] == [False, True]  # the choice is kept
    send("post", "import-commit", job.pk, data=take | {"reason": REASON})
    action.refresh_from_db()
    assert action.title == "Repair the street lights"


def test_a_plan_adopted_after_the_check_is_not_changed_without_a_reason(send, upload):
    import_text()
    job = upload(LATER)
    assert FIELD not in send("get", "import", job.pk).text
    services.adopt(Plan.objects.get(), on=dt.date(2026, 1, 14), body="City Council", by=None)
    refused = send("post", "import-commit", job.pk)
    assert refused.status_code == 422
    assert FIELD in refused.text
    assert get_action("Repair the lights").due_date.year == 2028


# ---- The command -----------------------------------------------------------------------------------------
def test_the_command_takes_the_reason_and_imports_nothing_without_it(tmp_path: Path, capsys):
    adopt_sheet()
    path = tmp_path / "later.csv"
    path.write_text(LATER)
    before, jobs = plan_rows(without=()), ImportJob.objects.count()
    call_command("import_plan", "riverton", str(path), "--dry-run")
    assert "Add a reason with --reason" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"Add a reason with --reason.*Nothing was imported\.$"):
        call_command("import_plan", "riverton", str(path))
    assert (plan_rows(without=()), ImportJob.objects.count()) == (before, jobs)

    call_command("import_plan", "riverton", str(path), "--dry-run", "--reason", REASON)
    assert "--reason" not in capsys.readouterr().out
    call_command("import_plan", "riverton", str(path), "--reason", REASON)
    entry = PlanLogEntry.objects.filter(object_uuid=get_action("Repair the lights").uuid).latest("pk")
    assert entry.reason == f"{REASON} (Spreadsheet import: later.csv)"


def test_the_command_needs_no_reason_where_no_promise_changes(tmp_path: Path, capsys):
    adopt_sheet()
    path = tmp_path / "more.csv"
    path.write_text(SHEET + "Goal 2: Light,,,,,\nA. Streets are lit,,,,,\n,Buy lamps,Parks,2027,,\n")
    call_command("import_plan", "riverton", str(path))
    assert "1 actions new" in capsys.readouterr().out
    assert (Goal.objects.count(), Outcome.objects.count()) == (2, 2)
