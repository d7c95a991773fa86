"""Who gets what answer from every address of both kinds of host.

**You added an address?** Give its name a row in CITY or ALLIANCE, at the place where its app stands. A row says what
the answer is to each of `people.EVERYBODY`, at a city before and after its launch:

    "plans:plan": Row(TEAM_ONLY),                       # a page of the workspace that all of a city's roles see
    "plans:add-goal": Row(only("plan_editor", "coordinator", status=405), method="post"),
    "dashboard:action": Row(SITE, args={"code": "a1"}), # a public page: 404 before the launch

`args` are values for the address's parts; `World.values` holds keys of things that are there, by the name of the part
or as "<name of the address>/<part>". A status that differs from the row is shown with who got it. An address without a
row fails, a row without an address too. Addresses of Wagtail and of allauth follow the rules at the end.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse

from tenants import services
from tenants.models import Jurisdiction
from tests.access.addresses import ALLIANCE as ALLIANCE_URLS
from tests.access.addresses import CITY as CITY_URLS
from tests.access.addresses import Address, addresses
from tests.access.people import EVERYBODY, STAFF, TEAM, browsers
from tests.access.world import World, build

pytestmark = pytest.mark.django_db

Expected = Mapping[str, int]
NOBODY_YET = ("anyone", "stranger")  # without a session on this host
ELSEWHERE = ("neighbor", "member", *STAFF)  # with a session here, without a role on this city's team


def everybody(status: int = 200) -> Expected:
    return dict.fromkeys(EVERYBODY, status)


def only(*roles: str, status: int = 200, anyone: int = 302, others: int = 404) -> Expected:
    """`status` for these roles, `anyone` for who is not signed in, `others` for the rest."""
    unknown = set(roles) - set(EVERYBODY)
    assert not unknown, f"No such role: {unknown}"
    return everybody(others) | dict.fromkeys(NOBODY_YET, anyone) | dict.fromkeys(roles, status)


@dataclass(frozen=True)
class Row:
    """What an address answers: after the launch, and before it where that differs."""

    launched: Expected
    before: Expected | None = None
    method: str = "get"
    args: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def site(status: int = 200, **more: Any) -> Row:
    """A public page of a city: everybody's after the launch, the team's before."""
    return Row(everybody(status), before=only(*TEAM, status=status, anyone=404), **more)


def workspace(*roles: str, status: int = 200, **more: Any) -> Row:
    """A page of a city's workspace, for these of its roles, or for all of them."""
    return Row(only(*(roles or TEAM), status=status), **more)


WRITERS = ("plan_editor", "coordinator")
REPORTERS = ("department_lead", "plan_editor", "coordinator")

CITY: dict[str, Row] = {
    # cms
    "front": site(),
    "narrative": site(),
    # a city's pages
    "dashboard:home": site(),
    "dashboard:plan": site(),
    "dashboard:action": site(),
    "dashboard:data": site(),
    "dashboard:actions-csv": site(),
    "dashboard:actions-json": site(),
    "dashboard:plan-json": site(),
    "dashboard:numbers-csv": site(),
    "dashboard:brand": Row(everybody()),
    "media": site(404, args={"path": "c_riverton/images/none.png"}),
    # signing in
    "signin:begin": Row(everybody(302)),
    "signin:finish": Row(everybody(403)),
    "signin:leave": Row(everybody(302), method="post"),
    # the team
    "team:team": workspace(),
    "team:invite": workspace("coordinator"),
    "team:hand-over": workspace("coordinator"),
    "team:change": workspace("coordinator"),
    "team:end": workspace("coordinator"),
    "team:resend": workspace("coordinator", status=302, method="post"),
    "team:revoke": workspace("coordinator"),
}

