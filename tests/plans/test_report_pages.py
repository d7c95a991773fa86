"""Pages of reports: milestones on the update form, correcting and withdrawing, and what the public sees of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tenants.plans import selectors, services
from tenants.plans.models import PlanLogEntry, ProgressNote
from tests.plans.factories import ActionFactory, DepartmentFactory, MilestoneFactory, NoteFactory
from tests.plans.pages import starter_action, url


def report(**changes: Any) -> dict[str, Any]:
    today = timezone.localdate().isoformat()
    return {
        "status": "on_track",
        "text": "Half is done.",
        "reason": "",
        "next_step": "",
        "on": today,
    } | changes


@pytest.fixture
def action(in_city, riverton):
    return starter_action(in_city, riverton)


@pytest.fixture
def note(action, coordinator, in_city, riverton):
    with in_city(riverton):
        return NoteFactory(action=action, created_by=coordinator, text="Half is don.")


def notes(in_city: Any, riverton: Any) -> list[dict[str, Any]]:
    with in_city(riverton):
        return list(ProgressNote.with_withdrawn.order_by("pk").values())


# ---- Milestones ------------------------------------------------------------------------------------------
def test_milestones_are_ticked_on_the_update_form(coordinator_client, action, in_city, riverton):
    with in_city(riverton):
        named = MilestoneFactory(action=action, title="Train the staff")
        nameless = MilestoneFactory(action=action, title="")
        done = MilestoneFactory(action=action, title="Choose a room", done_date=timezone.localdate())
    page = coordinator_client.get(url("record-progress", action.code)).text
    assert "Train the staff (due June 30, 2026)" in page
    assert "Due June 30, 2026" in page
    data = report() | {
        f"done-{named.uuid}": "on",
        f"done-on-{named.uuid}": "2026-05-01",
        f"done-{nameless.uuid}": "on",
        f"done-on-{done.uuid}": done.done_date.isoformat(),  # its box is unticked
        f"initial-done-{done.uuid}": "True",
        f"initial-done-on-{done.uuid}": done.done_date.isoformat(),
    }
    assert coordinator_client.post(url("record-progress", action.code), data).status_code == 302
    with in_city(riverton):
        for step in (named, nameless, done):
            step.refresh_from_db()
    assert (named.done_date.isoformat(), nameless.done_date, done.done_date) == (
        "2026-05-01",
        timezone.localdate(),
        None,
    )
    history = coordinator_client.get(url("action-history", action.code)).text
    assert "done May 1, 2026" in history


@pytest.mark.parametrize(
    ("box", "day", "message"),
    [("on", "2999-01-01", "is in the future"), ("", "2026-05-01", "Check the box")],
)
def test_a_day_that_cannot_be_is_422_beside_its_milestone(
    coordinator_client, action, in_city, riverton, box, day, message
):
    with in_city(riverton):
        step = MilestoneFactory(action=action)
    data = report() | ({f"done-{step.uuid}": box} if box else {}) | {f"done-on-{step.uuid}": day}
    response = coordinator_client.post(url("record-progress", action.code), data)
    assert response.status_code == 422
    assert message in response.text
    assert notes(in_city, riverton) == []


def test_a_milestone_that_somebody_ticked_meanwhile_stays_ticked(
    coordinator_client, action, in_city, riverton
):
    with in_city(riverton):
        step = MilestoneFactory(action=action)
    form = coordinator_client.get(url("record-progress", action.code)).text
    assert f'name="initial-done-{step.uuid}" value="False"' in form
    with in_city(riverton):
        services.record_progress(
            action,
            by=None,
            milestones={step.uuid: timezone.localdate()},
            **report(on=timezone.localdate()),
        )
    data = report(text="Something else.") | {f"initial-done-{step.uuid}": "False"}
    assert coordinator_client.post(url("record-progress", action.code), data).status_code == 302
    with in_city(riverton):
        step.refresh_from_db()
    assert step.done_date == timezone.localdate()


# ---- Sent twice ------------------------------------------------------------------------------------------
def test_back_and_save_again_says_that_it_is_saved_already(coordinator_client, action, in_city, riverton):
    data = report()
    address = url("record-progress", action.code)
    first = coordinator_client.post(address, data, follow=True).text
    assert "is saved." in first
    second = coordinator_client.post(address, data, follow=True).text
    assert "Already saved at" in second
    assert "Nothing was added." in second
    (saved,) = notes(in_city, riverton)
    assert url("correct-progress", action.code, saved["uuid"]) in second


# ---- Correct and withdraw --------------------------------------------------------------------------------
def test_a_report_is_corrected_and_its_public_page_says_when(
    coordinator_client, client_for, action, note, in_city, riverton
):
    with in_city(riverton):
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    address = url("correct-progress", action.code, note.uuid)
    form = coordinator_client.get(address).context["form"]
    data = report(text="Half is done.", on="2026-03-01", seen=form["version"].value())
    assert coordinator_client.post(address, data, follow=True).redirect_chain
    public = client_for(riverton).get(f"/plan/actions/{action.code}/").text
    assert "Half is done." in public
    assert "Half is don." not in public
    assert "Corrected on" in public
    history = coordinator_client.get(url("action-history", action.code)).text
    assert "corrected a report on" in history
    assert "Half is don." in history


def test_a_withdrawn_report_leaves_every_page_and_file(
    coordinator_client, client_for, action, note, in_city, riverton
):
    with in_city(riverton):
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    address = url("withdraw-progress", action.code, note.uuid)
    assert "Half is don." in coordinator_client.get(address).text
    assert coordinator_client.post(address, {"reason": ""}).status_code == 422
    assert coordinator_client.post(address, {"reason": "Wrong action."}).status_code == 302
    anonymous = client_for(riverton)
    for path in (f"/plan/actions/{action.code}/", "/", "/data/plan.json"):
        response = anonymous.get(path)
        assert response.status_code == 200
        assert b"Half is don." not in response.getvalue()
    assert "Half is don." not in coordinator_client.get(url("record-progress", action.code)).text
    assert coordinator_client.get(address).status_code == 404
    assert "Wrong action." in coordinator_client.get(url("action-history", action.code)).text


def test_the_withdrawal_of_a_merged_action_is_422_in_words(
    coordinator_client, action, note, in_city, riverton
):
    with in_city(riverton):
        target = ActionFactory(outcome=action.outcome)
        services.merge_actions(action, target, by=None, reason="Same work.")
    before = notes(in_city, riverton)
    address = url("withdraw-progress", action.code, note.uuid)
    response = coordinator_client.post(address, {"reason": "Wrong action."})
    assert response.status_code == 422
    assert "Undo the merge before you withdraw a report." in response.text
    assert notes(in_city, riverton) == before


def test_the_page_of_a_withdrawal_names_the_milestones_that_stay_checked(
    coordinator_client, action, note, in_city, riverton
):
    address = url("withdraw-progress", action.code, note.uuid)
    with in_city(riverton):
        MilestoneFactory(action=action, title="Hire the trainer")
    assert "stay checked" not in coordinator_client.get(address).text
    with in_city(riverton):
        MilestoneFactory(action=action, title="Train the staff", done_date=timezone.localdate())
    page = coordinator_client.get(address).text
    assert "These milestones stay checked." in page
    assert "Train the staff" in page
    assert "Hire the trainer" not in page


def test_a_department_lead_corrects_own_reports_only(client_for, make_user, in_city, riverton):
    lead = make_user(riverton, "department_lead")
    lead.affiliations.update(department="Library")
    with in_city(riverton):
        action = ActionFactory(accountable=DepartmentFactory(name="Library"))
        own, other = (
            NoteFactory(action=action, created_by=lead),
            NoteFactory(action=action, created_by=make_user()),
        )
    client = client_for(riverton, lead)
    page = client.get(url("record-progress", action.code)).text
    assert url("correct-progress", action.code, own.uuid) in page
    assert url("correct-progress", action.code, other.uuid) not in page
    before = notes(in_city, riverton)
    for name in ("correct-progress", "withdraw-progress"):
        assert client.get(url(name, action.code, own.uuid)).status_code == 200
        address = url(name, action.code, other.uuid)
        assert client.get(address).status_code == 404
        assert client.post(address, report(reason="Mine.")).status_code == 404
    assert notes(in_city, riverton) == before


def test_the_report_of_another_action_is_404(coordinator_client, note, in_city, riverton):
    with in_city(riverton):
        other = ActionFactory()
    address = url("withdraw-progress", other.code, note.uuid)
    assert coordinator_client.post(address, {"reason": "Wrong action."}).status_code == 404
    assert notes(in_city, riverton)[0]["withdrawn_at"] is None


def test_the_second_of_two_corrections_sees_both_texts(
    coordinator_client, client_for, make_user, action, note, riverton, in_city
):
    address = url("correct-progress", action.code, note.uuid)
    seen = coordinator_client.get(address).context["form"]["version"].value()
    other = client_for(riverton, make_user(riverton, "plan_editor", first_name="Ann", last_name="Lee"))
    other.post(address, report(text="Hers.", on="2026-03-01", seen=seen))
    mine = report(text="Mine.", on="2026-03-01", seen=seen)
    response = coordinator_client.post(address, mine)
    assert response.status_code == 422
    assert "Ann Lee changed this. Compare both texts" in response.text
    assert response.text.index("Hers.") < response.text.index("Mine.")
    retry = mine | {"seen": response.context["form"]["version"].value()}
    assert coordinator_client.post(address, retry).status_code == 302
    with in_city(riverton):
        assert PlanLogEntry.objects.filter(object_uuid=action.uuid, verb="corrected").count() == 2
