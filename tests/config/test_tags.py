"""The tags and filters that every template has."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from config.templatetags import portal_tags
from tenants.plans.models import Action

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2027, 9, 5)


def render(text: str, query: str = "", **context: object) -> str:
    request = RequestFactory().get(f"/{query}")
    return Template(text).render(Context({"request": request, **context}))


def templates() -> list[Path]:
    found = [path for path in ROOT.rglob("*.html") if "templates" in path.parts]
    return [path for path in found if not {".venv", "var", "node_modules"} & set(path.parts)]


def symbols() -> set[str]:
    return set(re.findall(r'<symbol id="([a-z_]+)"', (ROOT / "static" / "img" / "icons.svg").read_text()))


def test_every_status_of_an_action_has_icon_mark_and_word():
    assert set(Action.Status.values) | {"none"} == set(portal_tags.STATUS)


def test_every_icon_that_a_page_asks_for_is_in_the_sprite():
    asked = {name for icon, mark, _word in portal_tags.STATUS.values() for name in (icon, mark)}
    asked |= {icon for icon, _word in portal_tags.FRESHNESS.values()}
    for path in templates():
        asked |= set(re.findall(r"""\{%-? *icon +["']([a-z_]+)["']""", path.read_text()))
    assert asked - symbols() == set()


def test_a_status_is_said_in_word_icon_and_color():
    html = render('{% status "off_track" %}')
    assert '<span class="tag tag--off_track">' in html
    assert "icons.svg#error" in html
    assert html.endswith("Off track</span>")


def test_a_city_may_call_a_status_by_its_own_word():
    assert ">Delayed</span>" in render('{% status "at_risk" "Delayed" %}')
    assert "&lt;b&gt;" in render('{% status "at_risk" word %}', word="<b>")


def test_no_status_yet_is_said():
    assert "No status yet" in render("{% status code %}", code=None)
    assert render("{{ code|status_word }}", code=None) == "No status yet"


def test_an_icon_is_hidden_from_screen_readers():
    html = render('{% icon "check" "big" %}')
    assert 'class="usa-icon big"' in html
    assert 'aria-hidden="true"' in html


@pytest.mark.parametrize(
    ("days", "words"),
    [(-3, "today"), (0, "today"), (1, "1 day ago"), (21, "21 days ago"), (1240, "1,240 days ago")],
)
def test_an_age_is_said_in_days(days, words):
    assert words in render("{% freshness 'due' days %}", days=days)


def test_an_action_nobody_reported_on_says_so_without_an_age():
    assert "ago" not in render("{% freshness 'none' %}")
    assert "No update yet" in render("{% freshness 'none' %}")


@pytest.mark.parametrize(
    ("precision", "words"),
    [("day", "September 5, 2027"), ("month", "Sep 2027"), ("quarter", "2027 Q3"), ("year", "2027")],
)
def test_a_date_is_no_more_exact_than_it_was_meant(precision, words):
    assert render("{{ day|promised:precision }}", day=DAY, precision=precision) == words


def test_no_date_is_no_words():
    assert render("{{ day|promised:'day' }}", day=None) == ""


def test_a_date_follows_the_language():
    with translation.override("es"):
        assert render("{{ day|promised:'day' }}", day=DAY) == "5 de septiembre de 2027"


def test_a_link_changes_one_thing_of_the_page_and_keeps_the_rest():
    assert render("{% query_with page=2 %}", "?q=a+b&page=1") == "?q=a+b&amp;page=2"
    assert render("{% query_with status=None page='' %}", "?status=x&page=3&q=a") == "?q=a"
    assert render("{% query_with name 'y' page=None %}", "?topic=x&page=3", name="topic") == "?topic=y"


def test_a_filter_is_put_in_and_taken_out_beside_others_of_its_name():
    query = "?topic=a&topic=b&page=4"
    assert render("{% query_toggle 'topic' 'a' %}", query) == "?topic=b"
    assert render("{% query_toggle 'topic' 'c' %}", query) == "?topic=a&amp;topic=b&amp;topic=c"
    assert render("{% query_toggle 'topic' 'b' %}", "?topic=b") == "?"


def test_a_form_carries_what_it_does_not_ask_for():
    html = render("{% hidden_inputs 'topic' %}", "?q=a%22%3E&topic=x&page=2&sort=due")
    assert html == (
        '<input type="hidden" name="q" value="a&quot;&gt;"><input type="hidden" name="sort" value="due">'
    )


def test_a_key_that_is_a_variable_can_be_looked_up():
    assert render("{{ labels|get:code }}", labels={"a": "A"}, code="a") == "A"
    assert render("{{ labels|get:code }}", labels={"a": "A"}, code="b") == "None"


def test_words_that_introduce_get_a_colon_unless_they_end_in_a_mark():
    assert (
        render("{{ a|lead_in }}|{{ b|lead_in }}", a="Email", b="What is it about?")
        == "Email:|What is it about?"
    )


def test_every_shared_part_says_what_it_needs():
    """A page may leave it to its title; a part that others include may not."""
    shared = [path for name in ("parts", "django") for path in (ROOT / "templates" / name).rglob("*.html")]
    assert shared
    silent = [str(path.relative_to(ROOT)) for path in shared if "Needs:" not in path.read_text()[:400]]
    assert silent == []
