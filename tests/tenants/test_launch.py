"""A city that has not launched shows itself to its own team only."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings

from tenants.models import Jurisdiction

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_addresses(settings):
    settings.ROOT_URLCONF = settings.PUBLIC_SCHEMA_URLCONF = "tests.tenants.urls"


def test_a_stranger_reads_that_the_site_is_not_open(riverton, client_for):
    answer = client_for(riverton).get("/where/")
    assert answer.status_code == 404
    assert "not open yet" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_a_neighbor_is_a_stranger(riverton, ashford, client_for, make_user):
    assert client_for(riverton, make_user(ashford, "coordinator")).get("/where/").status_code == 404


@pytest.mark.parametrize("role", ["coordinator", "plan_editor", "department_lead", "contributor", "viewer"])
def test_the_team_sees_it_and_no_cache_keeps_it(riverton, client_for, make_user, role):
    answer = client_for(riverton, make_user(riverton, role)).get("/where/")
    assert answer.json()["schema"] == "c_riverton"
    assert "no-store" in answer["Cache-Control"]


def test_a_mere_member_of_the_cohort_does_not(riverton, client_for, make_user):
    assert client_for(riverton, make_user(riverton, "member")).get("/where/").status_code == 404


def test_alliance_staff_do_not(riverton, alliance, client_for, make_user):
    assert client_for(riverton, make_user(alliance, "staff_admin")).get("/where/").status_code == 404


@pytest.mark.parametrize("path", ["/sign-in/where/", "/workspace/where/"])
def test_the_way_in_is_open(riverton, client_for, path):
    assert client_for(riverton).get(path).status_code == 200


@pytest.mark.parametrize("state", ["not_launched", "scheduled"])
def test_only_launched_is_launched(riverton, client_for, state):
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state=state)
    assert client_for(riverton).get("/where/").status_code == 404


def test_after_the_launch_everybody_sees_it(riverton, client_for):
    Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")
    answer = client_for(riverton).get("/where/")
    assert answer.status_code == 200
    assert "no-store" not in answer.get("Cache-Control", "")


def test_the_alliance_is_always_open(alliance, client_for):
    assert alliance.host == django_settings.ALLIANCE_HOST
    assert client_for(alliance).get("/where/").status_code == 200
