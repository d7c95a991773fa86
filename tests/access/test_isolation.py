"""No user of one city sees or changes anything of another, by any address or key.

Each of the three cities is a copy of the template, so that they share primary keys. A unique canary is written into all
texts of a city, and no other city's users may read it. Then a coordinator requests every address with the keys of
another city's objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpResponse
from django_tenants.utils import schema_context, tenant_context

from tenants.models import Affiliation, Role
from tenants.people import affiliations, invitations
from tenants.plans.models import Action, Goal, ImportJob
from tests.access.addresses import ALLIANCE, CITY, Address, addresses
from tests.access.canaries import CANARIES, canary_of, own_models, plant_canaries, text_fields
from tests.access.clients import TEAM
from tests.access.rollback_requests import EVERY_METHOD, FORM_DATA, rollback_requests
from tests.access.scenario import Scenario, make_scenario
from tests.full import gate_or_full, is_full

pytestmark = pytest.mark.django_db


@pytest.fixture
def scenarios(
    riverton: Any,
    ashford: Any,
    millbrook: Any,
    alliance: Any,
    make_user: Any,
    client_for: Any,
    keep_hosts_cached: Callable[[], None],
) -> dict[str, Scenario]:
    """Three cities with internal plans."""
    neighbors = {riverton: ashford, ashford: millbrook, millbrook: riverton}
    scenarios = {
        city.slug: make_scenario(
            city,
            other=other,
            alliance=alliance,
            make_user=make_user,
            client_for=client_for,
            visibility="internal",
        )
        for city, other in neighbors.items()
    }
    keep_hosts_cached()
    return scenarios


@pytest.fixture
def planted(scenarios: dict[str, Scenario]) -> dict[str, Scenario]:
    for scenario in scenarios.values():
        plant_canaries(scenario.city)
    return scenarios


def find_leaks(client: Any, targets: list[Address], values: Any, canaries: set[str]) -> Iterator[str]:
    """The canaries that a client reads in the bodies or headers of these addresses, each as a line of text."""
    with rollback_requests() as request:
        for address in targets:
            if "failwhale" in address.route:  # raises an error on purpose
                continue
            response = request(client, "get", address.path(values(address.name)))
            body = response.streamed if response.streaming else response.content
            text = body.decode("utf-8", "replace") + str(response.headers)
            for canary in canaries:
                if canary in text:
                    yield f"{canary} at /{address.route} ({response.status_code})"


def other_canaries(scenario: Scenario) -> set[str]:
    return set(CANARIES.values()) - {canary_of(scenario.city)}


def own_addresses(urlconf: str) -> list[Address]:
    return [
        a
        for a in addresses(urlconf)
        if a.is_own and a.name not in ("signin:logout", "cms/logout/", "account_logout")
    ]


def test_every_model_has_a_canary(scenarios: dict[str, Scenario]) -> None:
    plant_canaries(scenarios["riverton"].city)
    with tenant_context(scenarios["riverton"].city):
        without_rows = [
            m.__name__
            for m in own_models()
            if m._meta.app_label == "plans" and not m._default_manager.exists()
        ]
        assert without_rows == [], "Give these models a row in tests/access/canaries.py."
        assert "title" in {field.name for field in text_fields(Action)}


def test_a_citys_own_users_read_its_canary(scenarios: dict[str, Scenario]) -> None:
    """Otherwise the tests below would prove nothing."""
    scenario = scenarios["riverton"]
    plant_canaries(scenario.city)
    client = scenario.client_for(scenario.city, scenario.make_user(scenario.city, Role.COORDINATOR))
    leaks = "\n".join(find_leaks(client, own_addresses(CITY), scenario.values_for, {"xqriv"}))
    for route in ("/plan/", "/workspace/plan/", "/workspace/team/", "/workspace/history/", "/narrative/"):
        assert f"xqriv at {route} (200)" in leaks


def test_at_home_and_at_the_alliance_no_user_reads_another_citys_canary(planted: dict[str, Scenario]) -> None:
    scenario, leaks = planted["riverton"], []
    for role in (*TEAM, Role.MEMBER):
        user = scenario.make_user(scenario.city, role)
        hosts = [(scenario.city, CITY)]
        # At the alliance, all of a city's users are members.
        if is_full() or role in (Role.VIEWER, Role.COORDINATOR, Role.MEMBER):
            hosts.append((scenario.alliance, ALLIANCE))
        for host, urlconf in hosts:
            client = scenario.client_for(host, user)
            own = own_addresses(urlconf)
            lines = [*find_leaks(client, own, scenario.values_for, other_canaries(scenario))]
            lines += find_leaks(
                client, [a for a in own if a.needs], planted["ashford"].values_for, other_canaries(scenario)
            )
            leaks += [f"{role}: {line}" for line in lines]
    assert leaks == []


def test_on_another_citys_host_no_user_reads_its_canary(scenarios: dict[str, Scenario]) -> None:
    home, away, leaks = scenarios["riverton"], scenarios["ashford"], []
    plant_canaries(away.city)
    visitors = {"anonymous": away.client_for(away.city)}
    for role in (*TEAM, Role.MEMBER):  # with a session there, as if a sign-in code had opened the wrong one
        visitors[role] = away.client_for(away.city, home.make_user(home.city, role))
    for who, client in visitors.items():
        lines = find_leaks(client, own_addresses(CITY), away.values_for, {canary_of(away.city)})
        leaks += [f"{who}: {line}" for line in lines]
    assert leaks == []


def test_in_wagtails_editor_no_user_reads_another_citys_canary(planted: dict[str, Scenario]) -> None:
    scenario, leaks = planted["riverton"], []
    targets = [address for address in addresses(CITY) if not address.is_own and "logout" not in address.route]
    for role in gate_or_full((Role.COORDINATOR,), TEAM):
        client = scenario.client_for(scenario.city, scenario.make_user(scenario.city, role))
        client.raise_request_exception = False  # sample keys may raise errors; only leaks matter here
        leaks += find_leaks(client, targets, lambda _name: {}, other_canaries(scenario))
    assert leaks == []


def test_a_broken_guard_is_noticed(scenarios: dict[str, Scenario], monkeypatch: Any) -> None:
    scenario, away = scenarios["riverton"], scenarios["ashford"]
    plant_canaries(away.city)
    plan = next(address for address in own_addresses(CITY) if address.name == "dashboard:plan")

    @wraps(plan.view)
    def leaking(request: Any) -> HttpResponse:
        with tenant_context(away.city):
            return HttpResponse(Goal.objects.first().title)

    monkeypatch.setattr(plan.pattern, "callback", leaking)
    client = scenario.client_for(scenario.city, scenario.make_user(scenario.city, Role.VIEWER))
    assert list(find_leaks(client, [plan], scenario.values_for, other_canaries(scenario))) == [
        "xqash at /plan/ (200)"
    ]


# --- Keys of another city's objects ---------------------------------------------------------------------------


def table_hashes(city: Any) -> dict[str, str]:
    """A hash of each table of a city and of its rows at the alliance, without sessions."""
    with schema_context("public"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1",
            [city.schema_name],
        )
        tables = [name for (name,) in cursor.fetchall() if name != "django_session"]
        selects = [f"SELECT '{name}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {city.schema_name}.{name} t"
                 for name in tables]  # fmt: skip
        for name in ("affiliation", "invitation", "auditevent"):
            selects.append(
                f"SELECT 'public.{name}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM public.tenants_{name} t "
                f"WHERE jurisdiction_id = {int(city.pk)}"
            )
        cursor.execute(" UNION ALL ".join(selects))
        return dict(cursor.fetchall())


def changed_tables(before: dict[str, str], city: Any) -> list[str]:
    after = table_hashes(city)
    return sorted(name for name in before if before[name] != after[name])


def keyed_addresses() -> list[Address]:
    """A city's own addresses with the key of an object."""
    return [address for address in own_addresses(CITY) if {"uuid", "code", "pk"} & set(address.needs)]


