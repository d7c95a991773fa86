"""Filters, sort order and pages of the list of actions."""

from __future__ import annotations

import re

import pytest

from tenants.dashboard.action_list import ActionFilterSet
from tenants.plans.models import Action, Goal
from tests.dashboard.responses import action_codes, csv_rows, visible_text
from tests.plan_factories import (
    ActionFactory,
    OutcomeFactory,
)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"]),
        ("?status=attention", ["t5", "t6", "t7"]),
        ("?status=none", ["t3"]),
        ("?status=overdue", ["t6"]),
        ("?status=late", ["t6"]),  # as it was called before
        ("?status=at_risk", []),
        ("?status=left_out", ["t4"]),
        ("?stage=normalize", ["t5"]),
        ("?q=CAFE", ["t3"]),
        ("?q=housing+rent", ["t6"]),
        ("?q=nothing+like+it", []),
        ("?status=attention&sort=due", ["t6", "t5", "t7"]),
        ("?status=attention&sort=-due", ["t5", "t6", "t7"]),
        ("?status=attention&sort=title", ["t5", "t6", "t7"]),
        ("?status=attention&sort=-title", ["t7", "t6", "t5"]),
        ("?stage=organize&sort=status", ["t6", "t7", "t8"]),
        ("?sort=-updated&stage=operationalize", ["t2", "t1", "t3", "t4"]),
        ("?sort=owner&page=nine&status=%00", ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"]),
    ],
)
def test_filters_and_sort_order_come_from_the_query_string(public_plan, anonymous_client, query, codes):
    assert action_codes(anonymous_client.get("/" + query)) == codes


def test_goal_and_department_filters_have_a_link_that_removes_them(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        goal = Goal.objects.get(title="Housing stability").pk
        department = Action.objects.get(code="t1").accountable_id
    response = anonymous_client.get(f"/?goal={goal}&status=attention")
    assert action_codes(response) == ["t5", "t6", "t7"]
    assert re.search(rf'<a class="chip chip--on"\s+href="/\?goal={goal}#actions"', response.text)
    assert "3 of 8 actions." in visible_text(response)
    assert f'<option value="{goal}" selected>' in response.text
    assert action_codes(anonymous_client.get(f"/?department={department}")) == ["t1", "t2", "t3", "t4"]
    assert action_codes(anonymous_client.get("/?department=none")) == ["t8"]


def test_a_chosen_status_that_does_not_count_is_offered_too(public_plan, anonymous_client):
    assert 'value="cancelled"' not in anonymous_client.get("/").text
    response = anonymous_client.get("/?status=cancelled")
    assert action_codes(response) == ["t4"]
    assert '<option value="cancelled" selected>' in response.text


@pytest.mark.parametrize("query", ["status=ZZ", "goal=99999", "department=ZZ", "stage=drop+table"])
def test_a_value_that_is_no_choice_matches_no_action_and_has_a_link_that_removes_it(
    public_plan, anonymous_client, query
):
    response = anonymous_client.get(f"/?{query}&sort=due")
    value = query.partition("=")[2].replace("+", " ")
    assert "0 of 8 actions." in visible_text(response)
    chip = re.search(r'<a class="chip chip--on"\s+href="([^"]+)"[^>]*>(.*?)</a>', response.text, re.DOTALL)
    assert chip[1] == "/?sort=due#actions"
    assert value in chip[2]
    assert f'<option value="{value}" selected>{value} (0)</option>' in response.text
    assert csv_rows(anonymous_client.get(f"/data/actions.csv?{query}")) == []


def test_an_empty_result_links_to_all_actions(public_plan, anonymous_client):
    response = anonymous_client.get("/?q=zebra")
    assert "No action matches these filters." in response.text
    assert "Show all 8 actions" in response.text


def test_long_lists_are_paginated(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        outcome = OutcomeFactory(goal__plan=public_plan, goal__position=9)
        ActionFactory.create_batch(30, outcome=outcome)
    assert len(action_codes(anonymous_client.get("/"))) == 25
    second = anonymous_client.get("/?page=2")
    assert len(action_codes(second)) == 13
    assert "26 to 38 of 38" in visible_text(second)
    assert len(action_codes(anonymous_client.get("/?page=99"))) == 13
    assert len(csv_rows(anonymous_client.get("/data/actions.csv"))) == 38


def test_htmx_gets_only_the_list(public_plan, anonymous_client):
    headers = {"HX-Request": "true", "HX-Target": "action-rows", "HX-Trigger": "action-filters"}
    partial = anonymous_client.get("/?status=attention", headers=headers)
    assert "<html" not in partial.text
    assert action_codes(partial) == ["t5", "t6", "t7"]
    assert "3 of 8 actions" in partial.text
    assert "HX-Request" in partial["Vary"]
    full_page = anonymous_client.get(
        "/?status=attention", headers=headers | {"HX-History-Restore-Request": "true"}
    )
    assert "<html" in full_page.text


def test_pages_of_the_list_are_cached_by_every_parameter_but_free_text():
    expected = ["status", "goal", "department", "stage", "sort", "page"]
    assert ActionFilterSet.cacheable_params() == expected
