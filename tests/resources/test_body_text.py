"""Headings, lists and links of an item's body: written in the rich-text editor, kept as text."""

from __future__ import annotations

import html
from typing import Any

import pytest
from wagtail.test.utils.form_data import rich_text

from accounts.models import User
from resources.body_text import FEATURES, from_html, to_html, to_plain_text
from resources.models import LibraryItem
from search.models import Document
from tenants.models import Sector, Topic
from tests.resources.factories import LibraryItemFactory
from tests.resources.test_curating import ITEMS, item_form

CASES = [
    ("One.\n\nTwo.", "<p>One.</p>\n<p>Two.</p>"),
    ("A line\nand one below", "<p>A line<br>and one below</p>"),
    ("## Steps\n\n- first\n- second", "<h3>Steps</h3>\n<ul><li>first</li><li>second</li></ul>"),
    ("1. first\n2. second\n\nEnd.", "<ol><li>first</li><li>second</li></ol>\n<p>End.</p>"),
    ("See [the law](https://a.example/x?y=1&z=2).",
     '<p>See <a href="https://a.example/x?y=1&amp;z=2">the law</a>.</p>'),
    ("It is at https://a.example/law, soon.",
     '<p>It is at <a href="https://a.example/law">https://a.example/law</a>, soon.</p>'),
    ("Write to [us](mailto:us@a.example)", '<p>Write to <a href="mailto:us@a.example">us</a></p>'),
    ("**Very** & <b>bold</b>", "<p><b>Very</b> &amp; &lt;b&gt;bold&lt;/b&gt;</p>"),
    ("- one\n\n1. two", "<ul><li>one</li></ul>\n<ol><li>two</li></ol>"),
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_marks_become_html_and_html_becomes_marks(text, expected):
    assert to_html(text) == expected
    assert from_html(expected) == text


@pytest.mark.parametrize(
    "text",
    ["5 * 3 ** 2", "a_b and 1.5 million", "# 1 in town", "[not a link]", "-no list", "[x](javascript:alert(1))",
     "<script>alert(1)</script>", "[a](//evil.example)", "1.5 million", "**", "** spaced **"],
)  # fmt: skip
def test_what_is_no_mark_stays_text(text):
    assert to_html(text) == f"<p>{html.escape(text)}</p>"


@pytest.mark.parametrize("text", ["x\r\n\r\ny", "A.\n## B\nC.\n- d\ne", "\u2022 one\n\u2022 two", "##\n\n- "])
def test_saving_unchanged_text_twice_changes_it_once_at_most(text):
    once = from_html(to_html(text))
    assert from_html(to_html(once)) == once


def test_the_search_reads_text_without_marks():
    assert to_plain_text("## Steps\n- **first** [law](https://a.example)\n2. end") == "Steps\nfirst law\nend"
    assert to_plain_text("5 * 3 ** 2") == "5 * 3 ** 2"


@pytest.fixture
def editor(alliance: Any, client_for: Any) -> Any:
    Sector.objects.create(slug="education", label="Education")
    Topic.objects.create(slug="libraries", label="Libraries", sector_id="education")
    operator = User.objects.create_superuser(email="op@alliance.example", password="a long enough phrase")
    return client_for(alliance, operator)


@pytest.mark.django_db
def test_a_curator_writes_headings_lists_and_links(editor, alliance, client_for):
    body = '<h3>Steps</h3><ul><li>Count</li><li>Ask</li></ul><p>See <a href="https://a.example/">the law</a>.</p>'
    form = item_form(body=rich_text(body, features=FEATURES)) | {"action-publish": "Publish"}
    assert editor.post(f"{ITEMS}add/", form).status_code == 302
    item = LibraryItem.objects.get()
    assert item.body == "## Steps\n\n- Count\n- Ask\n\nSee [the law](https://a.example/)."
    page = client_for(alliance).get(item.get_absolute_url()).text
    assert "<h3>Steps</h3>" in page
    assert '<a href="https://a.example/">the law</a>' in page
    assert "Steps Count Ask See the law." in " ".join(Document.objects.get(kind="library").body.split())
    edit = html.unescape(editor.get(f"{ITEMS}edit/{item.pk}/").text)
    assert "header-three" in edit
    assert "unordered-list-item" in edit


@pytest.mark.django_db
def test_the_address_is_made_from_the_title(editor):
    LibraryItemFactory(key="a-fee-for-nobody")
    for _ in range(2):
        assert editor.post(f"{ITEMS}add/", item_form(title="A fee for nobody!", key="")).status_code == 302
    keys = LibraryItem.objects.order_by("pk").values_list("key", flat=True)
    assert list(keys) == ["a-fee-for-nobody", "a-fee-for-nobody-2", "a-fee-for-nobody-3"]
    text = editor.get(f"{ITEMS}add/").text
    assert 'data-w-sync-target-value="#id_key"' in text
    refused = editor.post(f"{ITEMS}add/", item_form(title="!?", key=""))
    assert refused.status_code == 200
    assert LibraryItem.objects.count() == 3
