"""The status that every address answers to each kind of visitor, at a city and at the alliance.

**You added an address?** Give its name a row in CITY or ALLIANCE, next to the rows of its app. A row says what
the answer is to each of `clients.ALL_ROLES`, at a city before and after its launch:

    "plans:editor": workspace(),                        # a page of the workspace for all roles of the city
    "plans:move": workspace("coordinator", status=302, method="post"),
    "dashboard:action": site(args={"code": "a1"}),      # a public page: 404 before the launch

`args` are values of URL arguments; `Scenario.values` holds keys of existing objects, by argument or as
"<name of the address>/<argument>". A status that differs from its row is reported with the visitor. An address without a
row fails, and so does a row without an address. Addresses of Wagtail and of allauth follow the rules at the end.
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
from tests.access.clients import ALL_ROLES, STAFF, TEAM
from tests.access.rollback_requests import EVERY_METHOD, FORM_DATA, rollback_requests
from tests.access.scenario import Scenario, make_scenario
from tests.full import gate_or_full

pytestmark = pytest.mark.django_db

Expected = Mapping[str, int]
WITHOUT_SESSION = ("anonymous", "foreign_session")  # without a session on this host
WITHOUT_ROLE = ("neighbor", "member", *STAFF)  # with a session here, without a role on this city's team


def all_roles(status: int = 200) -> Expected:
    return dict.fromkeys(ALL_ROLES, status)


def only(*roles: str, status: int = 200, anonymous: int = 302, others: int = 404) -> Expected:
    """`status` for these roles, `anonymous` for visitors without a session here, `others` for the rest."""
    unknown = set(roles) - set(ALL_ROLES)
    assert not unknown, f"No such role: {unknown}"
    return all_roles(others) | dict.fromkeys(WITHOUT_SESSION, anonymous) | dict.fromkeys(roles, status)


@dataclass(frozen=True)
class Row:
    """Expected statuses of an address: after the launch, and before it if they differ."""

    launched: Expected
    before: Expected | None = None
    method: str = "get"
    args: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def site(status: int = 200, **kwargs: Any) -> Row:
    """A public page of a city: for all visitors after the launch, for the team before it."""
    return Row(all_roles(status), before=only(*TEAM, status=status, anonymous=404), **kwargs)


def workspace(*roles: str, status: int = 200, **kwargs: Any) -> Row:
    """A page of a city's workspace, for these roles or for the whole team."""
    return Row(only(*(roles or TEAM), status=status, anonymous=sent_away(**kwargs)), **kwargs)


def sent_away(method: str = "get", **_kwargs: Any) -> int:
    """The answer to a visitor without a session: to the sign-in, or 401 with the text of the form that was sent."""
    return 302 if method == "get" else 401


WRITERS = ("plan_editor", "coordinator")
SIGNED_IN_HERE = all_roles() | dict.fromkeys(WITHOUT_SESSION, 302)

# Files that programs look for; open before the launch, as they show nothing of the site.
WELL_KNOWN = {"robots": Row(all_roles()), "favicon": Row(all_roles()), "security-txt": Row(all_roles())}

