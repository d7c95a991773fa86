"""A city that has not launched shows itself to its own team only."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings

from tenants.models import Jurisdiction

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _test_urls(settings):
    settings.ROOT_URLCONF = "tests.tenants.urls"


def test_an_anonymous_visitor_reads_that_the_site_is_not_open(riverton, client_for):
    response = client_for(riverton).get("/where/")
    assert response.status_code == 404
    assert "not open yet" in response.content.decode()
    assert "no-store" in response["Cache-Control"]


def test_a_coordinator_of_another_city_gets_404(riverton, ashford, client_for, make_user):
    assert client_for(riverton, make_user(ashford, "coordinator")).get("/where/").status_code == 404


@pytest.mark.parametrize("role", ["coordinator", "plan_editor", "department_lead", "contributor", "viewer"])
def test_the_team_sees_it_and_no_cache_stores_it(riverton, client_for, make_user, role):
    response = client_for(riverton, make_user(riverton, role)).get("/where/")
    assert response.json()["schema"] == "c_riverton"
    assert "no-store" in response["Cache-Control"]


def test_a_member_of_the_cohort_without_a_role_in_the_team_does_not(riverton, client_for, make_user):
    assert client_for(riverton, make_user(riverton, "member")).get("/where/").status_code == 404


def test_alliance_staff_do_not(riverton, alliance, client_for, make_user):
    assert client_for(riverton, make_user(alliance, "staff_admin")).get("/where/").status_code == 404


def test_a_view_that_is_declared_open_is_open(riverton, client_for):
    assert client_for(riverton).get("/open/where/").status_code == 200


def test_a_view_with_a_permission_check_of_its_own_redirects_to_the_sign_in(riverton, client_for):
    response = client_for(riverton).get("/permitted/where/")
    assert (response.status_code, response["Location"][:9]) == (302, "/sign-in/")


def test_an_address_without_a_view_is_not_open(riverton, client_for):
    response = client_for(riverton).get("/open/nothing.txt")
    assert response.status_code == 404
    assert "not open yet" in response.text


@pytest.mark.parametrize("state", ["not_launched", "scheduled"])
def test_only_launched_is_launched(riverton, client_for, state):
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state=state)
    assert client_for(riverton).get("/where/").status_code == 404


def test_after_the_launch_everybody_sees_it(riverton, client_for):
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")
    response = client_for(riverton).get("/where/")
    assert response.status_code == 200
    assert "no-store" not in response.get("Cache-Control", "")


def test_the_alliance_is_always_open(alliance, client_for, settings):
    settings.PUBLIC_SCHEMA_URLCONF = "tests.tenants.urls_alliance"
    assert alliance.host == django_settings.ALLIANCE_HOST
    assert client_for(alliance).get("/where/").status_code == 200
