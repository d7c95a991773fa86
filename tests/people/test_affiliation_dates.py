"""Whether a person is on a team does not depend on the time zone of the request, even around midnight."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.utils import timezone

from tenants.models import Affiliation
from tenants.people import affiliations

NIGHT = dt.datetime(
    2026, 11, 22, 6, 30, tzinfo=dt.UTC
)  # 1:30 in New York, 20:30 of the day before in Honolulu
ZONES = ["America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Pacific/Kiritimati"]


@pytest.mark.parametrize("at", ZONES)
@pytest.mark.parametrize("by", ZONES)
@time_machine.travel(NIGHT, tick=False)
def test_a_person_is_on_the_team_from_joining_until_leaving_in_every_time_zone(riverton, make_user, by, at):
    with timezone.override(by):
        user = make_user(riverton, "viewer")
        make_user(riverton, "coordinator")
        affiliation = Affiliation.objects.get(user=user)
    with timezone.override(at):
        assert Affiliation.objects.active().filter(pk=affiliation.pk).exists()
    with timezone.override(by):
        affiliations.end_affiliation(affiliation, by=None)
    with timezone.override(at):
        assert not Affiliation.objects.active().filter(pk=affiliation.pk).exists()
