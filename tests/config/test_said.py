"""The portal's own `{% translate %}` says what Django's says."""

from __future__ import annotations

import pytest
from django.template import engines
from django.utils import translation

from config.templatetags.said import SaidNode


def both(tag: str, **context: object) -> tuple[str, str]:
    ours = engines["django"].from_string(tag)
    djangos = engines["django"].from_string("{% load i18n %}" + tag)
    return ours.render(dict(context)), djangos.render(dict(context))


@pytest.mark.parametrize(
    "tag",
    [
        '{% translate "Yes" %}',
        "{% translate 'Yes' %}",
        '{% trans "Yes" %}',
        '{% translate "100 % <b>&" %}',
        '{% translate "Yes" noop %}',
        '{% translate "Yes" as word %}[{{ word }}|{{ word }}]',
        '{% translate "<i>" as word %}{{ word }}',
        '{% translate "Yes"|upper %}',
        '{% translate "May" context "month name" %}',
        "{% translate word %}",
        '{% autoescape off %}{% translate "<i>" %}{% endautoescape %}',
    ],
)
@pytest.mark.parametrize("language", ["en-us", "es", "de"])
def test_it_says_the_same_every_time(tag, language):
    with translation.override(language):
        for _turn in range(2):
            ours, djangos = both(tag, word="No")
            assert ours == djangos


def test_each_language_gets_its_own_word():
    page = engines["django"].from_string('{% translate "Yes" %}')
    said = []
    for language in ("es", "en", "es"):
        with translation.override(language):
            said.append(page.render())
    assert said == ["Sí", "Yes", "Sí"]


def test_words_that_change_are_looked_up_each_time():
    page = engines["django"].from_string("{% translate word %}")
    assert not page.template.nodelist.get_nodes_by_type(SaidNode)
    assert [page.render({"word": word}) for word in ("One", "Two")] == ["One", "Two"]
