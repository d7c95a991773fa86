"""The editor as a page: folded goals, search, the short form, moves, several actions at once, merges."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.plans import services
from tenants.plans.models import Action, Goal, Outcome, Plan, PlanLogEntry
from tests.plans.factories import (
    ActionFactory,
    GoalFactory,
    MeasureFactory,
    MilestoneFactory,
    OutcomeFactory,
)
from tests.plans.pages import fields_of, inline_form_of, starter_action, url

HTMX = {"HX-Request": "true"}


def goal_of(text: str, goal: Goal) -> str:
    """The goal's part of the page."""
    return text.split(f'id="goal-{goal.pk}"')[1].split("<details", 1)[0]


def open_goals(text: str) -> list[str]:
    tags = re.findall(r"<details class=\"pgroup\"[^>]*>", text)
    return [re.search(r'id="goal-(\d+)"', tag)[1] for tag in tags if re.search(r"\bopen\b", tag)]


@pytest.fixture
def adopted(riverton: Any, in_city: Any) -> Action:
    """The first action of the starter plan, adopted."""
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        Plan.objects.update(lifecycle="implementing")
    return action


# ---- The tree --------------------------------------------------------------------------------------------
def test_one_goal_is_open_the_one_that_the_address_names(coordinator_client, riverton, in_city):
    with in_city(riverton):
        goals = list(Goal.objects.order_by("position"))
        action = Action.objects.filter(outcome__goal=goals[2]).first()
    text = coordinator_client.get(url("editor")).text
    assert open_goals(text) == [str(goals[0].pk)]
    assert open_goals(coordinator_client.get(url("editor"), {"goal": goals[1].uuid}).text) == [
        str(goals[1].pk)
    ]
    assert open_goals(coordinator_client.get(url("editor"), {"at": action.code}).text) == [str(goals[2].pk)]
    for goal in goals:  # the jump list
        assert f'href="{url("editor")}?goal={goal.uuid}#goal-{goal.pk}"' in text


def test_the_queries_of_the_tree_do_not_grow(coordinator_client, riverton, in_city):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            coordinator_client.get(url("editor"))
        return len(queries)

    count()
    few = count()
    with in_city(riverton):
        outcome = Outcome.objects.order_by("pk").first()
        for action in ActionFactory.create_batch(20, outcome=outcome, accountable=None):
            MeasureFactory(action=action)
        merged = outcome.actions.last()
        Action.objects.filter(outcome=outcome).exclude(pk=merged.pk).update(
            status="merged", merged_into=merged
        )
    assert count() <= few


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Equity Plan 2025–2029", "Equity Plan 2025–2029. "), ("Equity Plan", "Equity Plan, 2025–2029. ")],
)
def test_the_years_of_the_plan_are_said_once(title, shown, coordinator_client, riverton, in_city):
    with in_city(riverton):
        Plan.objects.update(title=title, period_start=dt.date(2025, 1, 1), period_end=dt.date(2029, 12, 31))
    text = " ".join(coordinator_client.get(url("editor")).text.split())
    assert shown in text
    assert text.count("2025–2029") == 1


def test_a_search_lists_the_actions_with_all_words(coordinator_client, riverton, in_city):
    with in_city(riverton):
        outcome = Outcome.objects.order_by("-pk").first()
        ActionFactory(outcome=outcome, number="4.7", title="Inspect the oldest buildings")
        ActionFactory(outcome=outcome, number="4.8", title="Inspect bridges")
    text = coordinator_client.get(url("editor"), {"q": "inspect buildings"}).text
    assert "Inspect the oldest buildings" in text
    assert "Inspect bridges" not in text
    assert "One action matches “inspect buildings”." in text
    assert open_goals(text) == [str(outcome.goal_id)]
    assert "Inspect bridges" in coordinator_client.get(url("editor"), {"q": "4.8"}).text
    nothing = coordinator_client.get(url("editor"), {"q": "zeppe\0lin", "edit": "\0", "at": "\0"}).text
    assert "0 actions match “zeppelin”." in nothing
    assert open_goals(nothing) == []


