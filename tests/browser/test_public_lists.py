"""The lists of the public pages: filtered, sorted and paged in place, or by plain forms and links."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import pytest
from django_tenants.utils import tenant_context
from playwright.sync_api import expect

from tenants.jurisdictions import services
from tenants.models import Jurisdiction
from tenants.plans.models import Plan
from tenants.signals import plan_published
from tests.browser.axe import NARROW, assert_accessible, assert_no_horizontal_scroll
from tests.browser.conftest import Site
from tests.dashboard.sample import write_plan


@pytest.fixture(scope="module")
def riverton_site(site: Site, django_db_blocker: Any) -> Site:
    """Riverton with a public plan and an open site; Ashford in another state."""
    with django_db_blocker.unblock():
        riverton = Jurisdiction.objects.get(slug="riverton")
        Jurisdiction.objects.filter(slug="ashford").update(state="CA", entry_stage="learning")
        plan = write_plan(riverton)
        with tenant_context(riverton):
            plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
        services.set_site_state(riverton, state="launched", by=None)
    # The first page takes longer than the others: request it outside of the browser.
    connection = HTTPConnection("127.0.0.1", site.port, timeout=120)
    connection.request("GET", "/", headers={"Host": f"riverton.localhost:{site.port}"})
    assert connection.getresponse().status == 200
    connection.close()
    return site


def action_names(page: Any) -> list[str]:
    return page.locator("#action-rows tbody th").all_inner_texts()


DELAYED_ACTIONS = ["2.1 Eviction help at the courthouse", "2.2 Rent fund", "2.3 Repair loans"]


def test_actions_are_filtered_and_sorted_in_place(riverton_site, new_page):
    page = new_page()
    page.goto(riverton_site.url("riverton"))
    page.evaluate("document.body.dataset.stays = 'yes'")

    page.get_by_label("Status", exact=True).select_option("attention")
    page.wait_for_url("**status=attention**")
    assert action_names(page) == DELAYED_ACTIONS
    assert "3 of 8 actions" in page.locator("#action-count").inner_text()

    page.locator("#action-rows").get_by_role("link", name="Action", exact=True).click()
    page.wait_for_url("**sort=title**")
    page.locator("#action-rows").get_by_role("link", name="Action", exact=True).click()
    page.wait_for_url("**sort=-title**")
    assert action_names(page) == DELAYED_ACTIONS[::-1]
    assert page.evaluate("document.body.dataset.stays") == "yes"  # the page was not reloaded
    assert_accessible(page)

    # The sort order stays when the filter changes, and both are in the address, which can be shared.
    page.get_by_label("Keyword").fill("rent")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**q=rent**")
    assert action_names(page) == ["2.2 Rent fund"]
    address = page.url
    other = new_page()
    other.goto(address)
    assert action_names(other) == ["2.2 Rent fund"]
    assert "sort=-title" in address

    other.get_by_role("link", name="Remove filter: “rent”").click()
    assert action_names(other) == DELAYED_ACTIONS[::-1]


def test_the_same_works_without_scripts_on_a_phone(riverton_site, new_page):
    page = new_page(scripts=False, viewport=NARROW)
    page.goto(riverton_site.url("riverton"))
    page.get_by_label("Status", exact=True).select_option("attention")
    page.get_by_role("button", name="Apply filters").click()
    assert action_names(page) == DELAYED_ACTIONS
    page.get_by_role("link", name="Remove filter: Needs attention").click()
    assert len(action_names(page)) == 8
    page.locator("#action-rows").get_by_role("link", name="2.1 Eviction help at the courthouse").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Eviction help at the courthouse"
    page.get_by_role("link", name="Next: 2.2 Rent fund").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Rent fund"


def test_members_are_filtered_and_the_counts_follow(riverton_site, new_page):
    page = new_page()
    page.goto(riverton_site.url("portal", "/jurisdictions/"))
    assert page.locator("#members .result").count() == 3
    page.get_by_text("California", exact=True).first.click()
    page.wait_for_url("**state=CA**")
    assert page.locator("#members .result").count() == 1
    assert page.locator("#n-stage-learning").inner_text() == "1"
    assert page.locator("#n-stage-onboarding").inner_text() == "0"
    assert page.get_by_label("California").is_checked()
    assert_accessible(page)
    assert_no_horizontal_scroll(page)


def test_members_are_filtered_without_scripts(riverton_site, new_page):
    page = new_page(scripts=False)
    page.goto(riverton_site.url("portal", "/jurisdictions/"))
    page.get_by_text("Learning", exact=True).first.click()
    page.get_by_role("button", name="Apply filters").click()
    page.get_by_role("link", name="City of Riverton").wait_for(state="detached")
    assert page.locator("#members .result").all_inner_texts()[0].startswith("A\nCity of Ashford")


def test_progress_is_sorted_in_place(riverton_site, new_page):
    page = new_page()
    page.goto(riverton_site.url("portal", "/progress/"))
    page.get_by_role("link", name="Actions done").click()
    page.wait_for_url("**sort=done**")
    assert page.locator("th[aria-sort=ascending]").inner_text().strip() == "Actions done"
    assert page.locator("#plan-rows tbody tr").count() == 1
    expect(page.locator("[data-focus]")).to_be_focused()


def test_a_city_prints_without_its_controls(riverton_site, new_page):
    page = new_page(viewport=NARROW)
    page.goto(riverton_site.url("riverton"))
    folded = page.locator("details.fold:not([open]) table")
    assert folded.count() > 0
    assert not folded.first.is_visible()
    page.emulate_media(media="print")
    assert folded.first.is_visible()  # what is folded on a phone is on the paper
    for hidden in (".filters", ".site nav", ".usa-skipnav"):
        assert not page.locator(hidden).first.is_visible(), hidden
    for visible in (".stats", "#action-rows table", ".timeline, .empty"):
        assert page.locator(visible).first.is_visible(), visible
