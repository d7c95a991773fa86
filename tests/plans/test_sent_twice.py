"""Forms that add a goal, an outcome or an action, sent twice; and one row edited in two windows."""

from __future__ import annotations

import datetime as dt
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from tenants.plans import services
from tenants.plans.models import Action, Goal, Outcome, PlanLogEntry
from tests.plans.factories import MilestoneFactory, NoteFactory
from tests.plans.import_samples import plan_rows
from tests.plans.pages import fields_of, form_of, inline_form_of, starter_action, url

MODELS = {"goal": Goal, "outcome": Outcome, "action": Action}


@pytest.fixture
def addresses(in_city, riverton) -> dict[str, str]:
    action = starter_action(in_city, riverton)
    outcome = action.outcome
    return {
        "goal": url("add-goal"),
        "outcome": url("add-outcome", outcome.goal.uuid),
        "action": url("add-action", outcome.uuid),
    }


def titles(kind: str, in_city: Any, riverton: Any) -> list[str]:
    with in_city(riverton):
        return sorted(MODELS[kind].objects.filter(title__startswith="New").values_list("title", flat=True))


@pytest.mark.parametrize("kind", MODELS)
def test_the_same_form_sent_again_adds_its_row_once(coordinator_client, addresses, in_city, riverton, kind):
    data = {"title": "New words"}
    assert "Added: New words" in coordinator_client.post(addresses[kind], data, follow=True).text
    again = coordinator_client.post(addresses[kind], data, follow=True)
    assert "Already added: New words" in again.text
    assert titles(kind, in_city, riverton) == ["New words"]


@pytest.mark.parametrize("kind", MODELS)
def test_back_and_other_words_add_a_second_row(coordinator_client, addresses, in_city, riverton, kind):
    coordinator_client.post(addresses[kind], {"title": "New words"})
    coordinator_client.post(addresses[kind], {"title": "New and other words"})
    assert titles(kind, in_city, riverton) == ["New and other words", "New words"]


def test_the_same_words_of_another_person_later_or_elsewhere_are_another_row(
    coordinator_client, client_for, make_user, addresses, in_city, riverton
):
    data = {"title": "New words"}
    coordinator_client.post(addresses["action"], data)
    client_for(riverton, make_user(riverton, "plan_editor")).post(addresses["action"], data)
    assert titles("action", in_city, riverton) == ["New words"] * 2
    with in_city(riverton):
        elsewhere = Outcome.objects.order_by("pk").last()
    coordinator_client.post(url("add-action", elsewhere.uuid), data)
    assert titles("action", in_city, riverton) == ["New words"] * 3
    with in_city(riverton):
        Action.objects.filter(title="New words").update(created_at=timezone.now() - dt.timedelta(minutes=11))
    coordinator_client.post(addresses["action"], data)
    assert titles("action", in_city, riverton) == ["New words"] * 4


# ---- Two windows -----------------------------------------------------------------------------------------
def test_the_second_window_of_one_person_says_so_and_shows_both_texts(coordinator_client, in_city, riverton):
    action = starter_action(in_city, riverton)
    old = form_of(coordinator_client, action.code)
    coordinator_client.post(url("edit-action", action.code), old | {"details": "From the first window"})
    response = coordinator_client.post(
        url("edit-action", action.code), old | {"details": "From the second window"}
    )
    assert response.status_code == 422
    assert "you saved this in another window. Compare both texts" in response.text
    assert "Rosa Delgado changed" not in response.text
    assert "other person" not in response.text
    conflict = response.context["conflict"]
    assert conflict["is_self"]
    assert [(f["saved"], f["yours"]) for f in conflict["fields"]] == [
        ("From the first window", "From the second window")
    ]
    retry = old | {"details": "From the second window", "seen": response.context["form"]["version"].value()}
    assert coordinator_client.post(url("edit-action", action.code), retry).status_code == 302


