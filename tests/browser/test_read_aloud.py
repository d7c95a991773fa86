"""What a screen reader gets from Chromium of the form for an update and of the search: order, names, errors, changes."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context
from playwright.sync_api import expect

from accounts.models import User
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tenants.plans import selectors, services
from tenants.plans.models import Action
from tests.browser.conftest import Site
from tests.browser.keyboard import LISTEN, heard, listen
from tests.browser.sign_in import sign_in
from tests.plan_factories import ActionFactory, DepartmentFactory, NoteFactory, OutcomeFactory
from tests.plans.factories import MilestoneFactory
from tests.search.factories import DocumentFactory

LENA, PHRASE = "lena@riverton.example", "seven quiet green rivers"
LANDMARKS = {"banner", "navigation", "main", "search", "form", "region", "contentinfo", "status", "alert"}
FIELDS = {"textbox", "searchbox", "checkbox", "radio", "radiogroup", "group", "button", "Date"}


@pytest.fixture(scope="module")
def town(site: Site) -> Site:
    """Riverton with a due action of the Library, of which Lena is the lead; twelve items on fines, three evaluated."""
    with schema_context("public"):
        riverton = Jurisdiction.objects.get(slug="riverton")
        lena = User.objects.create_user(LENA, PHRASE, first_name="Lena", last_name="Brandt")
        affiliations.affiliate(lena, riverton, roles=[Role.DEPARTMENT_LEAD], by=None, department="Library")
        for number in range(12):
            DocumentFactory(
                title=f"Ending library fines {number}",
                summary="Cards were unblocked.",
                evidence="evaluated" if number < 3 else "described",
                origin="Quill Lake",
            )
    with tenant_context(riverton):
        outcome = OutcomeFactory(goal__plan=selectors.current_plan(), goal__title="A library for all")
        action = ActionFactory(
            outcome=outcome,
            accountable=DepartmentFactory(name="Library"),
            number="3.7",
            title="Translate every form",
        )
        NoteFactory(
            action=action,
            text="Four of nine are done.",
            noted_on=timezone.localdate() - dt.timedelta(days=120),
        )
        MilestoneFactory(action=action, title="Train the staff")
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    return site


def read_aloud(page: Any) -> Iterator[tuple[str, str, str]]:
    """Chromium's accessibility tree in the order it is read: role, name and description."""
    session = page.context.new_cdp_session(page)
    session.send("Accessibility.enable")
    nodes = {node["nodeId"]: node for node in session.send("Accessibility.getFullAXTree")["nodes"]}
    session.detach()
    waiting = [next(iter(nodes))]
    while waiting:
        node = nodes[waiting.pop(0)]
        waiting = [child for child in node.get("childIds", []) if child in nodes] + waiting
        if node["ignored"]:
            continue
        role, name, description = (
            node.get(key, {}).get("value", "").strip() for key in ("role", "name", "description")
        )
        if role == "heading":
            level = next(one["value"]["value"] for one in node["properties"] if one["name"] == "level")
            role = f"heading {level}"
        if any(
            one["name"] == "invalid" and one["value"]["value"] == "true" for one in node.get("properties", [])
        ):
            role += ", invalid"
        yield role, name, description


def outline(page: Any, *roles: str) -> list[str]:
    """The landmarks and headings with the nodes of these roles, as "role: name (description)"."""
    return [
        f"{role}: {name}" + (f" ({description})" if description else "")
        for role, name, description in read_aloud(page)
        if (role.split(",")[0] in {*LANDMARKS, *roles} or role.startswith("heading"))
        and not name.startswith("Show date picker")  # of the browser's own field for a date
    ]


def part_of(lines: list[str], first: str, last: str) -> list[str]:
    """From one line to another, which must be there once, in this order."""
    assert [lines.count(first), lines.count(last)] == [1, 1], lines
    return lines[lines.index(first) : lines.index(last) + 1]


