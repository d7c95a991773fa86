"""The shared templates, forms and styles, looked at in a real browser under the portal's own policy."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.paginator import Paginator
from django.template import Context, engines
from django.test import RequestFactory
from playwright.sync_api import expect

from accounts.models import User
from config.templatetags.portal_tags import STATUS
from tests.browser.axe import assert_accessible, assert_fit

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "pages"
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'"
BRAND = (
    ":root { --brand: #0d5257; --brand-deep: #083a3e; --brand-tint: #e9f2f1; --accent: #e9b872;"
    " --pattern: url(/static/img/patterns/bend.svg); }"
)
JURISDICTION = {"name": "City of Riverton", "short_name": "Riverton", "slug": "riverton", "is_sample": True}
PORTAL = {
    "alliance_name": "Common Table",
    "alliance_tagline": "Cities for racial equity",
    "alliance_url": "http://portal.localhost",
    "is_sample": True,
}


class Question(forms.Form):
    """Every kind of field the portal uses."""

    question = forms.CharField(
        label="Your question", widget=forms.Textarea, help_text="Please leave out names of other people."
    )
    about = forms.ChoiceField(
        label="What is it about?",
        widget=forms.RadioSelect,
        choices=[("action", "An action in the plan"), ("data", "Numbers and data")],
    )
    status = forms.ChoiceField(
        label="How is it going?",
        widget=forms.RadioSelect(attrs={"class": "choice choice--status"}),
        choices=[("on_track", "On track"), ("at_risk", "At risk"), ("off_track", "Off track")],
    )
    topics = forms.MultipleChoiceField(
        label="Topics",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[("housing", "Housing"), ("courts", "Courts")],
    )
    department = forms.ChoiceField(
        label="Department", choices=[("", "Choose one"), ("hr", "Human Resources")]
    )
    many = forms.MultipleChoiceField(
        label="Partners", required=False, choices=[("a", "Legal aid"), ("b", "The county")]
    )
    email = forms.EmailField(label="Email, so that we can answer")
    by = forms.DateField(
        label="Promised by",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    file = forms.FileField(label="A photo or file", required=False, help_text="PDF, JPEG or PNG, up to 10 MB")
    public = forms.BooleanField(label="You may publish my question", help_text="Your name stays private.")


BAD = {"question": "When?", "about": "", "status": "", "email": "ana.reyes@gmail"}


def render(template: str, **context: Any) -> str:
    rows = [f"{number} Eviction help at the courthouse" for number in range(1, 15)]
    request = RequestFactory().get("/components/?topic=courts&sort=due&page=2&stage=organize")
    given: dict[str, Any] = {
        "base": "city/base.html",
        "jurisdiction": JURISDICTION,
        "portal": PORTAL,
        "section": "plan",
        "user": User(first_name="Rosa", last_name="Delgado"),
        "my_roles": {"coordinator"},
        "request": request,
        "codes": list(STATUS),
        "day": dt.date(2027, 6, 30),
        "page": Paginator(rows, 4).page(2),
        "sort": "due",
        "crumbs": [("Plan", "/plan/"), ("4. Housing stability", "/plan/#goal-4")],
        "chips": [{"name": "topic", "value": "courts", "label": "Topic: Courts"}],
        "steps": ["Choose a file", "Match columns", "Check", "Done"],
        "facet": {
            "name": "topic",
            "label": "Topic",
            "choices": [
                {"value": "courts", "label": "Courts", "count": 3, "on": True},
                {"value": "youth", "label": "Youth", "count": 0, "on": False},
            ],
        },
        "form": Question(BAD, {"file": SimpleUploadedFile("empty.pdf", b"")}),
        **context,
    }
    engine = engines["django"]
    source = HERE / template
    found = engine.from_string(source.read_text()) if source.exists() else engine.get_template(template)
    return found.template.render(Context(given))


class Files(SimpleHTTPRequestHandler):
    """The repository's files; pages are answered by the test."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, directory=str(ROOT))

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """Where the portal's static files are served: quicker than through the browser's debugger."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://riverton.localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def look(new_person: Any, files: str) -> Any:
    """look(html) opens the page with the portal's static files; any word of its policy fails."""

    def _look(html: str) -> Any:
        page = new_person()
        page.complaints = []

        def answer(route: Any) -> None:
            if urlsplit(route.request.url).path == "/brand.css":
                route.fulfill(body=BRAND, content_type="text/css")
            else:
                route.fulfill(
                    body=html, content_type="text/html", headers={"Content-Security-Policy": POLICY}
                )

        def came(response: Any) -> None:
            if response.status >= 400:
                page.complaints.append(f"{response.status}: {response.url}")

        page.route(lambda url: not urlsplit(url).path.startswith("/static/"), answer)
        page.on("response", came)
        page.on(
            "console",
            lambda said: page.complaints.append(said.text) if said.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(f"{files}/components/")
        return page

    return _look


@pytest.mark.parametrize("base", ["alliance/base.html", "city/base.html", "workspace/base.html"])
def test_every_shared_piece_can_be_used_by_everyone(look, base):
    jurisdiction = None if base.startswith("alliance") else JURISDICTION
    page = look(render("components.html", base=base, jurisdiction=jurisdiction))
    assert_fit(page)
    assert page.complaints == []


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_can_be_used_by_everyone(look, name):
    page = look(render(name))
    assert_fit(page)
    assert page.complaints == []


def test_the_scripts_of_the_design_system_keep_to_the_policy(look):
    page = look(render("components.html", drop=True))
    assert page.locator(".usa-file-input__target").count() == 1  # they did run
    assert_accessible(page)
    assert page.complaints == []


def test_a_form_that_came_back_starts_at_its_mistakes_and_leads_to_each_field(look):
    page = look(render("components.html"))
    expect(page.locator("#errors")).to_be_focused()
    page.click("text=What is it about? This field is required.")
    assert page.url.endswith("#id_about_0")


def test_after_a_swap_the_count_is_where_reading_goes_on(look):
    page = look(render("components.html"))
    page.click("nav.pager a[rel=next]")
    expect(page.locator("#count")).to_be_focused()
    assert "page=3" in page.url


def test_somebody_who_ticks_boxes_stays_at_the_box_and_hears_the_count(look):
    page = look(render("components.html"))
    page.focus("#facet-topic-2")
    page.keyboard.press("Space")
    expect(page.locator("#said")).to_have_text("14 results")
    expect(page.locator("#facet-topic-2")).to_be_focused()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(look):
    page = look(render("404.html"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"


def test_what_was_just_done_can_be_undone_from_the_foot_of_the_page(look):
    html = render("components.html", form=Question())
    toast = '<div id="toast" class="wrap" role="status"></div>'
    page = look(html.replace(toast, render("parts/toast.html", text="Saved.", undo_url="/undo/")))
    box = page.locator("#toast .toast").bounding_box()
    assert box["y"] + box["height"] <= page.viewport_size["height"]  # seen without scrolling
    assert_accessible(page)
