"""Search, suggestions, lists, files and the API reveal nothing hidden, with any search backend.

**You added a text field?** It gets a canary and counts as internal to the team. If everybody who may see its row may
read it, add it to `rows.SHOWN`; if only the city's own pages show it, to `rows.ON_SITE`.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django_tenants.utils import tenant_context

from cms.models import NarrativePage
from cohort.projections import refresh
from resources import services as library
from search.backends import fallback, postgres
from search.backends.engine import query_builder
from search.backends.engine.mapping import LANGUAGES
from search.indexing import documents, indexes, rebuild, sync, tasks
from search.models import Document
from search.query import spelling
from tenants.jurisdictions import services
from tenants.models import Jurisdiction
from tenants.plans.models import Action, Plan
from tenants.plans.services import publishing
from tests.conftest import media_root_at
from tests.full import gate_or_full, is_full
from tests.leaks import probes
from tests.leaks.canaries import COMMON
from tests.leaks.rows import text_fields
from tests.leaks.scenario import Scenario, add_hidden_content, make_scenario
from tests.search import conftest as searching

pytestmark = pytest.mark.django_db
engine = searching.engine  # the fixture


# Visible texts that stand in no list: only on the city's pages, in a file, or in the excerpt of a hit.
NOT_LISTED = {
    "Attachment.title", "Department.name", "LibraryItem.body", "NarrativePage.body", "name of a file", "text of a file",
}  # fmt: skip


@pytest.fixture(autouse=True)
def long_engine_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long timeout, so that PostgreSQL does not answer for the engine on a busy machine."""
    monkeypatch.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 60)


@pytest.fixture(scope="module")
def visible_scenario(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any
) -> Iterator[Scenario]:
    """The scenario of `visible`, created once in a transaction around those of the tests."""
    with (
        django_db_blocker.unblock(),
        media_root_at(tmp_path_factory.mktemp("media")),
        transaction.atomic(),
    ):
        jurisdictions = (Jurisdiction.objects.get(slug=slug) for slug in ("riverton", "ashford", "millbrook"))
        yield make_scenario(*jurisdictions)
        transaction.set_rollback(True)


@pytest.fixture(scope="class")
def complete_scenario(visible_scenario: Scenario, django_db_blocker: Any) -> Iterator[Scenario]:
    """The scenario of `complete`, created once for a class of tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        connection.set_schema_to_public()
        yield add_hidden_content(copy.deepcopy(visible_scenario))
        transaction.set_rollback(True)


@pytest.fixture
def visible(visible_scenario: Scenario, db: None) -> Scenario:
    """A scenario with visible content only."""
    return copy.deepcopy(visible_scenario)


@pytest.fixture
def complete(complete_scenario: Scenario, db: None) -> Scenario:
    """A scenario with visible and hidden content."""
    return copy.deepcopy(complete_scenario)


@pytest.fixture
def fetch(
    alliance: Any, client_for: Callable[..., Any], make_user: Callable[..., Any]
) -> Callable[..., dict[str, dict[str, str]]]:
    """fetch(scenario, addresses): the bodies that an anonymous visitor and a member get on the alliance's host."""
    clients: dict[str, Any] = {}

    def get_bodies(scenario: Scenario, addresses: list[str]) -> dict[str, dict[str, str]]:
        if not clients:
            # The member first: a page cached for the member would then leak to the anonymous visitor.
            clients["members"] = client_for(alliance, make_user(scenario.ashford, "coordinator"))
            clients["public"] = client_for(alliance)
        return {audience: probes.bodies(client, addresses) for audience, client in clients.items()}

    return get_bodies


def assert_no_leaks(scenario: Scenario, responses: dict[str, dict[str, str]]) -> None:
    assert [
        line
        for audience, texts in responses.items()
        for line in probes.find_leaks(texts, scenario.canaries, audience)
    ] == []


