"""Importing the library: every line is checked first, all or nothing, and a second import changes nothing."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F

from config.demo import cohort
from resources import services
from resources.models import LibraryItem, SynonymGroup
from search.models import Document, VocabularyTerm
from tenants.models import Sector, Topic
from tenants.signals import library_item_changed
from tests import library as demo_library
from tests.library import DEMO

pytestmark = pytest.mark.django_db

LINE = {
    "key": "end-overdue-fines",
    "title": "End overdue fines",
    "type": "sample_policy",
    "summary": "A suburb stopped charging for late books.",
    "sectors": ["Education"],
    "topics": ["libraries"],
    "stage": ["operationalize"],
    "origin": "City of Riverton",
    "origin_kind": "city",
    "year": 2025,
    "evidence": "reported_results",
    "effort": "low",
    "license": "CC-BY",
}


def run(command: str, *args: Any) -> str:
    out = StringIO()
    call_command(command, *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def taxonomy(db: None) -> None:
    run("import_taxonomy", DEMO / "topics.json", DEMO / "synonyms.txt")


@pytest.fixture
def library(tmp_path: Path) -> Any:
    """library({…}, {…}) is a file with these lines; a str stands as it is."""

    def write(*lines: dict[str, Any] | str) -> Path:
        file = tmp_path / "items.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        file.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return file

    return write


def test_topics_and_synonyms_are_imported_once() -> None:
    first = run("import_taxonomy", DEMO / "topics.json", DEMO / "synonyms.txt")
    second = run("import_taxonomy", DEMO / "topics.json", DEMO / "synonyms.txt")

    assert "50 new topics" in first
    assert "0 new topics, 0 changed, 50 unchanged; 0 new groups" in second
    assert Sector.objects.count() == 8
    assert Topic.objects.get(slug="libraries").sector_id == "education"
    fines = SynonymGroup.objects.get(terms__contains=["late fees"])
    assert (fines.theme, fines.terms[0]) == ("Fines, fees and courts", "library fines")


def test_all_of_the_demo_library_is_imported(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    cohort.load_library()

    text = "Imported items.jsonl: 150 items added, 0 changed, 0 unchanged."
    assert text in capsys.readouterr().out
    assert LibraryItem.objects.live().count() == 150
    assert LibraryItem.objects.filter(is_sample=True).count() == 106
    one_page = LibraryItem.objects.get(key="quill-lake-one-page-ret")
    chain = [
        one_page.adapted_from,
        one_page.adapted_from.adapted_from,
        one_page.adapted_from.adapted_from.adapted_from,
    ]
    assert [item.key for item in chain] == [
        "aldersgate-park-ret-short-form",
        "tallow-ret-worksheet",
        "gare-racial-equity-toolkit",
    ]
    tool = LibraryItem.objects.get(key="gare-racial-equity-toolkit")
    assert tool.topics == ["racial-equity-tool", "budget-equity"]
    assert tool.latest_revision_id == tool.live_revision_id is not None


def test_the_library_of_other_tests_is_what_the_import_writes(taxonomy: None) -> None:
    lines = (DEMO / "items.jsonl").read_text(encoding="utf-8").splitlines()
    with transaction.atomic():
        services.import_items(lines[:20], by=None)
        imported = stored_library()
        transaction.set_rollback(True)

    demo_library.load_demo_library(first=20)

    assert stored_library() == imported
    assert LibraryItem.objects.live().count() == 20


def stored_library() -> list[Any]:
    """The items with their documents and the vocabulary of the search, without revisions, ids and timestamps."""
    ignored = {"id", "content_hash", "version", "changed_at", "created_at", "updated_at", "uuid"}
    ignored |= {"latest_revision_id", "live_revision_id", "first_published_at", "last_published_at"}
    stored: list[Any] = []
    for rows in (
        LibraryItem.objects.order_by("key").annotate(parent=F("adapted_from__key")).values(),
        Document.objects.order_by("key").values(),
    ):
        stored += [{name: row[name] for name in row.keys() - ignored - {"adapted_from_id"}} for row in rows]
    return [*stored, *VocabularyTerm.objects.order_by("word").values_list("word", flat=True)]


def test_importing_twice_changes_nothing_and_announces_nothing(taxonomy: None, library: Any) -> None:
    file = library(LINE, LINE | {"key": "child", "adapted_from": "end-overdue-fines"})
    run("import_library", file)
    before = list(LibraryItem.objects.order_by("pk").values())
    announced: list[int] = []
    library_item_changed.connect(
        lambda item_id, **_: announced.append(item_id), weak=False, dispatch_uid="announced"
    )
    try:
        text = run("import_library", file)
    finally:
        library_item_changed.disconnect(dispatch_uid="announced")

    assert "0 items added, 0 changed, 2 unchanged" in text
    assert list(LibraryItem.objects.order_by("pk").values()) == before
    assert announced == []


def test_an_edited_line_changes_only_its_item(taxonomy: None, library: Any) -> None:
    run("import_library", library(LINE, LINE | {"key": "other"}))

    text = run("import_library", library(LINE | {"title": "End late fees"}, LINE | {"key": "other"}))

    assert "0 items added, 1 changed, 1 unchanged" in text
    assert LibraryItem.objects.get(key="end-overdue-fines").title == "End late fees"


@pytest.mark.parametrize("name", ["license", "licence"])
def test_the_license_has_either_spelling_in_a_file(taxonomy: None, library: Any, name: str) -> None:
    line = {field: value for field, value in LINE.items() if field != "license"}
    run("import_library", library(line | {name: "public_domain"}))

    assert LibraryItem.objects.get().license == LibraryItem.License.PUBLIC_DOMAIN
    with pytest.raises(CommandError, match=f'Line 1, {name} "free": is not known'):
        run("import_library", library(line | {name: "free"}))


def test_a_child_may_come_before_its_parent(taxonomy: None, library: Any) -> None:
    run("import_library", library(LINE | {"key": "child", "adapted_from": "end-overdue-fines"}, LINE))

    assert LibraryItem.objects.get(key="child").adapted_from.key == "end-overdue-fines"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"type": "pamphlet"}, 'Line 2, type "pamphlet": is not known. Write one of: tool, sample_policy'),
        ({"topics": ["library fines"]}, 'Line 2, topics ["library fines"]: "library fines" is not known.'),
        ({"sectors": "Education"}, 'Line 2, sectors "Education": write a list'),
        ({"year": "2025"}, 'Line 2, year "2025": write a year from 1900 to 2100 without quotes'),
        ({"year": True}, "Line 2, year true: write a year"),
        ({"key": "Bad Key"}, 'Line 2, key "Bad Key": use small letters'),
        ({"title": " "}, 'Line 2, title " ": write some text.'),
        (
            {"source_url": "javascript:alert(1)"},
            'Line 2, source_url "javascript:alert(1)": write a full address',
        ),
        ({"license": "link_only"}, "Line 2, source_url: a link-only item needs the address of the original."),
        ({"adapted_from": "nobody"}, 'Line 2, adapted_from "nobody": no item has this key.'),
        ({"adapted_from": "second"}, 'Line 2, adapted_from "second": the chain leads back to this item.'),
        ({"colour": "red"}, "Line 2, colour: no such field. Known: key, title"),
        ({"key": "end-overdue-fines"}, 'Line 2, key "end-overdue-fines": line 1 has this key already.'),
        (
            {"origin_state": "Minnesota"},
            'Line 2, origin_state "Minnesota": write the state’s two capital letters',
        ),
        ({"sample": "yes"}, 'Line 2, sample "yes": write true or false'),
        ({"title": 5}, "Line 2, title 5: write some text."),
        ({"title": "A\0B"}, 'Line 2, title "A\\u0000B": Null characters are not allowed.'),
        ({"summary": "x" * 501}, "has 501 characters. Shorten it to 500."),
        ({"source_url": "ftp://example.org"}, 'Line 2, source_url "ftp://example.org": write a full address'),
        ({"hidden_tags": ["fee", 5]}, 'Line 2, hidden_tags ["fee", 5]: write a list of words'),
        ({"visibility": None}, "Line 2, visibility null: is not known. Write one of: public"),
    ],
)
def test_a_bad_line_is_reported_with_field_value_and_remedy_and_nothing_is_imported(
    taxonomy: None, library: Any, bad: dict[str, Any], message: str
) -> None:
    with pytest.raises(CommandError) as error:
        run("import_library", library(LINE, LINE | {"key": "second"} | bad))

    assert message in str(error.value)
    assert "Nothing was imported: items.jsonl has" in str(error.value)
    assert not LibraryItem.objects.exists()


def test_all_errors_of_a_file_are_reported_at_once(taxonomy: None, library: Any) -> None:
    missing = {name: value for name, value in LINE.items() if name != "origin"}
    with pytest.raises(CommandError) as error:
        run("import_library", library("{not json", missing, LINE | {"key": "third", "effort": "huge"}, "[]"))

    text = str(error.value)
    assert "Line 1: not JSON at column 2" in text
    assert "Line 2, origin: is missing. Add it." in text
    assert 'Line 3, effort "huge"' in text
    assert "Line 4: [] is not an object" in text
    assert "has 4 errors" in text


def test_null_is_as_absent_where_a_field_may_be_empty(taxonomy: None, library: Any) -> None:
    empty = [
        "origin_state",
        "population_band",
        "year",
        "legal_form",
        "attribution",
        "source_url",
        "adapted_from",
    ]
    run("import_library", library(LINE | dict.fromkeys(empty)))

    item = LibraryItem.objects.get()
    assert [getattr(item, name) for name in empty] == ["", "", None, "", "", "", None]


def test_two_errors_of_one_line_and_an_item_adapted_from_it_are_told_apart(
    taxonomy: None, library: Any
) -> None:
    bad = LINE | {"year": "2025", "license": "link_only"}
    with pytest.raises(CommandError) as error:
        run("import_library", library(bad, LINE | {"key": "child", "adapted_from": bad["key"]}))

    text = str(error.value)
    assert 'Line 1, year "2025": write a year' in text
    assert "Line 1, source_url: a link-only item needs the address" in text
    assert "has 2 errors" in text


def test_a_bad_topic_is_reported_with_field_value_and_remedy_and_nothing_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "topics.json"
    rows: list[Any] = [
        {"slug": "Fines & fees"},
        {"slug": "fines", "label": "x" * 81, "aliases": "fee"},
        "fines",
    ]
    file.write_text(json.dumps(rows), encoding="utf-8")

    with pytest.raises(CommandError) as error:
        run("import_taxonomy", file)

    text = str(error.value)
    assert 'Topic 1, slug "Fines & fees": use small letters, digits and hyphens' in text
    assert "Topic 1, label: is missing. Add it." in text
    assert "has 81 characters. Shorten it to 80." in text
    assert 'Topic 2, aliases "fee": write a list of words' in text
    assert 'Topic 3: "fines" is not an object.' in text
    assert not Topic.objects.exists()


def test_importing_items_before_topics_names_the_command_to_run_first(library: Any) -> None:
    with pytest.raises(CommandError, match="Run import_taxonomy first"):
        run("import_library", library(LINE))


def test_one_way_synonyms_are_rejected(tmp_path: Path) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text("late fees, late fines\nREAP => plan\nalone\n", encoding="utf-8")

    with pytest.raises(CommandError) as error:
        run("import_taxonomy", DEMO / "topics.json", file)

    assert 'Synonyms line 2 "REAP => plan": one-way rules' in str(error.value)
    assert 'Synonyms line 3 "alone": a group needs two terms' in str(error.value)
    assert not Topic.objects.exists()
    assert not SynonymGroup.objects.exists()
