"""The shared templates, forms and styles in a real browser, with the portal's content security policy."""

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
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.paginator import Paginator
from django.template import Context, engines
from django.test import RequestFactory
from django.urls import set_urlconf
from playwright.sync_api import expect

from accounts.models import User
from config.templatetags.portal_tags import STATUS_ICONS
from tenants.models import Jurisdiction
from tests.browser import axe_incomplete
from tests.browser.axe import assert_accessible, assert_accessible_and_responsive
from tests.browser.axe_incomplete import Explained

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "pages"
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'"
BRAND = (
    ":root { --brand: #0d5257; --brand-deep: #083a3e; --brand-tint: #e9f2f1; --accent: #e9b872;"
    " --pattern: url(/static/img/patterns/bend.svg); }"
)
JURISDICTION = Jurisdiction(name="City of Riverton", short_name="Riverton", slug="riverton", is_sample=True)
PORTAL = {
    "alliance_name": "Common Table",
    "alliance_tagline": "Governments for racial equity",
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
        label="Due",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    file = forms.FileField(label="A photo or file", required=False, help_text="PDF, JPEG or PNG, up to 10 MB")
    public = forms.BooleanField(label="You may publish my question", help_text="Your name stays private.")


BAD = {"question": "When?", "about": "", "status": "", "email": "ana.reyes@gmail"}


def render(template: str, **context: Any) -> str:
    rows = [f"{number} Eviction help at the courthouse" for number in range(1, 15)]
    request = RequestFactory().get("/components/?topic=courts&sort=due&page=2&stage=organize")
    values: dict[str, Any] = {
        "base": "city/base.html",
        "jurisdiction": JURISDICTION,
        "portal": PORTAL,
        "section": "plan",
        "user": User(first_name="Rosa", last_name="Delgado"),
        "my_roles": {"coordinator"},
        "request": request,
        "codes": list(STATUS_ICONS),
        "day": dt.date(2027, 6, 30),
        "page": Paginator(rows, 4).page(2),
        "crumbs": [("Plan", "/plan/"), ("4. Housing stability", "/plan/#goal-4")],
        "chips": [{"label": "Topic: Courts", "url": "?sort=due&stage=organize"}],
        "steps": ["Choose a file", "Match columns", "Check", "Done"],
        "facet": {
            "name": "topic",
            "label": "Topic",
            "is_open": True,
            "choices": [
                {"value": "courts", "label": "Courts", "count": 3, "is_selected": True, "id": "topic-courts"},
                {"value": "youth", "label": "Youth", "count": 0, "is_selected": False, "id": "topic-youth"},
            ],
        },
        "form": Question(BAD, {"file": SimpleUploadedFile("empty.pdf", b"")}),
        **context,
    }
    # Each base names addresses of its own host, whatever host an earlier test has asked.
    set_urlconf(
        settings.PUBLIC_SCHEMA_URLCONF if values["base"].startswith("alliance") else settings.ROOT_URLCONF
    )
    engine = engines["django"]
    source = FOLDER / template
    compiled = engine.from_string(source.read_text()) if source.exists() else engine.get_template(template)
    try:
        return compiled.template.render(Context(values))
    finally:
        set_urlconf(None)


class Files(SimpleHTTPRequestHandler):
    """Serves the repository's files; the test itself serves pages."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, directory=str(ROOT))

    def log_message(self, *_args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """URL of a server of the portal's static files: faster than serving them through the browser's debugger."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://riverton.localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture
def open_html(new_page: Any, files: str) -> Any:
    """open_html(html) opens the page with the portal's static files; `page.errors` collects its errors and warnings."""

    def _open_html(html: str) -> Any:
        page = new_page()
        page.errors = []

        def serve(route: Any) -> None:
            if urlsplit(route.request.url).path == "/brand.css":
                route.fulfill(body=BRAND, content_type="text/css")
            else:
                route.fulfill(
                    body=html, content_type="text/html", headers={"Content-Security-Policy": POLICY}
                )

        def check_status(response: Any) -> None:
            if response.status >= 400:
                page.errors.append(f"{response.status}: {response.url}")

        page.route(lambda url: not urlsplit(url).path.startswith("/static/"), serve)
        page.on("response", check_status)
        page.on(
            "console",
            lambda message: (
                page.errors.append(message.text) if message.type in {"error", "warning"} else None
            ),
        )
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{files}/components/")
        return page

    return _open_html


@pytest.mark.parametrize("base", ["alliance/base.html", "city/base.html", "workspace/base.html"])
def test_shared_components_are_accessible(open_html, base):
    jurisdiction = None if base.startswith("alliance") else JURISDICTION
    page = open_html(render("components.html", base=base, jurisdiction=jurisdiction))
    assert_accessible_and_responsive(page)
    assert page.errors == []


def test_what_axe_cannot_decide_is_noticed_until_it_is_explained(open_html, monkeypatch):
    page = open_html(render("404.html"))
    page.evaluate("document.querySelector('h1').style.background = 'linear-gradient(#fff, #000)'")
    with pytest.raises(AssertionError, match="incomplete: color-contrast"):
        assert_accessible(page)
    explained = Explained("color-contrast", "bgGradient", "h1", "The test made it so.")
    monkeypatch.setattr(axe_incomplete, "EXPLAINED", [*axe_incomplete.EXPLAINED, explained])
    assert_accessible(page)


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_error_pages_are_accessible(open_html, name):
    page = open_html(render(name))
    assert_accessible_and_responsive(page)
    assert page.errors == []


def test_a_form_with_errors_focuses_them_and_links_to_each_field(open_html):
    page = open_html(render("components.html"))
    expect(page.locator("#errors")).to_be_focused()
    page.click("text=What is it about? This field is required.")
    assert page.url.endswith("#id_about_0")


def test_after_a_swap_the_count_has_the_focus(open_html):
    page = open_html(render("components.html"))
    page.click("nav.pager a[rel=next]")
    expect(page.locator("#count")).to_be_focused()
    assert "page=3" in page.url


def test_ticking_a_box_keeps_the_focus_and_announces_the_count(open_html):
    page = open_html(render("components.html"))
    page.focus("#topic-youth")
    page.keyboard.press("Space")
    expect(page.locator("#live-region")).to_have_text("14 results")
    expect(page.locator("#topic-youth")).to_be_focused()


def test_the_first_tab_stop_skips_to_the_content(open_html):
    page = open_html(render("404.html"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"


def test_a_toast_is_visible_and_accessible(open_html):
    html = render("components.html", form=Question())
    toast = '<div id="toast" class="wrap" role="status"></div>'
    page = open_html(html.replace(toast, render("partials/toast.html", text="Saved.", undo_url="/undo/")))
    box = page.locator("#toast .toast").bounding_box()
    assert box["y"] + box["height"] <= page.viewport_size["height"]  # visible without scrolling
    assert_accessible(page)
