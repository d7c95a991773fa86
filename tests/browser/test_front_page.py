"""The front page in a browser: a draft, a running plan with undated reports, and the lists behind its charts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from django_tenants.utils import tenant_context
from playwright.sync_api import expect

from bench import front_page
from tenants.jurisdictions import services
from tenants.models import Jurisdiction
from tenants.plans.models import Action, Plan
from tenants.signals import plan_published
from tests.browser.axe import NARROW, WIDE, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.dashboard.sample import write_plan
from tests.plan_factories import NoteFactory


@pytest.fixture(scope="module")
def two_sites(site: Site, django_db_blocker: Any) -> Site:
    """Riverton with a running plan, two actions of it overdue and one with an undated report; Ashford with a draft."""
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    with django_db_blocker.unblock():
        for slug, fields in [("riverton", {}), ("ashford", {"lifecycle": "draft", "adopted_on": None})]:
            jurisdiction = Jurisdiction.objects.get(slug=slug)
            plan = write_plan(jurisdiction, **fields)
            with tenant_context(jurisdiction):
                Action.objects.filter(code__in=["t2", "t3", "t6"]).update(
                    due_date=yesterday, due_precision="day", start_date=None
                )
                NoteFactory(action=Action.objects.get(code="t3"), noted_on=None, status="", label="Q3")
                plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=plan.pk)
            services.set_site_state(jurisdiction, state="launched", by=None)
    return site


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_an_undated_report_is_a_report(two_sites, new_page, scripts, viewport):
    page = new_page(scripts=scripts, viewport=viewport)
    page.goto(two_sites.url("riverton"))
    row = page.locator("#action-rows tr", has_text="Café hours")
    assert "Last report: Q3 (year not given)" in row.inner_text()
    assert "No update yet" not in row.inner_text()
    assert "has not reported" not in page.locator("main").inner_text()
    row.get_by_role("link").click()
    assert "Last report: Q3 (year not given)" in page.locator("main").inner_text()
    assert "No update yet" not in page.locator("main").inner_text()


def test_what_is_overdue_is_not_on_track_and_each_number_leads_to_its_list(two_sites, new_page, scripts):
    page = new_page(scripts=scripts)
    page.goto(two_sites.url("riverton"))
    bar = page.get_by_role("list", name="Counted actions by status. Each link filters the list of actions.")
    assert "On track" not in bar.inner_text()
    overdue = bar.get_by_role("link", name="2 Overdue")
    overdue.click()
    expect(page.locator("#action-rows tbody th")).to_have_text(["1.2 Unblock every card", "2.2 Rent fund"])
    assert "Report: on track" in page.locator("#action-rows").inner_text()
    assert "1 day overdue" in page.locator("#action-rows").inner_text()
    current = page.get_by_role("list", name="Counted actions by status").locator("[aria-current=true]")
    assert current.inner_text().split()[0] == "2"
    if scripts:  # axe needs them too
        assert_accessible_and_responsive(page)


def test_a_quarter_leads_to_the_open_actions_due_in_it(two_sites, new_page, scripts):
    page = new_page(scripts=scripts, viewport=NARROW)
    page.goto(two_sites.url("riverton"))
    yesterday = timezone.localdate() - dt.timedelta(days=1)
    quarter = f"{yesterday.year} Q{(yesterday.month + 2) // 3}"
    strip = page.get_by_role("list", name="Open actions by the time they are due")
    strip.get_by_role("link", name=quarter).or_(
        strip.get_by_role("link", name=quarter[:4], exact=True)
    ).click()
    names = page.locator("#action-rows tbody th")
    expect(names.filter(has_text="2.2 Rent fund")).to_be_visible()
    strip.get_by_role("link", name="Ongoing").click()
    expect(names).to_have_text(["2.3 Repair loans"])


def test_a_draft_is_presented_as_a_draft(two_sites, new_page, scripts):
    page = new_page(scripts=scripts)
    page.goto(two_sites.url("ashford"))
    text = page.locator("main").inner_text()
    assert "Draft. The city has not adopted this plan." in text
    assert (
        page.get_by_role("heading", level=1).inner_text()
        == "Our draft plan: read it and tell us what to change"
    )
    assert "What we propose" in text
    for accusing in ("overdue,", "has not reported", "No status yet", "No update yet", "At risk", "How our"):
        assert accusing not in text
    assert page.get_by_label("Status", exact=True).count() == 0
    page.get_by_role("link", name="4 Goal 2: Housing stability").click()
    page.get_by_label("Goal", exact=True).select_option(label="Goal 2: Housing stability (4)")
    if not scripts:
        page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**goal=**")
    expect(page.locator("#action-rows tbody th")).to_have_count(4)
    if scripts:  # axe needs them too
        assert_accessible_and_responsive(page)


def test_a_first_visit_to_500_actions_loads_at_most_250_kilobytes(site, browser, django_db_blocker):
    with django_db_blocker.unblock():
        jurisdiction = front_page.open_city()
    files, text = front_page.first_view(browser, site.url(jurisdiction.slug))
    assert "Show all 500 on one page" in text
    assert {kind for kind, sizes in files.items() if sizes} == set(front_page.KINDS)
    kilobytes = {kind: sum(sizes.values()) / 1000 for kind, sizes in files.items()}
    assert kilobytes["document"] <= front_page.HTML_LIMIT_KB
    assert sum(kilobytes.values()) <= front_page.LIMIT_KB, files
    # Letters of English pages come out of the small fonts alone.
    assert [path for path in files["font"] if "PublicSans" in path and "-latin" not in path] == []
