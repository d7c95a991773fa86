"""The first screen of each role in the workspace, and the steps that stay until they are done."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cms.models import NarrativePage
from tenants.jurisdictions import services as jurisdiction_services
from tenants.models import Affiliation, AuditEvent, Jurisdiction
from tenants.people.reviews import texts_waiting_for
from tenants.plans import selectors, services
from tenants.plans.checklist import read_checklist
from tenants.plans.models import Action, Plan
from tests.plans.factories import ActionFactory, DepartmentFactory, NoteFactory, OutcomeFactory, PartyFactory
from tests.plans.pages import url

LONG_AGO = dt.timedelta(days=400)


@pytest.fixture
def city(riverton: Any) -> Any:
    jurisdiction_services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


@pytest.fixture
def outcome(city: Any, in_city: Any) -> Any:
    with in_city(city):
        return OutcomeFactory()


def main_of(response: Any) -> str:
    return html.unescape(" ".join(response.text.partition("<main")[2].partition("</main>")[0].split()))


def menu_of(response: Any) -> dict[str, str]:
    head = response.text.partition("<header")[2].partition("</header>")[0]
    links = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', head, re.DOTALL)
    return {" ".join(re.sub(r"<[^>]+>", "", label).split()): address for address, label in links}


def lead_client(client_for: Any, make_user: Any, city: Any, department: str = "Library") -> Any:
    lead = make_user(city, "department_lead", first_name="Lena", last_name="Brandt")
    Affiliation.objects.filter(user=lead).update(department=department)
    return client_for(city, lead)


# ---- Department leads ------------------------------------------------------------------------------------
def test_a_lead_sees_the_own_actions_first_those_that_are_due_before_the_others(
    client_for, make_user, city, in_city, outcome
):
    today = timezone.localdate()
    with in_city(city):
        library = DepartmentFactory(name="Library")
        fresh = ActionFactory(
            outcome=outcome, accountable=library, number="1", title="Open late.", last_update_on=today
        )
        NoteFactory(action=fresh, text="Evening hours begin in May.", noted_on=today)
        due = ActionFactory(
            outcome=outcome, number="2", title="Translate forms.", last_update_on=today - LONG_AGO
        )
        PartyFactory(action=due, department=library)
        NoteFactory(action=due, text="An older report.", noted_on=None, label="Q2", position=0)
        NoteFactory(action=due, text="Four of nine are done.", noted_on=today - LONG_AGO, position=1)
        ActionFactory(outcome=outcome, accountable=library, title="Done long ago.", status="completed")
        ActionFactory(
            outcome=outcome, title="Somebody else’s.", accountable=DepartmentFactory(name="Streets")
        )
    response = lead_client(client_for, make_user, city).get(url("home"))
    text = main_of(response)
    assert "<h1> Hello, Lena. One update is due </h1>" in text
    assert text.index("2 Translate forms") < text.index("1 Open late")
    assert "“Four of nine are done.”" in text
    assert f"Up to date until {(today + dt.timedelta(days=93)):%B}" in text
    assert f'class="usa-button" href="{url("record-progress", due.code)}"' in text
    assert f'class="usa-button usa-button--outline" href="{url("record-progress", fresh.code)}"' in text
    assert "Done long ago" not in text
    assert "Somebody else" not in text
    assert f'href="{fresh.get_absolute_url()}">See it online' in text
    assert list(menu_of(response))[:3] == ["Your actions", "Whole plan", "Updates"]


def test_a_lead_with_nothing_due_is_thanked_and_told_the_next_day(
    client_for, make_user, city, in_city, outcome
):
    today = timezone.localdate()
    with in_city(city):
        library = DepartmentFactory(name="Library")
        ActionFactory(outcome=outcome, accountable=library, last_update_on=today)
        ActionFactory(outcome=outcome, accountable=library, last_update_on=today - dt.timedelta(days=92))
    text = main_of(lead_client(client_for, make_user, city).get(url("home")))
    assert "Thank you, Lena. Nothing is due" in text
    tomorrow = today + dt.timedelta(days=1)
    assert f"Your next update is due on {tomorrow:%B} {tomorrow.day}, {tomorrow.year}." in text


def test_a_lead_sees_five_cards_and_a_link_to_the_rest(client_for, make_user, city, in_city, outcome):
    with in_city(city):
        library = DepartmentFactory(name="Library")
        ActionFactory.create_batch(7, outcome=outcome, accountable=library)
    text = main_of(lead_client(client_for, make_user, city).get(url("home")))
    assert text.count('class="lcard') == 5
    assert "7 updates are due" in text
    assert f'href="{url("updates")}?mine=1">See all 7 of your actions<' in text


@pytest.mark.parametrize(
    ("department", "message"),
    [
        ("Fire Dept", "No open actions are assigned to “Fire Dept”."),
        ("", "You are not assigned to a department yet"),
    ],
)
def test_a_lead_without_actions_is_told_why_and_whom_to_ask(
    client_for, make_user, city, outcome, department, message
):
    rosa = make_user(city, "coordinator", first_name="Rosa", last_name="Delgado")
    text = main_of(lead_client(client_for, make_user, city, department).get(url("home")))
    assert message in text
    assert f'Rosa Delgado, <a href="mailto:{rosa.email}">' in text


def test_before_the_launch_a_lead_sees_no_link_to_pages_that_others_find_closed(
    client_for, make_user, riverton, in_city
):
    with in_city(riverton):
        ActionFactory(outcome=OutcomeFactory(), accountable=DepartmentFactory(name="Library"))
    text = main_of(lead_client(client_for, make_user, riverton).get(url("home")))
    assert "One update is due" in text
    assert "See it online" not in text


def test_a_leads_screen_needs_as_many_queries_for_twelve_actions_as_for_two(
    client_for, make_user, city, in_city, outcome
):
    client = lead_client(client_for, make_user, city)
    with in_city(city):
        library = DepartmentFactory(name="Library")

    def count(number: int) -> int:
        with in_city(city):
            for action in ActionFactory.create_batch(number, outcome=outcome, accountable=library):
                NoteFactory(action=action, noted_on=timezone.localdate() - LONG_AGO)
        client.get(url("home"))
        with CaptureQueriesContext(connection) as queries:
            client.get(url("home"))
        return len(queries)

    assert count(2) == count(10)


# ---- Viewers and contributors ----------------------------------------------------------------------------
def test_a_viewer_sees_no_column_for_what_a_viewer_cannot_do(client_for, make_user, city, in_city, outcome):
    with in_city(city):
        ActionFactory(outcome=outcome)
    client = client_for(city, make_user(city, "viewer"))
    for name in ("home", "updates"):
        text = main_of(client.get(url(name)))
        assert "Last update" in text
        assert "What you can do" not in text
        assert "Write an update" not in text
    assert "Write the narrative" not in main_of(client.get(url("home")))


def test_a_contributor_is_led_to_the_texts(client_for, make_user, city, outcome):
    text = main_of(client_for(city, make_user(city, "contributor")).get(url("home")))
    assert 'href="/cms/narrative/">Write the narrative<' in text
    assert "What you can do" not in text


# ---- Coordinators ----------------------------------------------------------------------------------------
def test_a_coordinator_sees_tasks_the_address_and_who_reports(
    coordinator_client, coordinator, city, in_city, outcome, make_user
):
    lead = make_user(city, "department_lead", first_name="Miguel", last_name="Santos")
    Affiliation.objects.filter(user=lead).update(department="library")
    with in_city(city):
        ActionFactory(outcome=outcome, number="1", accountable=DepartmentFactory(name="Library"))
        ActionFactory(outcome=outcome, number="2", accountable=DepartmentFactory(name="Fire & Rescue"))
        orphan = ActionFactory(outcome=outcome, number="3", accountable=None)
        ActionFactory(outcome=outcome, number="4", accountable=None, last_update_on=timezone.localdate())
    text = main_of(coordinator_client.get(url("home")))
    assert "Hello, Rosa" in text
    assert "1 of 4 open actions are up to date. 3 updates are due." in text
    assert '<span class="n">1</span>' in text
    assert "Update for you to write" in text
    assert f'href="{url("record-progress", orphan.code)}">Write it<' in text
    assert "Miguel Santos" in text
    assert f'href="{url("home")[:-1]}/team/invite/?department=Fire%20%26%20Rescue"' in text
    assert f'readonly value="{city.base_url}/"' in text
    assert "Visible to everyone." in text


def test_an_action_of_the_coordinators_own_is_a_task(coordinator_client, coordinator, city, in_city, outcome):
    own = Affiliation.objects.get(user=coordinator).pk
    with in_city(city):
        ActionFactory(
            outcome=outcome, number="9", owner_id=own, accountable=DepartmentFactory(name="Library")
        )
    text = main_of(coordinator_client.get(url("home")))
    assert "Update for you to write" in text


def test_plan_health_says_how_many_more_are_missing(coordinator_client, city, in_city, outcome):
    with in_city(city):
        for number in range(5):
            ActionFactory(outcome=outcome, number=f"1.{number}", accountable=None, due_date=None)
    text = main_of(coordinator_client.get(url("home")))
    assert re.search(r"1\.2</a> and 2 more", text)


def submit(page: Any, user: Any) -> None:
    page.save_revision(user=user)
    page.get_workflow().start(page, user)


def test_texts_that_wait_for_approval_stand_on_the_workspace_of_who_may_approve_them(
    coordinator_client, coordinator, client_for, make_user, city, in_city, outcome
):
    dana = make_user(city, "contributor", first_name="Dana", last_name="Okoye")
    with in_city(city):
        page = NarrativePage.objects.get()
        submit(page, dana)
    text = main_of(coordinator_client.get(url("home")))
    assert "Text waiting for your approval" in text
    assert f'href="/cms/pages/{page.pk}/edit/">Our racial equity narrative</a>, Dana Okoye' in text
    assert coordinator_client.get(f"/cms/pages/{page.pk}/edit/").status_code == 200
    editor = client_for(city, make_user(city, "plan_editor"))
    assert "waiting for your approval" not in main_of(editor.get(url("home")))
    with in_city(city):
        page.current_workflow_state.current_task_state.approve(user=coordinator)
    assert "waiting for your approval" not in main_of(coordinator_client.get(url("home")))


def test_waiting_texts_need_as_many_queries_for_five_as_for_one(coordinator, make_user, city, in_city):
    dana = make_user(city, "contributor")
    with in_city(city):
        home = NarrativePage.objects.get().get_parent()
        pages = [page.specific for page in home.get_children()]
        submit(pages[0], dana)
        texts_waiting_for(coordinator)
        with CaptureQueriesContext(connection) as one:
            assert len(texts_waiting_for(coordinator)) == 1
        for page in pages[1:]:
            submit(page, dana)
        with CaptureQueriesContext(connection) as all_pages:
            assert len(texts_waiting_for(coordinator)) == len(pages) > 3
    assert len(all_pages) == len(one)


# ---- The steps -------------------------------------------------------------------------------------------
def keys_left(city: Any, user: Any) -> list[str]:
    jurisdiction = Jurisdiction.objects.get(pk=city.pk)
    return [
        step.key for step in read_checklist(jurisdiction, selectors.current_plan(), user) if not step.done
    ]


def test_the_steps_stay_after_publishing_until_each_is_done(
    coordinator_client, coordinator, riverton, in_city, make_user
):
    coordinator_client.post(url("publish"), {"visibility": "public", "launch": "on", "confirmed": "on"})
    text = main_of(coordinator_client.get(url("home")))
    assert "10 steps left" in text
    assert "Setup steps left" in text
    assert "Add a contact" in text
    assert "<details" in text
    assert "open>" not in text.partition('class="steps-left"')[2][:8]
    opened = main_of(coordinator_client.get(url("home") + "?steps=1"))
    assert opened.partition('class="steps-left"')[2].startswith(" open>")
    jurisdiction_services.change_jurisdiction(
        riverton, by=None, tagline="On the river", contact_phone="(202) 555-0142"
    )
    make_user(riverton, "viewer")
    with in_city(riverton):
        plan = Plan.objects.get()
        outcome = OutcomeFactory(goal__plan=plan)
        Action.objects.all().delete()
        action = ActionFactory(outcome=outcome)
        action.measures.create(kind="how_much", text="Forms translated")
        assert keys_left(riverton, coordinator) == ["report", "narrative", "adoption"]
        NoteFactory(action=action, noted_on=None, label="Q3")
        assert keys_left(riverton, coordinator) == ["narrative", "adoption"]
        NarrativePage.objects.get().save_revision().publish()
        services.adopt(plan, on=timezone.localdate(), body="City Council", by=coordinator)
        assert keys_left(riverton, coordinator) == []
    done = main_of(coordinator_client.get(url("home")))
    assert "step left" not in done
    assert "steps left" not in done


def test_who_may_not_do_a_step_gets_no_link_that_refuses(client_for, make_user, riverton):
    client = client_for(riverton, make_user(riverton, "plan_editor"))
    text = client.get(url("home")).text
    assert "The coordinator does this." in text
    addresses = set(re.findall(r'href="(/workspace/[^"#?]*|/cms/narrative/)', text))
    assert url("publish") not in addresses
    for address in addresses:
        assert client.get(address).status_code in (200, 302), address


def test_publishing_hands_over_the_address(coordinator_client, riverton):
    response = coordinator_client.post(
        url("publish"), {"visibility": "public", "launch": "on", "confirmed": "on"}, follow=True
    )
    assert response.redirect_chain == [(url("published"), 302)]
    text = main_of(response)
    assert "Your plan is public" in text
    assert f'readonly value="{riverton.base_url}/"' in text
    assert 'href="/">View your site<' in text
    assert "10 steps left" in text
    coordinator_client.post(url("unpublish"), {"reason": "Numbers are wrong."})
    assert coordinator_client.get(url("published"))["Location"] == url("publish")


@pytest.mark.parametrize(
    ("data", "heading"),
    [
        ({"visibility": "cohort", "launch": "on"}, "Members of the cohort can see your plan"),
        ({"visibility": "public"}, "your site is not open yet"),
    ],
)
def test_the_page_after_publishing_says_who_sees_it(coordinator_client, data, heading):
    response = coordinator_client.post(url("publish"), data | {"confirmed": "on"}, follow=True)
    assert heading in main_of(response)


def test_the_publish_check_asks_for_a_contact(coordinator_client, riverton):
    text = main_of(coordinator_client.get(url("publish")))
    assert "Before you publish" in text
    assert f'href="{url("settings")}#id_contact_name">Add a contact<' in text
    jurisdiction_services.change_jurisdiction(riverton, by=None, contact_email="us@riverton.example")
    assert "Add a contact" not in main_of(coordinator_client.get(url("publish")))


# ---- The stage of the membership -------------------------------------------------------------------------
def stage_of(city: Any) -> str:
    return Jurisdiction.objects.get(pk=city.pk).entry_stage


def test_the_stage_follows_the_plan_and_never_goes_back(coordinator_client, coordinator, riverton, in_city):
    assert stage_of(riverton) == "onboarding"
    coordinator_client.post(url("publish"), {"visibility": "public", "launch": "on", "confirmed": "on"})
    assert stage_of(riverton) == "planning"
    event = AuditEvent.objects.get(verb="changed", detail__has_key="entry_stage")
    assert (event.actor, event.detail["entry_stage"]) == (
        coordinator,
        {"from": "onboarding", "to": "planning"},
    )
    coordinator_client.post(url("adopt"), {"on": timezone.localdate().isoformat(), "body": "City Council"})
    assert stage_of(riverton) == "adopted_plan"
    for stage in ("mentor", "lapsed"):
        Jurisdiction.objects.filter(pk=riverton.pk).update(entry_stage=stage)
        coordinator_client.post(url("publish"), {"visibility": "cohort", "confirmed": "on"})
        assert stage_of(riverton) == stage


# ---- A member of the cohort ------------------------------------------------------------------------------
def test_a_member_has_no_menu_entry_that_refuses(client_for, make_user, city):
    client = client_for(city, make_user(city, "member"))
    response = client.get("/")
    assert response.status_code == 200
    assert "Workspace" not in menu_of(response)
    viewer = client_for(city, make_user(city, "viewer"))
    assert menu_of(viewer.get("/"))["Workspace"] == "/workspace/"
