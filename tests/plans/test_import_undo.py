"""Undo of an import: the plan is as it was, or nothing changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tenants.plans import change_log, imports, services
from tenants.plans.models import Action, ImportJob, Outcome, PlanLogEntry
from tests.plans.import_samples import SHEET, get_action, import_text, plan_rows


@pytest.fixture(autouse=True)
def _in_riverton(riverton: Any, in_city: Any) -> Any:
    with in_city(riverton):
        yield


def test_undo_of_a_first_import_restores_the_starter_plan_exactly():
    before = plan_rows(without=("updated_at", "next_code"))
    job = import_text()
    imports.undo_import(job, by=None)
    assert plan_rows(without=("updated_at", "next_code")) == before
    job.refresh_from_db()
    assert job.state == "undone"
    assert PlanLogEntry.objects.filter(verb="undone", object_type="plan").exists()


def test_undo_of_a_changed_sheet_restores_every_field():
    import_text()
    action = get_action("Paint forty crossings")
    services.edit_action(action, by=None, milestones=[{"title": "Half", "due_date": "2027-01-31"}])
    before = plan_rows(without=("updated_at", "updated_by_id", "next_code"))
    changed = (
        SHEET.replace("June 2027", "July 2027")
        .replace("Public Works; Police", "Parks; Fire")
        .replace("crossings painted", "crossings repainted")
        .replace("Q1: Ten are painted.", '"Q1: Ten are painted.\nQ2: Twenty."')
        .replace("Fair streets", "Fair and safe streets")
    )
    lines = changed.splitlines()
    lines.insert(4, ",Slow the traffic,Public Works,2027,,")
    job = import_text("\n".join(lines) + "\n")
    assert plan_rows(without=("updated_at", "updated_by_id", "next_code")) != before
    imports.undo_import(job, by=None)
    assert plan_rows(without=("updated_at", "updated_by_id", "next_code")) == before


def test_undo_is_refused_for_rows_edited_since_and_names_them():
    job = import_text()
    services.edit_action(get_action("Repair the lights"), by=None, resources="$9,000")
    before = plan_rows(without=())
    with pytest.raises(ValidationError, match="Repair the lights"):
        imports.undo_import(job, by=None)
    assert plan_rows(without=()) == before


def test_undo_is_refused_where_something_was_added_under_a_new_row():
    job = import_text()
    services.add_action(Outcome.objects.get(title="Crossings are safe"), by=None, title="Added since")
    with pytest.raises(ValidationError, match="Added since"):
        imports.undo_import(job, by=None)
    assert Action.objects.filter(title="Added since").exists()


def test_undo_is_refused_after_seven_days():
    job = import_text()
    ImportJob.objects.filter(pk=job.pk).update(undo_until=timezone.now() - timezone.timedelta(minutes=1))
    with pytest.raises(ValidationError, match="could be undone until"):
        imports.undo_import(job, by=None)
    assert Action.objects.filter(title="Repair the lights").exists()


def test_an_import_is_committed_and_undone_only_once():
    job = import_text()
    with pytest.raises(ValidationError, match="already imported"):
        imports.commit_import(job, by=None)
    imports.undo_import(job, by=None)
    with pytest.raises(ValidationError, match="has no changes to undo"):
        imports.undo_import(job, by=None)


def test_the_undo_journal_and_the_log_have_the_stored_names_of_renamed_fields():
    import_text()
    action = get_action("Paint forty crossings")
    Action.objects.filter(pk=action.pk).update(extra_columns=[{"label": "Cost code", "text": "4-11"}])
    job = import_text(SHEET.replace("Public Works; Police", "Parks; Fire"))
    (row,) = [row for row in job.before["rows"] if row["pk"] == action.pk]
    assert row["fields"]["notes"] == [{"label": "Cost code", "text": "4-11"}]
    assert "extra_columns" not in row["fields"]
    (party,) = job.before["below"]
    assert (party["model"], party["fields"]["part"]) == ("plans.actionparty", "responsible")
    imports.undo_import(job, by=None)
    action.refresh_from_db()
    assert action.extra_columns == [{"label": "Cost code", "text": "4-11"}]
    assert [party.department.name for party in action.parties.all()] == ["Police"]
    assert change_log.snapshot(action)["notes"] == [{"label": "Cost code", "text": "4-11"}]


@pytest.mark.parametrize(
    "new_heading", ["B. Streets are lit,,,,,", "Goal 2: Light,,,,,\nA. Streets are lit,,,,,"]
)
def test_an_action_that_the_import_moved_under_a_new_outcome_is_moved_back(new_heading):
    import_text()
    before = plan_rows(without=("updated_at", "updated_by_id", "next_code"))
    job = import_text(SHEET.replace(",Repair the lights", f"{new_heading}\n,Repair the lights"))
    assert get_action("Repair the lights").outcome.title == "Streets are lit"
    imports.undo_import(job, by=None)
    assert plan_rows(without=("updated_at", "updated_by_id", "next_code")) == before


def test_an_outcome_that_the_import_moved_under_a_new_goal_is_moved_back():
    sheet = SHEET.replace(",Repair the lights", "B. Streets are lit,,,,,\n,Repair the lights")
    import_text(sheet)
    before = plan_rows(without=("updated_at", "updated_by_id", "next_code"))
    job = import_text(sheet.replace("B. Streets", "Goal 2: Light,,,,,\nB. Streets"))
    assert Outcome.objects.get(title="Streets are lit").goal.title == "Light"
    imports.undo_import(job, by=None)
    assert plan_rows(without=("updated_at", "updated_by_id", "next_code")) == before


def test_an_action_moved_under_a_new_outcome_since_refuses_the_undo():
    import_text()
    other = services.add_action(Outcome.objects.get(title="Crossings are safe"), by=None, title="Plant trees")
    job = import_text(SHEET + "B. Streets are green,,,,,\n,Water them,Parks,2028,,\n")
    services.move_to(other, Outcome.objects.get(title="Streets are green"), by=None)
    with pytest.raises(ValidationError, match="Plant trees"):
        imports.undo_import(job, by=None)
