"""The numbers of a plan: the same on the pages and in the downloads."""

from __future__ import annotations

import datetime as dt
import re

from tenants.plans.models import Action, ProgressNote
from tests.dashboard.responses import action_codes, csv_rows, visible_text


def test_page_csv_and_json_show_the_same_numbers(public_plan, anonymous_client):
    home = visible_text(anonymous_client.get("/"))
    assert "7 actions at a glance" in home
    assert "7 leaves out 1 cancelled." in home
    assert "1 done 1 on track 3 need attention 1 not started 1 no status yet" in home
    parts = "1 Completed 1 On track 1 Off track 1 Overdue 1 On hold 1 Not started 1 No status yet"
    assert parts in home
    assert "Overdue 1 Open after its due date. Its last report says: 1 at risk" in home

    numbers = csv_rows(anonymous_client.get("/data/numbers.csv"))[0]
    assert (numbers["by"], numbers["actions_counted"], numbers["completed"], numbers["on_track"]) == (
        "plan",
        "7",
        "1",
        "1",
    )
    states = ("at_risk", "off_track", "overdue", "on_hold", "no_status")
    assert [numbers[state] for state in states] == ["0", "1", "1", "1", "1"]
    assert (numbers["cancelled"], numbers["promised_date_passed"]) == ("1", "1")

    tree = anonymous_client.get("/data/plan.json").json()
    assert {k: str(v) for k, v in tree["numbers"].items()} == numbers
    actions = anonymous_client.get("/data/actions.json").json()["actions"]
    assert sum(a["status"] == "completed" for a in actions) == 1
    assert sum(a["status"] is None for a in actions) == 1
    assert "7" in visible_text(anonymous_client.get("/data/"))


def test_downloads_match_the_list(public_plan, anonymous_client):
    for query in [
        "",
        "?status=attention",
        "?goal=&stage=organize&sort=-title",
        "?q=cafe",
        "?status=overdue&sort=due",
    ]:
        shown = action_codes(anonymous_client.get("/" + query))
        assert shown == [row["code"] for row in csv_rows(anonymous_client.get("/data/actions.csv" + query))]
        assert shown == [
            row["code"] for row in anonymous_client.get("/data/actions.json" + query).json()["actions"]
        ]


def test_summaries_by_goal_department_and_stage(public_plan, anonymous_client):
    lines = {(row["by"], row["name"]): row for row in csv_rows(anonymous_client.get("/data/numbers.csv"))}
    assert lines["goal", "Goal 1: Fair fines"]["actions_counted"] == "3"
    assert lines["goal", "Goal 2: Housing stability"]["off_track"] == "1"
    assert lines["department", "Library"]["actions_counted"] == "3"
    assert lines["department", "Not assigned"]["actions_counted"] == "1"
    # an action without a kind of its own has that of its outcome
    assert lines["kind_of_step", "Normalize"]["actions_counted"] == "1"
    assert lines["kind_of_step", "Organize"]["actions_counted"] == "3"
    page = visible_text(anonymous_client.get("/"))
    words = "4 actions: 1 off track, 1 overdue, 1 on hold, 1 not started."
    assert re.search(rf"Goal 2: Housing stability [\d ]+ {words}", page)
    assert re.search(
        r"Library [\d ]+ 3 actions: 1 completed, 1 on track, 1 no status yet. Left out: 1 cancelled.", page
    )


def test_the_lead_paragraph_is_built_from_the_numbers(public_plan, anonymous_client):
    assert (
        "In January 2025 the City Council adopted two goals and eight actions. One action is done. "
        "One is overdue. “Housing stability” is the goal furthest behind."
        in visible_text(anonymous_client.get("/"))
    )


def test_the_most_delayed_action_comes_first_with_its_next_step(public_plan, anonymous_client):
    text = visible_text(anonymous_client.get("/"))
    start = text.index("Where we are behind Eviction help at the courthouse")
    assert "Both attorneys left." in text[start : start + 200]
    assert "What happens next. Interviews are on April 14." in text[start : start + 300]
    assert "vacant since March 1, 2027" in text[start:]
    assert "All 3 that need attention" in text


