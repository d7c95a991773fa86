"""Headings, lists and links of an item's body: written in the rich-text editor, kept as text."""

from __future__ import annotations

import html
import time
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
     "<script>alert(1)</script>", "[a](//evil.example)", "[a](/\\evil.example)", "1.5 million", "**", "** spaced **"],
)  # fmt: skip
def test_what_is_no_mark_stays_text(text):
    assert to_html(text) == f"<p>{html.escape(text)}</p>"


@pytest.mark.parametrize(
    "text",
    ["The rate is 5.\n12. of May we met", "3. three\n4. four", "1. a\n\n1. b", "1. a\n\n2. b", "1. a\n3. c\nEnd",
     "- a\n\n- b", "**[Link](https://a.example/)** and more", "[**Link**](https://a.example/)", "**https://a.example/**",
     "**See [a](https://a.example/) and [b](https://a.example/), now**", "**one**\n**two**", "**5 * 3** = 15",
     "[mail](mailto:us@a.example)", "[A](https://a.example/wiki/A_%28b%29)", "## **Very** bold\n\n- **a** b\n- c"],
)  # fmt: skip
def test_text_comes_back_from_html_as_it_was(text):
    assert from_html(to_html(text)) == text


@pytest.mark.parametrize(
    ("written", "text", "shown"),
    [
        ('<p><b><a href="https://a.example/">Link</a></b></p>', "**[Link](https://a.example/)**",
         '<p><b><a href="https://a.example/">Link</a></b></p>'),
        ("<p><b>Note: </b>text</p>", "**Note:** text", "<p><b>Note:</b> text</p>"),
        ("<p>a<b> b</b><b> </b>c</p>", "a **b** c", "<p>a <b>b</b> c</p>"),
        ("<p><b>one<br>two</b></p>", "**one**\n**two**", "<p><b>one</b><br><b>two</b></p>"),
        ('<p><a href="https://a.example/wiki/A_(b)">A</a></p>', "[A](https://a.example/wiki/A_%28b%29)",
         '<p><a href="https://a.example/wiki/A_%28b%29">A</a></p>'),
        ('<p><a href="https://a.example/a b*c**">A</a></p>', "[A](https://a.example/a%20b%2Ac%2A%2A)",
         '<p><a href="https://a.example/a%20b%2Ac%2A%2A">A</a></p>'),
        ('<p>See<a href="https://a.example/"> a [b] </a>now</p>', "See [a (b)](https://a.example/) now",
         '<p>See <a href="https://a.example/">a (b)</a> now</p>'),
        ("<ol><li>a<ul><li>x</li></ul></li><li>b</li></ol>", "1. a\n2. x\n3. b",
         "<ol><li>a</li><li>x</li><li>b</li></ol>"),
        ("<ol><li>a</li><li></li><li>b<br>c</li></ol>", "1. a\n2. b c", "<ol><li>a</li><li>b c</li></ol>"),
        ("<ul><li><p>a</p><p>b</p></li></ul>", "- a b", "<ul><li>a b</li></ul>"),
    ],
)  # fmt: skip
def test_what_the_editor_writes_is_shown(written, text, shown):
    assert from_html(written) == text
    assert to_html(text) == shown


def test_an_address_with_parentheses_is_whole():
    link = '<p>(<a href="https://a.example/A_(b)">A</a>)</p>'
    assert to_html("([A](https://a.example/A_(b)))") == link


def test_bold_text_and_links_never_overlap_in_part():
    text = "**a [b** c](https://a.example/) and [d **e](https://b.example/) f**"
    assert to_html(text) == (
        '<p><b>a <a href="https://a.example/">b&#42;&#42; c</a> and '
        '<a href="https://b.example/">d &#42;&#42;e</a> f</b></p>'
    )


@pytest.mark.parametrize(
    "part", ["**a ", "[", "[a](", "[a]((", "[a](x(y)", "**", "***a", "http://.", "1. ", "[a](b) **"]
)
@pytest.mark.parametrize("read", [to_html, to_plain_text])
def test_a_text_of_marks_takes_time_in_proportion_to_its_length(part, read):
    def seconds(repeats: int) -> float:
        start = time.process_time()
        read(part * repeats)
        return time.process_time() - start

    assert seconds(8_000) < 30 * max(seconds(1_000), 0.01)  # 8 times as long; in the square, it is 64


@pytest.mark.parametrize("text", ["x\r\n\r\ny", "A.\n## B\nC.\n- d\ne", "\u2022 one\n\u2022 two", "##\n\n- "])
def test_saving_unchanged_text_twice_changes_it_once_at_most(text):
    once = from_html(to_html(text))
    assert from_html(to_html(once)) == once


def test_the_search_reads_text_without_marks():
    assert to_plain_text("## Steps\n- **first** [law](https://a.example)\n1. end") == "Steps\nfirst law\nend"
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
def test_a_body_that_is_not_touched_stays_as_it_is(editor):
    body = "Intro:\n1) one\n2) two\n\n\n\u2022 three  blanks\n[**A**](https://a.example/A_(b))"
    item = LibraryItemFactory(body=body)
    for shown, saved in ((to_html(body), body), ("<p>New <b>text </b></p>", "New **text**")):
        form = item_form(title="New title", body=rich_text(str(shown), features=FEATURES))
        assert editor.post(f"{ITEMS}edit/{item.pk}/", form | {"action-publish": "Publish"}).status_code == 302
        item.refresh_from_db()
        assert (item.title, item.body) == ("New title", saved)


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
