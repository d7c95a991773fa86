"""Every kind of page of the sample cohort, wide and narrow: it opens, axe finds no violation, nothing overflows.

PORTAL_SCREENSHOTS=1 pytest tests/browser/test_sample_pages.py     updates docs/screenshots
"""

from __future__ import annotations

import io
import os
from typing import Any

import pytest
from django_tenants.utils import schema_context

from config.demo import cohort
from tests import library
from tests.browser.axe import (
    NARROW,
    WIDE,
    assert_accessible_and_responsive,
    assert_email_accessible_and_responsive,
)
from tests.browser.conftest import Site
from tests.browser.page_templates import shows_to_axe
from tests.browser.sign_in import sign_in
from tests.databases import ROOT

PUBLIC = {
    "alliance-home": ("portal", "/"),
    "cities": ("portal", "/jurisdictions/"),
    "progress": ("portal", "/progress/"),
    "library": ("portal", "/library/"),
    "library-item": ("portal", "/library/aldersgate-park-fine-free-resolution/"),
    "library-with-file": ("portal", "/library/?file=yes"),
    "library-item-without-file": ("portal", "/library/tallow-video-government-and-race/"),
    "search": ("portal", "/search/?q=libary+fines"),
    "api": ("portal", "/api/v1/docs"),
    "sign-in": ("portal", "/accounts/login/"),
    "demo-emails": ("portal", "/demo/mail/kinds/"),
    "contact": ("portal", "/contact/"),
    "city-home": ("marrow-bend", "/"),
    "city-at-risk": ("marrow-bend", "/?status=at_risk"),
    "plan": ("marrow-bend", "/plan/"),
    "data": ("marrow-bend", "/data/"),
    "narrative": ("marrow-bend", "/narrative/"),
    "city-contact": ("marrow-bend", "/contact/"),
    "county-home": ("tallow-county", "/"),
    "draft-home": ("port-lysander", "/"),
    "suburb-home": ("aldersgate-park", "/"),
}
COORDINATOR = {
    "workspace": "/workspace/",
    "plan-editor": "/workspace/plan/",
    "import": "/workspace/import/",
    "history": "/workspace/history/",
    "publish": "/workspace/plan/publish/",
    "published": "/workspace/plan/published/",
    "settings": "/workspace/settings/",
    "updates": "/workspace/updates/",
    "team": "/workspace/team/",
}
STAFF = {
    "staff": "/staff/",
    "staff-new": "/staff/jurisdictions/new/",
    "staff-contact": "/staff/contact/",
    "staff-city": "/staff/jurisdictions/new-corvane/",
}
IN_DOCS = {
    "alliance-home",
    "library-item",
    "search",
    "city-home",
    "action",
    "narrative",
    "workspace",
    "plan-editor",
    "team",
    "staff",
    "draft-home",
    "progress",
    "workspace-lead",
}
MAX_HEIGHT = 1300
MAX_BYTES = 80_000


@pytest.fixture(scope="module")
def sample(site: Site) -> Site:
    with schema_context("public"):
        library.load_demo_library()
    cohort.load(log=lambda _text: None)
    return site