def test_a_field_that_only_the_other_person_changed_takes_the_saved_text(
    coordinator_client, client_for, make_user, in_city, riverton
):
    action = starter_action(in_city, riverton)
    mine = form_of(coordinator_client, action.code) | {"resources": "Two posts"}
    other = client_for(riverton, make_user(riverton, "plan_editor", first_name="Ann", last_name="Lee"))
    other.post(url("edit-action", action.code), form_of(other, action.code) | {"details": "Hers"})
    response = coordinator_client.post(url("edit-action", action.code), mine)
    form = response.context["form"]
    assert form["details"].value() == "Hers"
    assert "You did not change it, so the saved text is kept." in response.text
    saved_by_browser = mine | {"details": form["details"].value(), "seen": form["version"].value()}
    coordinator_client.post(url("edit-action", action.code), saved_by_browser)
    with in_city(riverton):
        action.refresh_from_db()
    assert (action.details, action.resources) == ("Hers", "Two posts")


@pytest.mark.parametrize("htmx", [True, False])
def test_back_and_save_again_on_a_form_that_edits_is_no_conflict(coordinator_client, in_city, riverton, htmx):
    action = starter_action(in_city, riverton)
    data = form_of(coordinator_client, action.code) | {"details": "Once"}
    coordinator_client.post(url("edit-action", action.code), data)
    with in_city(riverton):
        before = list(PlanLogEntry.objects.values())
    headers = {"hx-request": "true"} if htmx else {}
    response = coordinator_client.post(url("edit-action", action.code), data, headers=headers)
    target = response["HX-Redirect"] if htmx else response["Location"]
    assert target.startswith(url("editor"))
    assert "Already saved:" in coordinator_client.get(url("editor")).text
    with in_city(riverton):
        assert list(PlanLogEntry.objects.values()) == before


def test_a_goal_in_two_windows_shows_both_texts(coordinator_client, in_city, riverton):
    goal = starter_action(in_city, riverton).outcome.goal
    address = url("edit-goal", goal.uuid)
    seen = coordinator_client.get(address).context["form"]["version"].value()
    coordinator_client.post(address, {"title": "First window", "seen": seen})
    response = coordinator_client.post(address, {"title": "Second window", "seen": seen})
    assert response.status_code == 422
    fields = {str(f["label"]): (f["saved"], f["yours"]) for f in response.context["conflict"]["fields"]}
    assert fields["Goal"] == ("First window", "Second window")
    assert "You, other window" in response.text
    assert "Please fix" not in response.text


# ---- Back and the same again -----------------------------------------------------------------------------
@pytest.fixture
def pair(in_city, riverton) -> list[Action]:
    """Two actions of one outcome."""
    with in_city(riverton):
        outcome = starter_action(in_city, riverton).outcome
        return list(Action.objects.filter(outcome=outcome).order_by("position")[:2])


def request_of(kind: str, client: Any, pair: list[Action], in_city: Any, riverton: Any) -> tuple[str, Any]:
    """The address and the data of a form that is filled in and was not sent yet."""
    first, second = pair
    if kind == "withdraw":
        with in_city(riverton):
            note = NoteFactory(action=first)
        return url("withdraw-progress", first.code, note.uuid), {"reason": "Wrong action."}
    if kind == "separate":
        with in_city(riverton):
            services.merge_actions(first, second, by=None)
        return url("merge", first.code), {"separate": "1", "reason": "Other work."}
    if kind == "several":
        codes = [first.code, second.code]
        context = client.get(url("edit-several"), {"a": codes}).context
        versions = {f"version-{line['action'].code}": line["version"] for line in context["lines"]}
        return url("edit-several"), {
            "a": codes,
            "due": "2031",
            "accountable": "Parks",
            "owner": "none",
        } | versions
    if kind == "inline":
        milestone = {"milestone": "Half of them", "milestone_due": "June 2026"}
        return url("edit-inline", first.code), inline_form_of(client, first.code) | milestone
    address = {
        "archive": url("retire", "action", first.uuid),
        "merge": url("merge", first.code),
        "move": url("move-to", "action", first.uuid),
    }[kind]
    words = {
        "archive": {"reason": "Done by the state."},
        "merge": {"into": second.code, "reason": "Same work."},
        "move": {"target": f"{first.outcome_id}.{second.pk}"},
    }[kind]
    return address, fields_of(client.get(address).context["form"]) | words


