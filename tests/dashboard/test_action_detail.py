"""The page of one action."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

from tenants.models import Affiliation
from tenants.plans.models import Action, Plan, PlanLogEntry
from tests.dashboard.responses import DOWNLOADS, PAGES, visible_text
from tests.plan_factories import (
    MeasureFactory,
    MilestoneFactory,
    NoteFactory,
    PartyFactory,
)


def test_an_action_shows_reason_next_step_accountable_and_dates(public_plan, anonymous_client):
    text = visible_text(anonymous_client.get("/plan/actions/t5/"))
    assert "Off track since March 5, 2027 Last update 34 days ago" in text
    assert "Why it is off track Both attorneys left. What happens next. Interviews are on April 14." in text
    assert "Vacant since March 1, 2027 Housing Services" in text
    assert "Due June 2027" in text
    assert "At risk to off track The lead left." in text


def test_an_action_shows_measures_milestones_parties_and_the_neighbors(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        action = Action.objects.get(code="t5")
        MeasureFactory(action=action, kind="better_off", text="Families still at home", target="75%")
        MeasureFactory(action=action, kind="how_much", text="Families helped", baseline="22")
        MilestoneFactory(action=action, title="Desk opens", done_date=dt.date(2025, 6, 2))
        MilestoneFactory(action=action, title="Second attorney", due_date=dt.date(2026, 12, 31))
        PartyFactory(action=action, department__name="Municipal Court")
        PartyFactory(action=action, department__name="Bend Legal Aid", role="support")
    text = visible_text(anonymous_client.get("/plan/actions/t5/"))
    assert text.index("How much did we do? Families helped At the start: 22") < text.index(
        "Is anyone better off? Families still at home Target: 75%"
    )
    assert "Desk opens done June 2, 2025" in text
    assert "Second attorney due December 31, 2026, no report on it yet" in text
    assert "Also responsible Municipal Court" in text
    assert "Supports Bend Legal Aid" in text
    assert "Previous: 1.4 An old idea" in text
    assert "Next: 2.2 Rent fund" in text


def test_milestones_accuse_nobody_of_what_nobody_reported(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        action = Action.objects.get(code="t5")
        MilestoneFactory(action=action, title="", due_date=dt.date(2025, 9, 30), due_precision="month")
        MilestoneFactory(action=action, title="", due_date=dt.date(2027, 9, 30), due_precision="month")
        MilestoneFactory(
            action=action, title="Leaflets", due_date=dt.date(2026, 9, 30), due_precision="month"
        )
        Action.objects.filter(pk=action.pk).update(timeline_raw="September 2025\nSeptember 2026")
        closed = {"action": Action.objects.get(code="t1"), "title": "Flyers"}
        MilestoneFactory(due_date=dt.date(2026, 9, 30), due_precision="month", **closed)
    page = anonymous_client.get("/plan/actions/t5/")
    section = page.text.partition('aria-labelledby="miles"')[2].partition("</section>")[0]
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", section)).split())
    assert (
        "Also due: September 2025 Leaflets due September 2026, no report on it yet Also due: September 2027"
        in text
    )
    assert "fresh--late" not in section
    assert "#alarm" not in section
    assert "Step" not in text
    assert "September 2025<br>September 2026" in page.text
    closed = anonymous_client.get("/plan/actions/t1/").text
    assert "due September 2026" in closed
    assert "no report on it yet" not in closed


def test_the_wording_of_the_plan_is_not_a_second_headline(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        Action.objects.filter(code="t5").update(title="Eviction help at the courthouse.", details="")
        Action.objects.filter(code="t6").update(details="Two months of rent, once a year.")
    page = visible_text(anonymous_client.get("/plan/actions/t5/"))
    promise = page.partition("What we promised")[2].partition("Who’s responsible")[0]
    assert "Eviction help" not in promise
    assert "The headline above is the full wording." in promise
    promise = visible_text(anonymous_client.get("/plan/actions/t6/")).partition("What we promised")[2]
    assert promise.startswith(
        " Two months of rent, once a year. As written in the plan, adopted January 14, 2025."
    )


def test_the_page_says_how_old_the_update_is_and_when_the_action_was_closed(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        closed = {"status_since": dt.date(2026, 3, 5), "last_update_on": dt.date(2025, 11, 10)}
        Action.objects.filter(code="t1").update(**closed)
    assert "Last update 311 days ago (late)" in visible_text(anonymous_client.get("/plan/actions/t6/"))
    text = visible_text(anonymous_client.get("/plan/actions/t1/"))
    assert "Completed Closed on March 5, 2026" in text
    assert "514 days ago" not in text
    assert "Cancelled Closed, date not given" in visible_text(anonymous_client.get("/plan/actions/t4/"))


def test_a_draft_proposes_and_has_no_status_and_no_ledger(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        Plan.objects.update(lifecycle="draft", published_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        PlanLogEntry.objects.create(
            verb="edited",
            object_type="action",
            object_uuid=Action.objects.get(code="t5").uuid,
            at=dt.datetime(2027, 1, 12, tzinfo=dt.UTC),
            fields={"due_date": [None, "2027-06-30"]},
        )
        MilestoneFactory(action=Action.objects.get(code="t5"), title="Desk", due_date=dt.date(2026, 9, 30))
    text = visible_text(anonymous_client.get("/plan/actions/t5/"))
    assert "What we propose" in text
    assert "Proposed Last update 34 days ago" in text
    assert "Desk due September 30, 2026 " in text
    for words in ("promise", "Was", "nothing", "none given", "Reason given", "no report on it"):
        assert words not in text
    plan = visible_text(anonymous_client.get("/plan/"))
    assert "4 proposed actions" in plan
    assert "Status" not in plan
    assert "Off track" not in plan
    assert "Off track" not in visible_text(anonymous_client.get("/data/"))


def test_a_change_from_nothing_says_that_it_was_not_set(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        PlanLogEntry.objects.create(
            verb="edited",
            object_type="action",
            object_uuid=Action.objects.get(code="t5").uuid,
            at=dt.datetime(2027, 1, 12, tzinfo=dt.UTC),
            fields={"details": ["", "For renters."]},
        )
    page = anonymous_client.get("/plan/actions/t5/")
    assert "Details not set For renters. No reason recorded" in visible_text(page)
    assert 'class="was"' not in page.text


def test_a_shared_link_carries_the_action_its_status_and_due_date(public_plan, anonymous_client):
    page = anonymous_client.get("/plan/actions/t5/").text
    assert '<meta property="og:title" content="2.1 Eviction help at the courthouse: Riverton">' in page
    assert 'content="Off track. Due: June 2027. From the plan “Racial equity plan”.">' in page
    assert re.search(r'og:url" content="http://riverton[^"]*/plan/actions/t5/">', page)
    overdue = anonymous_client.get("/plan/actions/t6/").text
    text = "Overdue. Report: at risk. Due: December 31, 2026. From the plan “Racial equity plan”."
    assert overdue.count(f'content="{text}"') == 2  # for other sites, and for search engines


def test_a_person_is_named_only_if_the_affiliation_is_public(
    launched_city, public_plan, anonymous_client, make_user, in_city
):
    owner = make_user(launched_city, "department_lead", first_name="Ada", last_name="Obi")
    affiliation = Affiliation.objects.get(user=owner)
    with in_city(launched_city):
        Action.objects.filter(code="t2").update(owner=affiliation.pk)
    assert "Ada Obi" not in anonymous_client.get("/plan/actions/t2/").text
    Affiliation.objects.filter(pk=affiliation.pk).update(is_public=True)
    page = anonymous_client.get("/plan/actions/t2/")
    assert "Ada Obi" in page.text
    assert owner.email not in page.text


def test_a_changed_promise_shows_its_old_wording_but_nothing_from_before_publication(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
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
    text = visible_text(anonymous_client.get("/plan/actions/t5/"))
    assert "Due December 2026 June 2027 Nobody was hired." in text
    assert "A draft title" not in text
    assert "secret raw" not in text


def test_internal_notes_of_an_import_are_not_shown(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        Action.objects.filter(code="t5").update(extra_columns=[{"label": "Cost code", "text": "CANARY-4-11"}])
    for url in PAGES + DOWNLOADS:
        assert "CANARY" not in anonymous_client.get(url).text


def test_many_updates_are_paginated(launched_city, public_plan, anonymous_client, in_city):
    with in_city(launched_city):
        action = Action.objects.get(code="t2")
        for week in range(25):
            NoteFactory(
                action=action, noted_on=dt.date(2026, 1, 1) + dt.timedelta(weeks=week), text=f"Week {week}."
            )
    first, second = (
        anonymous_client.get("/plan/actions/t2/").text,
        anonymous_client.get("/plan/actions/t2/?page=2").text,
    )
    assert "Week 24." in first
    assert "Week 0." not in first
    assert "Week 0." in second
