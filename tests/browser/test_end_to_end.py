"""The main workflow from end to end, in a browser with scripts and in one without.

Staff open a city → its coordinator joins by invitation → imports the city's current sheet → publishes the plan →
residents see it → a member of another city finds it, and a sample policy, by search.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django_tenants.utils import schema_context

from accounts.models import User
from resources import services as resources
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tests import library
from tests.browser.axe import assert_accessible
from tests.browser.conftest import Site
from tests.browser.sign_in import sign_in
from tests.databases import ROOT

# With the crash recovery, a single long test, which then starts early: xdist begins with the longest group.
pytestmark = pytest.mark.xdist_group("test_end_to_end")
PHRASE = "seven quiet green rivers"
SHEET = ROOT / "config" / "demo" / "data" / "port-lysander-gare.xlsx"
PROMISE = "Use one scored set of interview questions"


def prepare() -> None:
    """Create an alliance admin, a member of another city, and two library items."""
    with schema_context("public"):
        if User.objects.filter(email="staff@alliance.example").exists():
            return
        staff = User.objects.create_user(
            "staff@alliance.example", PHRASE, first_name="Sam", last_name="Staff"
        )
        member = User.objects.create_user(
            "member@riverton.example", PHRASE, first_name="Mo", last_name="Member"
        )
        alliance = Jurisdiction.objects.get(schema_name="public")
        affiliations.affiliate(staff, alliance, roles=[Role.STAFF_ADMIN], by=None)
        affiliations.affiliate(
            member, Jurisdiction.objects.get(slug="riverton"), roles=[Role.MEMBER], by=None
        )
        lines = (library.DEMO / "items.jsonl").read_text(encoding="utf-8").splitlines()
        library.load_demo_taxonomy()
        resources.import_items(
            [line for line in lines if "fine-free" in line or "late-fines" in line], by=None
        )


def test_a_city_goes_live(site: Site, new_page: Any, scripts: bool) -> None:
    prepare()
    slug = "elm-ford" if scripts else "oak-ford"
    ada = f"ada@{slug}.example"

    # Axe is a script itself: without scripts it would wait forever.
    accessible = assert_accessible if scripts else (lambda _page: None)

    # Alliance staff open a jurisdiction.
    staff = new_page(scripts=scripts)
    sign_in(staff, site.url("portal", "/staff/"), "staff@alliance.example", PHRASE)
    staff.goto(site.url("portal", "/staff/jurisdictions/new/"))
    staff.get_by_label("Official name").fill(f"City of {slug.title()}")
    staff.get_by_label("Site address").fill(slug)
    staff.get_by_label("State").select_option("MN")
    staff.get_by_label("Coordinator’s email address").fill(ada)
    staff.get_by_role("button", name="Create site").click()
    staff.wait_for_url(re.compile(rf"/staff/jurisdictions/{slug}/"))

    # The public does not see it yet.
    resident = new_page(scripts=scripts)
    assert resident.goto(site.url(slug, "/")).status == 404

    # Its coordinator joins by the link in the email.
    [email] = site.emails(to=ada)
    link = re.search(r"http://\S+/accounts/invitation/\S+", email)
    assert link, email
    coordinator = new_page(scripts=scripts)
    coordinator.goto(link.group())
    coordinator.get_by_label("Your name").fill("Ada Lovelace")
    coordinator.get_by_label("Choose a password").fill(PHRASE)
    coordinator.get_by_role("button", name="Join the team").click()
    coordinator.wait_for_url(site.url(slug, "/workspace/"))
    accessible(coordinator)

    # She imports the city's current sheet.
    coordinator.goto(site.url(slug, "/workspace/import/"))
    coordinator.locator("input[type=file]").set_input_files(SHEET)
    coordinator.get_by_role("button", name="Read the file").click()
    if coordinator.get_by_role("button", name="Check the sheet").count():
        coordinator.get_by_role("button", name="Check the sheet").click()
    assert "31" in coordinator.locator("main").inner_text()
    accessible(coordinator)
    coordinator.get_by_role("button", name=re.compile(r"Import \d+ actions")).click()
    coordinator.get_by_role("button", name="Undo the import").wait_for()
    assert resident.goto(site.url(slug, "/plan/")).status == 404

    # She publishes the plan and opens the site.
    coordinator.goto(site.url(slug, "/workspace/plan/publish/"))
    accessible(coordinator)
    coordinator.get_by_text("I have checked the preview").click()
    coordinator.get_by_role("button", name="Publish the plan and open the site").click()
    coordinator.wait_for_url(site.url(slug, "/workspace/plan/published/"))
    accessible(coordinator)
    assert coordinator.locator("input[readonly]").input_value() == site.url(slug, "/")
    left = coordinator.get_by_role("heading", name=re.compile("steps left")).inner_text()

    # What was not done stays on her list, also on the workspace.
    coordinator.get_by_role("link", name="Back to the workspace").click()
    task = coordinator.locator(".task", has_text="Setup steps left")
    assert task.locator(".n").inner_text() == left.split()[0]
    task.get_by_role("link", name="Finish setup").click()
    coordinator.get_by_role("link", name="Record the adoption").first.wait_for()

    # A resident sees what was promised.
    assert resident.goto(site.url(slug, "/")).status == 200
    accessible(resident)
    resident.get_by_role("link", name=re.compile(PROMISE)).first.click()
    resident.wait_for_url(re.compile(r"/plan/actions/"))
    assert PROMISE in resident.locator("main").inner_text()
    assert "Human Resources" in resident.locator("main").inner_text()

    # A member of another city finds it, and a sample policy.
    member = new_page(scripts=scripts)
    sign_in(member, site.url("portal", "/accounts/"), "member@riverton.example", PHRASE)
    member.goto(site.url("portal", "/"))
    member.get_by_role("searchbox").first.fill("scored interview questions")
    member.get_by_role("button", name="Search").click()
    member.wait_for_url(re.compile(r"/search/\?"))
    accessible(member)
    member.get_by_role("link", name=re.compile("scored set of interview questions")).first.click()
    member.wait_for_url(re.compile(r"/plan/actions/"))
    member.goto(site.url("portal", "/search/?q=library+fines"))
    member.get_by_role("link", name=re.compile("Resolution making the library fine free")).first.click()
    member.wait_for_url(re.compile("/library/aldersgate-park-fine-free-resolution/"))
    assert "Resolution" in member.locator("main").inner_text()