CITY: dict[str, Row] = {
    **WELL_KNOWN,
    "sitemap": Row(all_roles(), before=all_roles(404)),
    # cms
    "front": site(),
    "contact": site(),
    "narrative": site(),
    "edit-narrative": workspace("contributor", *WRITERS, status=302),  # to the page in Wagtail's editor
    # a city's pages
    "dashboard:home": site(),
    "dashboard:plan": site(),
    "dashboard:action": site(),
    "dashboard:data": site(),
    "dashboard:actions-csv": site(),
    "dashboard:actions-json": site(),
    "dashboard:plan-json": site(),
    "dashboard:plan-xlsx": site(),
    "dashboard:numbers-csv": site(),
    "dashboard:brand": Row(all_roles()),
    "media": site(404, args={"path": "c_riverton/images/none.png"}),
    # signing in
    "signin:login": Row(all_roles(302)),
    "signin:login-callback": Row(all_roles(403)),
    "signin:back-to-your-text": Row(SIGNED_IN_HERE),
    "signin:logout": Row(all_roles(302), method="post"),
    "cms/login/": Row(all_roles(302)),
    "cms/logout/": Row(all_roles(302), method="post"),
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
    "plans:edit-inline": workspace(*WRITERS, status=302),  # redirects to the row in the tree
    "plans:edit-several": workspace(*WRITERS),
    "plans:merge": workspace(*WRITERS),
    "plans:record-progress": workspace(
        *WRITERS
    ),  # a department lead may report on the department's own actions only, and this action has no department
    "plans:correct-progress": workspace(*WRITERS),  # a department lead corrects own reports only
    "plans:withdraw-progress": workspace(*WRITERS),
    "plans:action-history": workspace(),
    "plans:move": workspace(*WRITERS, status=302, method="post", data={"direction": "up"}),
    "plans:move-to": workspace(*WRITERS),
    "plans:retire": workspace(*WRITERS),
    "plans:restore": workspace(*WRITERS, status=302, method="post"),
    "plans:publish": workspace("coordinator"),
    "plans:published": workspace("coordinator"),
    "plans:unpublish": workspace("coordinator"),
    "plans:adopt": workspace("coordinator"),
    "plans:history": workspace(),
    "plans:imports": workspace(*WRITERS),
    "plans:import": workspace(*WRITERS, status=302),  # redirects to the column form
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

# At the alliance, `foreign_session` has a session at a city only; all others are signed in here.
SIGNED_IN = tuple(set(ALL_ROLES) - set(WITHOUT_SESSION))

ALLIANCE: dict[str, Row] = {
    **WELL_KNOWN,
    "sitemap": Row(all_roles()),
    "front": Row(all_roles()),
    "contact": Row(all_roles()),
    "brand": Row(all_roles()),
    "media": Row(all_roles(404), args={"path": "public/images/none.png"}),
    "cohort:directory": Row(all_roles()),
    "cohort:directory-csv": Row(all_roles()),
    "cohort:logo": Row(all_roles(404), args={"slug": "riverton"}),
    "cohort:progress": Row(all_roles()),
    "cohort:progress-csv": Row(all_roles()),
    "cohort:progress-json": Row(all_roles()),
    "resources:browse": Row(all_roles()),
    "resources:item": Row(all_roles()),
    "search:results": Row(all_roles()),
    "search:suggest": Row(all_roles()),
    # the API; a city's rows are not in it before its launch
    "api:index": Row(all_roles()),
    "api:jurisdictions": Row(all_roles()),
    "api:jurisdiction": Row(all_roles()),
    "api:plans": Row(all_roles()),
    "api:plan": Row(all_roles(404)),
    "api:goals": Row(all_roles()),
    "api:goal": Row(all_roles(404)),
    "api:outcomes": Row(all_roles()),
    "api:outcome": Row(all_roles(404)),
    "api:actions": Row(all_roles()),
    "api:action": Row(all_roles(404)),
    "api:library": Row(all_roles()),
    "api:library-item": Row(all_roles()),
    "api:topics": Row(all_roles()),
    "api:topic": Row(all_roles(404)),
    "api:search": Row(all_roles()),
    "api:schema": Row(all_roles()),
    "api:docs": Row(all_roles()),
    "api:nowhere": Row(all_roles(404)),
    "staff:index": Row(only("staff_admin", "staff_onboarding")),
    "staff:contact": Row(only("staff_admin")),
    "staff:new": Row(only("staff_admin", "staff_onboarding")),
    "staff:jurisdiction": Row(only("staff_admin", "staff_onboarding")),
    # the alliance's own team
    "team:team": Row(only("staff_admin", "staff_onboarding")),
    "team:invite": Row(only("staff_admin")),
    "team:transfer-coordinator": Row(
        only()
    ),  # the alliance has no coordinator: an administrator appoints another administrator
    "team:change": Row(only("staff_admin")),
    "team:end": Row(only("staff_admin")),
    "team:resend": Row(only("staff_admin", status=302, anonymous=401), method="post"),
    "team:revoke": Row(only("staff_admin")),
    # signing in
    "signin:login": Row(all_roles(302)),
    "signin:back-to-your-text": Row(SIGNED_IN_HERE),
    "signin:authorize": Row(only("member", *TEAM, status=302), data={"nonce": "0" * 64}),
    "signin:logout": Row(all_roles(302), method="post"),
    "signin:account": Row(only(*SIGNED_IN)),
    "signin:invitation": Row(all_roles(404), args={"token": "no-such-token"}),
    "account_logout": Row(all_roles(302), method="post"),
    "account_signup": Row(all_roles(404)),
    "cms/login/": Row(all_roles(302)),
    "cms/logout/": Row(all_roles(302), method="post"),
    # pages of the demo: 404 outside it
    "demo:sign-ins": Row(all_roles(404)),
    "demo:mail": Row(all_roles(404)),
    "demo:mail-kinds": Row(all_roles(404)),
    "demo:mail-kind": Row(all_roles(404), args={"key": "invitation"}),
    "demo:mail-html": Row(all_roles(404), args={"name": "20261126-1"}),
    "staff:invite": Row(
        only("staff_admin", "staff_onboarding", status=422, anonymous=401),
        args={"slug": "riverton"},
        method="post",
    ),
}


@pytest.fixture
def scenario(
    riverton: Any,
    ashford: Any,
    alliance: Any,
    make_user: Any,
    client_for: Any,
    keep_hosts_cached: Callable[[], None],
) -> Scenario:
    scenario = make_scenario(
        riverton, other=ashford, alliance=alliance, make_user=make_user, client_for=client_for
    )
    keep_hosts_cached()
    return scenario


@pytest.fixture
def launched(riverton: Any) -> Any:
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


def own_addresses(urlconf: str) -> list[Address]:
    return [address for address in addresses(urlconf) if address.is_own]


def mismatches(
    scenario: Scenario,
    host: Any,
    targets: list[Address],
    rows: Mapping[str, Row],
    *,
    before_launch: bool = False,
) -> list[str]:
    """Statuses that differ from the rows, each as a line of text."""
    clients = scenario.clients(host)
    lines = []
    with rollback_requests() as request:
        for address in targets:
            if address.name not in rows:
                continue
            row = rows[address.name]
            expected = row.before if before_launch and row.before is not None else row.launched
            path = address.path(scenario.values_for(address.name, host) | dict(row.args))
            for who, client in clients.items():
                status = request(client, row.method, path, row.data).status_code
                if status != expected[who]:
                    lines.append(
                        f"{address.name} {row.method.upper()} /{address.route} as {who}: {status}, "
                        f"not {expected[who]}"
                    )
    return lines


@pytest.mark.parametrize(("urlconf", "rows"), [(CITY_URLS, CITY), (ALLIANCE_URLS, ALLIANCE)])
def test_every_address_has_a_row_and_every_row_has_an_address(urlconf: str, rows: dict[str, Row]) -> None:
    names = {address.name for address in own_addresses(urlconf)}
    assert sorted(names - set(rows)) == [], "These addresses have no row in the access table."
    assert sorted(set(rows) - names) == [], "These rows of the access table have no address."


def test_a_launched_city_answers_every_role_as_the_table_says(scenario: Scenario, launched: Any) -> None:
    assert "\n".join(mismatches(scenario, launched, own_addresses(CITY_URLS), CITY)) == ""


def test_a_city_before_its_launch_answers_every_role_as_the_table_says(scenario: Scenario) -> None:
    assert (
        "\n".join(mismatches(scenario, scenario.city, own_addresses(CITY_URLS), CITY, before_launch=True))
        == ""
    )


def test_the_alliance_answers_every_role_as_the_table_says(scenario: Scenario) -> None:
    assert "\n".join(mismatches(scenario, scenario.alliance, own_addresses(ALLIANCE_URLS), ALLIANCE)) == ""


# --- Every method, of which the table names one ----------------------------------------------------------------


def unexpected_statuses(
    scenario: Scenario, host: Any, targets: list[Address], rows: Mapping[str, Row], *, before_launch: bool
) -> list[str]:
    """Answers to the other methods, each as a line of text: an error, or no refusal of whom the row refuses."""
    clients = scenario.clients(host)
    lines = []
    with rollback_requests() as request:
        for address in targets:
            row = rows[address.name]
            expected = row.before if before_launch and row.before is not None else row.launched
            path = address.path(scenario.values_for(address.name, host) | dict(row.args))
            for who, client in clients.items():
                client.raise_request_exception = False  # an error is a line, too
                is_sent_away = who in WITHOUT_SESSION and expected[who] in (302, 401)
                for method in EVERY_METHOD:
                    data = row.data or (FORM_DATA if method == "post" else {})
                    status = request(client, method, path, data).status_code
                    allowed = {404, 405} | ({302, 401, 403} if is_sent_away else set())
                    allowed |= {200, 204} if method == "options" else set()  # lists the methods, and no more
                    is_refused = expected[who] == 404 or is_sent_away
                    if status >= 500 or (is_refused and status not in allowed):
                        lines.append(
                            f"{address.name} {method.upper()} /{address.route} as {who}: {status}, "
                            f"where {row.method.upper()} is {expected[who]}"
                        )
    return lines


@pytest.mark.full
@pytest.mark.parametrize("is_launched", [True, False], ids=["launched", "before the launch"])
def test_no_method_opens_a_citys_address_to_whom_the_table_refuses(
    scenario: Scenario, request: Any, is_launched: bool
) -> None:
    city = request.getfixturevalue("launched") if is_launched else scenario.city
    targets = own_addresses(CITY_URLS)
    assert unexpected_statuses(scenario, city, targets, CITY, before_launch=not is_launched) == []


@pytest.mark.full
def test_no_method_opens_an_address_of_the_alliance_to_whom_the_table_refuses(scenario: Scenario) -> None:
    targets = own_addresses(ALLIANCE_URLS)
    assert unexpected_statuses(scenario, scenario.alliance, targets, ALLIANCE, before_launch=False) == []


@pytest.mark.full
def test_a_method_without_its_check_is_noticed(scenario: Scenario, launched: Any, monkeypatch: Any) -> None:
    team = next(address for address in own_addresses(CITY_URLS) if address.name == "team:team")
    guarded = team.view

    @wraps(guarded)
    def unguarded_delete(request: Any) -> HttpResponse:
        return HttpResponse("Deleted") if request.method == "DELETE" else guarded(request)

    monkeypatch.setattr(team.pattern, "callback", unguarded_delete)
    lines = unexpected_statuses(scenario, launched, [team], CITY, before_launch=False)
    assert any("team:team DELETE /workspace/team/ as neighbor: 200" in line for line in lines)


def test_the_table_notices_a_page_without_its_permission_check(
    scenario: Scenario, launched: Any, monkeypatch: Any
) -> None:
    team = next(address for address in own_addresses(CITY_URLS) if address.name == "team:team")
    unguarded = team.view
    while hasattr(unguarded, "__wrapped__"):
        unguarded = unguarded.__wrapped__
    monkeypatch.setattr(team.pattern, "callback", unguarded)
    lines = mismatches(scenario, launched, [team], CITY)
    assert any("as neighbor: 200, not 404" in line for line in lines)


# --- Addresses of third-party packages follow rules ------------------------------------------------------------

# Translations and icons of Wagtail's editor are public.
PUBLIC_ADMIN_ROUTES = ("cms/sprite/", "cms/jsi18n/")
# People, roles and hosts are managed on the portal's own pages only.
DISABLED_ADMIN_ROUTES = ("cms/users/", "cms/groups/", "cms/sites/", "cms/password_reset/")


def admin_addresses(urlconf: str) -> list[Address]:
    """Addresses of Wagtail's editor, without those that the portal's own views answer first."""
    all_addresses = addresses(urlconf)
    own_routes = {address.route for address in all_addresses if address.is_own}
    return [
        address
        for address in all_addresses
        if address.route.startswith("cms/")
        and address.route not in own_routes
        and not address.route.startswith(PUBLIC_ADMIN_ROUTES)
    ]


def unguarded_admin_urls(
    targets: list[Address], clients: Mapping[str, Any], *, outsiders: tuple[str, ...]
) -> list[str]:
    """Responses of Wagtail's editor that are neither a redirect to the sign-in nor 404, each as a line of text.

    In the gate, every address is requested anonymously and by one of `outsiders`, in turn: one check guards all addresses,
    and it depends on the role only. In a full run each of them requests each address with every method.
    """
    lines = []
    with rollback_requests() as request:
        for address, outsider in zip(targets, cycle(outsiders), strict=False):
            path = address.path()
            for who in gate_or_full(("anonymous", outsider), (*WITHOUT_SESSION, *outsiders)):
                for method in gate_or_full(("get",), EVERY_METHOD):
                    response = request(clients[who], method, path)
                    is_redirect = response.status_code == 302 and response["Location"].startswith(
                        ("/sign-in/", "/cms/login/")
                    )
                    if response.status_code != 404 and not (who in WITHOUT_SESSION and is_redirect):
                        lines.append(f"{method.upper()} /{address.route} as {who}: {response.status_code}")
    return lines


def test_a_citys_editor_is_closed_to_visitors_without_an_editor_role(scenario: Scenario) -> None:
    clients = scenario.clients(scenario.city)
    with rollback_requests() as request:
        for who in ("foreign_session", "member", "department_lead", *STAFF):  # every role, at the admin home
            assert request(clients[who], "get", "/cms/").status_code == (
                302 if who == "foreign_session" else 404
            )
    lines = unguarded_admin_urls(
        admin_addresses(CITY_URLS),
        clients,
        outsiders=gate_or_full(
            ("neighbor", "viewer", "department_lead"), (*WITHOUT_ROLE, "viewer", "department_lead")
        ),
    )
    assert "\n".join(lines) == ""


def test_the_alliances_editor_is_closed_to_users_of_cities(scenario: Scenario) -> None:
    clients = scenario.clients(scenario.alliance)
    with rollback_requests() as request:
        for who in ("neighbor", "member", *TEAM, "staff_onboarding"):
            assert request(clients[who], "get", "/cms/").status_code == 404
    lines = unguarded_admin_urls(
        admin_addresses(ALLIANCE_URLS),
        clients,
        outsiders=gate_or_full(
            ("coordinator", "staff_onboarding"), ("neighbor", "member", *TEAM, "staff_onboarding")
        ),
    )
    assert "\n".join(lines) == ""


@pytest.mark.parametrize("urlconf", [CITY_URLS, ALLIANCE_URLS])
def test_no_role_reaches_wagtails_pages_for_people_and_hosts(scenario: Scenario, urlconf: str) -> None:
    host = scenario.city if urlconf == CITY_URLS else scenario.alliance
    clients = scenario.clients(host)
    editors = gate_or_full(("contributor", "coordinator"), ("contributor", "plan_editor", "coordinator"))
    editors = editors if host.is_tenant else ("library_curator", "staff_admin")
    targets = [
        address for address in admin_addresses(urlconf) if address.route.startswith(DISABLED_ADMIN_ROUTES)
    ]
    assert targets
    with rollback_requests() as request:
        statuses = {
            f"{method} /{address.route} as {who}": request(clients[who], method, address.path()).status_code
            for address in targets
            for who in editors
            for method in gate_or_full(("get",), EVERY_METHOD)
        }
    assert {line: status for line, status in statuses.items() if status != 404} == {}


def test_the_editor_opens_for_editors_of_a_city(scenario: Scenario) -> None:
    for role in ("contributor", "plan_editor", "coordinator"):
        client = scenario.client_for(scenario.city, scenario.make_user(scenario.city, role))
        with rollback_requests() as request:
            assert request(client, "get", "/cms/").status_code == 200


def test_an_unguarded_page_of_the_editor_is_noticed(scenario: Scenario, monkeypatch: Any) -> None:
    admin_home = next(
        address for address in admin_addresses(CITY_URLS) if address.name == "wagtailadmin_home"
    )
    unguarded = wraps(admin_home.view)(lambda request: HttpResponse("Welcome"))
    monkeypatch.setattr(admin_home.pattern, "callback", unguarded)
    clients = scenario.clients(scenario.city)
    assert "GET /cms/ as viewer: 200" in unguarded_admin_urls([admin_home], clients, outsiders=("viewer",))


# Addresses of allauth: sign-in and password reset. Those that need a session redirect to the sign-in.
ALLAUTH: dict[str, Expected] = {
    "account_login": all_roles(302) | dict.fromkeys(WITHOUT_SESSION, 200),
    "account_inactive": all_roles(),
    "account_change_password": all_roles() | dict.fromkeys(WITHOUT_SESSION, 302),
    "account_set_password": all_roles(302),
    "account_reset_password": all_roles(),
    "account_reset_password_done": all_roles(),
    "account_reset_password_from_key": all_roles(),
    "account_reset_password_from_key_done": all_roles(),
}


def test_allauth_serves_only_sign_in_and_password_reset(scenario: Scenario) -> None:
    allauth_addresses = [a for a in addresses(ALLIANCE_URLS) if a.view.__module__.startswith("allauth")]
    assert {address.name for address in allauth_addresses} == set(ALLAUTH)
    assert not [a for a in addresses(CITY_URLS) if a.view.__module__.startswith("allauth")]
    rows = {name: Row(expected) for name, expected in ALLAUTH.items()}
    assert "\n".join(mismatches(scenario, scenario.alliance, allauth_addresses, rows)) == ""


def test_all_other_addresses_are_wagtails_pages_and_documents() -> None:
    for urlconf in (CITY_URLS, ALLIANCE_URLS):
        rest = {
            address.name
            for address in addresses(urlconf)
            if not address.is_own
            and not address.route.startswith("cms/")
            and not address.view.__module__.startswith("allauth")
        }
        assert rest == {"wagtaildocs_serve", "wagtail_serve"}
