from __future__ import annotations

import csv
import datetime as dt
import io
import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import Affiliation, Visibility
from tenants.plans.models import Action, Goal, Plan, PlanLogEntry
from tests.plan_factories import (
    ActionFactory,
    MeasureFactory,
    MilestoneFactory,
    NoteFactory,
    OutcomeFactory,
    PartyFactory,
)

PAGES = ["/", "/plan/", "/plan/actions/t5/", "/data/"]
FILES = ["/data/actions.csv", "/data/actions.json", "/data/plan.json", "/data/numbers.csv"]


def words_of(response):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def rows_of(response):
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def codes_on(response):
    return re.findall(r'<th scope="row"><a href="/plan/actions/(\w+)/', response.text)


# ---- Who sees what ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", PAGES + FILES)
def test_a_public_plan_of_a_launched_city_is_open_to_everybody(public_plan, resident, url):
    assert resident.get(url).status_code == 200


@pytest.mark.parametrize("url", PAGES + FILES)
def test_a_city_that_has_not_launched_is_404_to_strangers(
    riverton, make_plan, client_for, make_user, ashford, url
):
    make_plan(riverton)
    assert client_for(riverton).get(url).status_code == 404
    assert client_for(riverton, make_user(ashford, "coordinator")).get(url).status_code == 404


@pytest.mark.parametrize("visibility", [Visibility.INTERNAL, Visibility.COHORT])
def test_a_plan_that_is_not_public_says_so_and_shows_nothing(launched, make_plan, resident, visibility):
    make_plan(launched, visibility=visibility)
    for url in ["/", "/plan/", "/data/"]:
        response = resident.get(url)
        assert response.status_code == 200
        assert "The plan is not public yet." in response.text
        assert "Eviction help" not in response.text
    for url in ["/plan/actions/t5/", *FILES]:
        assert resident.get(url).status_code == 404


@pytest.mark.parametrize("url", PAGES + FILES)
def test_a_stranger_gains_nothing_by_asking_for_a_preview(
    launched, make_plan, client_for, make_user, ashford, url
):
    make_plan(launched, visibility=Visibility.INTERNAL)
    for client in [client_for(launched), client_for(launched, make_user(ashford, "coordinator"))]:
        response = client.get(url, {"preview": "1"})
        assert "Eviction help" not in response.text
        assert "Only your team" not in response.text


@pytest.mark.parametrize("url", PAGES)
def test_the_team_previews_an_internal_plan_under_a_clear_banner(
    launched, make_plan, client_for, make_user, url
):
    make_plan(launched, visibility=Visibility.INTERNAL)
    response = client_for(launched, make_user(launched, "viewer")).get(url, {"preview": "1"})
    assert response.status_code == 200
    assert "Only your team sees this." in response.text
    assert "no-store" in response["Cache-Control"]


def test_links_of_a_preview_stay_in_the_preview(launched, make_plan, client_for, make_user):
    make_plan(launched, visibility=Visibility.INTERNAL)
    response = client_for(launched, make_user(launched, "viewer")).get("/", {"preview": "1"})
    assert '<a href="/plan/actions/t5/?preview=1">' in response.text
    assert '<input type="hidden" name="preview" value="1">' in response.text
    assert "/data/actions.csv?preview=1" in response.text


def test_the_team_sees_a_city_before_its_launch(riverton, make_plan, client_for, make_user):
    make_plan(riverton, visibility=Visibility.INTERNAL)
    response = client_for(riverton, make_user(riverton, "coordinator")).get("/")
    assert "This site is not launched yet." in response.text
    assert "Eviction help" in response.text


@pytest.mark.parametrize("code", ["t9", "nothing", "t99"])
def test_retired_and_unknown_actions_are_404(public_plan, resident, code):
    assert resident.get(f"/plan/actions/{code}/").status_code == 404


def test_an_action_under_a_retired_goal_is_404_and_not_counted(launched, public_plan, resident, in_city):
    with in_city(launched):
        Goal.objects.filter(title="Housing stability").update(retired_at=timezone.now())
    assert resident.get("/plan/actions/t5/").status_code == 404
    assert resident.get("/data/actions.json").json()["count"] == 4


def test_only_reading_is_allowed(public_plan, resident):
    for url in PAGES[1:] + FILES:
        assert resident.post(url).status_code == 405


