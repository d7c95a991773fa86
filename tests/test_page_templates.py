"""Every page is shown to axe: each template that is a whole page stands on a browser test that opens it."""

from __future__ import annotations

from tests.browser import page_templates


def test_every_page_is_shown_to_axe():
    missing = sorted(page_templates.page_templates() - set(page_templates.shown_templates()))
    assert not missing, f"No browser test has @shows_to_axe for {missing}: see docs/testing.md."


def test_what_is_shown_to_axe_is_a_page():
    shown = page_templates.shown_templates()
    unknown = {name: tests for name, tests in shown.items() if name not in page_templates.page_templates()}
    assert not unknown, f"These are no pages (any more): {unknown}"


def test_pages_are_recognized_and_what_is_below_them_is_not():
    pages = page_templates.page_templates()
    assert {
        "plans/editor.html",
        "404.html",
        "unknown_host.html",
        "team/team.html",
        "mail/layout.html",
    } <= pages
    assert not {"base.html", "city/base.html", "plain.html", "plans/_row.html", "partials/pager.html"} & pages
