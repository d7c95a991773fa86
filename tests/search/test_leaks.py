"""Documents that a reader may not find affect no hit, count, suggestion, correction, highlight or order."""

from __future__ import annotations

import pytest

from search import service
from search.indexing.store import add_terms
from search.models import Document
from tests.search.factories import DocumentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_backend")]
CANARY = "kanarienvogel"


@pytest.fixture
def private(db):
    """A document for members whose every field holds the canary, beside a public one."""
    DocumentFactory(title="Public fines", summary="About fines.", topics=["libraries"])
    secret = DocumentFactory(
        members=True,
        title=f"Fines {CANARY}",
        summary=f"{CANARY} fines",
        body=f"{CANARY} fines",
        origin=CANARY,
        hidden=CANARY,
        topics=[CANARY],
        sectors=[CANARY],
        type=CANARY,
        status=CANARY[:16],
        state="ZZ",
        data={"number": CANARY},
        key=CANARY,
    )
    add_terms(secret.terms)
    return secret


@pytest.mark.parametrize(
    "text", ["", CANARY, "fines", f'"fines {CANARY}"', f"fines -{CANARY}", "kanarienvogl"]
)
@pytest.mark.parametrize("filters", [{}, {"type": [CANARY]}, {"state": ["ZZ"]}])
def test_the_public_sees_nothing_of_it(private, text, filters):
    results = service.search(text, audience="public", filters=filters)

    assert results.corrected == ""
    shown = repr(
        [(hit.title, hit.summary, hit.excerpt, hit.facets, hit.data, hit.key) for hit in results.hits]
    )
    assert CANARY not in shown
    counts = {(name, value): n for name, values in results.facets.items() for value, n in values.items()}
    selected = {(name, value) for name, values in filters.items() for value in values}
    assert not [key for key, n in counts.items() if CANARY[:12] in key[1] and (n or key not in selected)]
    assert sum(results.facets["kind"].values()) <= 1


@pytest.mark.parametrize("prefix", [CANARY, "kan", "fines kan", "Fines "])
def test_the_public_gets_no_suggestion_of_it(private, prefix):
    assert CANARY not in repr(service.suggest(prefix, audience="public"))


def test_members_find_it_so_these_tests_can_fail(private):
    assert service.search(CANARY, audience="members").total == 1
    assert service.search("kanarienvogl", audience="members").corrected == CANARY
    assert CANARY in repr(service.suggest("fines kan", audience="members"))


def test_the_order_does_not_depend_on_private_documents(db):
    DocumentFactory(title="Amber notes", key="amber")
    DocumentFactory(title="Cobalt notes", key="cobalt", dated_on="2026-01-02")

    def search_keys():
        return [hit.key for hit in service.search("amber cobalt", audience="public").hits]

    before = search_keys()
    for _ in range(30):
        DocumentFactory(members=True, title="Cobalt")

    assert search_keys() == before


def test_spelling_is_not_corrected_to_words_of_removed_documents(private):
    Document.objects.filter(pk=private.pk).delete()

    assert service.search("kanarienvogl", audience="members").corrected == ""
