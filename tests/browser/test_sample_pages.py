"""Every kind of page of the sample cohort, wide and narrow: it opens, axe finds nothing, nothing runs off the side.

PORTAL_SCREENSHOTS=1 pytest tests/browser/test_sample_pages.py     draws docs/screenshots anew
"""

from __future__ import annotations

import io
import os
from typing import Any

import pytest
from django_tenants.utils import schema_context

from config.demo import cohort
from tests import library
from tests.browser.axe import NARROW, WIDE, assert_fit
from tests.browser.conftest import Site
from tests.browser.people import sign_in
from tests.databases import ROOT

PUBLIC = {
    "alliance-home": ("portal", "/"),
    "cities": ("portal", "/jurisdictions/"),
    "progress": ("portal", "/progress/"),
    "library": ("portal", "/library/"),
    "library-item": ("portal", "/library/aldersgate-park-fine-free-resolution/"),
    "search": ("portal", "/search/?q=libary+fines"),
    "api": ("portal", "/api/v1/docs"),
    "sign-in": ("portal", "/accounts/login/"),
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
    "settings": "/workspace/settings/",
    "updates": "/workspace/updates/",
    "team": "/workspace/team/",
}
STAFF = {
    "staff": "/staff/",
    "staff-new": "/staff/jurisdictions/new/",
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
}
IN_DOCS |= {"staff"}


@pytest.fixture(scope="module")
def sample(site: Site) -> Site:
    with schema_context("public"):
        library.load_demo_library()
    cohort.load(log=lambda _text: None)
    return site


def look(page: Any, url: str, name: str) -> None:
    """Open the page and hold it to what every page owes its readers."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.set_viewport_size(WIDE)
    response = page.goto(url)
    assert response.status == 200, f"{url} answered {response.status}"
    assert_fit(page)
    assert complaints == [], f"{url}: {complaints}"
    if os.environ.get("PORTAL_SCREENSHOTS") and name in IN_DOCS:
        for size in (NARROW, WIDE):
            page.set_viewport_size(size)
            draw(page, f"{name}-{size['width']}")


def draw(page: Any, name: str) -> None:
    """A small picture of the first screens for docs/."""
    from PIL import Image

    height = min(1500, page.evaluate("document.documentElement.scrollHeight"))
    shot = page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
    )
    folder = ROOT / "docs" / "screenshots"
    folder.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    if picture.width > 800:
        picture = picture.resize((800, picture.height * 800 // picture.width), Image.Resampling.LANCZOS)
    picture.quantize(96).save(folder / f"{name}.png", optimize=True)


def test_public_pages_are_fit_for_everybody(sample: Site, new_person: Any) -> None:
    page = new_person()
    for name, (host, path) in PUBLIC.items():
        look(page, sample.url(host, path), name)
    page.goto(sample.url("marrow-bend", "/?status=off_track"))
    page.locator("#action-rows tbody th a").first.click()
    page.wait_for_url("**/plan/actions/**")
    look(page, page.url, "action")


def test_the_coordinators_pages_are_fit_for_everybody(sample: Site, new_person: Any) -> None:
    page = new_person()
    sign_in(
        page, sample.url("marrow-bend", "/workspace/"), "rosa.delgado@marrow-bend.example", cohort.PASSWORD
    )
    for name, path in COORDINATOR.items():
        look(page, sample.url("marrow-bend", path), name)
    look(page, sample.url("portal", "/accounts/"), "account")


def test_a_new_citys_first_screen_is_its_checklist(sample: Site, new_person: Any) -> None:
    page = new_person()
    sign_in(
        page, sample.url("new-corvane", "/workspace/"), "maya.ferreira@new-corvane.example", cohort.PASSWORD
    )
    look(page, sample.url("new-corvane", "/workspace/"), "workspace-first")


def test_the_staffs_pages_are_fit_for_everybody(sample: Site, new_person: Any) -> None:
    page = new_person()
    sign_in(page, sample.url("portal", "/staff/"), "amara.whitfield@commontable.example", cohort.PASSWORD)
    for name, path in STAFF.items():
        look(page, sample.url("portal", path), name)


def test_the_cities_that_have_not_launched_are_not_open(sample: Site, new_person: Any) -> None:
    assert new_person().goto(sample.url("new-corvane", "/")).status == 404