@pytest.mark.parametrize("key", ["owner", "date", "measure", "baseline", "better_off"])
def test_what_is_missing_is_listed_whole(key, coordinator_client, riverton, in_city):
    with in_city(riverton):
        whole = ActionFactory(outcome=OutcomeFactory(goal=Goal.objects.first()), title="Lacks nothing")
        MeasureFactory(action=whole, kind="better_off", baseline="3")
        lacking = list(Action.objects.exclude(pk=whole.pk))
    text = coordinator_client.get(url("editor"), {"missing": key}).text
    assert "Lacks nothing" not in text
    assert all(action.code in text for action in lacking)
    assert len(lacking) > 3


def test_the_home_says_how_many_more_are_missing(coordinator_client, riverton, in_city):
    with in_city(riverton):
        services.publish_plan(Plan.objects.get(), by=None, launch=True)
    text = " ".join(coordinator_client.get(url("home")).text.split())
    assert f'<a href="{url("editor")}?missing=date">and 3 more' in text


def test_the_page_before_publishing_says_how_many_more_lack_something(coordinator_client, riverton, in_city):
    with in_city(riverton):
        ActionFactory.create_batch(2, outcome=Outcome.objects.first(), due_date=None)
    text = " ".join(coordinator_client.get(url("publish")).text.split())
    assert "8 actions have no due date" in text
    assert "and 3 more" in text


def test_one_number_of_actions_everywhere(coordinator_client, client_for, riverton, in_city):
    with in_city(riverton):
        action, other = Action.objects.order_by("pk")[:2]
        Action.objects.filter(pk=action.pk).update(status="cancelled")
        services.merge_actions(other, Action.objects.order_by("pk").last(), by=None)
        services.publish_plan(Plan.objects.get(), by=None, launch=True)
    text = " ".join(coordinator_client.get(url("editor")).text.split())
    assert "4 actions is a size" in text
    assert "2 cancelled or merged actions are not counted." in text
    numbers = re.findall(r'<td class="num">(\d+)</td>', text)
    assert sum(int(number) for number in numbers) == 4


