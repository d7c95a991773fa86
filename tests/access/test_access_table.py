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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from itertools import cycle
from typing import Any

import pytest
from django.http import HttpResponse

from tenants.jurisdictions import services
from tenants.models import Jurisdiction
from tests.access.addresses import ALLIANCE as ALLIANCE_URLS
from tests.access.addresses import CITY as CITY_URLS
from tests.access.addresses import Address, addresses
from tests.access.knocking import rollback_requests
from tests.access.people import ALL_ROLES, STAFF, TEAM
from tests.access.world import Scenario, make_scenario

pytestmark = pytest.mark.django_db

Expected = Mapping[str, int]
NOBODY_YET = ("anyone", "stranger")  # without a session on this host
ELSEWHERE = ("neighbor", "member", *STAFF)  # with a session here, without a role on this city's team


def everybody(status: int = 200) -> Expected:
    return dict.fromkeys(ALL_ROLES, status)


def only(*roles: str, status: int = 200, anyone: int = 302, others: int = 404) -> Expected:
    """`status` for these roles, `anyone` for who is not signed in, `others` for the rest."""
    unknown = set(roles) - set(ALL_ROLES)
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
    "signin:login": Row(everybody(302)),
    "signin:login-callback": Row(everybody(403)),
    "signin:logout": Row(everybody(302), method="post"),
    "cms/login/": Row(everybody(302)),
    "cms/logout/": Row(everybody(302), method="post"),
    # the plan
    "plans:home": workspace(),
    "plans:updates": workspace(),
    "plans:editor": workspace(),
    "plans:edit-plan": workspace(*WRITERS),
    "plans:retired": workspace(),
    "plans:download": workspace(method="post"),
    "plans:add-goal": workspace(*WRITERS),
    "plans:edit-goal": workspace(*WRITERS),
    "plans:add-outcome": workspace(*WRITERS),
    "plans:edit-outcome": workspace(*WRITERS),
    "plans:add-action": workspace(*WRITERS),
    "plans:edit-action": workspace(*WRITERS),
    "plans:edit-measures": workspace(*WRITERS),
    "plans:record-progress": workspace(
        *WRITERS
    ),  # a department lead's own actions alone: this one is nobody's
    "plans:action-history": workspace(),
    "plans:move": workspace(*WRITERS, status=302, method="post", data={"direction": "up"}),
    "plans:retire": workspace(*WRITERS),
    "plans:restore": workspace(*WRITERS, status=302, method="post"),
    "plans:publish": workspace("coordinator"),
    "plans:unpublish": workspace("coordinator"),
    "plans:adopt": workspace("coordinator"),
    "plans:history": workspace(),
    "plans:imports": workspace(*WRITERS),
    "plans:import": workspace(*WRITERS, status=302),  # its columns are asked for first
    "plans:import-columns": workspace(*WRITERS),
    "plans:import-commit": workspace(*WRITERS, status=302, method="post"),
    "plans:import-undo": workspace(*WRITERS, status=302, method="post"),
    "plans:settings": workspace("coordinator"),
    # the team
    "team:team": workspace(),
    "team:invite": workspace("coordinator"),
    "team:transfer-coordinator": workspace("coordinator"),
    "team:change": workspace("coordinator"),
    "team:end": workspace("coordinator"),
    "team:resend": workspace("coordinator", status=302, method="post"),
    "team:revoke": workspace("coordinator"),
}

# Here `stranger` has a session at a city alone; everybody else is signed in at the alliance.
SIGNED_IN = tuple(set(ALL_ROLES) - set(NOBODY_YET))

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
    "search:results": Row(everybody()),
    "search:suggest": Row(everybody()),
    # the API; what a city publishes is not there before its launch
    "api:index": Row(everybody()),
    "api:jurisdictions": Row(everybody()),
    "api:jurisdiction": Row(everybody()),
    "api:plans": Row(everybody()),
    "api:plan": Row(everybody(404)),
    "api:goals": Row(everybody()),
    "api:goal": Row(everybody(404)),
    "api:outcomes": Row(everybody()),
    "api:outcome": Row(everybody(404)),
    "api:actions": Row(everybody()),
    "api:action": Row(everybody(404)),
    "api:library": Row(everybody()),
    "api:library-item": Row(everybody()),
    "api:topics": Row(everybody()),
    "api:topic": Row(everybody(404)),
    "api:search": Row(everybody()),
    "api:schema": Row(everybody()),
    "api:docs": Row(everybody()),
    "api:nowhere": Row(everybody(404)),
    "staff:index": Row(only("staff_admin", "staff_onboarding")),
    "staff:new": Row(only("staff_admin", "staff_onboarding")),
    "staff:jurisdiction": Row(only("staff_admin", "staff_onboarding")),
    # the alliance's own team
    "team:team": Row(only("staff_admin", "staff_onboarding")),
    "team:invite": Row(only("staff_admin")),
    "team:transfer-coordinator": Row(
        only()
    ),  # there is nothing to hand over here: an administrator names another one
    "team:change": Row(only("staff_admin")),
    "team:end": Row(only("staff_admin")),
    "team:resend": Row(only("staff_admin", status=302), method="post"),
    "team:revoke": Row(only("staff_admin")),
    # signing in
    "signin:login": Row(everybody(302)),
    "signin:authorize": Row(only("member", *TEAM, status=302), data={"nonce": "0" * 64}),
    "signin:logout": Row(everybody(302), method="post"),
    "signin:account": Row(only(*SIGNED_IN)),
    "signin:invitation": Row(everybody(404), args={"token": "no-such-token"}),
    "account_logout": Row(everybody(302), method="post"),
    "account_signup": Row(everybody(404)),
    "cms/login/": Row(everybody(302)),
    "cms/logout/": Row(everybody(302), method="post"),
    # the demo's own pages are not there in earnest
    "demo:sign-ins": Row(everybody(404)),
    "demo:mail": Row(everybody(404)),
    "staff:invite": Row(
        only("staff_admin", "staff_onboarding", status=422), args={"slug": "riverton"}, method="post"
    ),
}