def different_responses(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    """Addresses whose bodies differ, with the differing lines."""
    differences = []
    for who, texts in before.items():
        for address, text in texts.items():
            lines = difflib.ndiff(text.splitlines(), after[who][address].splitlines())
            if after[who][address] != text:
                differences.append(
                    f"{who}: {address}: {[line[:200] for line in lines if line[0] in '+-'][:4]}"
                )
    return differences


def find_traces(scenario: Scenario, *, every: int = 1, of: str = "") -> list[str]:
    """Hidden canaries that searches or suggestions reveal: of every n-th kind of row, or of kinds that contain `of`."""
    control = scenario.canaries.control()
    return [
        trace
        for audience in probes.AUDIENCES
        for trace in probes.traces_of(
            probes.one_of_each_kind(c for c in scenario.canaries.hidden_from(audience) if of in c.location)[
                ::every
            ],
            control,
            audience,
        )
    ]


# --- All addresses, answered by PostgreSQL -------------------------------------------------------------------------


def test_hidden_content_changes_no_response(visible: Scenario, fetch: Any) -> None:
    """The strongest check: with hidden content, all bodies are exactly the same as without it."""
    addresses = [*probes.search_addresses(visible), *probes.list_addresses(visible)]
    before = fetch(visible, addresses)
    for audience, seen in (("public", {"public"}), ("members", {"public", "members"})):
        texts = "".join(before[audience].values())
        unseen = [
            c.location for c in visible.canaries.by_word.values() if c.seen_by in seen and c.word not in texts
        ]
        assert {location.rpartition(": ")[2] for location in unseen} <= NOT_LISTED

    add_hidden_content(visible)

    after = fetch(visible, addresses)
    assert_no_leaks(visible, after)
    assert different_responses(before, after) == []


def test_no_reader_sees_hidden_content(
    visible: Scenario, alliance: Any, client_for: Any, make_user: Any
) -> None:
    readers = probes.all_readers(visible, make_user, alliance)
    add_hidden_content(visible)
    # Some readers are on Ashford's team.
    jurisdictions = [jurisdiction for jurisdiction in visible.cities if jurisdiction != visible.ashford]
    leaks = []
    for who, (user, audience) in readers.items():
        client = client_for(alliance, user)
        responses = probes.bodies(client, probes.sample_addresses(visible))
        leaks += [f"{who}: {line}" for line in probes.find_leaks(responses, visible.canaries, audience)]
        if is_full() or who in ("anonymous", "former", "coordinator", "library_curator"):
            hidden = probes.hidden_addresses(visible, files=who not in probes.EDITORS)
            if audience == "public":
                hidden += [item.attachments.get().document.url for item in visible.shared]
            leaks += [f"{who}: {address}" for address in hidden if client.get(address).status_code != 404]
        if is_full() or who in ("anonymous", "coordinator"):
            for jurisdiction in jurisdictions:
                responses = probes.bodies(client_for(jurisdiction, user), probes.city_addresses(visible))
                leaks += [
                    f"{who}: {line}"
                    for line in probes.find_leaks(responses, visible.canaries, audience, at_a_city=True)
                ]
    assert leaks == []


# --- Real search engines, fed and rebuilt --------------------------------------------------------------------------


def test_a_search_engine_reveals_nothing_hidden(visible: Scenario, fetch: Any, engine: Any) -> None:
    rebuild.rebuild_index(engine)
    addresses = probes.search_addresses(visible, once=gate_or_full(True, False))
    before = fetch(visible, addresses)

    add_hidden_content(visible)
    tasks.send_pending(engine)

    after = fetch(visible, addresses)
    assert_no_leaks(visible, after)
    assert different_responses(before, after) == []
    assert find_traces(visible) == []
    assert in_index(visible, engine) == []
    rebuild.rebuild_index(engine)
    assert find_traces(visible, every=gate_or_full(4, 1)) == []
    assert in_index(visible, engine) == []


@pytest.mark.parametrize("with_engine", [False, True], ids=["postgres", "engine"])
def test_nothing_remains_of_withdrawn_content(
    visible: Scenario, fetch: Any, with_engine: bool, request: Any, client_for: Any
) -> None:
    """After unpublishing, withdrawing and closing the site, no response shows the content."""
    engine_client = request.getfixturevalue("engine") if with_engine else None
    if engine_client:
        rebuild.rebuild_index(engine_client)
    control = visible.canaries.control()
    public = probes.one_of_each_kind(
        visible.canaries.with_audience("public") + visible.canaries.with_audience("members")
    )
    assert len(list(probes.traces_of(public, control, "members"))) > len(public) / 2
    pages = probes.bodies(
        client_for(visible.riverton), probes.city_addresses(visible)
    )  # fills the page cache
    assert visible.canaries.with_audience("public")[0].word in "".join(pages.values())

    withdraw_everything(visible)
    if engine_client:
        tasks.send_pending(engine_client)

    for canary in visible.canaries.by_word.values():
        canary.seen_by = "nobody"
    assert find_traces(visible, every=gate_or_full(2, 1)) == []
    lists = [] if with_engine else probes.list_addresses(visible)  # they use no engine
    searches = probes.search_addresses(visible, once=gate_or_full(with_engine, False))
    assert_no_leaks(visible, fetch(visible, [*searches, *lists]))
    responses = probes.bodies(client_for(visible.riverton), probes.city_addresses(visible))
    assert probes.find_leaks(responses, visible.canaries, "public", at_a_city=True) == []
    assert in_tables(visible) == []
    assert engine_client is None or in_index(visible, engine_client) == []


def withdraw_everything(scenario: Scenario) -> None:
    for jurisdiction in (scenario.riverton, scenario.dunmore):
        with tenant_context(jurisdiction):
            plan = Plan.objects.in_force().get()
            publishing.unpublish_plan(
                plan, by=None, reason="Not yet.", close_site=jurisdiction == scenario.dunmore
            )
    with tenant_context(scenario.riverton):
        NarrativePage.objects.get().unpublish()
    for item in (scenario.public_item, *scenario.shared):
        library.withdraw(item, by=None)
    services.set_site_state(scenario.dunmore, state=Jurisdiction.SiteState.NOT_LAUNCHED, by=None)


def in_tables(scenario: Scenario) -> list[str]:
    """Hidden canaries in the public copies and search documents of the alliance.

    Terms of the vocabulary may outlive their documents until it is rebuilt; `find_traces` checks that none is revealed.
    """
    hidden = {c.word: c for c in scenario.canaries.by_word.values() if c.seen_by in ("nobody", "site")}
    copies: list[Any] = [model.objects.visible_to("members") for model in refresh.MODELS]
    texts = {rows.model.__name__: repr(list(rows.values())) for rows in (*copies, Document.objects.all())}
    leaks = [
        f"{name}: {c.location}" for name, text in texts.items() for word, c in hidden.items() if word in text
    ]
    members = {c.word: c for c in scenario.canaries.by_word.values() if c.seen_by == "members"}
    text = repr(list(Document.objects.filter(audience="public").values()))
    return leaks + [f"a public document: {c.location}" for word, c in members.items() if word in text]


def in_index(scenario: Scenario, engine_client: Any) -> list[str]:
    """Hidden canaries in the engine's indexes, whatever their names."""
    engine_client.request("POST", f"/{indexes.index_alias()}*/_refresh")
    hits = engine_client.request(
        "POST", f"/{indexes.index_alias()}*/_search", {"size": 1000, "version": True}
    )["hits"]["hits"]
    hidden = {c.word: c for c in scenario.canaries.by_word.values() if c.seen_by in ("nobody", "site")}
    return [f"{hit['_id']}: {c.location}" for hit in hits for word, c in hidden.items() if word in repr(hit)]


# --- Broken guards are noticed -------------------------------------------------------------------------------------


def allow_all(_audience: str) -> tuple[str, ...]:
    return ("public", "members")


MEMBERS_FIELDS = property(lambda _builder: {language: f"words.members.{language}" for language in LANGUAGES})
# Defects of a query, and the variants of a canary that reveal each. An engine's index has separate fields for each
# audience, so that a missing filter alone reveals only counts and titles.
BROKEN_GUARDS: dict[str, list[tuple[Any, str, Any, set[str]]]] = {
    "postgres": [
        (postgres, "audiences_visible_to", allow_all, {"word", "start"}),
        (spelling, "audiences_visible_to", allow_all, {"word", "start", "typo"}),
    ],
    "engine": [
        (query_builder, "audiences_visible_to", allow_all, {"start"}),
        (query_builder.QueryBuilder, "_fields", MEMBERS_FIELDS, {"word", "start"}),
        (spelling, "audiences_visible_to", allow_all, {"word", "start", "typo"}),
    ],
}


@pytest.mark.parametrize("backend", BROKEN_GUARDS)
def test_a_query_without_its_audience_filter_is_noticed(
    visible: Scenario, fetch: Any, backend: str, request: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "engine":
        rebuild.rebuild_index(request.getfixturevalue("engine"))
    addresses = ["/search/?q=", "/api/v1/search?page_size=100", f"/search/suggest/?q={COMMON}"]
    assert find_traces(visible, every=gate_or_full(3, 1)) == []
    assert_no_leaks(visible, fetch(visible, addresses))
    for owner, name, replacement, variants in BROKEN_GUARDS[backend]:
        monkeypatch.setattr(owner, name, replacement)
        assert {trace.split(" ")[1] for trace in find_traces(visible, every=gate_or_full(3, 1))} == variants
        leaks = probes.find_leaks(fetch(visible, addresses)["public"], visible.canaries, "public")
        assert {line.rpartition(" ")[2] for line in leaks} == set(addresses)


def raw_statuses(ids: list[int]) -> Any:
    return Action.objects.filter(pk__in=ids).values_list("pk", "status_raw")


# --- Hidden content from the start ---------------------------------------------------------------------------------


class TestComplete:
    def test_every_text_field_of_every_model_has_a_canary(self, complete: Scenario) -> None:
        planted = {canary.location.rpartition(": ")[2] for canary in complete.canaries.by_word.values()}
        own = [model for model in apps.get_models() if model._meta.app_label in ("plans", "cms", "resources")]
        # Planted in drafts only; public texts of the alliance; the text of files, planted in the files.
        exceptions = {"HomePage", "AlliancePage", "SynonymGroup", "ExtractedText"}
        missing = [
            f"{m.__name__}.{f.name}" for m in own if m.__name__ not in exceptions for f in text_fields(m)
        ]
        assert [name for name in missing if name not in planted] == []
        assert len(complete.canaries.by_word) > 500

    def test_the_search_reveals_no_canary(self, complete: Scenario) -> None:
        assert find_traces(complete) == []
        assert in_tables(complete) == []

    @pytest.mark.parametrize("backend", BROKEN_GUARDS)
    def test_hidden_content_in_a_public_row_is_noticed(
        self, complete: Scenario, fetch: Any, backend: str, request: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A document for the wrong audience, one of a closed site, and an internal field in a public copy."""
        engine_client = request.getfixturevalue("engine") if backend == "engine" else None
        if engine_client:
            rebuild.rebuild_index(engine_client)
        original = documents.from_library_item
        monkeypatch.setattr(
            documents,
            "from_library_item",
            lambda item, **kwargs: original(item, **kwargs | {"audience": "public"}),
        )
        monkeypatch.setattr(sync, "plan_audience", lambda *_: "public")
        monkeypatch.setattr(refresh, "_latest_notes", lambda ids: dict(raw_statuses(ids)))
        sync.refresh_library([item.pk for item in complete.shared])
        for jurisdiction in (complete.riverton, complete.millbrook, complete.dunmore):
            with tenant_context(jurisdiction):
                refresh.refresh(jurisdiction)
                sync.refresh_plan(jurisdiction)
        if engine_client:
            tasks.send_pending(engine_client)

        responses = fetch(complete, [f"/search/?q={COMMON}", f"/api/v1/search?q={COMMON}&page_size=100"])
        leaks = probes.find_leaks(responses["public"], complete.canaries, "public")
        for location in (
            "for members: LibraryItem.title",
            "not_launched: Action.title",
            "internal: Action.status_raw",
        ):
            assert [line for line in leaks if location in line], location
        assert [line for line in in_tables(complete) if "Action.status_raw" in line]
        assert engine_client is None or [
            line for line in in_index(complete, engine_client) if "Action.status_raw" in line
        ]
        assert find_traces(complete, of="LibraryItem") != []

    def test_a_list_without_its_audience_filter_is_noticed(
        self, complete: Scenario, fetch: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for model in refresh.MODELS:
            monkeypatch.setattr(type(model.objects.all()), "visible_to", lambda rows, _audience: rows.all())
        responses = fetch(complete, ["/api/v1/actions?page_size=100&format=csv", "/progress/plans.json"])
        leaks = probes.find_leaks(responses["members"], complete.canaries, "members")
        assert {line.rpartition(" ")[2] for line in leaks} == responses["members"].keys()