def check_page(page: Any, url: str, name: str) -> None:
    """Open the page and assert that it is accessible and has no errors in the console."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.set_viewport_size(WIDE)
    response = page.goto(url)
    assert response.status == 200, f"{url} answered {response.status}"
    assert_accessible_and_responsive(page)
    assert errors == [], f"{url}: {errors}"
    if os.environ.get("PORTAL_SCREENSHOTS") and name in IN_DOCS:
        for size in (NARROW, WIDE):
            page.set_viewport_size(size)
            save_screenshot(page, f"{name}-{size['width']}")


def save_screenshot(page: Any, name: str) -> None:
    """Save a small picture of the first screens in docs/screenshots."""
    from PIL import Image

    height = min(MAX_HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
    png = page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
    )
    folder = ROOT / "docs" / "screenshots"
    folder.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if picture.width > 800:
        picture = picture.resize((800, picture.height * 800 // picture.width), Image.Resampling.LANCZOS)
    # Maximum coverage keeps the colors of small marks, like that of a status.
    palette: dict[str, Any] = {"method": Image.Quantize.MAXCOVERAGE, "dither": Image.Dither.NONE}
    for colors in (160, 96, 48):
        picture.quantize(colors, **palette).save(folder / f"{name}.png", optimize=True)
        if (folder / f"{name}.png").stat().st_size <= MAX_BYTES:
            break


@shows_to_axe(
    "cms/alliance_page.html",
    "cohort/directory.html",
    "cohort/progress.html",
    "resources/browse.html",
    "resources/item.html",
    "search/results.html",
    "alliance/api.html",
    "account/login.html",
    "demo/email_kinds.html",
    "cms/standard_page.html",
    "dashboard/home.html",
    "dashboard/home_outline.html",
    "dashboard/plan.html",
    "dashboard/data.html",
    "dashboard/action.html",
    "cms/narrative_page.html",
)
def test_public_pages_are_accessible(sample: Site, new_page: Any) -> None:
    page = new_page()
    for name, (host, path) in PUBLIC.items():
        check_page(page, sample.url(host, path), name)
    page.goto(sample.url("marrow-bend", "/?status=overdue"))
    page.locator("#action-rows tbody th a").first.click()
    page.wait_for_url("**/plan/actions/**")
    check_page(page, page.url, "action")


@shows_to_axe("mail/layout.html")
def test_an_email_is_accessible(sample: Site, new_page: Any) -> None:
    page = new_page()
    for kind in ("invitation", "text-returned", "password-reset-key"):
        assert page.goto(sample.url("portal", f"/demo/mail/kinds/{kind}/")).status == 200
        assert_email_accessible_and_responsive(page)


@shows_to_axe(
    "plans/home.html",
    "plans/editor.html",
    "plans/imports.html",
    "plans/history.html",
    "plans/publish.html",
    "plans/published.html",
    "plans/settings.html",
    "plans/updates.html",
    "team/team.html",
    "signin/account.html",
)
def test_the_coordinators_pages_are_accessible(sample: Site, new_page: Any) -> None:
    page = new_page()
    sign_in(
        page, sample.url("marrow-bend", "/workspace/"), "rosa.delgado@marrow-bend.example", cohort.PASSWORD
    )
    for name, path in COORDINATOR.items():
        check_page(page, sample.url("marrow-bend", path), name)
    check_page(page, sample.url("portal", "/accounts/"), "account")


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_row_of_the_editor_keeps_its_columns_with_a_note_below_the_status(
    sample: Site, new_page: Any, viewport: dict[str, int]
) -> None:
    page = new_page(viewport=viewport)
    sign_in(
        page, sample.url("marrow-bend", "/workspace/"), "rosa.delgado@marrow-bend.example", cohort.PASSWORD
    )
    page.goto(sample.url("marrow-bend", "/workspace/plan/"))
    rows = page.locator(".pgroup[open] .line")
    assert page.locator(".pgroup[open] .line .standing-note").count() > 0
    lefts = set()
    for row in rows.all():
        outer, title = row.bounding_box(), row.locator(".line__title").bounding_box()
        actions, standing = row.locator(".go").bounding_box(), row.locator(".line__status").bounding_box()
        assert actions["x"] > title["x"] + title["width"] - 1, "Edit and More are right of the title"
        assert actions["y"] < title["y"] + title["height"], "and beside it"
        assert actions["x"] + actions["width"] <= outer["x"] + outer["width"] + 1
        assert standing["width"] > 60, "a note below the status has room"
        lefts.add(round(standing["x"] - title["x"]) if viewport == NARROW else round(standing["x"]))
    assert len(lefts) == 1, f"one column of statuses: {lefts}"


@shows_to_axe(
    "plans/first.html",
)
def test_a_new_citys_first_screen_is_its_checklist(sample: Site, new_page: Any) -> None:
    page = new_page()
    sign_in(
        page, sample.url("new-corvane", "/workspace/"), "maya.ferreira@new-corvane.example", cohort.PASSWORD
    )
    check_page(page, sample.url("new-corvane", "/workspace/"), "workspace-first")


def test_a_department_leads_first_screen_is_their_actions(sample: Site, new_page: Any) -> None:
    page = new_page()
    sign_in(
        page, sample.url("marrow-bend", "/workspace/"), "miguel.santos@marrow-bend.example", cohort.PASSWORD
    )
    check_page(page, sample.url("marrow-bend", "/workspace/"), "workspace-lead")


@shows_to_axe(
    "staff/index.html",
    "staff/new.html",
    "staff/contact.html",
    "staff/jurisdiction.html",
)
def test_staff_pages_are_accessible(sample: Site, new_page: Any) -> None:
    page = new_page()
    sign_in(page, sample.url("portal", "/staff/"), "amara.whitfield@commontable.example", cohort.PASSWORD)
    for name, path in STAFF.items():
        check_page(page, sample.url("portal", path), name)


def test_an_unlaunched_city_is_404(sample: Site, new_page: Any) -> None:
    assert new_page().goto(sample.url("new-corvane", "/")).status == 404
