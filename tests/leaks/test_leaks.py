"""Nothing of what a reader may not see is told by search, suggestions, lists, files or the API; on every engine.

**You added a text field?** It gets a canary by itself and is taken for the team's own. If everybody who may see its row
may read it, name it in `rows.SHOWN`; if only the city's own pages show it, in `rows.ON_SITE`.
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
from tenants.api.views import statement
from tenants.jurisdictions import services
from tenants.models import Jurisdiction
from tenants.plans.models import Action, Plan
from tenants.plans.services import publishing
from tests.conftest import media_root_at
from tests.leaks import asking
from tests.leaks.rows import text_fields
from tests.leaks.words import COMMON
from tests.leaks.world import Scenario, add_secrets, make_scenario
from tests.search import conftest as searching

pytestmark = pytest.mark.django_db
engine = searching.engine  # the fixture


# What everybody may read somewhere else: on the city's pages, in a file, or in an excerpt of a search for it.
NOT_LISTED = {
    "Attachment.title", "Department.name", "LibraryItem.body", "NarrativePage.body", "name of a file", "text of a file",
}  # fmt: skip


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine shall not make PostgreSQL answer for the engine."""
    monkeypatch.setattr(fallback, "ENGINE_TIMEOUT_SECONDS", 60)


@pytest.fixture
def no_statements() -> Iterator[None]:
    """Nothing that the API keeps from before, nor from this test on."""
    statement.cache_clear()
    yield
    statement.cache_clear()


@pytest.fixture(scope="module")
def opened_once(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Scenario]:
    """The world of `opened`, in a transaction that goes on while the tests' own are rolled back in it."""
    with (
        django_db_blocker.unblock(),
        media_root_at(tmp_path_factory.mktemp("media")),
        transaction.atomic(),
    ):
        jurisdictions = (Jurisdiction.objects.get(slug=slug) for slug in ("riverton", "ashford", "millbrook"))
        yield make_scenario(*jurisdictions)
        transaction.set_rollback(True)


@pytest.fixture(scope="class")
def full_once(opened_once: Scenario, django_db_blocker: Any) -> Iterator[Scenario]:
    """The same of `full`."""
    with django_db_blocker.unblock(), transaction.atomic():
        connection.set_schema_to_public()
        yield add_secrets(copy.deepcopy(opened_once))
        transaction.set_rollback(True)


@pytest.fixture
def opened(opened_once: Scenario, db: None) -> Scenario:
    """What may be seen, and nothing else."""
    return copy.deepcopy(opened_once)


@pytest.fixture
def full(full_once: Scenario, db: None) -> Scenario:
    """What may be seen, and all that may not."""
    return copy.deepcopy(full_once)


@pytest.fixture
def asked(
    alliance: Any, client_for: Callable[..., Any], make_user: Callable[..., Any]
) -> Callable[..., dict[str, dict[str, str]]]:
    """asked(addresses) is what a stranger and a member are answered on the alliance's host."""
    clients: dict[str, Any] = {}

    def ask(world: Scenario, addresses: list[str]) -> dict[str, dict[str, str]]:
        if not clients:
            # The member first: what was kept of that answer would then be told to the stranger.
            clients["members"] = client_for(alliance, make_user(world.ashford, "coordinator"))
            clients["public"] = client_for(alliance)
        return {audience: asking.bodies(client, addresses) for audience, client in clients.items()}

    return ask


def nothing_heard(world: Scenario, said: dict[str, dict[str, str]]) -> None:
    assert [
        line for audience, texts in said.items() for line in asking.heard(texts, world.choir, audience)
    ] == []


