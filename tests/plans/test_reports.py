"""Reports on an action: milestones, the same report twice, corrections and withdrawals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from cohort.models import PublicAction
from tenants.plans import selectors, services
from tenants.plans.models import Action, PlanLogEntry, ProgressNote
from tests.plans.factories import ActionFactory, MilestoneFactory, NoteFactory

TODAY = timezone.localdate
YESTERDAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _in_riverton(riverton: Any, in_city: Any) -> Any:
    with in_city(riverton):
        yield


@pytest.fixture
def rosa(make_user: Any, riverton: Any) -> Any:
    return make_user(riverton, "coordinator", first_name="Rosa", last_name="Delgado")


def rows() -> dict[str, Any]:
    """Everything a report writes, to prove that nothing changed."""
    return {
        model.__name__: list(manager.order_by("pk").values())
        for model, manager in (
            (Action, Action.objects),
            (ProgressNote, ProgressNote.with_withdrawn),
            (PlanLogEntry, PlanLogEntry.objects),
        )
    }


def report(action: Action, by: Any, **changes: Any) -> ProgressNote:
    values = {"status": "on_track", "text": "Half is done.", "on": TODAY()} | changes
    return services.record_progress(action, by=by, **values)


# ---- Milestones ------------------------------------------------------------------------------------------
def test_a_milestone_is_ticked_with_the_report_and_can_be_unticked(rosa):
    step = MilestoneFactory(title="Train the staff")
    other = MilestoneFactory(action=step.action)
    report(step.action, rosa, milestones={step.uuid: dt.date(2026, 5, 1)})
    step.refresh_from_db()
    other.refresh_from_db()
    assert (step.done_date, other.done_date) == (dt.date(2026, 5, 1), None)
    entry = PlanLogEntry.objects.get(object_uuid=step.action.uuid, verb="reported")
    assert [each["done"] for each in entry.fields["milestones"][1]] == ["2026-05-01", None]
    report(step.action, rosa, text="It was not done.", milestones={step.uuid: None})
    step.refresh_from_db()
    assert step.done_date is None


def test_a_milestone_done_in_the_future_is_refused_and_nothing_is_saved(rosa):
    step = MilestoneFactory()
    before = rows()
    with pytest.raises(ValidationError, match="is in the future"):
        report(step.action, rosa, milestones={step.uuid: TODAY() + YESTERDAY})
    assert rows() == before
    step.refresh_from_db()
    assert step.done_date is None


def test_the_milestone_of_another_action_is_left_alone(rosa):
    foreign = MilestoneFactory()
    report(ActionFactory(), rosa, milestones={foreign.uuid: TODAY()})
    foreign.refresh_from_db()
    assert foreign.done_date is None


# ---- The same report, sent twice -------------------------------------------------------------------------
def test_the_same_report_sent_twice_is_one(rosa):
    action = ActionFactory()
    first = report(action, rosa)
    before = rows()
    second = report(action, rosa, text="Half is done.\r\n")
    assert (second.pk, second.is_repeat, first.is_repeat) == (first.pk, True, False)
    assert rows() == before


@pytest.mark.parametrize(
    "changes", [{"text": "All is done."}, {"status": "not_started"}, {"next_step": "Print them."}]
)
def test_a_report_that_says_something_else_is_added(rosa, changes):
    action = ActionFactory()
    report(action, rosa)
    assert not report(action, rosa, **changes).is_repeat
    assert action.progress_notes.count() == 2


def test_the_same_words_of_another_person_or_day_are_another_report(rosa, make_user, riverton):
    action = ActionFactory()
    report(action, rosa)
    report(action, make_user(riverton, "plan_editor"))
    report(action, rosa, on=TODAY() - YESTERDAY)
    assert action.progress_notes.count() == 3


def test_a_real_report_is_added_though_an_older_one_has_the_same_words(rosa):
    action = ActionFactory()
    report(action, rosa)
    report(action, rosa, status="completed", text="All is done.")
    assert not report(action, rosa).is_repeat
    assert report(action, rosa).is_repeat
    action.refresh_from_db()
    assert action.progress_notes.count() == 3
    assert action.status == "on_track"


def test_a_milestone_is_ticked_by_a_report_that_was_saved_before(rosa):
    step = MilestoneFactory()
    report(step.action, rosa)
    assert report(step.action, rosa, milestones={step.uuid: TODAY()}).is_repeat
    step.refresh_from_db()
    assert step.done_date == TODAY()
    assert step.action.progress_notes.count() == 1


# ---- Corrections -----------------------------------------------------------------------------------------
def correct(note: ProgressNote, by: Any, **changes: Any) -> ProgressNote:
    names = ("status", "text", "reason", "next_step")
    values = {name: getattr(note, name) for name in names} | {"on": note.noted_on} | changes
    return services.correct_progress(note, by=by, **values)


def test_a_correction_is_dated_and_logged_and_the_action_follows(rosa):
    services.publish_plan(selectors.current_plan(), by=None, launch=True)
    action = Action.objects.in_plan_order().first()
    note = report(action, rosa, text="Half is don.")
    correct(note, rosa, text="Half is done.", status="at_risk", reason="No room.", next_step="Rent one.")
    note.refresh_from_db()
    action.refresh_from_db()
    assert (note.text, note.corrected_at.date()) == ("Half is done.", timezone.now().date())
    assert (action.status, action.reason, action.next_step) == ("at_risk", "No room.", "Rent one.")
    entry = PlanLogEntry.objects.get(object_uuid=action.uuid, verb="corrected")
    assert entry.by == rosa
    assert [each["text"] for each in entry.fields["progress_note"]] == ["Half is don.", "Half is done."]
    assert entry.fields["status"] == ["on_track", "at_risk"]
    assert PublicAction.objects.get(uuid=action.uuid).last_update_text == "Half is done."


def test_an_older_report_is_corrected_without_touching_the_status(rosa):
    action = ActionFactory()
    old = report(action, rosa, on=TODAY() - YESTERDAY, text="It begins.")
    report(action, rosa, status="completed")
    correct(old, rosa, status="not_started")
    action.refresh_from_db()
    assert (action.status, action.last_update_on) == ("completed", TODAY())


def test_a_report_that_becomes_the_newest_by_its_day_decides_the_status(rosa):
    action = ActionFactory()
    typo = report(action, rosa, on=TODAY() - 9 * YESTERDAY, status="completed", text="All is done.")
    report(action, rosa, on=TODAY() - 2 * YESTERDAY)
    correct(typo, rosa, on=TODAY())
    action.refresh_from_db()
    assert (action.status, action.status_since, action.last_update_on) == ("completed", TODAY(), TODAY())


def test_a_status_that_something_else_has_set_since_stays(rosa):
    action = ActionFactory()
    note = report(action, rosa)
    Action.objects.filter(pk=action.pk).update(status="completed")
    correct(note, rosa, status="off_track", reason="No room.", next_step="Rent one.")
    services.withdraw_progress(note, reason="Wrong action.", by=rosa)
    action.refresh_from_db()
    assert action.status == "completed"


def test_a_correction_that_changes_nothing_writes_nothing(rosa):
    note = report(ActionFactory(), rosa)
    before = rows()
    correct(note, rosa)
    assert rows() == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": " "}, "Describe what happened"),
        ({"status": "at_risk"}, "needs a reason"),
        ({"status": ""}, "Choose one of"),
        ({"on": None}, "Enter the date"),
        ({"on": dt.date(2999, 1, 1)}, "is in the future"),
    ],
)
def test_an_incomplete_correction_is_refused_and_changes_nothing(rosa, changes, message):
    note = report(ActionFactory(), rosa)
    before = rows()
    with pytest.raises(ValidationError, match=message):
        correct(note, rosa, **changes)
    assert rows() == before


def test_an_imported_report_without_day_and_status_is_corrected_without_them(rosa):
    note = NoteFactory(noted_on=None, label="Q3", status="", is_imported=True)
    status = note.action.status
    correct(note, rosa, text="Other words.")
    note.refresh_from_db()
    note.action.refresh_from_db()
    assert (note.text, note.noted_on, note.status) == ("Other words.", None, "")
    assert (note.action.status, note.action.last_update_on) == (status, None)


def test_the_second_of_two_corrections_is_refused(rosa, make_user, riverton):
    note = report(ActionFactory(), rosa)
    version = services.version_token(note)
    correct(note, make_user(riverton, "plan_editor", first_name="Ann", last_name="Lee"), text="Hers.")
    with pytest.raises(services.EditConflict, match="Ann Lee changed this"):
        correct(note, rosa, text="Mine.", version=version)
    note.refresh_from_db()
    assert note.text == "Hers."


# ---- Withdrawals -----------------------------------------------------------------------------------------
def test_a_withdrawn_report_is_in_the_log_alone_and_the_action_follows_the_newest_left(rosa):
    action = ActionFactory(status="not_started")
    report(action, rosa, on=TODAY() - YESTERDAY, text="It begins.", next_step="Print them.")
    mistake = report(action, rosa, status="completed", text="All is done.")
    services.withdraw_progress(mistake, reason="Wrong action.", by=rosa)
    action.refresh_from_db()
    assert [note.text for note in action.progress_notes.all()] == ["It begins."]
    assert (action.status, action.next_step) == ("on_track", "Print them.")
    assert (action.status_since, action.last_update_on) == (TODAY() - YESTERDAY, TODAY() - YESTERDAY)
    entry = PlanLogEntry.objects.get(object_uuid=action.uuid, verb="withdrawn")
    assert (entry.by, entry.reason) == (rosa, "Wrong action.")
    assert entry.fields["progress_note"][0]["text"] == "All is done."
    assert ProgressNote.with_withdrawn.get(pk=mistake.pk).withdrawn_at


def test_without_its_only_report_an_action_is_as_it_was_before(rosa):
    action = ActionFactory(status=None, reason="By the sheet.", last_update_on=None)
    mistake = report(action, rosa, status="on_hold", reason="No room.", next_step="Rent one.")
    services.withdraw_progress(mistake, reason="Wrong action.", by=rosa)
    action.refresh_from_db()
    assert (action.status, action.reason, action.next_step) == (None, "By the sheet.", "")
    assert (action.status_since, action.last_update_on) == (None, None)


@pytest.mark.parametrize("is_corrected", [False, True])
def test_without_any_report_an_action_is_as_before_the_first_that_changed_it(rosa, is_corrected):
    action = ActionFactory(status="on_track", last_update_on=None)
    changes = {"status": "at_risk", "reason": "Money.", "next_step": "Ask again."}
    notes = [report(action, rosa)]
    if is_corrected:
        correct(notes[0], rosa, **changes)
    else:
        notes.append(report(action, rosa, text="The grant is late.", **changes))
    for note in notes:
        services.withdraw_progress(note, reason="Wrong action.", by=rosa)
    action.refresh_from_db()
    assert (action.status, action.reason, action.next_step) == ("on_track", "", "")


def test_no_report_of_a_merged_action_is_withdrawn(rosa):
    action = ActionFactory(status="not_started")
    target = ActionFactory(outcome=action.outcome)
    note = report(action, rosa, status="completed")
    services.merge_actions(Action.objects.get(pk=action.pk), target, by=rosa, reason="Same work.")
    before = rows()
    with pytest.raises(ValidationError, match="Undo the merge before you withdraw"):
        services.withdraw_progress(note, reason="Wrong action.", by=rosa)
    assert rows() == before
    services.separate_action(action, by=rosa, reason="It is not.")
    services.withdraw_progress(note, reason="Wrong action.", by=rosa)
    action.refresh_from_db()
    assert action.status == "not_started"


def test_a_withdrawal_needs_a_reason_and_happens_once(rosa):
    note = report(ActionFactory(), rosa)
    before = rows()
    with pytest.raises(ValidationError, match="Add a reason"):
        services.withdraw_progress(note, reason=" ", by=rosa)
    assert rows() == before
    services.withdraw_progress(note, reason="Wrong action.", by=rosa)
    before = rows()
    with pytest.raises(ValidationError, match="was withdrawn"):
        services.withdraw_progress(note, reason="Wrong action.", by=rosa)
    with pytest.raises(ValidationError, match="was withdrawn"):
        correct(note, rosa, text="Other words.")
    assert rows() == before


def test_the_same_words_can_be_reported_again_after_a_withdrawal(rosa):
    action = ActionFactory()
    services.withdraw_progress(report(action, rosa), reason="Too early.", by=rosa)
    assert not report(action, rosa).is_repeat
    assert action.progress_notes.count() == 1


# ---- Who may correct -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("role", "own", "others"),
    [
        ("coordinator", True, True),
        ("plan_editor", True, True),
        ("department_lead", True, False),
        ("contributor", False, False),
        ("viewer", False, False),
    ],
)
def test_the_author_the_coordinator_and_plan_editors_may_correct(make_user, riverton, role, own, others):
    person = make_user(riverton, role)
    assert selectors.may_correct(person, riverton, NoteFactory(created_by=person)) is own
    assert selectors.may_correct(person, riverton, NoteFactory(created_by=make_user())) is others
