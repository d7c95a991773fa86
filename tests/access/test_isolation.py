"""What one city has, no person of another sees or touches, by whatever address and key.

Three cities share the numbers of their rows, as each is a copy of the template. Each sings a word of its own in every
text it has; nobody else may hear it. Then a coordinator knocks everywhere with the keys of another city's things.
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
from tests.access.knocking import rollback_requests
from tests.access.people import TEAM
from tests.access.world import Scenario, make_scenario

pytestmark = pytest.mark.django_db

EVERY_METHOD = ("get", "head", "options", "post", "put", "patch", "delete")
# What forms may ask for, so that a post without a guard would do something.
ANSWERS = {
    "title": "Taken",
    "name": "Taken",
    "roles": "viewer",
    "direction": "down",
    "reason": "Taken",
    "confirm": "on",
}


@pytest.fixture
def worlds(
    riverton: Any,
    ashford: Any,
    millbrook: Any,
    alliance: Any,
    make_user: Any,
    client_for: Any,
    keep_hosts_cached: Callable[[], None],
) -> dict[str, Scenario]:
    """Three cities that work on a plan nobody else may see yet."""
    neighbors = {riverton: ashford, ashford: millbrook, millbrook: riverton}
    worlds = {
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
    return worlds


@pytest.fixture
def choir(worlds: dict[str, Scenario]) -> dict[str, Scenario]:
    for world in worlds.values():
        plant_canaries(world.city)
    return worlds


def heard(client: Any, found: list[Address], values: Any, words: set[str]) -> Iterator[str]:
    """Where a visitor meets one of these words: the page's body or a header."""
    with rollback_requests() as knock:
        for address in found:
            if "failwhale" in address.route:  # Wagtail's way to show its error page
                continue
            answer = knock(client, "get", address.path(values(address.name)))
            body = answer.streamed if answer.streaming else answer.content
            text = body.decode("utf-8", "replace") + str(answer.headers)
            for canary in words:
                if canary in text:
                    yield f"{canary} at /{address.route} ({answer.status_code})"


def others(world: Scenario) -> set[str]:
    return set(CANARIES.values()) - {canary_of(world.city)}


def own_addresses(urlconf: str) -> list[Address]:
    return [
        a
        for a in addresses(urlconf)
        if a.is_own and a.name not in ("signin:logout", "cms/logout/", "account_logout")
    ]


def test_every_kind_of_row_sings(worlds: dict[str, Scenario]) -> None:
    plant_canaries(worlds["riverton"].city)
    with tenant_context(worlds["riverton"].city):
        silent = [
            m.__name__
            for m in own_models()
            if m._meta.app_label == "plans" and not m._default_manager.exists()
        ]
        assert silent == [], "Give these models a row in tests/access/canaries.py."
        assert "title" in {field.name for field in text_fields(Action)}


def test_a_city_hears_itself(worlds: dict[str, Scenario]) -> None:
    """Without this the silence of the others would prove nothing."""
    world = worlds["riverton"]
    plant_canaries(world.city)
    client = world.client_for(world.city, world.make_user(world.city, Role.COORDINATOR))
    found = "\n".join(heard(client, own_addresses(CITY), world.values_for, {"xqriv"}))
    for route in ("/plan/", "/workspace/plan/", "/workspace/team/", "/workspace/history/", "/narrative/"):
        assert f"xqriv at {route} (200)" in found


def test_at_home_and_at_the_alliance_nobody_hears_another_city(choir: dict[str, Scenario]) -> None:
    world, found = choir["riverton"], []
    for role in (*TEAM, Role.MEMBER):
        user = world.make_user(world.city, role)
        hosts = [(world.city, CITY)]
        if role in (Role.VIEWER, Role.COORDINATOR, Role.MEMBER):  # there, all of a city's people are members
            hosts.append((world.alliance, ALLIANCE))
        for host, urlconf in hosts:
            client = world.client_for(host, user)
            own = own_addresses(urlconf)
            met = [*heard(client, own, world.values_for, others(world))]
            met += heard(client, [a for a in own if a.needs], choir["ashford"].values_for, others(world))
            found += [f"{role}: {line}" for line in met]
    assert found == []


def test_on_another_citys_host_nobody_hears_anything(worlds: dict[str, Scenario]) -> None:
    home, away, found = worlds["riverton"], worlds["ashford"], []
    plant_canaries(away.city)
    visitors = {"anyone": away.client_for(away.city)}
    for role in (*TEAM, Role.MEMBER):  # with a session there, as if a hand-off had gone wrong
        visitors[role] = away.client_for(away.city, home.make_user(home.city, role))
    for who, client in visitors.items():
        lines = heard(client, own_addresses(CITY), away.values_for, {canary_of(away.city)})
        found += [f"{who}: {line}" for line in lines]
    assert found == []


def test_in_wagtails_editor_nobody_hears_another_city(choir: dict[str, Scenario]) -> None:
    world = choir["riverton"]
    client = world.client_for(world.city, world.make_user(world.city, Role.COORDINATOR))
    found = [address for address in addresses(CITY) if not address.is_own and "logout" not in address.route]
    client.raise_request_exception = False  # the numbers are guesses; what counts is what is told
    assert list(heard(client, found, lambda _name: {}, others(world))) == []