# ---- Numbers ---------------------------------------------------------------------------------------------


def test_page_csv_and_json_show_the_same_numbers(public_plan, resident):
    home = words_of(resident.get("/"))
    assert "1 of 7 actions completed 7 leaves out 1 cancelled." in home
    assert "1 of 7 on track" in home
    assert "3 of 7 need attention 1 at risk, 1 off track, 1 on hold." in home
    assert "1 of 7 have no status yet" in home
    assert "1 of 6 are past their promised date" in home

    numbers = rows_of(resident.get("/data/numbers.csv"))[0]
    assert (numbers["by"], numbers["actions_counted"], numbers["completed"], numbers["on_track"]) == (
        "plan",
        "7",
        "1",
        "1",
    )
    assert (numbers["at_risk"], numbers["off_track"], numbers["on_hold"], numbers["no_status"]) == (
        "1",
        "1",
        "1",
        "1",
    )
    assert (numbers["cancelled"], numbers["promised_date_passed"]) == ("1", "1")

    tree = resident.get("/data/plan.json").json()
    assert {k: str(v) for k, v in tree["numbers"].items()} == numbers
    actions = resident.get("/data/actions.json").json()["actions"]
    assert sum(a["status"] == "completed" for a in actions) == 1
    assert sum(a["status"] is None for a in actions) == 1
    assert "7" in words_of(resident.get("/data/"))


def test_the_csv_holds_what_the_list_shows(public_plan, resident):
    for query in [
        "",
        "?status=attention",
        "?goal=&stage=organize&sort=-title",
        "?q=cafe",
        "?status=late&sort=due",
    ]:
        shown = codes_on(resident.get("/" + query))
        assert shown == [row["code"] for row in rows_of(resident.get("/data/actions.csv" + query))]
        assert shown == [row["code"] for row in resident.get("/data/actions.json" + query).json()["actions"]]


def test_summaries_by_goal_department_and_stage(public_plan, resident):
    lines = {(row["by"], row["name"]): row for row in rows_of(resident.get("/data/numbers.csv"))}
    assert lines["goal", "Goal 1: Fair fines"]["actions_counted"] == "3"
    assert lines["goal", "Goal 2: Housing stability"]["off_track"] == "1"
    assert lines["department", "Library"]["actions_counted"] == "3"
    assert lines["department", "Nobody is named yet"]["actions_counted"] == "1"
    # an action without a kind of its own has that of its outcome
    assert lines["kind_of_step", "Normalize"]["actions_counted"] == "1"
    assert lines["kind_of_step", "Organize"]["actions_counted"] == "3"
    page = words_of(resident.get("/"))
    assert "Goal 2: Housing stability 1 at risk, 1 off track, 1 on hold, 1 not started" in page


def test_the_lead_sentence_is_built_from_facts(public_plan, resident):
    assert (
        "In January 2025 the City Council adopted two goals and eight actions. One action is done. "
        "“Housing stability” is the goal furthest behind." in words_of(resident.get("/"))
    )


def test_bad_news_comes_first_with_what_happens_next(public_plan, resident):
    text = words_of(resident.get("/"))
    start = text.index("Where we are behind Eviction help at the courthouse")
    assert "Both attorneys left." in text[start : start + 200]
    assert "What happens next. Interviews are on April 14." in text[start : start + 300]
    assert "position vacant since Mar 1, 2027" in text[start:]
    assert "2 more actions are behind" in text


def test_a_plan_without_any_status_says_so_instead_of_zeros(launched, make_plan, resident, in_city):
    make_plan(launched)
    with in_city(launched):
        Action.objects.update(status=None, last_update_on=None)
    text = words_of(resident.get("/"))
    assert "8 of 8 have no status yet" in text
    assert "actions completed" not in text
    assert "The city has not reported on any of them yet." in text


def test_the_city_s_own_words_for_statuses_are_used(launched, make_plan, resident):
    make_plan(launched, status_labels={"on_track": "Moving"})
    response = resident.get("/?status=on_track")
    assert "Moving" in response.text
    assert "On track" not in response.text.split('id="action-rows"')[1]
    assert rows_of(resident.get("/data/actions.csv?status=on_track"))[0]["status"] == "on_track"


