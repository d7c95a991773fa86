from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tests.dashboard.sample import write_plan


@pytest.fixture(autouse=True)
def _on_april_8_2027():
    with time_machine.travel(dt.datetime(2027, 4, 8, 17, tzinfo=dt.UTC), tick=False):
        yield


@pytest.fixture
def launched_city(riverton):
    """Riverton with its site open."""
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


@pytest.fixture
def make_plan(db):
    """make_plan(jurisdiction, visibility="public") creates and returns a small plan: two goals, nine actions."""
    return write_plan


@pytest.fixture
def public_plan(launched_city, make_plan):
    return make_plan(launched_city, visibility=Visibility.PUBLIC)


@pytest.fixture
def anonymous_client(launched_city, client_for):
    return client_for(launched_city)