SAID = {
    "withdraw": "is already withdrawn. Nothing was changed.",
    "archive": "Already archived: ",
    "merge": "Nothing was changed: this action is already merged.",
    "separate": "is not merged.",
    "move": "Already saved: ",
    "several": "Nothing was changed: the selected actions have these values already.",
    "inline": "Already saved: ",
}


@pytest.mark.parametrize("kind", SAID)
def test_a_form_that_was_sent_is_sent_again_and_says_that_nothing_changed(
    coordinator_client, pair, in_city, riverton, kind
):
    address, data = request_of(kind, coordinator_client, pair, in_city, riverton)
    assert coordinator_client.post(address, data).status_code == 302
    coordinator_client.get(url("editor"))  # shows the message of the first
    with in_city(riverton):
        before = plan_rows(without=()), list(PlanLogEntry.objects.values())

    again = coordinator_client.post(address, data, follow=True)

    assert SAID[kind] in unescape(again.text)
    assert "in another window" not in again.text
    assert "Please fix" not in again.text
    with in_city(riverton):
        assert (plan_rows(without=()), list(PlanLogEntry.objects.values())) == before


def test_the_short_form_changes_the_milestone_that_it_was_opened_for(coordinator_client, in_city, riverton):
    """A colleague checks it while the form is open: then another one is next, which stays as it is."""
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        first = MilestoneFactory(action=action, title="First half", due_date=dt.date(2026, 3, 31))
        second = MilestoneFactory(action=action, title="Second half", due_date=dt.date(2026, 6, 30))
    data = inline_form_of(coordinator_client, action.code) | {"accountable": "Parks"}
    with in_city(riverton):
        services.record_progress(
            action, status="on_track", text="Half is done.", by=None, on=timezone.localdate(),
            milestones={first.uuid: timezone.localdate()},
        )  # fmt: skip
    conflict = coordinator_client.post(url("edit-inline", action.code), data)
    assert conflict.status_code == 422
    labels = [field["label"] for field in conflict.context["conflict"]["fields"]]
    assert labels == ["Responsible"]
    data |= fields_of(conflict.context["form"])
    assert coordinator_client.post(url("edit-inline", action.code), data).status_code == 302
    with in_city(riverton):
        action.refresh_from_db()
        assert str(action.accountable) == "Parks"
        rows = list(action.milestones.order_by("due_date").values_list("pk", "title", "due_date"))
        first.refresh_from_db()
    assert rows == [
        (first.pk, "First half", dt.date(2026, 3, 31)),
        (second.pk, "Second half", dt.date(2026, 6, 30)),
    ]
    assert first.done_date == timezone.localdate()


def test_a_milestone_that_was_removed_meanwhile_renames_no_other(coordinator_client, in_city, riverton):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        gone = MilestoneFactory(action=action, title="First half", due_date=dt.date(2026, 3, 31))
        MilestoneFactory(action=action, title="Second half", due_date=dt.date(2026, 6, 30))
    data = inline_form_of(coordinator_client, action.code) | {"milestone": "First half of them"}
    with in_city(riverton):
        gone.delete()
    for number in ("", "0", "9" * 30, "\0"):
        address = url("edit-inline", action.code)
        assert coordinator_client.post(address, data | {"milestone-id": number}).status_code in (302, 422)
        with in_city(riverton):
            assert action.milestones.filter(title="Second half", due_date=dt.date(2026, 6, 30)).count() == 1