def test_a_draft_has_promised_nothing_yet(launched, make_plan, resident):
    make_plan(launched, lifecycle="draft", adopted_on=None)
    text = words_of(resident.get("/"))
    assert "draft, not adopted yet" in text
    assert "past their promised date" not in text
    assert "date passed" not in words_of(resident.get("/plan/actions/t6/"))
    assert resident.get("/data/actions.json?status=late").json()["count"] == 0


# ---- The list --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"]),
        ("?status=attention", ["t5", "t6", "t7"]),
        ("?status=none", ["t3"]),
        ("?status=late", ["t6"]),
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
        ("?status=drop+table&sort=owner&page=nine", ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"]),
    ],
)
def test_filters_and_order_live_in_the_address(public_plan, resident, query, codes):
    assert codes_on(resident.get("/" + query)) == codes


def test_goal_and_department_filter_with_a_chip_that_removes_them(launched, public_plan, resident, in_city):
    with in_city(launched):
        goal = Goal.objects.get(title="Housing stability").pk
        department = Action.objects.get(code="t1").accountable_id
    response = resident.get(f"/?goal={goal}&status=attention")
    assert codes_on(response) == ["t5", "t6", "t7"]
    assert f'<a class="chip chip--on" href="/?goal={goal}#actions">' in response.text
    assert "3 of 8 actions." in words_of(response)
    assert f'<option value="{goal}" selected>' in response.text
    assert codes_on(resident.get(f"/?department={department}")) == ["t1", "t2", "t3", "t4"]
    assert codes_on(resident.get("/?department=none")) == ["t8"]


def test_an_empty_result_offers_the_way_back(public_plan, resident):
    response = resident.get("/?q=zebra")
    assert "No action matches these filters." in response.text
    assert "Show all 8 actions" in response.text


def test_long_lists_have_pages(launched, public_plan, resident, in_city):
    with in_city(launched):
        outcome = OutcomeFactory(goal__plan=public_plan, goal__position=9)
        ActionFactory.create_batch(30, outcome=outcome)
    assert len(codes_on(resident.get("/"))) == 25
    second = resident.get("/?page=2")
    assert len(codes_on(second)) == 13
    assert "26 to 38 of 38" in words_of(second)
    assert len(codes_on(resident.get("/?page=99"))) == 13
    assert len(rows_of(resident.get("/data/actions.csv"))) == 38


def test_htmx_gets_the_list_alone(public_plan, resident):
    headers = {"HX-Request": "true", "HX-Target": "action-rows", "HX-Trigger": "action-filters"}
    part = resident.get("/?status=attention", headers=headers)
    assert "<html" not in part.text
    assert codes_on(part) == ["t5", "t6", "t7"]
    assert "3 of 8 actions" in part.text
    assert "HX-Request" in part["Vary"]
    whole = resident.get("/?status=attention", headers=headers | {"HX-History-Restore-Request": "true"})
    assert "<html" in whole.text


# ---- The action ------------------------------------------------------------------------------------------


def test_an_action_says_why_what_next_who_and_since_when(public_plan, resident):
    text = words_of(resident.get("/plan/actions/t5/"))
    assert "Off track since March 5, 2027 Up to date 34 days ago" in text
    assert "Why it is off track Both attorneys left. What happens next. Interviews are on April 14." in text
    assert "Vacant since March 1, 2027 Housing Services" in text
    assert "Promised by June 2027" in text
    assert "At risk to off track The lead left." in text


def test_an_action_shows_measures_milestones_parties_and_the_neighbors(
    launched, public_plan, resident, in_city
):
    with in_city(launched):
        action = Action.objects.get(code="t5")
        MeasureFactory(action=action, kind="better_off", text="Families still at home", target="75%")
        MeasureFactory(action=action, kind="how_much", text="Families helped", baseline="22")
        MilestoneFactory(action=action, title="Desk opens", done_date=dt.date(2025, 6, 2))
        MilestoneFactory(action=action, title="Second attorney", due_date=dt.date(2026, 12, 31))
        PartyFactory(action=action, department__name="Municipal Court")
        PartyFactory(action=action, department__name="Bend Legal Aid", role="support")
    text = words_of(resident.get("/plan/actions/t5/"))
    assert text.index("How much did we do? Families helped At the start: 22") < text.index(
        "Is anyone better off? Families still at home Target: 75%"
    )
    assert "Desk opens done June 2, 2025" in text
    assert "Second attorney due December 31, 2026, not reported as done" in text
    assert "Also responsible Municipal Court" in text
    assert "Supports Bend Legal Aid" in text
    assert "Before: 1.4 An old idea" in text
    assert "Next: 2.2 Rent fund" in text


