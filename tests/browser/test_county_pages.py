"""The pages of a county whose departments have plans of their own: headings, words, milestones, downloads."""

from __future__ import annotations

import datetime as dt
import io
from http.client import HTTPConnection
from typing import Any

import pytest
from django_tenants.utils import tenant_context
from openpyxl import load_workbook
from playwright.sync_api import expect

from tenants.jurisdictions import services
from tenants.models import Jurisdiction
from tenants.plans.models import Action, Goal, Plan
from tenants.signals import plan_published
from tests.browser.axe import NARROW, WIDE, assert_accessible, assert_no_horizontal_scroll
from tests.browser.conftest import Site
from tests.dashboard.sample import write_plan
from tests.plan_factories import MilestoneFactory


@pytest.fixture(scope="module")
def county_site(site: Site, django_db_blocker: Any) -> Site:
    """Millbrook County: two departments, each with a goal 1 in capitals, and two dates without a title."""
    with django_db_blocker.unblock():
        county = Jurisdiction.objects.get(slug="millbrook")
        plan = write_plan(county, adopting_body="County Board")
        with tenant_context(county):
            Goal.objects.filter(label="Goal 1").update(
                department="Health", label="1", title="HIRING AND RECRUITMENT"
            )
            Goal.objects.filter(label="Goal 2").update(
                department="Library", label="1", title="ACCESS AND BELONGING"
            )
            action = Action.objects.get(code="t5")
            Action.objects.filter(pk=action.pk).update(
                timeline_raw="September 2025\nSeptember 2026", reason="", next_step=""
            )
            for year in (2025, 2026):
                MilestoneFactory(
                    action=action, title="", due_date=dt.date(year, 9, 30), due_precision="month"
                )
            MilestoneFactory(
                action=action,
                title="Leaflet in every summons",
                due_date=dt.date(2025, 10, 31),
                due_precision="month",
            )
            plan_published.send(Plan, jurisdiction=county, plan_id=plan.pk)
        services.change_jurisdiction(county, by=None, kind="county")
        services.set_site_state(county, state="launched", by=None)
    connection = HTTPConnection("127.0.0.1", site.port, timeout=120)
    connection.request("GET", "/", headers={"Host": f"millbrook.localhost:{site.port}"})
    assert connection.getresponse().status == 200
    connection.close()
    return site


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_county_reads_its_plan_by_department_and_no_milestone_accuses(county_site, new_page, size):
    page = new_page()
    page.set_viewport_size(size)
    page.goto(county_site.url("millbrook", "/plan/"))
    expect(page.get_by_role("heading", level=2, name="Health", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", level=3, name="1: Hiring and recruitment")).to_be_visible()
    expect(page.get_by_role("heading", level=3, name="1: Access and belonging")).to_be_visible()
    assert "the city" not in page.locator("body").inner_text().lower()
    assert_accessible(page)
    assert_no_horizontal_scroll(page)

    page.get_by_role("link", name="2.1 Eviction help at the courthouse").click()
    crumbs = page.get_by_role("navigation", name="Breadcrumbs")
    assert crumbs.get_by_role("listitem").all_inner_texts()[:3] == [
        "Plan", "Library", "1: Access and belonging",
    ]  # fmt: skip
    milestones = page.get_by_role("region", name="Milestones")
    assert [text.split("\n") for text in milestones.get_by_role("listitem").all_inner_texts()] == [
        ["Also due: September 2025"],
        ["Leaflet in every summons", "due October 2025, no report on it yet"],
        ["Also due: September 2026"],
    ]
    assert milestones.locator(".fresh--late").count() == 0
    body = page.locator("body").inner_text()
    assert "September 2025\nSeptember 2026" in body
    assert "No next step is reported." in body
    assert "the city" not in body.lower()
    assert_accessible(page)
    assert_no_horizontal_scroll(page)


def test_the_plan_is_downloaded_as_a_spreadsheet_and_its_actions_are_found_by_the_box_on_top(
    county_site, new_page
):
    page = new_page()
    page.goto(county_site.url("millbrook", "/plan/"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel (XLSX)").click()
    with open(download.value.path(), "rb") as file:
        book = load_workbook(io.BytesIO(file.read()))
    assert book.sheetnames == ["Health", "Library"]
    page.get_by_role("searchbox", name="Search the actions of the plan").fill("rent fund")
    page.get_by_role("searchbox", name="Search the actions of the plan").press("Enter")
    page.wait_for_url("**/?q=rent+fund#actions")
    expect(page.locator("#action-rows tbody th")).to_have_text(["2.2 Rent fund Library"])
