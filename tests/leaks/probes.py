"""Asks whatever anybody may ask, and notes what is told of things they may not see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from search import service
from tenants.models import Affiliation, Role
from tests.leaks.words import COMMON, Canary, CanarySet
from tests.leaks.world import RARE_ACTION, RARE_ITEM, Scenario

AUDIENCES = ("public", "members")
AT_A_CITY = ("viewer", "contributor", "department_lead", "plan_editor", "coordinator")
AT_THE_ALLIANCE = ("staff_admin", "staff_onboarding", "library_curator")

# --- By words, straight to the search ---------------------------------------------------------------------------


def found_for(text: str, audience: str) -> str:
    """All that a search for a text tells."""
    found = service.search(text, audience=audience, size=100)
    assert not found.notice, "The engine did not answer."
    return repr(found)


def suggested_for(text: str, audience: str) -> str:
    return repr([service.suggest(start, audience=audience) for start in (text, f"{COMMON} {text}")])


def traces_of(canaries: Iterable[Canary], control: Canary, audience: str) -> Iterator[str]:
    """Canaries that are answered otherwise than a word that stands nowhere, in whatever way."""
    canaries = list(canaries)
    for way, ask in (("word", found_for), ("typo", found_for), ("start", suggested_for)):
        nothing = ask(getattr(control, way), audience).replace(getattr(control, way), "·")
        for canary in canaries:
            if canary.seen_by in ("found", "site") and way == "word":
                continue  # its row may be found by it; the row does not show it
            asked = getattr(canary, way)
            if ask(asked, audience).replace(asked, "·") != nothing:
                yield f"{audience}: {way} of {canary.word} ({canary.location})"


def one_of_each_kind(canaries: Iterable[Canary]) -> list[Canary]:
    """A canary of each place and model, of a title where there is one: what stands in one row is read or hidden as one."""
    found: dict[str, Canary] = {}
    for canary in canaries:
        kind, _dot, name = canary.location.rpartition(".")
        if kind not in found or name in ("title", "headline", "text"):
            found[kind] = canary
    return list(found.values())


# --- By addresses, as everybody ---------------------------------------------------------------------------------


def everybody(world: Scenario, make_user: Callable[..., Any], alliance: Any) -> dict[str, tuple[Any, str]]:
    """Who asks, and what audience that is: nobody here has a role where secrets are, but for the curators."""
    former = make_user(world.ashford, Role.COORDINATOR)
    Affiliation.objects.filter(user=former).update(start_date="2020-01-01", end_date="2020-12-31")
    found: dict[str, tuple[Any, str]] = {"anyone": (None, "public"), "nobody's": (make_user(), "public")}
    found["former"] = (former, "public")
    found["member"] = (make_user(world.ashford, Role.MEMBER), "members")
    found |= {role: (make_user(world.ashford, role), "members") for role in AT_A_CITY}
    found |= {role: (make_user(alliance, role), "members") for role in AT_THE_ALLIANCE}
    return found


def searches(world: Scenario, *, once: bool = False) -> list[str]:
    """Addresses that search, on the alliance's host; `once`: every second question on the page, the others of the API."""
    texts = ["", COMMON, f'"{COMMON}"', f"{COMMON} -nothing", "action plan", "lantrn", "city"]
    narrowed: list[dict[str, Any]] = [{}]
    rare = RARE_ITEM | RARE_ACTION
    names = {"legal_form": "form", "licence": "license", "population_band": "size", "origin_state": "state",
             "decision_kinds": "decision", "topics": "topic", "sectors": "sector"}  # fmt: skip
    narrowed += [{names.get(name, name): value} for name, value in rare.items()]
    narrowed += [{"sort": "newest"}, {"exact": "true"}]
    asked = [{"q": text} for text in texts] + [{"q": COMMON} | more for more in narrowed]
    pages = [f"/search/?{urlencode(one, doseq=True)}" for one in asked]
    api = [f"/api/v1/search?{urlencode(one | {'page_size': 100}, doseq=True)}" for one in asked]
    found = pages[::2] + api[1::2] if once else pages + api
    beginnings = [
        COMMON[:4],
        "plan",
        "ac",
        *(c.start for c in one_of_each_kind(world.choir.canaries.values())[::12]),
    ]
    return found + [f"/search/suggest/?q={start}" for start in beginnings]


