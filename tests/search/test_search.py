"""Results of every backend: what matches, in what order, and how it is counted, highlighted and corrected."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from resources.models import SynonymGroup
from search import service
from search.indexing.store import add_terms
from search.models import Document
from search.query import parser
from search.service import run_query
from search.types import FACETS, LIST_FACETS, Query
from tests.search.factories import DocumentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("each_backend")]


def search_titles(text, **kwargs):
    return [plain(hit.title) for hit in service.search(text, **{"audience": "public"} | kwargs).hits]


def plain(parts):
    return "".join(text for text, _is_match in parts)


def matches(parts):
    return [text for text, is_match in parts if is_match]


def test_the_audience_is_required():
    with pytest.raises(TypeError, match="audience"):
        service.search("fines")
    with pytest.raises(TypeError, match="audience"):
        service.suggest("fines")
    with pytest.raises(ValueError, match="No audience 'everyone'"):
        service.search("fines", audience="everyone")


def test_results_with_all_words_come_before_those_with_some():
    DocumentFactory(title="Library hours")
    DocumentFactory(title="Parking fines")
    DocumentFactory(title="Library fines")

    assert search_titles("library fines")[0] == "Library fines"
    assert set(search_titles("library fines")) == {"Library fines", "Library hours", "Parking fines"}


def test_with_enough_full_matches_partial_ones_are_left_out():
    for number in range(6):
        DocumentFactory(title=f"Library fines {number}")
    DocumentFactory(title="Parking fines")

    assert service.search("library fines", audience="public").total == 6


def test_a_title_typed_whole_comes_first():
    DocumentFactory(title="Budget budget budget", summary="budget " * 20)
    DocumentFactory(title="The budget")
    DocumentFactory(title="Budget")

    assert search_titles("budget")[0] == "Budget"
    assert search_titles("the budget")[0] == "The budget"


def test_phrases_and_excluded_words():
    DocumentFactory(title="Late fees at the library")
    DocumentFactory(title="Fees that come late")

    assert search_titles('"late fees"') == ["Late fees at the library"]
    assert search_titles("fees -library") == ["Fees that come late"]


@pytest.mark.parametrize("text", ["Málaga", "malaga", "MALAGA"])
def test_accents_and_capitals_do_not_matter(text):
    DocumentFactory(title="Letter from Málaga")
    DocumentFactory(title="Carta de Málaga a sus vecinos", language="es")

    assert len(search_titles(text)) == 2


def test_words_are_stemmed_in_their_own_language():
    DocumentFactory(title="Guía de bibliotecas", language="es")
    DocumentFactory(title="Policies on hiring")

    assert search_titles("biblioteca") == ["Guía de bibliotecas"]
    assert search_titles("policy") == ["Policies on hiring"]


def test_synonyms_are_searched_for_too_but_not_in_an_exact_search():
    SynonymGroup.objects.create(terms=["library fines", "overdue fees"])
    DocumentFactory(title="Overdue fees ended")
    DocumentFactory(title="Fees for overdue bridges")

    results = service.search("library fine", audience="public")
    assert [plain(hit.title) for hit in results.hits] == ["Overdue fees ended"]
    assert results.synonyms == ["overdue fees"]
    assert search_titles("library fine", exact=True) == []


def test_a_misspelled_word_is_corrected_but_not_in_an_exact_search():
    DocumentFactory(title="Library fines")
    add_terms(["library", "fines"])

    results = service.search("libary fines", audience="public")
    assert (results.corrected, results.total) == ("library fines", 1)
    exact = service.search("libary fines", audience="public", exact=True)
    assert exact.corrected == ""


@pytest.mark.parametrize("text", ["minority", "faster"])
def test_a_correct_word_is_not_replaced_by_a_similar_one(text):
    DocumentFactory(title="A priority for fast streets")
    add_terms(["priority", "fast", "streets"])

    results = service.search(text, audience="public")

    assert (results.total, results.corrected) == (0, "")


def test_hidden_text_is_searched_and_not_shown():
    DocumentFactory(title="Toolkit", summary="Six questions.", hidden="zebracrossing")

    (hit,) = service.search("zebracrossing", audience="public").hits

    assert "zebracrossing" not in repr(hit)


def test_matches_are_highlighted_and_markup_stays_text():
    DocumentFactory(title="Fines <script>alert(1)</script> & fees", summary="No <b>fines</b> here.")

    (hit,) = service.search("fines", audience="public").hits

    assert matches(hit.title) == ["Fines"]
    assert matches(hit.summary) == ["fines"]


def test_the_excerpt_is_from_the_body_if_only_it_matches():
    DocumentFactory(title="Toolkit", summary="Questions.", body="First this. " * 50 + "Then the levee broke.")

    (hit,) = service.search("levee", audience="public").hits

    assert matches(hit.excerpt) == ["levee"]
    assert len(plain(hit.excerpt)) < 400


MALFORMED_TEXTS = [
          "'", "&", "|", "a & | b", "(", ":*", "<->", "%s", "%", "''", "-a", "-\"", "; DROP TABLE search_document; --",
          "a | b", "title:fines", "fines AND", "OR", "NOT NOT", "+fines", "fines~2", "fi*", "f?nes", "[a TO z]", "{a TO *}",
          "fines^9", "/fi.*/", "\\", "\\\\\"", "(((", ")))", "a && b", "||", "!", "_exists_:title", "*:*", "fines\\", ":",
          "\"", "\"\"", "\"fines", "-\"fines", "--fines", "-", "fines -", "{\"match_all\":{}}", "<script>", "%00", "{{7*7}}",
          "${x}", "' OR 1=1", "\ud800", "a\udfffb", "\ue000fines\ue001", "\u202efines", "\x00", "fines\x00fees", "ﬁnes",
          "🏛", "👩‍👩‍👧", "é" * 300, "e\u0301" * 300, "the of and", "de la que", "the " * 3_000, "a" * 10_000, "ab " * 5_000,
          "\"a b\" " * 2_000, "-x " * 3_000, "图书馆", "библиотека", "مكتبة", "ห้องสมุด", "_", "__ _", "1:A", "1e400", "NaN",
          "null", "don't", "city’s", "co-op", "x" * 33_000, "\t\r\n", " " * 500, "¿?", "º", "ß", "İ",
          "ـ", "\u0e38" * 50]  # fmt: skip


def malformed_texts():
    rng = random.Random(11)
    letters = "ab é-\"'\\/()[]{}*?~^:!+&|<>=@#%$_.,;\x00\x1f\u200b\ue000\ud83d🏛図" + "fines "
    for _number in range(60):
        yield "".join(rng.choice(letters) for _ in range(rng.randint(1, 60)))
    yield from MALFORMED_TEXTS


def test_any_text_gets_results():
    DocumentFactory(title="Library fines", summary="Fees and fines.", body="Fines.")
    SynonymGroup.objects.create(terms=["fines", "fees", "a:b*", '"x y"', "the"])
    add_terms(["library", "fines"])

    for number, text in enumerate(malformed_texts()):
        results = service.search(text, audience="public", exact=number % 3 == 0)
        assert results.total == len(results.hits), text
        if number % 4 == 0:
            service.search(text, audience="members", sort="newest", filters={"topic": [text[:60]]})
        service.suggest(text, audience="public")

    assert Document.objects.count() == 1


def test_long_text_is_truncated():
    assert len(parser.truncate("x " * 1_000)) <= parser.MAX_TEXT_LENGTH
    assert len(parser.parse("a b c d e f g " * 10, synonyms=[]).groups) == parser.MAX_TERMS


def test_of_a_paragraph_the_longest_words_are_searched_for():
    DocumentFactory(title="Thermoplastic crosswalks")
    words = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(50)]

    assert search_titles(" ".join([*words[:25], "thermoplastic", *words[25:]])) == [
        "Thermoplastic crosswalks"
    ]
    parsed = parser.parse("one three seven thirteen", synonyms=[]).keep_rarest(2)
    assert [group.terms[0].text for group in parsed.groups] == ["three", "thirteen"]  # in their order


def test_pages_hold_each_result_once():
    for number in range(25):
        DocumentFactory(title=f"Fines {number}")

    titles = [title for page in (1, 2, 3) for title in search_titles("fines", page=page)]

    assert len(titles) == len(set(titles)) == 25
    assert search_titles("fines", page=4) == []
    assert service.search("fines", audience="public", page=4).total == 25


def test_newest_first():
    DocumentFactory(title="Fines fines", dated_on="2020-01-01")
    DocumentFactory(title="About fines", dated_on="2026-01-01")

    assert search_titles("fines", sort="newest") == ["About fines", "Fines fines"]


def test_suggestions_complete_the_words_and_show_each_title_once():
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


def test_suggestions_complete_any_part_of_a_word():
    DocumentFactory(title="Ending fees in Málaga")

    for prefix in ("endi", "ending fe", "mala", "Mál"):
        assert [s.title for s in service.suggest(prefix, audience="public")] == ["Ending fees in Málaga"]


VALUES = {
    "kind": ["library", "action", "plan"],
    "topic": ["libraries", "courts", "youth", "budget"],
    "size": ["", "under_10k", "10k_50k"],
    "evidence": ["", "described", "evaluated"],
}


def test_an_action_is_found_by_its_standing_as_of_the_moment_of_the_search():
    midnight = dt.datetime(2027, 7, 1, 4, tzinfo=dt.UTC)

    def action(title, status, overdue_at):
        DocumentFactory(kind="action", title=f"Fines {title}", status=status, overdue_at=overdue_at)

    action("late tonight", "on_track", midnight)
    action("late before", "at_risk", midnight - dt.timedelta(days=30))
    action("late tomorrow", "on_track", midnight + dt.timedelta(days=1))
    action("ongoing", "on_track", None)
    action("done", "completed", None)
    action("without a report", "", None)

    def search_at(at, **filters):
        query = Query("fines", audience="public", filters=filters, at=at)
        results = run_query(query, service.get_backend())
        return {
            plain(hit.title).removeprefix("Fines "): (hit.facets["status"], hit.report)
            for hit in results.hits
        }, results

    second = dt.timedelta(seconds=1)
    before, results = search_at(midnight - second)
    assert before == {
        "late tonight": ("on_track", ""),
        "late before": ("overdue", "at_risk"),
        "late tomorrow": ("on_track", ""),
        "ongoing": ("on_track", ""),
        "done": ("completed", ""),
        "without a report": ("", ""),
    }
    assert results.facets["status"] == {"on_track": 3, "overdue": 1, "completed": 1}
    after, results = search_at(midnight)
    assert after == before | {"late tonight": ("overdue", "on_track")}
    assert results.facets["status"] == {"on_track": 2, "overdue": 2, "completed": 1}

    assert set(search_at(midnight - second, status=["overdue"])[0]) == {"late before"}
    assert set(search_at(midnight, status=["overdue"])[0]) == {"late before", "late tonight"}
    assert set(search_at(midnight, status=["on_track"])[0]) == {"late tomorrow", "ongoing"}
    assert set(search_at(midnight, status=["on_track", "overdue"])[0]) == set(after) - {
        "done",
        "without a report",
    }
    assert search_at(midnight, status=["at_risk"])[0] == {}
    # Counts under another facet, and of the facet itself when a value is chosen.
    assert search_at(midnight, status=["completed"])[1].facets["status"] == {
        "on_track": 2,
        "overdue": 2,
        "completed": 1,
    }
    assert search_at(midnight, kind=["plan"])[1].facets["status"] == {
        "on_track": 0,
        "overdue": 0,
        "completed": 0,
    }


@pytest.mark.parametrize("seed", range(8))
def test_facet_counts_equal_those_of_counting_in_python(seed):
    rng = random.Random(seed)
    documents = [
        DocumentFactory(
            title=rng.choice(["Fines", "Fees"]),
            audience=rng.choice(["public", "members"]),
            kind=rng.choice(VALUES["kind"]),
            topics=rng.sample(VALUES["topic"], rng.randint(0, 3)),
            population_band=rng.choice(VALUES["size"]),
            evidence=rng.choice(VALUES["evidence"]),
        )
        for _ in range(60)
    ]
    filters = {
        name: rng.sample([v for v in values if v], rng.randint(0, 2)) for name, values in VALUES.items()
    }
    filters["topic"].append("on-no-document")

    results = service.search("fines", audience="public", filters=filters)

    def has(document, name):
        value = getattr(document, FACETS[name])
        return set(value) if name in LIST_FACETS else {value} - {""}

    def fits(document, without=""):
        return all(
            name == without or not values or has(document, name) & set(values)
            for name, values in filters.items()
        )

    matching = [d for d in documents if d.title == "Fines" and d.audience == "public"]
    assert results.total == sum(fits(d) for d in matching)
    for name in FACETS:
        values = {value for d in matching for value in has(d, name)} | set(filters.get(name, ()))
        assert results.facets[name] == {
            value: sum(fits(d, without=name) and value in has(d, name) for d in matching) for value in values
        }


def test_a_search_needs_as_many_queries_for_many_results_as_for_one():
    def count_queries():
        with CaptureQueriesContext(connection) as captured:
            service.search("fines", audience="public", filters={"topic": ["libraries"]})
        return len(captured)

    DocumentFactory(title="Fines", topics=["libraries"])
    queries_for_one = count_queries()
    DocumentFactory.create_batch(40, title="Fines", topics=["libraries", "courts"])

    assert count_queries() == queries_for_one <= 2
