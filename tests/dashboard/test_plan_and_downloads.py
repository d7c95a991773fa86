"""The whole plan, the downloads, and the number of queries."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.plans.models import Action, Plan
from tests.dashboard.responses import DOWNLOADS, PAGES, action_codes, csv_rows, visible_text
from tests.plan_factories import (
    ActionFactory,
    MeasureFactory,
    MilestoneFactory,
    NoteFactory,
    OutcomeFactory,
    PartyFactory,
)


def test_the_plan_lists_goals_outcomes_and_actions_in_order(public_plan, anonymous_client):
    text = visible_text(anonymous_client.get("/plan/"))
    headings = [
        "Goal 1: Fair fines",
        "A: Nobody loses",
        "1.1 End overdue",
        "Goal 2: Housing",
        "B: Fewer families",
        "2.4 Tract",
    ]
    assert [text.rindex(heading) for heading in headings] == sorted(
        text.rindex(heading) for heading in headings
    )


def test_a_long_plan_is_paginated_and_a_goal_link_opens_its_page(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        long = OutcomeFactory(goal__plan=public_plan, goal__position=8, goal__title="The long one")
        ActionFactory.create_batch(120, outcome=long)
        last = OutcomeFactory(goal__plan=public_plan, goal__position=9, goal__title="The last one")
        ActionFactory(outcome=last)
    first, second = anonymous_client.get("/plan/"), anonymous_client.get("/plan/?page=2")
    assert len(action_codes(first)) == 100
    assert len(action_codes(second)) == 29
    assert "(continued)" in second.text
    assert not set(action_codes(first)) & set(action_codes(second))
    assert action_codes(anonymous_client.get(f"/plan/?goal={last.goal_id}")) == action_codes(second)


def test_csv_files_have_no_formulas(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        Action.objects.filter(code="t1").update(
            title='=HYPERLINK("https://evil.example")', details=" +1", reason="@SUM(A1)"
        )
    response = anonymous_client.get("/data/actions.csv")
    assert response.content.startswith(b"\xef\xbb\xbfcode,")
    row = csv_rows(response)[0]
    assert (row["action"], row["details"], row["reason"]) == (
        '\'=HYPERLINK("https://evil.example")',
        "' +1",
        "'@SUM(A1)",
    )
    assert anonymous_client.get("/data/actions.json").json()["actions"][0]["action"].startswith("=HYPERLINK")


def test_the_json_tree_matches_the_pages(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        MeasureFactory(action=Action.objects.get(code="t5"), text="Families helped")
    tree = anonymous_client.get("/data/plan.json").json()
    action = tree["goals"][1]["outcomes"][0]["actions"][0]
    assert (tree["jurisdiction"], tree["counted_on"], tree["licence"]["name"]) == (
        "City of Riverton",
        "2027-04-08",
        "CC BY 4.0",
    )
    assert action["code"] == "t5"
    assert action["measures"][0]["text"] == "Families helped"
    assert [note["text"] for note in action["updates"]] == ["One attorney left.", "The lead left."]
    assert "CANARY" not in str(tree)


def test_text_of_the_plan_is_escaped(launched_city, public_plan, anonymous_client, in_city):
    evil = "<script>alert(1)</script>"
    with in_city(launched_city):
        Action.objects.update(title=evil, details=evil, reason=evil, next_step=evil, resources=evil, why=evil)
        Plan.objects.update(title=evil, summary=evil, vision=evil)
    for url in PAGES:
        assert evil not in anonymous_client.get(url).text
    assert evil not in anonymous_client.get("/", {"q": evil}).text


def test_queries_do_not_grow_with_the_plan(launched_city, public_plan, anonymous_client, in_city):
    def count(url):
        with CaptureQueriesContext(connection) as queries:
            assert anonymous_client.get(url).status_code == 200
        return len(queries)

    def grow(number):
        with in_city(launched_city):
            for action in ActionFactory.create_batch(
                number, outcome__goal__plan=public_plan, status="at_risk", reason="x"
            ):
                NoteFactory(action=action, noted_on=dt.date(2027, 4, 2))
            action = Action.objects.get(code="t5")
            MeasureFactory.create_batch(number, action=action)
            PartyFactory.create_batch(number, action=action)
            MilestoneFactory.create_batch(number, action=action)
            NoteFactory.create_batch(number, action=action)

    urls = [*PAGES, *DOWNLOADS, "/data/plan.xlsx", "/?status=attention&q=action&sort=due"]
    for url in urls:
        anonymous_client.get(url)
    grow(2)
    before = {url: count(url) for url in urls}
    grow(30)
    assert {url: count(url) for url in urls} == before
    assert max(before.values()) <= 18
