"""The built-in template tags and filters."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from config.templatetags import portal_tags
from tenants.models import Jurisdiction
from tenants.plans import labels
from tenants.plans.models import Action

ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2027, 9, 5)


def render(text: str, query: str = "", **context: object) -> str:
    request = RequestFactory().get(f"/{query}")
    return Template(text).render(Context({"request": request, **context}))


def templates() -> list[Path]:
    paths = [path for path in ROOT.rglob("*.html") if "templates" in path.parts]
    return [path for path in paths if not {".venv", "var", "node_modules"} & set(path.parts)]


def symbols() -> set[str]:
    return set(re.findall(r'<symbol id="([a-z_]+)"', (ROOT / "static" / "img" / "icons.svg").read_text()))


def test_every_status_of_an_action_has_icon_and_glyph():
    assert set(Action.Status.values) | {"none", "overdue"} == set(portal_tags.STATUS_ICONS)


def test_every_state_of_freshness_has_icon_and_label():
    assert set(portal_tags.FRESHNESS_ICONS) == set(labels.FRESHNESS_LABELS)


def test_every_icon_used_in_a_template_is_in_the_sprite():
    used = {name for pair in portal_tags.STATUS_ICONS.values() for name in pair}
    used |= set(portal_tags.FRESHNESS_ICONS.values())
    for path in templates():
        used |= set(re.findall(r"""\{%-? *icon +["']([a-z_]+)["']""", path.read_text()))
    assert used - symbols() == set()


def test_a_status_has_label_icon_and_color():
    html = render('{% status "off_track" %}')
    assert '<span class="tag tag--off_track">' in html
    assert "icons.svg#error" in html
    assert html.endswith("Off track</span>")


def test_a_city_may_have_its_own_label_for_a_status():
    assert ">Delayed</span>" in render('{% status "at_risk" "Delayed" %}')
    assert "&lt;b&gt;" in render('{% status "at_risk" label %}', label="<b>")


def test_a_missing_status_has_a_label():
    assert "No status yet" in render("{% status code %}", code=None)


def test_an_icon_is_hidden_from_screen_readers():
    html = render('{% icon "check" "big" %}')
    assert 'class="usa-icon big"' in html
    assert 'aria-hidden="true"' in html


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-3, "today"), (0, "today"), (1, "1 day ago"), (21, "21 days ago"), (1240, "1,240 days ago")],
)
def test_ages_in_days(days, expected):
    assert expected in render("{% freshness 'due' days %}", days=days)


def test_an_action_without_updates_has_no_age():
    assert "ago" not in render("{% freshness 'none' %}")
    assert "No update yet" in render("{% freshness 'none' %}")


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("day", "September 5, 2027"), ("month", "September 2027"), ("quarter", "2027 Q3"), ("year", "2027")],
)
def test_dates_by_precision(precision, expected):
    assert render("{{ day|partial_date:precision }}", day=DAY, precision=precision) == expected


def test_a_missing_date_is_empty():
    assert render("{{ day|partial_date:'day' }}", day=None) == ""


def test_a_date_follows_the_language():
    with translation.override("es"):
        assert render("{{ day|partial_date:'day' }}", day=DAY) == "5 de septiembre de 2027"


def test_numbers_have_thousands_separators():
    assert (
        render("{{ n }} {% blocktranslate %}{{ n }} actions{% endblocktranslate %}", n=1240)
        == "1,240 1,240 actions"
    )


def test_ids_and_years_in_templates_have_no_thousands_separators():
    """`{{ goal.pk }}` is "1,240" in an address; `{{ goal.pk|unlocalize }}` is "1240"."""
    pattern = re.compile(r"\{\{ *[\w.]+\.(?:pk|year) *(?:\}\}|\|(?!unlocalize))")
    localized = [
        f"{path.relative_to(ROOT)}: {m}" for path in templates() for m in pattern.findall(path.read_text())
    ]
    assert localized == []


def test_query_with_replaces_parameters_and_keeps_the_others():
    assert render("{% query_with page=2 %}", "?q=a+b&page=1") == "?q=a+b&amp;page=2"
    assert render("{% query_with status=None page='' %}", "?status=x&page=3&q=a") == "?q=a"
    assert render("{% query_with name 'y' page=None %}", "?topic=x&page=3", name="topic") == "?topic=y"


def test_get_looks_up_a_variable_key():
    assert render("{{ labels|get:code }}", labels={"a": "A"}, code="a") == "A"
    assert render("{{ labels|get:code }}", labels={"a": "A"}, code="b") == "None"


def test_lead_in_adds_a_colon_unless_there_is_punctuation():
    assert (
        render("{{ a|lead_in }}|{{ b|lead_in }}", a="Email", b="What is it about?")
        == "Email:|What is it about?"
    )


def test_every_shared_partial_lists_its_context():
    """Every shared partial has a comment with "Needs:"."""
    shared = [path for name in ("partials", "django") for path in (ROOT / "templates" / name).rglob("*.html")]
    assert shared
    undocumented = [str(path.relative_to(ROOT)) for path in shared if "Needs:" not in path.read_text()[:400]]
    assert undocumented == []


def test_a_county_is_not_called_a_city():
    county = Jurisdiction(kind=Jurisdiction.Kind.COUNTY)
    text = "{{ county|the_kind|capfirst }} adopted it, and {{ county|the_kind }} reports on it."
    assert render(text, county=county) == "The county adopted it, and the county reports on it."
