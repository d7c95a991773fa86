"""What is found for which words, in what order, and how it is counted, marked and corrected."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from resources.models import SynonymGroup
from search import service
from search.indexing.store import add_terms
from search.models import Document
from search.query import parser
from search.types import FACETS, LIST_FACETS
from tests.search.factories import DocumentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_backend")]


def found(text, **kwargs):
    return [plain(hit.title) for hit in service.search(text, **{"audience": "public"} | kwargs).hits]


def plain(parts):
    return "".join(text for text, _is_match in parts)


def marked(parts):
    return [text for text, is_match in parts if is_match]


def test_the_audience_cannot_be_forgotten():
    with pytest.raises(TypeError, match="audience"):
        service.search("fines")
    with pytest.raises(TypeError, match="audience"):
        service.suggest("fines")
    with pytest.raises(ValueError, match="No audience 'everyone'"):
        service.search("fines", audience="everyone")


def test_all_words_first_then_any():
    DocumentFactory(title="Library hours")
    DocumentFactory(title="Parking fines")
    DocumentFactory(title="Library fines")

    assert found("library fines")[0] == "Library fines"
    assert set(found("library fines")) == {"Library fines", "Library hours", "Parking fines"}


def test_enough_results_with_all_words_leave_out_those_with_some():
    for number in range(6):
        DocumentFactory(title=f"Library fines {number}")
    DocumentFactory(title="Parking fines")

    assert service.search("library fines", audience="public").total == 6


def test_a_title_typed_whole_comes_first():
    DocumentFactory(title="Budget budget budget", summary="budget " * 20)
    DocumentFactory(title="The budget")
    DocumentFactory(title="Budget")

    assert found("budget")[0] == "Budget"
    assert found("the budget")[0] == "The budget"


def test_phrases_and_words_that_must_not_be_there():
    DocumentFactory(title="Late fees at the library")
    DocumentFactory(title="Fees that come late")

    assert found('"late fees"') == ["Late fees at the library"]
    assert found("fees -library") == ["Fees that come late"]


@pytest.mark.parametrize("text", ["Málaga", "malaga", "MALAGA"])
def test_accents_and_capitals_do_not_matter(text):
    DocumentFactory(title="Letter from Málaga")
    DocumentFactory(title="Carta de Málaga a sus vecinos", language="es")

    assert len(found(text)) == 2


def test_words_are_stemmed_in_their_own_language():
    DocumentFactory(title="Guía de bibliotecas", language="es")
    DocumentFactory(title="Policies on hiring")

    assert found("biblioteca") == ["Guía de bibliotecas"]
    assert found("policy") == ["Policies on hiring"]


def test_synonyms_are_looked_for_too_unless_the_reader_says_no():
    SynonymGroup.objects.create(terms=["library fines", "overdue fees"])
    DocumentFactory(title="Overdue fees ended")
    DocumentFactory(title="Fees for overdue bridges")

    answer = service.search("library fine", audience="public")
    assert [plain(hit.title) for hit in answer.hits] == ["Overdue fees ended"]
    assert answer.also == ["overdue fees"]
    assert found("library fine", exact=True) == []


def test_a_misspelled_word_is_corrected_and_the_reader_may_insist():
    DocumentFactory(title="Library fines")
    add_terms(["library", "fines"])

    answer = service.search("libary fines", audience="public")
    assert (answer.corrected, answer.total) == ("library fines", 1)
    exact = service.search("libary fines", audience="public", exact=True)
    assert exact.corrected == ""


@pytest.mark.parametrize("text", ["minority", "faster"])
def test_a_word_is_not_bent_into_another(text):
    DocumentFactory(title="A priority for fast streets")
    add_terms(["priority", "fast", "streets"])

    answer = service.search(text, audience="public")

    assert (answer.total, answer.corrected) == (0, "")


def test_hidden_words_find_and_are_not_shown():
    DocumentFactory(title="Toolkit", summary="Six questions.", hidden="zebracrossing")

    (hit,) = service.search("zebracrossing", audience="public").hits

    assert "zebracrossing" not in repr(hit)


def test_matches_are_marked_and_markup_stays_text():
    DocumentFactory(title="Fines <script>alert(1)</script> & fees", summary="No <b>fines</b> here.")

    (hit,) = service.search("fines", audience="public").hits

    assert marked(hit.title) == ["Fines"]
    assert marked(hit.summary) == ["fines"]


def test_the_body_is_quoted_when_only_it_has_the_words():
    DocumentFactory(title="Toolkit", summary="Questions.", body="First this. " * 50 + "Then the levee broke.")

    (hit,) = service.search("levee", audience="public").hits

    assert marked(hit.excerpt) == ["levee"]
    assert len(plain(hit.excerpt)) < 400


TYPED = ["'", "&", "|", "a & | b", "(", ":*", "<->", "%s", "%", "''", "-a", "-\"", "; DROP TABLE search_document; --",
          "a | b", "title:fines", "fines AND", "OR", "NOT NOT", "+fines", "fines~2", "fi*", "f?nes", "[a TO z]", "{a TO *}",
          "fines^9", "/fi.*/", "\\", "\\\\\"", "(((", ")))", "a && b", "||", "!", "_exists_:title", "*:*", "fines\\", ":",
          "\"", "\"\"", "\"fines", "-\"fines", "--fines", "-", "fines -", "{\"match_all\":{}}", "<script>", "%00", "{{7*7}}",
          "${x}", "' OR 1=1", "\ud800", "a\udfffb", "\ue000fines\ue001", "\u202efines", "\x00", "fines\x00fees", "ﬁnes",
          "🏛", "👩‍👩‍👧", "é" * 300, "e\u0301" * 300, "the of and", "de la que", "the " * 3_000, "a" * 10_000, "ab " * 5_000,
          "\"a b\" " * 2_000, "-x " * 3_000, "图书馆", "библиотека", "مكتبة", "ห้องสมุด", "_", "__ _", "1:A", "1e400", "NaN",
          "null", "don't", "city’s", "co-op", "x" * 33_000, "\t\r\n", " " * 500, "¿?", "º", "ß", "İ",
          "ـ", "\u0e38" * 50]  # fmt: skip


def hostile():
    dice = random.Random(11)
    letters = "ab é-\"'\\/()[]{}*?~^:!+&|<>=@#%$_.,;\x00\x1f\u200b\ue000\ud83d🏛図" + "fines "
    for _number in range(60):
        yield "".join(dice.choice(letters) for _ in range(dice.randint(1, 60)))
    yield from TYPED


def test_whatever_is_typed_is_answered():
    DocumentFactory(title="Library fines", summary="Fees and fines.", body="Fines.")
    SynonymGroup.objects.create(terms=["fines", "fees", "a:b*", '"x y"', "the"])
    add_terms(["library", "fines"])

    for number, text in enumerate(hostile()):
        answer = service.search(text, audience="public", exact=number % 3 == 0)
        assert answer.total == len(answer.hits), text
        if number % 4 == 0:
            service.search(text, audience="members", sort="newest", filters={"topic": [text[:60]]})
        service.suggest(text, audience="public")

    assert Document.objects.count() == 1


def test_long_text_is_cut():
    assert len(parser.truncate("x " * 1_000)) <= parser.MAX_TEXT_LENGTH
    assert len(parser.parse("a b c d e f g " * 10, synonyms=[]).groups) == parser.MAX_TERMS


def test_of_a_whole_paragraph_the_long_words_are_looked_for():
    DocumentFactory(title="Thermoplastic crosswalks")
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(50)]

    assert found(" ".join([*words[:25], "thermoplastic", *words[25:]])) == ["Thermoplastic crosswalks"]
    wanted = parser.parse("one three seven thirteen", synonyms=[]).longest(2)
    assert [group.parts[0].text for group in wanted.groups] == ["three", "thirteen"]  # in their order


def test_pages_hold_each_result_once():
    for number in range(25):
        DocumentFactory(title=f"Fines {number}")

    seen = [title for page in (1, 2, 3) for title in found("fines", page=page)]

    assert len(seen) == len(set(seen)) == 25
    assert found("fines", page=4) == []
    assert service.search("fines", audience="public", page=4).total == 25


def test_newest_first_when_asked():
    DocumentFactory(title="Fines fines", dated_on="2020-01-01")
    DocumentFactory(title="About fines", dated_on="2026-01-01")

    assert found("fines", sort="newest") == ["About fines", "Fines fines"]


def test_suggestions_go_on_from_the_last_word_and_show_a_title_once():
    DocumentFactory(title="Library fines")
    DocumentFactory(title="Library fines")
    DocumentFactory(title="How the library works")
    DocumentFactory(title="Parking", summary="Nothing on the library.")

    assert [s.title for s in service.suggest("works libr", audience="public")] == ["How the library works"]
    assert [s.title for s in service.suggest("libr", audience="public")] == [
        "Library fines",
        "How the library works",
    ]
    assert service.suggest("l", audience="public") == []


def test_a_word_that_is_not_finished_may_end_anywhere():
    DocumentFactory(title="Ending fees in Málaga")

    for prefix in ("endi", "ending fe", "mala", "Mál"):
        assert [s.title for s in service.suggest(prefix, audience="public")] == ["Ending fees in Málaga"]


VALUES = {
    "kind": ["library", "action", "plan"],
    "topic": ["libraries", "courts", "youth", "budget"],
    "size": ["", "under_10k", "10k_50k"],
    "evidence": ["", "described", "evaluated"],
}


@pytest.mark.parametrize("seed", range(8))
def test_counts_are_those_of_counting_by_hand(seed):
    dice = random.Random(seed)
    documents = [
        DocumentFactory(
            title=dice.choice(["Fines", "Fees"]),
            audience=dice.choice(["public", "members"]),
            kind=dice.choice(VALUES["kind"]),
            topics=dice.sample(VALUES["topic"], dice.randint(0, 3)),
            population_band=dice.choice(VALUES["size"]),
            evidence=dice.choice(VALUES["evidence"]),
        )
        for _ in range(60)
    ]
    filters = {
        name: dice.sample([v for v in values if v], dice.randint(0, 2)) for name, values in VALUES.items()
    }
    filters["topic"].append("nobody-has-this")

    answer = service.search("fines", audience="public", filters=filters)

    def has(document, name):
        value = getattr(document, FACETS[name])
        return set(value) if name in LIST_FACETS else {value} - {""}

    def fits(document, without=""):
        return all(
            name == without or not values or has(document, name) & set(values)
            for name, values in filters.items()
        )

    matching = [d for d in documents if d.title == "Fines" and d.audience == "public"]
    assert answer.total == sum(fits(d) for d in matching)
    for name in FACETS:
        values = {value for d in matching for value in has(d, name)} | set(filters.get(name, ()))
        assert answer.facets[name] == {
            value: sum(fits(d, without=name) and value in has(d, name) for d in matching) for value in values
        }


def test_a_search_needs_as_many_queries_for_many_results_as_for_one():
    def used():
        with CaptureQueriesContext(connection) as captured:
            service.search("fines", audience="public", filters={"topic": ["libraries"]})
        return len(captured)

    DocumentFactory(title="Fines", topics=["libraries"])
    one = used()
    DocumentFactory.create_batch(40, title="Fines", topics=["libraries", "courts"])

    assert used() == one <= 2
