"""Nothing of what a reader may not see shows in hits, counts, suggestions, corrections, highlights or order."""

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
    add_terms(secret.words)
    return secret


@pytest.mark.parametrize(
    "text", ["", CANARY, "fines", f'"fines {CANARY}"', f"fines -{CANARY}", "kanarienvogl"]
)
@pytest.mark.parametrize("filters", [{}, {"type": [CANARY]}, {"state": ["ZZ"]}])
def test_the_public_sees_no_trace(private, text, filters):
    answer = service.search(text, audience="public", filters=filters)

    assert answer.corrected == ""
    shown = repr(
        [(hit.title, hit.summary, hit.excerpt, hit.facets, hit.data, hit.key) for hit in answer.hits]
    )
    assert CANARY not in shown
    counted = {(name, value): n for name, counts in answer.facets.items() for value, n in counts.items()}
    asked = {(name, value) for name, values in filters.items() for value in values}
    assert not [key for key, n in counted.items() if CANARY[:12] in key[1] and (n or key not in asked)]
    assert sum(answer.facets["kind"].values()) <= 1


@pytest.mark.parametrize("prefix", [CANARY, "kan", "fines kan", "Fines "])
def test_the_public_is_suggested_nothing_of_it(private, prefix):
    assert CANARY not in repr(service.suggest(prefix, audience="public"))


def test_members_find_it_so_the_sweep_can_fail(private):
    assert service.search(CANARY, audience="members").total == 1
    assert service.search("kanarienvogl", audience="members").corrected == CANARY
    assert CANARY in repr(service.suggest("fines kan", audience="members"))


def test_the_order_does_not_tell_how_often_a_word_stands_in_private_documents(db):
    DocumentFactory(title="Amber notes", key="amber")
    DocumentFactory(title="Cobalt notes", key="cobalt", dated_on="2026-01-02")

    def order():
        return [hit.key for hit in service.search("amber cobalt", audience="public").hits]

    before = order()
    for _ in range(30):
        DocumentFactory(members=True, title="Cobalt")

    assert order() == before


def test_a_withdrawn_document_takes_its_words_with_it(private):
    Document.objects.filter(pk=private.pk).delete()

    assert service.search("kanarienvogl", audience="members").corrected == ""