def differing(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    """Addresses that answer otherwise than before, with the lines that differ."""
    found = []
    for who, texts in before.items():
        for address, text in texts.items():
            lines = difflib.ndiff(text.splitlines(), after[who][address].splitlines())
            if after[who][address] != text:
                found.append(f"{who}: {address}: {[line[:200] for line in lines if line[0] in '+-'][:4]}")
    return found


def traces(world: Scenario, *, every: int = 1, of: str = "") -> list[str]:
    """What searches and suggestions tell of the canaries themselves; of one in so many kinds of row, or of some."""
    control = world.choir.control()
    return [
        trace
        for audience in asking.AUDIENCES
        for trace in asking.traces_of(
            asking.one_of_each_kind(c for c in world.choir.hidden_from(audience) if of in c.location)[
                ::every
            ],
            control,
            audience,
        )
    ]


# --- Everything that may be asked, of PostgreSQL ----------------------------------------------------------------------


def test_what_is_hidden_changes_no_answer(opened: Scenario, asked: Any) -> None:
    """The strongest thing to say: with all that is hidden the answers are, to the letter, what they were without it."""
    addresses = [*asking.searches(opened), *asking.lists(opened)]
    before = asked(opened, addresses)
    for audience, seen in (("public", {"public"}), ("members", {"public", "members"})):
        texts = "".join(before[audience].values())
        silent = [
            c.location for c in opened.choir.canaries.values() if c.seen_by in seen and c.word not in texts
        ]
        assert {jurisdiction.rpartition(": ")[2] for jurisdiction in silent} <= NOT_LISTED

    add_secrets(opened)

    after = asked(opened, addresses)
    nothing_heard(opened, after)
    assert differing(before, after) == []


def test_whoever_asks_hears_nothing_more(
    opened: Scenario, alliance: Any, client_for: Any, make_user: Any
) -> None:
    everybody = asking.everybody(opened, make_user, alliance)
    add_secrets(opened)
    jurisdictions = [
        jurisdiction for jurisdiction in opened.cities if jurisdiction != opened.ashford
    ]  # where some of them are on the team
    found = []
    for who, (user, audience) in everybody.items():
        client = client_for(alliance, user)
        said = asking.bodies(client, asking.briefly(opened))
        found += [f"{who}: {line}" for line in asking.heard(said, opened.choir, audience)]
        if who in ("anyone", "former", "coordinator", "library_curator"):
            hidden = asking.forbidden(opened, files=who != "library_curator")
            if audience == "public":
                hidden += [item.attachments.get().document.url for item in opened.shared]
            found += [f"{who}: {address}" for address in hidden if client.get(address).status_code != 404]
        if who in ("anyone", "coordinator"):
            for jurisdiction in jurisdictions:
                said = asking.bodies(client_for(jurisdiction, user), asking.of_a_city(opened))
                found += [f"{who}: {x}" for x in asking.heard(said, opened.choir, audience, at_a_city=True)]
    assert found == []


# --- Real engines, fed and built anew ----------------------------------------------------------------------------------


def test_an_engine_tells_nothing_either(opened: Scenario, asked: Any, engine: Any) -> None:
    rebuild.rebuild_index(engine)
    addresses = asking.searches(opened, once=True)
    before = asked(opened, addresses)

    add_secrets(opened)
    tasks.send_pending(engine)

    after = asked(opened, addresses)
    nothing_heard(opened, after)
    assert differing(before, after) == []
    assert traces(opened) == []
    assert in_index(opened, engine) == []
    rebuild.rebuild_index(engine)
    assert traces(opened, every=4) == []
    assert in_index(opened, engine) == []


@pytest.mark.parametrize("fed", [False, True], ids=["postgres", "engine"])
def test_nothing_remains_of_what_is_taken_back(
    opened: Scenario, asked: Any, fed: bool, request: Any, client_for: Any
) -> None:
    """Unpublished, retired, for fewer people, the site closed: afterwards it is as if it had never been shown."""
    transport = request.getfixturevalue("engine") if fed else None
    if transport:
        rebuild.rebuild_index(transport)
    control = opened.choir.control()
    public = asking.one_of_each_kind(opened.choir.seen_by("public") + opened.choir.seen_by("members"))
    assert len(list(asking.traces_of(public, control, "members"))) > len(public) / 2
    pages = asking.bodies(client_for(opened.riverton), asking.of_a_city(opened))  # and keeps them
    assert opened.choir.seen_by("public")[0].word in "".join(pages.values())

    take_back(opened)
    if transport:
        tasks.send_pending(transport)

    for canary in opened.choir.canaries.values():
        canary.seen_by = "nobody"
    assert traces(opened, every=2) == []
    lists = [] if fed else asking.lists(opened)  # which ask no engine
    nothing_heard(opened, asked(opened, [*asking.searches(opened, once=fed), *lists]))
    said = asking.bodies(client_for(opened.riverton), asking.of_a_city(opened))
    assert asking.heard(said, opened.choir, "public", at_a_city=True) == []
    assert in_tables(opened) == []
    assert transport is None or in_index(opened, transport) == []


def take_back(world: Scenario) -> None:
    for jurisdiction in (world.riverton, world.dunmore):
        with tenant_context(jurisdiction):
            plan = Plan.objects.in_force().get()
            publishing.unpublish_plan(
                plan, by=None, reason="Not yet.", close_site=jurisdiction == world.dunmore
            )
    with tenant_context(world.riverton):
        NarrativePage.objects.get().unpublish()
    for item in (world.public_item, *world.shared):
        library.withdraw(item, by=None)
    services.set_site_state(world.dunmore, state=Jurisdiction.SiteState.NOT_LAUNCHED, by=None)


def in_tables(world: Scenario) -> list[str]:
    """The canaries in what the alliance holds to be read: public copies, documents, and the words of the vocabulary.

    Words of the vocabulary may outlive their documents until it is tidied; `traces` shows that nobody is told them.
    """
    hidden = {c.word: c for c in world.choir.canaries.values() if c.seen_by in ("nobody", "site")}
    copies: list[Any] = [model.objects.visible_to("members") for model in refresh.MODELS]
    texts = {rows.model.__name__: repr(list(rows.values())) for rows in (*copies, Document.objects.all())}
    found = [
        f"{name}: {c.location}" for name, text in texts.items() for word, c in hidden.items() if word in text
    ]
    members = {c.word: c for c in world.choir.canaries.values() if c.seen_by == "members"}
    text = repr(list(Document.objects.filter(audience="public").values()))
    return found + [f"a public document: {c.location}" for word, c in members.items() if word in text]


def in_index(world: Scenario, transport: Any) -> list[str]:
    """The same of all that the engine holds, under whatever name."""
    transport.request("POST", f"/{indexes.index_alias()}*/_refresh")
    held = transport.request("POST", f"/{indexes.index_alias()}*/_search", {"size": 1000, "version": True})[
        "hits"
    ]["hits"]
    hidden = {c.word: c for c in world.choir.canaries.values() if c.seen_by in ("nobody", "site")}
    return [f"{hit['_id']}: {c.location}" for hit in held for word, c in hidden.items() if word in repr(hit)]


# --- The sweep would notice ----------------------------------------------------------------------------------------------


def everything_is_for(_audience: str) -> tuple[str, ...]:
    return ("public", "members")


MEMBERS_WORDS = property(lambda _question: {language: f"words.members.{language}" for language in LANGUAGES})
# What could be wrong with a question, one after the other, and by what the sweep notices it then. An engine's index keeps
# the words of each audience apart, so that there a forgotten filter alone shows no more than counts and titles.
QUERY_HOLES: dict[str, list[tuple[Any, str, Any, set[str]]]] = {
    "postgres": [
        (postgres, "audiences_visible_to", everything_is_for, {"word", "start"}),
        (spelling, "audiences_visible_to", everything_is_for, {"word", "start", "typo"}),
    ],
    "engine": [
        (query_builder, "audiences_visible_to", everything_is_for, {"start"}),
        (query_builder.QueryBuilder, "_fields", MEMBERS_WORDS, {"word", "start"}),
        (spelling, "audiences_visible_to", everything_is_for, {"word", "start", "typo"}),
    ],
}


@pytest.mark.parametrize("half", QUERY_HOLES)
def test_a_question_that_forgets_the_audience_is_noticed(
    opened: Scenario, asked: Any, half: str, request: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if half == "engine":
        rebuild.rebuild_index(request.getfixturevalue("engine"))
    addresses = ["/search/?q=", "/api/v1/search?page_size=100", f"/search/suggest/?q={COMMON}"]
    assert traces(opened, every=3) == []
    nothing_heard(opened, asked(opened, addresses))
    for owner, name, hole, ways in QUERY_HOLES[half]:
        monkeypatch.setattr(owner, name, hole)
        assert {trace.split(" ")[1] for trace in traces(opened, every=3)} == ways
        heard = asking.heard(asked(opened, addresses)["public"], opened.choir, "public")
        assert {line.rpartition(" ")[2] for line in heard} == set(addresses)


def raw_statuses(ids: list[int]) -> Any:
    return Action.objects.filter(pk__in=ids).values_list("pk", "status_raw")


# --- With all that is hidden there from the beginning ---------------------------------------------------------------------


class TestFull:
    def test_every_text_of_every_kind_of_row_holds_a_canary(self, full: Scenario) -> None:
        sung = {canary.location.rpartition(": ")[2] for canary in full.choir.canaries.values()}
        own = [model for model in apps.get_models() if model._meta.app_label in ("plans", "cms", "resources")]
        # Sung only as drafts; the alliance's own, for everybody; the words of files, sung in the files.
        apart = {"HomePage", "AlliancePage", "SynonymGroup", "ExtractedText"}
        missing = [f"{m.__name__}.{f.name}" for m in own if m.__name__ not in apart for f in text_fields(m)]
        assert [name for name in missing if name not in sung] == []
        assert len(full.choir.canaries) > 500

    def test_no_word_of_it_is_known_to_the_search(self, full: Scenario) -> None:
        assert traces(full) == []
        assert in_tables(full) == []

    @pytest.mark.parametrize("half", QUERY_HOLES)
    def test_a_secret_written_for_everybody_is_noticed(
        self, full: Scenario, asked: Any, half: str, request: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A document for the wrong readers, one of a closed site, and an internal field in a public copy."""
        transport = request.getfixturevalue("engine") if half == "engine" else None
        if transport:
            rebuild.rebuild_index(transport)
        for_item = documents.from_library_item
        monkeypatch.setattr(
            documents,
            "from_library_item",
            lambda item, **more: for_item(item, **more | {"audience": "public"}),
        )
        monkeypatch.setattr(sync, "plan_audience", lambda *_: "public")
        monkeypatch.setattr(refresh, "_latest_notes", lambda ids: dict(raw_statuses(ids)))
        sync.refresh_library([item.pk for item in full.shared])
        for jurisdiction in (full.riverton, full.millbrook, full.dunmore):
            with tenant_context(jurisdiction):
                refresh.refresh(jurisdiction)
                sync.refresh_plan(jurisdiction)
        if transport:
            tasks.send_pending(transport)

        said = asked(full, [f"/search/?q={COMMON}", f"/api/v1/search?q={COMMON}&page_size=100"])
        heard = asking.heard(said["public"], full.choir, "public")
        for jurisdiction in (
            "for members: LibraryItem.title",
            "not_launched: Action.title",
            "internal: Action.status_raw",
        ):
            assert [line for line in heard if jurisdiction in line], jurisdiction
        assert [line for line in in_tables(full) if "Action.status_raw" in line]
        assert transport is None or [
            line for line in in_index(full, transport) if "Action.status_raw" in line
        ]
        assert traces(full, of="LibraryItem") != []

    def test_a_list_that_forgets_the_audience_is_noticed(
        self, full: Scenario, asked: Any, no_statements: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for model in refresh.MODELS:
            monkeypatch.setattr(type(model.objects.all()), "visible_to", lambda rows, _audience: rows.all())
        said = asked(full, ["/api/v1/actions?page_size=100&format=csv", "/progress/plans.json"])
        heard = asking.heard(said["members"], full.choir, "members")
        assert {line.rpartition(" ")[2] for line in heard} == said["members"].keys()