def test_a_person_is_named_only_if_the_affiliation_is_public(
    launched, public_plan, resident, make_user, in_city
):
    somebody = make_user(launched, "department_lead", first_name="Ada", last_name="Obi")
    mine = Affiliation.objects.get(user=somebody)
    with in_city(launched):
        Action.objects.filter(code="t2").update(owner=mine.pk)
    assert "Ada Obi" not in resident.get("/plan/actions/t2/").text
    Affiliation.objects.filter(pk=mine.pk).update(is_public=True)
    page = resident.get("/plan/actions/t2/")
    assert "Ada Obi" in page.text
    assert somebody.email not in page.text


def test_a_changed_promise_keeps_its_old_wording_but_not_from_before_publication(
    launched, public_plan, resident, in_city
):
    with in_city(launched):
        action = Action.objects.get(code="t5")
        common = {"verb": "edited", "object_type": "action", "object_uuid": action.uuid}
        PlanLogEntry.objects.create(
            **common,
            at=dt.datetime(2027, 1, 12, tzinfo=dt.UTC),
            reason="Nobody was hired.",
            fields={"due_date": ["2026-12-31", "2027-06-30"], "status_raw": ["secret raw", "x"]},
        )
        PlanLogEntry.objects.create(
            **common,
            at=dt.datetime(2024, 1, 12, tzinfo=dt.UTC),
            fields={"title": ["A draft title", "Another"]},
        )
    text = words_of(resident.get("/plan/actions/t5/"))
    assert "Promised by December 31, 2026 June 30, 2027 Nobody was hired." in text
    assert "A draft title" not in text
    assert "secret raw" not in text


def test_internal_notes_of_an_import_are_not_shown(launched, public_plan, resident, in_city):
    with in_city(launched):
        Action.objects.filter(code="t5").update(extra_columns=[{"label": "Cost code", "text": "CANARY-4-11"}])
    for url in PAGES + FILES:
        assert "CANARY" not in resident.get(url).text


def test_many_updates_have_pages(launched, public_plan, resident, in_city):
    with in_city(launched):
        action = Action.objects.get(code="t2")
        for week in range(25):
            NoteFactory(
                action=action, noted_on=dt.date(2026, 1, 1) + dt.timedelta(weeks=week), text=f"Week {week}."
            )
    first, second = resident.get("/plan/actions/t2/").text, resident.get("/plan/actions/t2/?page=2").text
    assert "Week 24." in first
    assert "Week 0." not in first
    assert "Week 0." in second


# ---- The plan and the data -------------------------------------------------------------------------------


def test_the_plan_lists_goals_outcomes_and_actions_in_order(public_plan, resident):
    text = words_of(resident.get("/plan/"))
    marks = [
        "Goal 1: Fair fines",
        "A. Nobody loses",
        "1.1 End overdue",
        "Goal 2: Housing",
        "B. Fewer families",
        "2.4 Tract",
    ]
    assert [text.rindex(mark) for mark in marks] == sorted(text.rindex(mark) for mark in marks)


def test_a_plan_of_many_actions_has_pages_and_finds_the_page_of_a_goal(
    launched, public_plan, resident, in_city
):
    with in_city(launched):
        long = OutcomeFactory(goal__plan=public_plan, goal__position=8, goal__title="The long one")
        ActionFactory.create_batch(120, outcome=long)
        last = OutcomeFactory(goal__plan=public_plan, goal__position=9, goal__title="The last one")
        ActionFactory(outcome=last)
    first, second = resident.get("/plan/"), resident.get("/plan/?page=2")
    assert len(codes_on(first)) == 100
    assert len(codes_on(second)) == 29
    assert "(continued)" in second.text
    assert not set(codes_on(first)) & set(codes_on(second))
    assert codes_on(resident.get(f"/plan/?goal={last.goal_id}")) == codes_on(second)