ALLIANCE: dict[str, Row] = {
    "front": Row(everybody()),
    "brand": Row(everybody()),
    "media": Row(everybody(404), args={"path": "public/images/none.png"}),
    "cohort:directory": Row(everybody()),
    "cohort:directory-csv": Row(everybody()),
    "cohort:progress": Row(everybody()),
    "cohort:progress-csv": Row(everybody()),
    "cohort:progress-json": Row(everybody()),
    "resources:browse": Row(everybody()),
    "resources:item": Row(everybody()),
    "staff:index": Row(only("staff_admin", "staff_onboarding")),
    "staff:new": Row(only("staff_admin", "staff_onboarding")),
    "staff:jurisdiction": Row(only("staff_admin", "staff_onboarding"), args={"slug": "riverton"}),
    "staff:invite": Row(
        only("staff_admin", "staff_onboarding", status=422), args={"slug": "riverton"}, method="post"
    ),
}


@pytest.fixture
def world(riverton: Any, ashford: Any, alliance: Any, person: Any, visit: Any) -> World:
    return build(riverton, other=ashford, alliance=alliance, person=person, visit=visit)


@pytest.fixture
def launched(riverton: Any) -> Any:
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


def own(urlconf: str) -> list[Address]:
    return [address for address in addresses(urlconf) if address.is_own]


def answers(world: World, address: Address, row: Row, clients: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(who, answer) for everybody; nothing of what the requests do stays."""
    path = address.path(world.values_for(address.name) | dict(row.args))
    for who, client in clients.items():
        yield who, knock(client, row.method, path, row.data)


def knock(client: Any, method: str, path: str, data: Mapping[str, Any] | None = None) -> HttpResponse:
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        answer = getattr(client, method)(path, dict(data or {}))
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def complaints(
    world: World, host: Any, found: list[Address], rows: Mapping[str, Row], *, before_launch: bool = False
) -> list[str]:
    """What the hosts answer otherwise than their rows say."""
    clients = world.browsers(host)
    wrong = []
    for address in found:
        if address.name not in rows:
            continue
        row = rows[address.name]
        expected = row.before if before_launch and row.before is not None else row.launched
        for who, answer in answers(world, address, row, clients):
            if answer.status_code != expected[who]:
                wrong.append(
                    f"{address.name} {row.method.upper()} /{address.route} as {who}: {answer.status_code}, "
                    f"not {expected[who]}"
                )
    return wrong


@pytest.mark.parametrize(("urlconf", "rows"), [(CITY_URLS, CITY), (ALLIANCE_URLS, ALLIANCE)])
def test_every_address_has_a_row_and_every_row_an_address(urlconf: str, rows: dict[str, Row]) -> None:
    found = own(urlconf)
    names = {address.name for address in found}
    assert sorted(names - set(rows)) == [], "These addresses have no row in the access table."
    assert sorted(set(rows) - names) == [], "These rows of the access table have no address."


def test_a_launched_city_answers_everybody_as_the_table_says(world: World, launched: Any) -> None:
    assert "\n".join(complaints(world, launched, own(CITY_URLS), CITY)) == ""


def test_a_city_before_its_launch_answers_everybody_as_the_table_says(world: World) -> None:
    assert "\n".join(complaints(world, world.city, own(CITY_URLS), CITY, before_launch=True)) == ""


def test_the_alliance_answers_everybody_as_the_table_says(world: World) -> None:
    assert "\n".join(complaints(world, world.alliance, own(ALLIANCE_URLS), ALLIANCE)) == ""


def test_the_table_notices_a_page_that_lost_its_guard(world: World, monkeypatch: Any) -> None:
    team = next(address for address in own(CITY_URLS) if address.name == "team:team")
    unguarded = team.view
    while hasattr(unguarded, "__wrapped__"):
        unguarded = unguarded.__wrapped__
    monkeypatch.setattr(team.pattern, "callback", unguarded)
    found = complaints(world, world.city, [team], CITY, before_launch=True)
    assert any("as neighbor: 200, not 404" in line for line in found)


# --- Wagtail's editor ---------------------------------------------------------------------------------------

EDITORS = ("contributor", "plan_editor", "coordinator")
# Looks, words of the interface, and the doors that lead to the portal's own sign-in.
WAGTAIL_OPEN = {
    "wagtailadmin_sprite": 200,
    "wagtailadmin_javascript_catalog": 200,
}
# People and hosts are managed on the portal's own pages.
NOT_FOR_EDITORS = ("cms/users/", "cms/groups/", "cms/sites/", "cms/login/", "cms/password_reset/")