@pytest.fixture
def world(
    riverton: Any,
    ashford: Any,
    alliance: Any,
    make_user: Any,
    client_for: Any,
    keep_hosts_cached: Callable[[], None],
) -> Scenario:
    world = make_scenario(
        riverton, other=ashford, alliance=alliance, make_user=make_user, client_for=client_for
    )
    keep_hosts_cached()
    return world


@pytest.fixture
def launched(riverton: Any) -> Any:
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


def own(urlconf: str) -> list[Address]:
    return [address for address in addresses(urlconf) if address.is_own]


def complaints(
    world: Scenario, host: Any, found: list[Address], rows: Mapping[str, Row], *, before_launch: bool = False
) -> list[str]:
    """What the hosts answer otherwise than their rows say."""
    clients = world.browsers(host)
    wrong = []
    with rollback_requests() as knock:
        for address in found:
            if address.name not in rows:
                continue
            row = rows[address.name]
            expected = row.before if before_launch and row.before is not None else row.launched
            path = address.path(world.values_for(address.name, host) | dict(row.args))
            for who, client in clients.items():
                status = knock(client, row.method, path, row.data).status_code
                if status != expected[who]:
                    wrong.append(
                        f"{address.name} {row.method.upper()} /{address.route} as {who}: {status}, "
                        f"not {expected[who]}"
                    )
    return wrong


@pytest.mark.parametrize(("urlconf", "rows"), [(CITY_URLS, CITY), (ALLIANCE_URLS, ALLIANCE)])
def test_every_address_has_a_row_and_every_row_an_address(urlconf: str, rows: dict[str, Row]) -> None:
    found = own(urlconf)
    names = {address.name for address in found}
    assert sorted(names - set(rows)) == [], "These addresses have no row in the access table."
    assert sorted(set(rows) - names) == [], "These rows of the access table have no address."


def test_a_launched_city_answers_everybody_as_the_table_says(world: Scenario, launched: Any) -> None:
    assert "\n".join(complaints(world, launched, own(CITY_URLS), CITY)) == ""


def test_a_city_before_its_launch_answers_everybody_as_the_table_says(world: Scenario) -> None:
    assert "\n".join(complaints(world, world.city, own(CITY_URLS), CITY, before_launch=True)) == ""


def test_the_alliance_answers_everybody_as_the_table_says(world: Scenario) -> None:
    assert "\n".join(complaints(world, world.alliance, own(ALLIANCE_URLS), ALLIANCE)) == ""


def test_the_table_notices_a_page_that_lost_its_guard(world: Scenario, monkeypatch: Any) -> None:
    team = next(address for address in own(CITY_URLS) if address.name == "team:team")
    unguarded = team.view
    while hasattr(unguarded, "__wrapped__"):
        unguarded = unguarded.__wrapped__
    monkeypatch.setattr(team.pattern, "callback", unguarded)
    found = complaints(world, world.city, [team], CITY, before_launch=True)
    assert any("as neighbor: 200, not 404" in line for line in found)


# --- What others serve follows rules --------------------------------------------------------------------------

# Everybody may have the words and the looks of Wagtail's editor.
OPEN_IN_THE_EDITOR = ("cms/sprite/", "cms/jsi18n/")
# People, roles and hosts are managed on the portal's own pages, whatever a group may be allowed.
NOBODYS = ("cms/users/", "cms/groups/", "cms/sites/", "cms/password_reset/")


def in_the_editor(urlconf: str) -> list[Address]:
    """Wagtail's addresses, without those that the portal answers itself before Wagtail is asked."""
    found = addresses(urlconf)
    ours = {address.route for address in found if address.is_own}
    return [
        address
        for address in found
        if address.route.startswith("cms/")
        and address.route not in ours
        and not address.route.startswith(OPEN_IN_THE_EDITOR)
    ]