def test_spreadsheets_get_no_formulas(launched, public_plan, resident, in_city):
    with in_city(launched):
        Action.objects.filter(code="t1").update(
            title='=HYPERLINK("https://evil.example")', details=" +1", reason="@SUM(A1)"
        )
    response = resident.get("/data/actions.csv")
    assert response.content.startswith(b"\xef\xbb\xbfcode,")
    row = rows_of(response)[0]
    assert (row["action"], row["details"], row["reason"]) == (
        '\'=HYPERLINK("https://evil.example")',
        "' +1",
        "'@SUM(A1)",
    )
    assert resident.get("/data/actions.json").json()["actions"][0]["action"].startswith("=HYPERLINK")


def test_the_plan_as_a_tree_holds_what_the_pages_show(launched, public_plan, resident, in_city):
    with in_city(launched):
        MeasureFactory(action=Action.objects.get(code="t5"), text="Families helped")
    tree = resident.get("/data/plan.json").json()
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


def test_words_of_the_plan_cannot_run_as_scripts(launched, public_plan, resident, in_city):
    evil = "<script>alert(1)</script>"
    with in_city(launched):
        Action.objects.update(title=evil, details=evil, reason=evil, next_step=evil, resources=evil, why=evil)
        Plan.objects.update(title=evil, summary=evil, vision=evil)
    for url in PAGES:
        assert evil not in resident.get(url).text
    assert evil not in resident.get("/", {"q": evil}).text


# ---- The colors ------------------------------------------------------------------------------------------


def test_every_host_serves_its_own_colors(launched, ashford, alliance, client_for):
    type(launched).objects.filter(pk=ashford.pk).update(brand_color="#0d5257")
    ashford.refresh_from_db()
    ashford.save()
    response = client_for(ashford).get("/brand.css")
    assert response["Content-Type"].startswith("text/css")
    assert "--brand: #0d5257;" in response.text
    assert "max-age" in response["Cache-Control"]
    assert (
        client_for(ashford).get("/brand.css", headers={"If-None-Match": response["ETag"]}).status_code == 304
    )
    for jurisdiction in (launched, alliance):
        assert "--brand: #2a2f66;" in client_for(jurisdiction).get("/brand.css").text


@pytest.mark.parametrize(("given", "at_least"), [("#ffee00", 7), ("#888888", 7), ("#0d5257", 7)])
def test_a_brand_color_can_always_be_read(riverton, given, at_least):
    from tenants.dashboard import theme

    riverton.brand_color = riverton.accent_color = given
    lines = dict(re.findall(r"--([a-z-]+): (#\w+);", theme.stylesheet(riverton)))
    assert theme.contrast_ratio(theme._parse_color(lines["brand"], "#000000"), theme.WHITE) >= at_least
    assert theme.contrast_ratio(theme._parse_color(lines["accent"], "#000000"), theme.INK) >= at_least
    assert (
        theme.contrast_ratio(
            theme._parse_color(lines["brand"], "#000000"), theme._parse_color(lines["brand-tint"], "#000000")
        )
        >= 4.5
    )


def test_a_color_or_pattern_that_is_none_writes_no_css_of_its_own(riverton):
    from tenants.dashboard import theme

    riverton.brand_color, riverton.pattern = "red;}*{", "../../x"
    assert theme.stylesheet(riverton).count("}") == 1
    assert "--pattern: none;" in theme.stylesheet(riverton)
    riverton.pattern = "bend"
    assert "img/patterns/bend.svg" in theme.stylesheet(riverton)


# ---- Growth ----------------------------------------------------------------------------------------------


def test_queries_do_not_grow_with_the_plan(launched, public_plan, resident, in_city):
    def count(url):
        with CaptureQueriesContext(connection) as queries:
            assert resident.get(url).status_code == 200
        return len(queries)

    def grow(number):
        with in_city(launched):
            for action in ActionFactory.create_batch(
                number, outcome__goal__plan=public_plan, status="at_risk", reason="x"
            ):
                NoteFactory(action=action, noted_on=dt.date(2027, 4, 2))
            action = Action.objects.get(code="t5")
            MeasureFactory.create_batch(number, action=action)
            PartyFactory.create_batch(number, action=action)
            MilestoneFactory.create_batch(number, action=action)
            NoteFactory.create_batch(number, action=action)

    urls = [*PAGES, *FILES, "/?status=attention&q=action&sort=due"]
    for url in urls:
        resident.get(url)
    grow(2)
    few = {url: count(url) for url in urls}
    grow(30)
    assert {url: count(url) for url in urls} == few
    assert max(few.values()) <= 18