def test_a_hole_would_be_heard(worlds: dict[str, Scenario], monkeypatch: Any) -> None:
    world, away = worlds["riverton"], worlds["ashford"]
    plant_canaries(away.city)
    plan = next(address for address in own_addresses(CITY) if address.name == "dashboard:plan")

    @wraps(plan.view)
    def leaking(request: Any) -> HttpResponse:
        with tenant_context(away.city):
            return HttpResponse(Goal.objects.first().title)

    monkeypatch.setattr(plan.pattern, "callback", leaking)
    client = world.client_for(world.city, world.make_user(world.city, Role.VIEWER))
    assert list(heard(client, [plan], world.values_for, others(world))) == ["xqash at /plan/ (200)"]


# --- Keys of another city's things ---------------------------------------------------------------------------


def state(city: Any) -> dict[str, str]:
    """A fingerprint of each table a city has, and of its rows at the alliance; sessions are left out."""
    with schema_context("public"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1",
            [city.schema_name],
        )
        tables = [name for (name,) in cursor.fetchall() if name != "django_session"]
        parts = [f"SELECT '{name}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {city.schema_name}.{name} t"
                 for name in tables]  # fmt: skip
        for name in ("affiliation", "invitation", "auditevent"):
            parts.append(
                f"SELECT 'public.{name}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM public.tenants_{name} t "
                f"WHERE jurisdiction_id = {int(city.pk)}"
            )
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def changed(before: dict[str, str], city: Any) -> list[str]:
    after = state(city)
    return sorted(name for name in before if before[name] != after[name])


def with_keys() -> list[Address]:
    """A city's own addresses that name a thing by its key."""
    return [address for address in own_addresses(CITY) if {"uuid", "code", "pk"} & set(address.needs)]


def of_another_city(world: Scenario) -> Scenario:
    """The same, with keys that its neighbors do not have."""
    with tenant_context(world.city):
        Action.objects.filter(code=world.values["code"]).update(code="zz9")
        ImportJob.objects.filter(pk=world.values["pk"]).update(id=777)
    world.values |= {"code": "zz9", "pk": 777}
    return world


def sweep(client: Any, found: list[Address], values: Any) -> Iterator[str]:
    """Answers that are neither 404 nor 405."""
    for address in found:
        for method in EVERY_METHOD:
            data = ANSWERS if method == "post" else None
            answer = getattr(client, method)(address.path(values(address.name)), data)
            refused = answer.status_code in (404, 405) or (method == "options" and answer.status_code == 200)
            if not refused:
                yield f"{method.upper()} /{address.route}: {answer.status_code}"


def test_a_coordinator_finds_nothing_by_another_citys_keys(worlds: dict[str, Scenario]) -> None:
    home, away = worlds["riverton"], of_another_city(worlds["ashford"])
    client = home.client_for(home.city, home.make_user(home.city, Role.COORDINATOR))
    before, theirs = state(home.city), state(away.city)
    assert len(with_keys()) >= 15
    assert list(sweep(client, with_keys(), away.values_for)) == []
    assert (changed(before, home.city), changed(theirs, away.city)) == ([], [])


def test_the_sweep_notices_a_view_that_asks_for_no_city(
    worlds: dict[str, Scenario], monkeypatch: Any
) -> None:
    home, away = worlds["riverton"], of_another_city(worlds["ashford"])
    end = next(address for address in with_keys() if address.name == "team:end")

    @wraps(end.view)
    def careless(request: Any, uuid: Any) -> Any:
        affiliations.end_affiliation(Affiliation.objects.get(uuid=uuid), by=request.user)
        return end.view(request, uuid)

    monkeypatch.setattr(end.pattern, "callback", careless)
    client = home.client_for(home.city, home.make_user(home.city, Role.COORDINATOR))
    theirs = state(away.city)
    list(sweep(client, [end], away.values_for))
    assert "public.affiliation" in changed(theirs, away.city)


def test_whatever_is_posted_at_a_city_changes_no_other(worlds: dict[str, Scenario]) -> None:
    """The numbers of pages, files and rows are the same everywhere: each must mean the city's own."""
    home = worlds["riverton"]
    client = home.client_for(home.city, home.make_user(home.city, Role.COORDINATOR))
    client.raise_request_exception = False
    theirs = {slug: state(world.city) for slug, world in worlds.items() if slug != "riverton"}
    posted = 0
    for address in addresses(CITY):
        if address.name != "signin:logout" and "logout" not in address.route:
            client.post(address.path(home.values_for(address.name)), ANSWERS)
            posted += 1
    assert posted > 100
    assert {slug: changed(before, worlds[slug].city) for slug, before in theirs.items()} == {
        "ashford": [],
        "millbrook": [],
    }


def test_a_city_invites_nobody_to_another(worlds: dict[str, Scenario], make_user: Any) -> None:
    home, away = worlds["riverton"], worlds["ashford"]
    theirs = state(away.city)
    invitations.invite(home.city, email="new@city.example", roles=[Role.VIEWER], by=None)
    with pytest.raises(ValidationError):
        invitations.invite(home.city, email="chief@city.example", roles=[Role.STAFF_ADMIN], by=None)
    assert changed(theirs, away.city) == []
