"""Pages as readers see them: access before launch, blocks, and the content of the alliance's home page."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from wagtail.images.models import Image
from wagtail.images.tests.utils import get_test_image_file

from cms.models import AlliancePage, HomePage, NarrativePage, StandardPage
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Action, Goal, Outcome, Plan
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db

NARRATIVE_BLOCKS = [
    {"type": "text", "value": "<p>People ask why a plan begins with race.</p>"},
    {
        "type": "chapter",
        "value": {"heading": "When the rules said race", "period": "1921 to 1948", "text": "<p>Deeds.</p>"},
    },
    {
        "type": "timeline",
        "value": {
            "heading": "",
            "caption": "What the city did, and when",
            "entries": [{"when": "1921", "what": "Zoning map", "who_paid": "Black families"}],
            "source": "council minutes",
        },
    },
    {
        "type": "voice",
        "value": {"quote": "A rule for everything.", "who": "Resident", "consent": "Quoted with consent."},
    },
    {
        "type": "video",
        "value": {
            "title": "The river bends",
            "url": "https://video.example/1",
            "length": "18 minutes",
            "captions": "Captions in English and Spanish.",
            "transcript": "https://video.example/1/transcript",
        },
    },
    {
        "type": "numbers",
        "value": {
            "heading": "What the numbers say",
            "numbers": [{"number": "2,431", "label": "cards blocked", "rule": "of 17,240"}],
            "source": "card records",
        },
    },
    {"type": "why_now", "value": {"heading": "Why now", "text": "<p>The distance has not changed.</p>"}},
    {
        "type": "commitments",
        "value": {
            "heading": "What we commit to",
            "text": "",
            "commitments": [{"text": "One report each quarter", "by_when": "2027"}],
        },
    },
]


@pytest.fixture
def launched(riverton: Any) -> Any:
    riverton.site_state = Jurisdiction.SiteState.LAUNCHED
    riverton.save(update_fields=["site_state"])
    return riverton


def publish_narrative(jurisdiction: Any, in_city: Any, body: list[dict[str, Any]]) -> NarrativePage:
    with in_city(jurisdiction):
        page = NarrativePage.objects.get()
        page.headline = "The river bends."
        page.body = json.dumps(body)
        page.save_revision().publish()
        page.refresh_from_db()
        return page


def add_action(code: str, title: str, **plan_fields: Any) -> Action:
    plan, _created = Plan.objects.get_or_create(title="Our plan", defaults=plan_fields)
    goal, _created = Goal.objects.get_or_create(plan=plan, title="Libraries")
    outcome, _created = Outcome.objects.get_or_create(goal=goal, title="Every card works")
    return Action.objects.create(outcome=outcome, code=code, title=title, status=Action.Status.AT_RISK)


def test_the_narrative_of_a_launched_city_is_public(launched: Any, in_city: Any, client_for: Any) -> None:
    publish_narrative(launched, in_city, NARRATIVE_BLOCKS)

    response = client_for(launched).get("/narrative/")

    assert response.status_code == 200
    for text in (
        "The river bends.",
        "1921 to 1948",
        "Black families",
        "Quoted with consent.",
        "Captions in English",
    ):
        assert text in response.text
    assert '<a href="#why-now">Why now</a>' in response.text
    assert 'id="why-now"' in response.text


@pytest.mark.parametrize("path", ["/", "/narrative/", "/contact/", "/accessibility/", "/privacy/"])
def test_a_site_that_is_not_launched_is_404_for_all_but_the_team(
    riverton: Any, ashford: Any, in_city: Any, client_for: Any, make_user: Any, path: str
) -> None:
    publish_narrative(riverton, in_city, NARRATIVE_BLOCKS)

    assert client_for(riverton).get(path).status_code == 404
    assert client_for(riverton, make_user(ashford, "coordinator")).get(path).status_code == 404
    assert client_for(riverton, make_user(riverton, "viewer")).get(path).status_code == 200


def test_a_page_of_one_city_is_404_at_another(
    launched: Any, ashford: Any, in_city: Any, client_for: Any
) -> None:
    ashford.site_state = Jurisdiction.SiteState.LAUNCHED
    ashford.save()
    with in_city(launched):
        HomePage.objects.get().add_child(instance=StandardPage(title="Only here", slug="only-here"))

    assert client_for(launched).get("/only-here/").status_code == 200
    assert client_for(ashford).get("/only-here/").status_code == 404


def test_the_url_of_a_draft_narrative_says_that_it_is_not_published(
    launched: Any, in_city: Any, client_for: Any, make_user: Any
) -> None:
    with in_city(launched):
        page = NarrativePage.objects.get()
        page.headline = "A secret draft"
        page.save_revision()

    response = client_for(launched).get("/narrative/")

    assert response.status_code == 200
    assert "has not published its story yet" in response.text
    assert "secret draft" not in response.text
    assert "Write the narrative" not in response.text
    assert (
        "Write the narrative"
        in client_for(launched, make_user(launched, "coordinator")).get("/narrative/").text
    )


def test_selected_actions_are_in_the_narrative_with_their_status_once_the_plan_is_public(
    launched: Any, in_city: Any, client_for: Any
) -> None:
    with in_city(launched):
        action = add_action("z1", "End library fines", visibility=Visibility.INTERNAL)
    block = {
        "type": "actions",
        "value": {"heading": "What we do", "text": "", "actions": ["z1"]},
    }
    publish_narrative(launched, in_city, [block])

    hidden = client_for(launched).get("/narrative/")
    with in_city(launched):
        Plan.objects.update(visibility=Visibility.PUBLIC)
    shown = client_for(launched).get("/narrative/")

    assert "End library fines" not in hidden.text
    assert "The plan is not public yet" in hidden.text
    assert "End library fines" in shown.text
    assert f'href="/plan/actions/{action.code}/"' in shown.text
    assert "At risk" in shown.text


def test_a_narrative_writes_actions_and_their_statuses_as_the_plan_does(
    launched: Any, in_city: Any, client_for: Any
) -> None:
    with in_city(launched):
        add_action("z1", "End library fines", visibility=Visibility.PUBLIC)
        add_action("z2", "Open on Sundays", visibility=Visibility.PUBLIC)
        Action.objects.filter(code="z2").update(status=None, number="4.1", title="Open on Sundays.")
        Plan.objects.update(status_labels={"at_risk": "Delayed", "none": "Not reported"})
    codes = {"heading": "What we do", "text": "", "actions": ["z1", "z2"]}
    publish_narrative(launched, in_city, [{"type": "actions", "value": codes}])

    shown = client_for(launched).get("/narrative/").text

    assert "</svg>Delayed</span>" in shown
    assert "</svg>Not reported</span>" in shown
    assert ">4.1 Open on Sundays</a>" in shown


def test_a_narrative_with_ten_actions_needs_as_many_queries_as_with_one(
    launched: Any, in_city: Any, client_for: Any
) -> None:
    with in_city(launched):
        for number in range(10):
            add_action(f"z{number}", f"Action {number}", visibility=Visibility.PUBLIC)

    def block(codes: list[str]) -> list[dict[str, Any]]:
        return [{"type": "actions", "value": {"heading": "What we do", "text": "", "actions": codes}}]

    def query_count(codes: list[str]) -> int:
        publish_narrative(launched, in_city, block(codes))
        client = client_for(launched)
        client.get("/narrative/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/narrative/").status_code == 200
        return len(captured)

    assert query_count(["z1"]) == query_count([f"z{number}" for number in range(10)])


def test_the_search_text_of_a_narrative_is_plain(riverton: Any, in_city: Any) -> None:
    page = publish_narrative(riverton, in_city, NARRATIVE_BLOCKS)

    with in_city(riverton):
        text = page.get_search_text()

    assert "The river bends." in text
    assert "Zoning map" in text
    assert "<p>" not in text


def test_each_page_type_can_be_created_only_on_its_kind_of_site(
    alliance: Any, riverton: Any, in_city: Any
) -> None:
    front = AlliancePage.objects.get()
    root = front.get_parent()
    assert not HomePage.can_create_at(root)
    assert not NarrativePage.can_create_at(front)
    assert StandardPage.can_create_at(front)
    with in_city(riverton):
        home = HomePage.objects.get()
        NarrativePage.objects.get().delete()
        assert NarrativePage.can_create_at(HomePage.objects.get())
        assert StandardPage.can_create_at(home)
        assert not AlliancePage.can_create_at(home.get_parent())
        assert not HomePage.can_create_at(home.get_parent())  # it has one already


def test_the_alliances_home_page_lists_plans_library_items_and_members(
    alliance: Any, launched: Any, client_for: Any
) -> None:
    front = AlliancePage.objects.get()
    launched.entry_stage = Jurisdiction.MembershipStage.PLANNING
    launched.save()
    LibraryItemFactory(title="End overdue fines")
    LibraryItemFactory(title="Only for members", members=True)
    LibraryItemFactory(title="Not yet published", draft=True)
    front.dates = json.dumps(
        [
            {"type": "date", "value": {"date": "2020-01-01", "text": "Long ago", "url": ""}},
            {
                "type": "date",
                "value": {
                    "date": str(timezone.localdate() + dt.timedelta(days=9)),
                    "text": "Session",
                    "url": "",
                },
            },
        ]
    )
    front.save()

    page = client_for(alliance).get("/")

    assert page.status_code == 200
    assert 'action="/search/"' in page.text
    assert "End overdue fines" in page.text
    assert "Only for members" not in page.text
    assert "Not yet published" not in page.text
    assert launched.short_name in page.text
    assert "Session" in page.text
    assert "Long ago" not in page.text
    assert client_for(alliance).get("/joining/").status_code == 200


def test_a_picture_has_alt_text_and_is_served_by_its_own_host_only(
    launched: Any, ashford: Any, in_city: Any, client_for: Any
) -> None:
    with in_city(launched):
        image = Image.objects.create(title="Map", file=get_test_image_file(size=(1600, 900)))
    picture = {"image": {"image": image.pk, "alt_text": "The line on the map", "decorative": False}}
    picture |= {"caption": "Zoning map of 1921", "credit": "City archive"}
    publish_narrative(launched, in_city, [{"type": "picture", "value": picture}])

    text = client_for(launched).get("/narrative/").text
    address = re.search(r'<img alt="The line on the map"[^>]* src="(/media/[^"]+)"', text)

    assert "Zoning map of 1921" in text
    assert address is not None
    assert client_for(launched).get(address.group(1)).status_code == 200
    assert client_for(ashford).get(address.group(1)).status_code == 404