def trespasses(found: list[Address], clients: Mapping[str, Any], *, outsiders: tuple[str, ...]) -> list[str]:
    """Answers of Wagtail's editor that neither send to the sign-in nor are 404: to anyone, and to these in turn.

    One guard stands before all of its addresses, and asks for the role alone.
    """
    wrong = []
    with rollback_requests() as knock:
        for address, outsider in zip(found, cycle(outsiders), strict=False):
            path = address.path()
            for who in ("anyone", outsider):
                answer = knock(clients[who], "get", path)
                sent_on = answer.status_code == 302 and answer["Location"].startswith(
                    ("/sign-in/", "/cms/login/")
                )
                if answer.status_code != 404 and not (who in NOBODY_YET and sent_on):
                    wrong.append(f"/{address.route} as {who}: {answer.status_code}")
    return wrong


def test_a_citys_editor_is_closed_to_everybody_without_an_editors_role(world: Scenario) -> None:
    clients = world.browsers(world.city)
    with rollback_requests() as knock:
        for who in ("stranger", "member", "department_lead", *STAFF):  # all of them, at the front door
            assert knock(clients[who], "get", "/cms/").status_code == (302 if who == "stranger" else 404)
    found = trespasses(in_the_editor(CITY_URLS), clients, outsiders=("neighbor", "viewer", "department_lead"))
    assert "\n".join(found) == ""


def test_the_alliances_editor_is_closed_to_the_people_of_the_cities(world: Scenario) -> None:
    clients = world.browsers(world.alliance)
    with rollback_requests() as knock:
        for who in ("neighbor", "member", *TEAM, "staff_onboarding"):
            assert knock(clients[who], "get", "/cms/").status_code == 404
    found = trespasses(in_the_editor(ALLIANCE_URLS), clients, outsiders=("coordinator", "staff_onboarding"))
    assert "\n".join(found) == ""


@pytest.mark.parametrize("urlconf", [CITY_URLS, ALLIANCE_URLS])
def test_no_role_reaches_wagtails_pages_for_people_and_hosts(world: Scenario, urlconf: str) -> None:
    host = world.city if urlconf == CITY_URLS else world.alliance
    clients = world.browsers(host)
    editors = ("contributor", "coordinator") if host.is_tenant else ("library_curator", "staff_admin")
    found = [address for address in in_the_editor(urlconf) if address.route.startswith(NOBODYS)]
    assert found
    with rollback_requests() as knock:
        answers = {
            f"/{address.route} as {who}": knock(clients[who], "get", address.path()).status_code
            for address in found
            for who in editors
        }
    assert {words: status for words, status in answers.items() if status != 404} == {}


def test_the_editor_opens_for_a_citys_editors(world: Scenario) -> None:
    for role in ("contributor", "plan_editor", "coordinator"):
        browser = world.client_for(world.city, world.make_user(world.city, role))
        with rollback_requests() as knock:
            assert knock(browser, "get", "/cms/").status_code == 200


def test_the_editor_notices_a_door_left_open(world: Scenario, monkeypatch: Any) -> None:
    door = next(address for address in in_the_editor(CITY_URLS) if address.name == "wagtailadmin_home")
    unguarded = wraps(door.view)(lambda request: HttpResponse("Welcome"))
    monkeypatch.setattr(door.pattern, "callback", unguarded)
    clients = world.browsers(world.city)
    assert "/cms/ as viewer: 200" in trespasses([door], clients, outsiders=("viewer",))


# Of allauth: signing in, and a new password. What needs a session sends to the sign-in first.
ALLAUTH: dict[str, Expected] = {
    "account_login": everybody(302) | dict.fromkeys(NOBODY_YET, 200),
    "account_inactive": everybody(),
    "account_change_password": everybody() | dict.fromkeys(NOBODY_YET, 302),
    "account_set_password": everybody(302),
    "account_reset_password": everybody(),
    "account_reset_password_done": everybody(),
    "account_reset_password_from_key": everybody(),
    "account_reset_password_from_key_done": everybody(),
}


def test_of_allauth_only_the_way_in_and_a_new_password_are_there(world: Scenario) -> None:
    found = [a for a in addresses(ALLIANCE_URLS) if a.view.__module__.startswith("allauth")]
    assert {address.name for address in found} == set(ALLAUTH)
    assert not [a for a in addresses(CITY_URLS) if a.view.__module__.startswith("allauth")]
    rows = {name: Row(expected) for name, expected in ALLAUTH.items()}
    assert "\n".join(complaints(world, world.alliance, found, rows)) == ""


def test_the_rest_of_the_addresses_are_wagtails_pages_and_documents() -> None:
    for urlconf in (CITY_URLS, ALLIANCE_URLS):
        rest = {
            address.name
            for address in addresses(urlconf)
            if not address.is_own
            and not address.route.startswith("cms/")
            and not address.view.__module__.startswith("allauth")
        }
        assert rest == {"wagtaildocs_serve", "wagtail_serve"}
