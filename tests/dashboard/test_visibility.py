"""Who may see a city's plan, and the team's preview of it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tenants.models import Visibility
from tenants.plans.models import Goal
from tests.dashboard.responses import DOWNLOADS, PAGES


@pytest.mark.parametrize("url", PAGES + DOWNLOADS)
def test_a_public_plan_of_a_launched_city_is_open_to_everybody(public_plan, anonymous_client, url):
    assert anonymous_client.get(url).status_code == 200


@pytest.mark.parametrize("url", PAGES + DOWNLOADS)
def test_an_unlaunched_city_is_404_to_anonymous_visitors_and_other_cities(
    riverton, make_plan, client_for, make_user, ashford, url
):
    make_plan(riverton)
    assert client_for(riverton).get(url).status_code == 404
    assert client_for(riverton, make_user(ashford, "coordinator")).get(url).status_code == 404


@pytest.mark.parametrize("visibility", [Visibility.INTERNAL, Visibility.COHORT])
def test_a_plan_that_is_not_public_shows_only_a_notice(
    launched_city, make_plan, anonymous_client, visibility
):
    make_plan(launched_city, visibility=visibility)
    for url in ["/", "/plan/", "/data/"]:
        response = anonymous_client.get(url)
        assert response.status_code == 200
        assert "The plan is not public yet." in response.text
        assert "Eviction help" not in response.text
    for url in ["/plan/actions/t5/", *DOWNLOADS]:
        assert anonymous_client.get(url).status_code == 404


@pytest.mark.parametrize("url", PAGES + DOWNLOADS)
def test_only_the_team_may_preview(launched_city, make_plan, client_for, make_user, ashford, url):
    make_plan(launched_city, visibility=Visibility.INTERNAL)
    for client in [client_for(launched_city), client_for(launched_city, make_user(ashford, "coordinator"))]:
        response = client.get(url, {"preview": "1"})
        assert "Eviction help" not in response.text
        assert "Only your team" not in response.text


@pytest.mark.parametrize("url", PAGES)
def test_the_team_previews_an_internal_plan_under_a_clear_banner(
    launched_city, make_plan, client_for, make_user, url
):
    make_plan(launched_city, visibility=Visibility.INTERNAL)
    response = client_for(launched_city, make_user(launched_city, "viewer")).get(url, {"preview": "1"})
    assert response.status_code == 200
    assert "Only your team sees this." in response.text
    assert "no-store" in response["Cache-Control"]


def test_links_of_a_preview_stay_in_the_preview(launched_city, make_plan, client_for, make_user):
    make_plan(launched_city, visibility=Visibility.INTERNAL)
    response = client_for(launched_city, make_user(launched_city, "viewer")).get("/", {"preview": "1"})
    assert '<a href="/plan/actions/t5/?preview=1">' in response.text
    assert '<input type="hidden" name="preview" value="1">' in response.text
    assert "/data/actions.csv?preview=1" in response.text


def test_the_team_sees_a_city_before_its_launch(riverton, make_plan, client_for, make_user):
    make_plan(riverton, visibility=Visibility.INTERNAL)
    response = client_for(riverton, make_user(riverton, "coordinator")).get("/")
    assert "This site is not launched yet." in response.text
    assert "Eviction help" in response.text


@pytest.mark.parametrize("code", ["t9", "nothing", "t99"])
def test_retired_and_unknown_actions_are_404(public_plan, anonymous_client, code):
    assert anonymous_client.get(f"/plan/actions/{code}/").status_code == 404


def test_an_action_under_a_retired_goal_is_404_and_not_counted(
    launched_city, public_plan, anonymous_client, in_city
):
    with in_city(launched_city):
        Goal.objects.filter(title="Housing stability").update(retired_at=timezone.now())
    assert anonymous_client.get("/plan/actions/t5/").status_code == 404
    assert anonymous_client.get("/data/actions.json").json()["count"] == 4


def test_only_reading_is_allowed(public_plan, anonymous_client):
    for url in PAGES[1:] + DOWNLOADS:
        assert anonymous_client.post(url).status_code == 405