def use_unique_keys(scenario: Scenario) -> Scenario:
    """Give the scenario's objects keys that do not exist at its neighbors."""
    with tenant_context(scenario.city):
        Action.objects.filter(code=scenario.values["code"]).update(code="zz9")
        ImportJob.objects.filter(pk=scenario.values["pk"]).update(id=777)
    scenario.values |= {"code": "zz9", "pk": 777}
    return scenario


def unguarded_responses(client: Any, targets: list[Address], values: Any) -> Iterator[str]:
    """Responses that are neither 404 nor 405, each as a line of text."""
    for address in targets:
        for method in EVERY_METHOD:
            data = FORM_DATA if method == "post" else None
            response = getattr(client, method)(address.path(values(address.name)), data)
            is_refused = response.status_code in (404, 405) or (
                method == "options" and response.status_code == 200
            )
            if not is_refused:
                yield f"{method.upper()} /{address.route}: {response.status_code}"


def test_a_coordinator_reaches_nothing_by_another_citys_keys(scenarios: dict[str, Scenario]) -> None:
    home, away = scenarios["riverton"], use_unique_keys(scenarios["ashford"])
    client = home.client_for(home.city, home.make_user(home.city, Role.COORDINATOR))
    before, before_away = table_hashes(home.city), table_hashes(away.city)
    assert len(keyed_addresses()) >= 15
    assert list(unguarded_responses(client, keyed_addresses(), away.values_for)) == []
    assert (changed_tables(before, home.city), changed_tables(before_away, away.city)) == ([], [])