def lists(world: Scenario) -> list[str]:
    """The other addresses of the alliance: pages, files, and the API with all its forms."""
    found = ["/", "/library/", "/progress/", "/progress/plans.csv", "/progress/plans.json", "/jurisdictions/"]
    found += ["/jurisdictions/list.csv", f"/library/{world.public_item.key}/", "/api/v1/schema?format=json"]
    found += [f"/library/?type={RARE_ITEM['type']}", f"/library/?topic={RARE_ACTION['topics'][0]}"]
    found.append(f"/api/v1/library/{world.public_item.key}")
    for name in ("jurisdictions", "plans", "goals", "outcomes", "actions", "library", "topics"):
        found += [f"/api/v1/{name}?page_size=100{asked}" for asked in ("", "&format=csv")]
        if name != "topics":
            found.append(f"/api/v1/{name}?page_size=100&updated_since=2020-01-01T00:00:00Z")
    found += [f"/api/v1/actions?jurisdiction={jurisdiction.slug}" for jurisdiction in world.cities]
    return [*found, "/api/v1/actions?status=off_track", "/api/v1/library?type=video"]


def of_a_city(world: Scenario) -> list[str]:
    code = world.public_action.code
    found = [
        "/",
        "/plan/",
        f"/plan/actions/{code}/",
        "/data/",
        "/narrative/",
        "/data/actions.csv",
        "/data/actions.json",
    ]
    return [*found, "/data/plan.json", "/data/numbers.csv"]


def forbidden(world: Scenario, *, files: bool = True) -> list[str]:
    """Addresses of what nobody but its own team may see: all of them are 404. Curators get the files of drafts."""
    found = [f"/api/v1/actions/{uuid}" for uuid in world.actions]
    for item in world.items:
        found += [f"/library/{item.key}/", f"/api/v1/library/{item.key}"]
    return [*found, *(file.url for file in world.secret_files)] if files else found


def briefly(world: Scenario) -> list[str]:
    """A few addresses that together show what a person's audience is."""
    found = [
        f"/search/?q={COMMON}",
        f"/api/v1/search?q={COMMON}&page_size=100",
        f"/search/suggest/?q={COMMON}",
    ]
    found += ["/library/", "/progress/plans.json", "/api/v1/actions?page_size=100&format=csv"]
    return [*found, f"/library/{world.public_item.key}/"]


def bodies(client: Any, addresses: Iterable[str]) -> dict[str, str]:
    """What each address answers, without what differs from request to request."""
    return {address: _body(client.get(address), address) for address in addresses}


def _body(answer: Any, address: str) -> str:
    assert answer.status_code in (200, 404), f"{address}: {answer.status_code}"
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    own = (
        address.partition("?")[0].rstrip("/").rpartition("/")[2]
    )  # a 404 names the address that was asked for
    return re.sub(
        r'(csrf\w*"? value=|nonce=|"csrf\w*": )"[^"]+"',
        "",
        body.decode().replace(own, "") if own else body.decode(),
    )


def heard(said: dict[str, str], choir: CanarySet, audience: str, *, at_a_city: bool = False) -> list[str]:
    """The canaries that this audience must not read there."""
    hidden = {canary.word: canary for canary in choir.hidden_from(audience, at_a_city=at_a_city)}
    return [
        f"{audience}: {word} ({hidden[word].location}) at {address}"
        for address, body in said.items()
        for word in sorted(set(re.findall(r"q[a-z]{10}k", body)) & hidden.keys())
    ]