# ---- The short form --------------------------------------------------------------------------------------
def test_the_short_form_stands_in_the_row_without_scripts(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    response = coordinator_client.get(url("edit-inline", action.code))
    assert response.url == f"{url('editor')}?edit={action.code}#action-{action.code}"
    form = coordinator_client.get(response.url).context["form"]
    assert [field.name for field in form.visible_fields()] == [
        "accountable", "due", "milestone", "milestone_due", "reason",
    ]  # fmt: skip
    data = fields_of(form) | {"accountable": "Library", "due": "2027 Q2"}
    data |= {"milestone": "Half of them", "milestone_due": "June 2026"}
    response = coordinator_client.post(url("edit-inline", action.code), data)
    assert response.url == f"{url('editor')}?at={action.code}#action-{action.code}"
    with in_city(riverton):
        action.refresh_from_db()
        assert action.accountable.name == "Library"
        assert (action.due_date, action.due_precision) == (dt.date(2027, 6, 30), "quarter")
        assert action.milestones.get().title == "Half of them"


def test_an_unchanged_short_form_changes_nothing(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        Action.objects.filter(pk=action.pk).update(is_continuous=True)
        MilestoneFactory(action=action, due_precision="month")
    data = inline_form_of(coordinator_client, action.code)
    assert data["due"] == "ongoing"
    assert coordinator_client.post(url("edit-inline", action.code), data).status_code == 302
    with in_city(riverton):
        assert not PlanLogEntry.objects.filter(object_uuid=action.uuid).exists()


def test_the_next_open_milestone_is_the_one_that_changes(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    with in_city(riverton):
        done = MilestoneFactory(
            action=action, title="Done", due_date=dt.date(2025, 1, 1), done_date=dt.date(2025, 1, 1)
        )
        later = MilestoneFactory(action=action, title="Later", due_date=dt.date(2027, 1, 1), position=1)
        following = MilestoneFactory(action=action, title="Next", due_date=dt.date(2026, 1, 1), position=2)
    data = inline_form_of(coordinator_client, action.code)
    assert data["milestone"] == "Next"
    coordinator_client.post(url("edit-inline", action.code), data | {"milestone": "Next, corrected"})
    with in_city(riverton):
        rows = dict(action.milestones.values_list("pk", "title"))
        following.refresh_from_db()
    assert rows == {done.pk: "Done", later.pk: "Later", following.pk: "Next, corrected"}
    assert following.due_date == dt.date(2026, 1, 1)


def test_ongoing_is_a_due_date_and_an_unreadable_one_is_explained(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = inline_form_of(coordinator_client, action.code)
    wrong = coordinator_client.post(url("edit-inline", action.code), data | {"due": "soonish"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "“soonish” is not a date" in wrong.text
    assert "aria-invalid" in wrong.text
    assert "<html" not in wrong.text
    coordinator_client.post(url("edit-inline", action.code), data | {"due": "Ongoing"})
    with in_city(riverton):
        action.refresh_from_db()
        assert (action.is_continuous, action.due_date) == (True, None)


def test_a_reason_is_asked_for_only_where_a_promise_changes(coordinator_client, adopted, riverton, in_city):
    data = inline_form_of(coordinator_client, adopted.code)
    milestone = data | {"milestone": "Half", "milestone_due": "2027"}
    assert coordinator_client.post(url("edit-inline", adopted.code), milestone).status_code == 302
    data = inline_form_of(coordinator_client, adopted.code) | {"due": "2028"}
    refused = coordinator_client.post(url("edit-inline", adopted.code), data)
    assert refused.status_code == 422
    assert "(required, public)" in refused.text
    assert f'id="action-{adopted.code}"' in refused.text  # the whole page, with the form in the row
    assert open_goals(refused.text) == [str(adopted.outcome.goal_id)]
    with in_city(riverton):
        adopted.refresh_from_db()
        assert adopted.due_date is None
    data |= {"reason": "More time needed"}
    assert coordinator_client.post(url("edit-inline", adopted.code), data).status_code == 302


def test_the_focus_returns_to_edit_after_saving_and_cancelling(coordinator_client, riverton, in_city):
    action = starter_action(in_city, riverton)
    data = inline_form_of(coordinator_client, action.code) | {"accountable": "Library"}
    saved = coordinator_client.post(url("edit-inline", action.code), data, headers=HTMX)
    cancelled = coordinator_client.get(url("edit-inline", action.code), {"cancel": 1}, headers=HTMX)
    for response, words in ((saved, "Saved: "), (cancelled, "Nothing was changed: ")):
        assert re.search(r"data-focus[^>]*>\s*Edit<", response.text)
        assert f"{words}{action}" in response.text
        assert 'role="status"' in response.text


def test_the_short_form_names_who_changed_the_action(
    coordinator_client, client_for, riverton, in_city, make_user
):
    action = starter_action(in_city, riverton)
    data = inline_form_of(coordinator_client, action.code) | {"due": "2027"}
    other = client_for(riverton, make_user(riverton, "plan_editor", first_name="Ann", last_name="Lee"))
    other.post(url("edit-inline", action.code), inline_form_of(other, action.code) | {"accountable": "Hers"})
    response = coordinator_client.post(url("edit-inline", action.code), data, headers=HTMX)
    assert response.status_code == 422
    assert "Ann Lee" in response.text
    assert "2027" in response.text


# ---- Moves -----------------------------------------------------------------------------------------------
def test_a_move_by_htmx_gives_the_goal_back_with_the_focus_on_the_button(
    coordinator_client, riverton, in_city
):
    with in_city(riverton):
        outcome = OutcomeFactory(goal=Goal.objects.first())
        actions = [ActionFactory(outcome=outcome, position=n) for n in range(3)]
    address = url("move", "action", actions[0].uuid)
    for direction, focused, position in (("down", "down", 2), ("down", "up", 3), ("up", "up", 2)):
        response = coordinator_client.post(address, {"direction": direction}, headers=HTMX)
        assert response.text.count('class="pgroup"') == 1
        button = re.search(r'<button[^>]*value="(\w+)"[^>]*data-focus', response.text)
        assert button[1] == focused  # at the end the other button, as this one is disabled
        assert f"Moved to position {position} of 3: {actions[0]}" in response.text
    goals = coordinator_client.post(
        url("move", "goal", outcome.goal.uuid), {"direction": "down"}, headers=HTMX
    ).text
    assert goals.count('class="pgroup"') == 3


def test_an_item_moves_to_a_chosen_position(coordinator_client, adopted, riverton, in_city):
    with in_city(riverton):
        actions = [ActionFactory(outcome=adopted.outcome, position=n + 5) for n in range(4)]
        other = Outcome.objects.exclude(pk=adopted.outcome_id).first()
    address = url("move-to", "action", adopted.uuid)
    data = fields_of(coordinator_client.get(address).context["form"])
    assert data["target"] == f"{adopted.outcome_id}.0"  # where it stands now
    data |= {"target": f"{adopted.outcome_id}.{actions[2].pk}"}
    response = coordinator_client.post(address, data, follow=True)
    assert f"Moved to position 5 of 6: {adopted}" in response.text
    data = fields_of(coordinator_client.get(address).context["form"]) | {"target": f"{other.pk}.0"}
    assert coordinator_client.post(address, data).status_code == 422  # another outcome is another promise
    assert coordinator_client.post(address, data | {"reason": "Fits better."}).status_code == 302
    with in_city(riverton):
        assert other.actions.order_by("position").first().pk == adopted.pk
    assert coordinator_client.post(address, data | {"target": "999999.0"}).status_code == 422


@pytest.mark.parametrize("kind", ["goal", "outcome"])
def test_a_goal_and_an_outcome_move_to_a_chosen_position(kind, coordinator_client, riverton, in_city):
    with in_city(riverton):
        plan = Plan.objects.get()
        if kind == "goal":
            item, rows, parent = plan.goals.first(), list(plan.goals.order_by("position")), plan.pk
        else:
            goal = GoalFactory(plan=plan)
            rows = [OutcomeFactory(goal=goal, position=n) for n in range(3)]
            item, parent = rows[0], goal.pk
    address = url("move-to", kind, item.uuid)
    data = fields_of(coordinator_client.get(address).context["form"]) | {"target": f"{parent}.{rows[2].pk}"}
    assert coordinator_client.post(address, data).status_code == 302
    with in_city(riverton):
        siblings = type(item).objects.filter(pk__in=[row.pk for row in rows]).order_by("position")
        assert list(siblings) == [rows[1], rows[2], rows[0]]


# ---- Several actions -------------------------------------------------------------------------------------
def several(client: Any, *actions: Action) -> dict[str, Any]:
    """The data of the form for these actions."""
    context = client.get(url("edit-several"), {"a": [action.code for action in actions]}).context
    data = fields_of(context["form"]) | {"a": [line["action"].code for line in context["lines"]]}
    return data | {f"version-{line['action'].code}": line["version"] for line in context["lines"]}


def test_several_actions_change_at_once(coordinator_client, adopted, riverton, in_city):
    with in_city(riverton):
        actions = list(Action.objects.order_by("pk")[:3])
    page = coordinator_client.get(url("edit-several"), {"a": [action.code for action in actions]}).text
    assert all(str(action) in page for action in actions)
    data = several(coordinator_client, *actions) | {"due": "June 2028", "accountable": "Parks"}
    assert coordinator_client.post(url("edit-several"), data).status_code == 422
    response = coordinator_client.post(
        url("edit-several"), data | {"reason": "More time needed"}, follow=True
    )
    assert "3 actions changed." in response.text
    with in_city(riverton):
        changed = Action.objects.filter(accountable__name="Parks", due_date=dt.date(2028, 6, 30))
        assert set(changed) == set(actions)
        assert PlanLogEntry.objects.filter(reason="More time needed").count() == 3


def test_a_conflict_of_several_names_the_action_and_a_second_save_succeeds(
    coordinator_client, adopted, riverton, in_city
):
    with in_city(riverton):
        actions = list(Action.objects.order_by("pk")[:3])
    data = several(coordinator_client, *actions) | {"due": "June 2028", "reason": "More time"}
    with in_city(riverton):
        services.edit_action(actions[1], by=None, resources="Hers")
    response = coordinator_client.post(url("edit-several"), data)
    assert response.status_code == 422
    assert f"<li>{actions[1]}</li>" in response.text
    with in_city(riverton):
        assert not Action.objects.exclude(due_date=None).exists()
    retry = data | {f"version-{line['action'].code}": line["version"] for line in response.context["lines"]}
    assert coordinator_client.post(url("edit-several"), retry).status_code == 302


def test_nothing_selected_is_explained(coordinator_client):
    assert "No actions are selected." in coordinator_client.get(url("edit-several")).text


# ---- Merging ---------------------------------------------------------------------------------------------
def test_an_action_is_merged_and_separated_by_pages(
    coordinator_client, client_for, adopted, riverton, in_city
):
    with in_city(riverton):
        target = Action.objects.order_by("pk").last()
        services.publish_plan(Plan.objects.get(), by=None, launch=True)
    address = url("merge", adopted.code)
    form = coordinator_client.get(address).context["form"]
    codes = [code for _group, options in form.fields["into"].choices[1:] for code, _label in options]
    assert adopted.code not in codes
    data = fields_of(form) | {"into": target.code}
    assert coordinator_client.post(address, data).status_code == 422  # no reason
    assert coordinator_client.post(address, data | {"reason": "Same work."}).status_code == 302
    for page in (url("editor"), url("edit-action", adopted.code)):
        text = coordinator_client.get(page).text
        assert f"merged into {target}" in text
        assert "Merged</span>" in text
    update = coordinator_client.get(url("record-progress", adopted.code)).text
    assert "This action was merged" in update
    assert url("record-progress", target.code) in update
    public = client_for(riverton).get(f"/plan/actions/{adopted.code}/").text
    assert f'<a href="/plan/actions/{target.code}/">{target}</a>' in public
    assert "Same work." in public
    back = {"separate": "1", "reason": "It is other work."}
    assert "Undo the merge" in coordinator_client.get(address).text
    assert coordinator_client.post(address, back).status_code == 302
    with in_city(riverton):
        adopted.refresh_from_db()
        assert (adopted.status, adopted.merged_into) == (None, None)
    assert "Merged into another action" not in client_for(riverton).get(f"/plan/actions/{adopted.code}/").text


def test_the_page_of_a_merged_action_does_not_link_to_an_archived_one(client_for, adopted, riverton, in_city):
    with in_city(riverton):
        target = Action.objects.order_by("pk").last()
        services.publish_plan(Plan.objects.get(), by=None, launch=True)
        services.merge_actions(adopted, target, by=None, reason="Same work.")
        services.retire(target, by=None, reason="Gone.")
    response = client_for(riverton).get(f"/plan/actions/{adopted.code}/")
    assert response.status_code == 200
    assert f"/plan/actions/{target.code}/" not in response.text
    assert "Merged into another action" not in response.text