def assert_heading_levels(lines: list[str]) -> None:
    """One heading of level 1, before all others, and no level is left out on the way down."""
    levels = [int(line.split(":")[0].split()[1]) for line in lines if line.startswith("heading")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels


def test_the_form_for_an_update_is_read_in_order(town: Site, new_page: Any) -> None:
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        action = Action.objects.get(number="3.7")
    page = new_page()
    page.add_init_script(f"addEventListener('DOMContentLoaded', {LISTEN})")
    sign_in(page, town.url("riverton", f"/workspace/plan/actions/{action.code}/progress/"), LENA, PHRASE)
    lines = outline(page, *FIELDS)
    assert [
        line for line in lines if line.split(":")[0] in {"banner", "navigation", "main", "contentinfo"}
    ] == [
        "banner: ",
        "navigation: Workspace",
        "navigation: You",
        "main: ",
        "contentinfo: ",
        "navigation: Footer",
    ]
    assert_heading_levels(lines)
    assert part_of(lines, f"heading 1: {action}", "heading 2: Earlier reports") == [
        f"heading 1: {action}",
        "form: ",
        "group: How is it going?",
        *(f"radio: {name}" for name in ("Not started", "On track", "At risk", "Off track")),
        *(f"radio: {name}" for name in ("On hold", "Completed", "Cancelled")),
        "textbox: What happened? (One or two sentences that a resident understands.)",
        "textbox: What is in the way? (optional) (Needed for at risk, off track, on hold and cancelled.)",
        "textbox: What is next? (optional) (Needed for at risk, off track and on hold.)",
        "Date: As of",
        "group: Milestones (Check what is done. If you leave the date empty, the date of this report is used.)",
        "group: Train the staff (due June 30, 2026)",
        "checkbox: Train the staff (due June 30, 2026)",
        "Date: Done on (optional)",
        "button: Save the update",
        "region: Earlier reports",
        "heading 2: Earlier reports",
    ]

    page.locator("label").filter(has_text="Off track").click()
    page.get_by_label("What happened?").fill("The translator left.")
    page.get_by_label("What is in the way?").fill("")
    page.get_by_label("What is next?").fill("We look for another one.")
    page.get_by_role("button", name="Save the update").click()
    page.get_by_role("heading", name="Please fix one problem").wait_for()
    expect(page.locator(".errors")).to_be_focused()
    lines = outline(page, *FIELDS, "link")
    assert_heading_levels(lines)
    # The mistakes stand at the top of the form, with a link to the field, whose error is read with it.
    start = lines.index("alert: Please fix one problem")
    assert lines[start - 1] == "form: "
    assert lines[start + 1] == "heading 2: Please fix one problem"
    assert lines[start + 2].startswith("link: What is in the way?")
    assert lines[start + 3] == "group: How is it going?"
    [field] = [line for line in lines if ", invalid" in line]
    assert field.startswith("textbox, invalid: What is in the way?")
    assert "Needed for at risk, off track, on hold and cancelled." in field
    assert "needs a reason" in field
    assert "needs a reason" in lines[start + 2]

    page.get_by_label("What is in the way?").fill("The budget is too small.")
    page.get_by_role("button", name="Save the update").click()
    page.get_by_role("status").filter(has_text="is saved").wait_for()
    assert [("is saved" in text, "Correct it" in text) for text in heard(page)] == [(True, True)]
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        assert action.progress_notes.filter(text="The translator left.").exists()


def test_the_results_of_a_search_are_read_in_order(town: Site, new_page: Any) -> None:
    page = new_page()
    page.goto(town.url("portal", "/search/?q=fines"))
    assert page.title() == "fines: 12 results | Common Table"  # which is read first
    lines = outline(page, *FIELDS, "link", "DisclosureTriangle")
    assert_heading_levels(lines)
    assert part_of(lines, "main: ", "contentinfo: ") == [
        "main: ",
        "heading 1: Search results for fines",
        "search: ",
        "searchbox: Search the library and every member’s plan",
        "button: Search",
        "form: Narrow the results",
        "group: ",
        "heading 2: Narrow down",
        "group: ",
        "DisclosureTriangle: Kind",
        "group: Kind",
        "checkbox: Library item",
        "group: ",
        "DisclosureTriangle: Evidence",
        "group: Evidence",
        "checkbox: Described",
        "checkbox: Evaluated",
        "group: ",
        "DisclosureTriangle: Type",
        "group: ",
        "DisclosureTriangle: Language",
        "button: Apply filters",
        "region: 12 results",
        "heading 2: 12 results",
        "link: newest",
        *(f"{role}: Ending library fines {number}" for number in range(10) for role in ("heading 3", "link")),
        "navigation: Pages",
        "link: Next",
        "status: ",
        "status: ",
        "contentinfo: ",
    ]

    listen(page)
    page.get_by_text("Evaluated", exact=True).first.click()
    page.wait_for_url("**evidence=evaluated**")
    page.get_by_role("heading", name="3 results").wait_for()
    expect(page.locator("#evidence-evaluated")).to_be_focused()
    assert heard(page) == ["3 results"]
    assert page.title() == "fines: 3 results | Common Table"
    lines = outline(page, "link")
    assert part_of(lines, "region: 3 results", "contentinfo: ") == [
        "region: 3 results",
        "heading 2: 3 results",
        "link: newest",
        "link: Remove filter: Evidence: Evaluated",
        *(f"{role}: Ending library fines {number}" for number in range(3) for role in ("heading 3", "link")),
        "status: ",
        "status: ",  # which has just said how many
        "contentinfo: ",
    ]

    page.get_by_role("link", name="Remove filter: Evidence: Evaluated").click()
    expect(page.locator("#count")).to_have_text("12 results")
    expect(page.locator("#count")).to_be_focused()  # and is read: the link is gone


def test_what_a_filter_changed_is_read_out(town: Site, new_page: Any) -> None:
    """The lists of a city and of the alliance: the region that says how many was there before."""
    page = new_page()
    page.goto(town.url("riverton", "/"))
    listen(page)
    page.get_by_label("Keyword").fill("translate")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**q=translate**")
    assert [text.split(" of ")[0] for text in heard(page)] == ["1"]

    page.goto(town.url("portal", "/jurisdictions/"))
    listen(page)
    page.get_by_text("Minnesota", exact=True).first.click()
    page.wait_for_url("**state=MN**")
    assert heard(page) == [page.locator("#member-count").inner_text()]