def test_a_view_that_does_not_check_the_city_is_noticed(
    scenarios: dict[str, Scenario], monkeypatch: Any
) -> None:
    home, away = scenarios["riverton"], use_unique_keys(scenarios["ashford"])
    end = next(address for address in keyed_addresses() if address.name == "team:end")

    @wraps(end.view)
    def unchecked(request: Any, uuid: Any) -> Any:
        affiliations.end_affiliation(Affiliation.objects.get(uuid=uuid), by=request.user)
        return end.view(request, uuid)

    monkeypatch.setattr(end.pattern, "callback", unchecked)
    client = home.client_for(home.city, home.make_user(home.city, Role.COORDINATOR))
    before_away = table_hashes(away.city)
    list(unguarded_responses(client, [end], away.values_for))
    assert "public.affiliation" in changed_tables(before_away, away.city)


def test_no_post_at_a_city_changes_another(scenarios: dict[str, Scenario]) -> None:
    """Cities share the primary keys of pages, files and rows: each must refer to the city's own."""
    home = scenarios["riverton"]
    clients = [
        home.client_for(home.city, home.make_user(home.city, role))
        for role in gate_or_full((Role.COORDINATOR,), (Role.COORDINATOR, Role.PLAN_EDITOR, Role.CONTRIBUTOR))
    ]
    before_away = {
        slug: table_hashes(scenario.city) for slug, scenario in scenarios.items() if slug != "riverton"
    }
    posted = 0
    for client in clients:
        client.raise_request_exception = False
        for address in addresses(CITY):
            if address.name != "signin:logout" and "logout" not in address.route:
                for method in gate_or_full(("post",), ("post", "put", "patch", "delete")):
                    getattr(client, method)(address.path(home.values_for(address.name)), FORM_DATA)
                posted += 1
    assert posted > 100
    assert {slug: changed_tables(before, scenarios[slug].city) for slug, before in before_away.items()} == {
        "ashford": [],
        "millbrook": [],
    }


def test_a_city_invites_nobody_to_another(scenarios: dict[str, Scenario], make_user: Any) -> None:
    home, away = scenarios["riverton"], scenarios["ashford"]
    before_away = table_hashes(away.city)
    invitations.invite(home.city, email="new@city.example", roles=[Role.VIEWER], by=None)
    with pytest.raises(ValidationError):
        invitations.invite(home.city, email="chief@city.example", roles=[Role.STAFF_ADMIN], by=None)
    assert changed_tables(before_away, away.city) == []
