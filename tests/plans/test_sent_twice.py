"""Forms that add a goal, an outcome or an action, sent twice; and one row edited in two windows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from tenants.plans.models import Action, Goal, Outcome, PlanLogEntry
from tests.plans.pages import form_of, starter_action, url

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