def test_an_overdue_action_is_further_behind_than_one_at_risk(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t5").update(status="at_risk")
    text = visible_text(anonymous_client.get("/"))
    start = text.index("Where we are behind Rent fund")
    assert "Overdue Report: at risk" in text[start : start + 300]


def test_a_plan_without_any_status_shows_that_instead_of_zeros(
    launched_city, make_plan, anonymous_client, in_city
):
    make_plan(launched_city)
    with in_city(launched_city):
        Action.objects.update(status=None, last_update_on=None)
        ProgressNote.objects.all().delete()
    text = visible_text(anonymous_client.get("/"))
    assert "adopted two goals and eight actions. No progress is reported yet." in text
    assert "No status yet" not in text


def test_the_citys_own_status_labels_are_used(launched_city, make_plan, anonymous_client):
    make_plan(launched_city, status_labels={"on_track": "Moving"})
    response = anonymous_client.get("/?status=on_track")
    assert "Moving" in response.text
    assert "On track" not in response.text.split('id="action-rows"')[1]
    assert csv_rows(anonymous_client.get("/data/actions.csv?status=on_track"))[0]["status"] == "on_track"


def test_a_draft_has_no_overdue_actions(launched_city, make_plan, anonymous_client):
    make_plan(launched_city, lifecycle="draft", adopted_on=None)
    text = visible_text(anonymous_client.get("/"))
    assert "Draft. The city has not adopted this plan." in text
    assert not re.search(r"\d overdue", text)
    page = visible_text(anonymous_client.get("/plan/actions/t6/"))
    assert "Proposed" in page
    assert "At risk" not in page
    assert "verdue" not in page
    assert anonymous_client.get("/data/actions.json?status=overdue").json()["count"] == 0


def test_overdue_actions_are_not_on_track_and_show_their_report(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t2").update(due_date=dt.date(2027, 4, 7))
    home = visible_text(anonymous_client.get("/"))
    assert "1 done 4 need attention" in home
    assert "1 Completed 1 Off track 2 Overdue 1 On hold" in home
    assert "Overdue Report: on track" in visible_text(anonymous_client.get("/plan/"))
    page = visible_text(anonymous_client.get("/plan/actions/t2/"))
    assert "Overdue Report: on track" in page
    assert "The date passed 1 day ago, and the action is not reported as done." in page
    [row] = [row for row in csv_rows(anonymous_client.get("/data/actions.csv")) if row["code"] == "t2"]
    assert (row["status"], row["status_words"], row["standing"]) == ("on_track", "On track", "overdue")
    assert row["promised_date_passed"] == "True"


def test_without_a_status_an_action_is_never_overdue(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        Action.objects.filter(code="t3").update(due_date=dt.date(2027, 4, 7), start_date=None)
    assert action_codes(anonymous_client.get("/?status=overdue")) == ["t6"]
    assert "No status yet Due date passed, no report" in visible_text(anonymous_client.get("/plan/"))
    page = visible_text(anonymous_client.get("/plan/actions/t3/"))
    assert "No status yet Due date passed, no report" in page
    assert "and there is no report on it yet." in page
    [row] = [row for row in csv_rows(anonymous_client.get("/data/actions.csv")) if row["code"] == "t3"]
    assert (row["status"], row["standing"], row["promised_date_passed"]) == ("", "none", "True")


def test_a_completed_plan_owes_no_updates(launched_city, public_plan, anonymous_client, in_city):
    assert "updates are up to date" in visible_text(anonymous_client.get("/"))
    with in_city(launched_city):
        public_plan.lifecycle = "completed"
        public_plan.save()
    text = visible_text(anonymous_client.get("/"))
    assert "updates are up to date" not in text
    assert "No recent update" not in text
    assert {row["freshness"] for row in csv_rows(anonymous_client.get("/data/actions.csv"))} == {"closed"}
