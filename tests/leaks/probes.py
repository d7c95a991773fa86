"""Requests of all kinds, and the hidden canaries that their responses reveal."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from search import service
from tenants.models import Affiliation, Role
from tests.full import gate_or_full
from tests.leaks.canaries import COMMON, Canary, CanarySet
from tests.leaks.scenario import RARE_ACTION, RARE_ITEM, Scenario

AUDIENCES = ("public", "members")
CITY_ROLES = ("viewer", "contributor", "department_lead", "plan_editor", "coordinator")
ALLIANCE_ROLES = ("staff_admin", "staff_onboarding", "library_curator")
EDITORS = ("staff_admin", "library_curator")  # of the library: they may read the files of drafts

# --- Queries, passed to the search directly --------------------------------------------------------------------


def search_for(text: str, audience: str) -> str:
    """The complete results of a search, as text."""
    results = service.search(text, audience=audience, size=100)
    assert not results.notice, "The engine did not response."
    return repr(results)


def suggest_for(text: str, audience: str) -> str:
    return repr([service.suggest(start, audience=audience) for start in (text, f"{COMMON} {text}")])


def traces_of(canaries: Iterable[Canary], control: Canary, audience: str) -> Iterator[str]:
    """Canaries whose results differ from those of a word that is planted nowhere: by word, typo or beginning."""
    canaries = list(canaries)
    for variant, query in (("word", search_for), ("typo", search_for), ("start", suggest_for)):
        expected = query(getattr(control, variant), audience).replace(getattr(control, variant), "·")
        for canary in canaries:
            if canary.seen_by in ("searched", "site") and variant == "word":
                continue  # the row may match it, without showing it
            text = getattr(canary, variant)
            if query(text, audience).replace(text, "·") != expected:
                yield f"{audience}: {variant} of {canary.word} ({canary.location})"


def one_of_each_kind(canaries: Iterable[Canary]) -> list[Canary]:
    """One canary for each state and model, that of the title if there is one: a row is visible or hidden as a whole."""
    selected: dict[str, Canary] = {}
    for canary in canaries:
        kind, _dot, name = canary.location.rpartition(".")
        if kind not in selected or name in ("title", "headline", "text"):
            selected[kind] = canary
    return list(selected.values())


# --- Addresses, requested by all roles -------------------------------------------------------------------------


def all_readers(
    scenario: Scenario, make_user: Callable[..., Any], alliance: Any
) -> dict[str, tuple[Any, str]]:
    """Users by name (None: anonymous), each with its audience. None but the curators has a role where content is hidden."""
    former = make_user(scenario.ashford, Role.COORDINATOR)
    Affiliation.objects.filter(user=former).update(start_date="2020-01-01", end_date="2020-12-31")
    readers: dict[str, tuple[Any, str]] = {
        "anonymous": (None, "public"),
        "no affiliation": (make_user(), "public"),
    }
    readers["former"] = (former, "public")
    readers["member"] = (make_user(scenario.ashford, Role.MEMBER), "members")
    readers |= {role: (make_user(scenario.ashford, role), "members") for role in CITY_ROLES}
    readers |= {role: (make_user(alliance, role), "members") for role in ALLIANCE_ROLES}
    return readers


def search_addresses(scenario: Scenario, *, once: bool = False) -> list[str]:
    """Addresses of the search; `once`: each query on the page or in the API, in turn, instead of on both."""
    texts = ["", COMMON, f'"{COMMON}"', f"{COMMON} -nothing", "action plan", "lantrn", "city"]
    filters: list[dict[str, Any]] = [{}]
    rare = RARE_ITEM | RARE_ACTION
    names = {"legal_form": "form", "licence": "license", "population_band": "size", "origin_state": "state",
             "decision_kinds": "decision", "topics": "topic", "sectors": "sector"}  # fmt: skip
    filters += [{names.get(name, name): value} for name, value in rare.items()]
    filters += [{"sort": "newest"}, {"exact": "true"}]
    queries = [{"q": text} for text in texts] + [{"q": COMMON} | params for params in filters]
    pages = [f"/search/?{urlencode(query, doseq=True)}" for query in queries]
    api = [f"/api/v1/search?{urlencode(query | {'page_size': 100}, doseq=True)}" for query in queries]
    addresses = pages[::2] + api[1::2] if once else pages + api
    beginnings = [
        COMMON[:4],
        "plan",
        "ac",
        *(c.start for c in one_of_each_kind(scenario.canaries.by_word.values())[:: gate_or_full(12, 1)]),
    ]
    return addresses + [f"/search/suggest/?q={start}" for start in beginnings]


def list_addresses(scenario: Scenario) -> list[str]:
    """The other addresses of the alliance: pages, files, and the API in all formats."""
    addresses = [
        "/",
        "/library/",
        "/progress/",
        "/progress/plans.csv",
        "/progress/plans.json",
        "/jurisdictions/",
    ]
    addresses += [
        "/jurisdictions/list.csv",
        f"/library/{scenario.public_item.key}/",
        "/api/v1/schema?format=json",
    ]
    addresses += [f"/library/?type={RARE_ITEM['type']}", f"/library/?topic={RARE_ACTION['topics'][0]}"]
    addresses.append(f"/api/v1/library/{scenario.public_item.key}")
    for name in ("jurisdictions", "plans", "goals", "outcomes", "actions", "library", "topics"):
        addresses += [f"/api/v1/{name}?page_size=100{params}" for params in ("", "&format=csv")]
        if name != "topics":
            addresses.append(f"/api/v1/{name}?page_size=100&updated_since=2020-01-01T00:00:00Z")
    addresses += [f"/api/v1/actions?jurisdiction={jurisdiction.slug}" for jurisdiction in scenario.cities]
    return [*addresses, "/api/v1/actions?status=off_track", "/api/v1/library?type=video"]


def city_addresses(scenario: Scenario) -> list[str]:
    code = scenario.public_action.code
    addresses = [
        "/",
        "/plan/",
        f"/plan/actions/{code}/",
        "/data/",
        "/narrative/",
        "/data/actions.csv",
        "/data/actions.json",
    ]
    return [*addresses, "/data/plan.json", "/data/numbers.csv", "/data/plan.xlsx"]


def hidden_addresses(scenario: Scenario, *, files: bool = True) -> list[str]:
    """Addresses of hidden objects, which answer 404; without `files` for EDITORS."""
    addresses = [f"/api/v1/actions/{uuid}" for uuid in scenario.actions]
    for item in scenario.items:
        addresses += [f"/library/{item.key}/", f"/api/v1/library/{item.key}"]
    return [*addresses, *(file.url for file in scenario.hidden_files)] if files else addresses


def sample_addresses(scenario: Scenario) -> list[str]:
    """A few addresses whose responses depend on the audience."""
    addresses = [
        f"/search/?q={COMMON}",
        f"/api/v1/search?q={COMMON}&page_size=100",
        f"/search/suggest/?q={COMMON}",
    ]
    addresses += ["/library/", "/progress/plans.json", "/api/v1/actions?page_size=100&format=csv"]
    return [*addresses, f"/library/{scenario.public_item.key}/"]


def bodies(client: Any, addresses: Iterable[str]) -> dict[str, str]:
    """The body of each address, without parts that differ between requests."""
    return {address: _body(client.get(address), address) for address in addresses}


def _body(response: Any, address: str) -> str:
    assert response.status_code in (200, 404), f"{address}: {response.status_code}"
    body = b"".join(response.streaming_content) if response.streaming else response.content
    if response.get("Content-Type", "").endswith("spreadsheetml.sheet"):
        body = _workbook_text(body)
    own = address.partition("?")[0].rstrip("/").rpartition("/")[2]  # a 404 page repeats the address
    return re.sub(
        r'(csrf\w*"? value=|nonce=|"csrf\w*": )"[^"]+"',
        "",
        body.decode().replace(own, "") if own else body.decode(),
    )


def _workbook_text(content: bytes) -> bytes:
    """All parts of an XLSX file, which is a compressed archive, without the time it was made at."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = b"\n".join(archive.read(name) for name in archive.namelist())
    return re.sub(rb"<dcterms:\w+ [^>]*>[^<]*<", b"<", parts)


def find_leaks(
    responses: dict[str, str], canaries: CanarySet, audience: str, *, at_a_city: bool = False
) -> list[str]:
    """Canaries in these responses that the audience must not read, each as a line of text."""
    hidden = {canary.word: canary for canary in canaries.hidden_from(audience, at_a_city=at_a_city)}
    return [
        f"{audience}: {word} ({hidden[word].location}) at {address}"
        for address, body in responses.items()
        for word in sorted(set(re.findall(r"q[a-z]{10}k", body)) & hidden.keys())
    ]
