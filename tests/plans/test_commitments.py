"""What an adopted plan promises: a change needs a reason, and the public page shows it with that reason."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone

from tenants.dashboard import action_detail
from tenants.jurisdictions.services import set_site_state
from tenants.models import Affiliation, Jurisdiction
from tenants.plans import change_log, imports, services
from tenants.plans.commitments import COMMITMENT_FIELDS, promised_since
from tenants.plans.models import Action, Goal, Plan, PlanLogEntry
from tenants.plans.services import actions, headings
from tenants.plans.views import histories
from tests.dashboard.responses import visible_text
from tests.dashboard.sample import write_plan
from tests.plans.factories import MeasureFactory, OutcomeFactory, PlanFactory
from tests.plans.import_samples import SHEET, get_action, import_text
from tests.plans.pages import form_of, url

REASON = "The council moved the grant."
MEASURE = {"kind": "how_much", "text": "Families helped", "baseline": "22", "target": "90"}

# Each commitment of an action: a change of it, and what the public page shows of that.
PROMISED: dict[str, tuple[dict[str, Any], str]] = {
    "title": ({"title": "Rent help at once"}, "Action Rent fund Rent help at once"),
    "details": ({"details": "For all"}, "Details not set For all"),
    "accountable": ({"accountable": "City Clerk"}, "Responsible Housing Services City Clerk"),
    "owner": ({"owner": "OWNER"}, "Person not assigned Ada Obi"),
    "owner_vacant_since": ({"owner_vacant_since": dt.date(2027, 2, 1)}, "Vacant since not set February 1, 2027"),
    "start_date": ({"start_date": dt.date(2025, 9, 1)}, "Start March 1, 2025 September 1, 2025"),
    "start_precision": ({"start_precision": "month"}, "Start March 1, 2025 March 2025"),
    "due_date": ({"due_date": dt.date(2027, 12, 31)}, "Due December 31, 2026 December 31, 2027"),
    "due_precision": ({"due_precision": "year"}, "Due December 31, 2026 2026"),
    "is_continuous": (
        {"is_continuous": True, "due_date": None, "due_precision": ""},
        "Due December 31, 2026 Ongoing (no end date)",
    ),
    "measures": (
        {"measures": [MEASURE]},
        "Measures Families helped (at the start: 22; target: 120) "
        "Families helped (at the start: 22; target: 90)",
    ),
}  # fmt: skip
OPEN: dict[str, Any] = {
    "number": "2.9",
    "why": "Rents rise.",
    "stage": "organize",
    "sectors": ["housing"],
    "topics": ["rent"],
    "responsible": ["City Clerk"],
    "support": ["City Clerk"],
    "timeline_raw": "Soon",
    "resources": "$9,000",
    "implementation_plan": ["Ask"],
    "changes": "Nothing yet",
    "indicator_text": "Rents were high.",
    "milestones": [{"title": "Half", "due_date": dt.date(2026, 6, 30)}],
}


@pytest.fixture
def action(riverton, in_city):
    """An action of Riverton's adopted, public plan; Riverton's schema is active."""
    set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    write_plan(riverton)
    with in_city(riverton):
        Plan.objects.update(next_code=100)
        action = Action.objects.select_related("outcome__goal__plan").get(code="t6")
        MeasureFactory(action=action, **MEASURE | {"target": "120"})
        yield action


@pytest.fixture
def public_page(riverton, client_for):
    """public_page() is the visible text of the action's public page; Riverton's schema is active afterwards."""

    def get(code: str = "t6") -> str:
        response = client_for(riverton).get(f"/plan/actions/{code}/")
        connection.set_tenant(riverton)
        return visible_text(response)

    return get


def test_every_field_of_an_action_is_promised_or_open():
    promised = COMMITMENT_FIELDS["action"]
    assert set(PROMISED) == set(promised) - {"outcome"}
    assert set(PROMISED) | set(OPEN) == actions.ACTION_FIELDS
    assert not set(OPEN) & set(promised)


@pytest.mark.parametrize("field", PROMISED)
def test_a_changed_promise_needs_a_reason_and_is_shown_with_it(
    field, action, public_page, riverton, make_user
):
    fields, shown = PROMISED[field]
    if field == "owner":
        owner = make_user(riverton, "department_lead", first_name="Ada", last_name="Obi").affiliations.get()
        Affiliation.objects.filter(pk=owner.pk).update(is_public=True)
        fields = {"owner": owner.pk}
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        services.edit_action(action, by=None, **fields)
    assert not PlanLogEntry.objects.filter(object_uuid=action.uuid).exists()

    services.edit_action(action, by=None, reason=REASON, **fields)
    assert f"{shown} {REASON}" in public_page()


@pytest.mark.parametrize("field", OPEN)
def test_a_change_of_another_field_needs_no_reason_and_is_no_change_of_the_promise(
    field, action, public_page
):
    services.edit_action(action, by=None, **{field: OPEN[field]})
    assert field in PlanLogEntry.objects.get(object_uuid=action.uuid).fields
    page = public_page()
    assert "Changes to the promise, newest first" not in page


def test_an_action_moves_to_another_outcome_with_a_reason_that_is_shown(action, public_page):
    other = OutcomeFactory(goal=action.outcome.goal, label="C", title="Rents stay low")
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        services.move_to(action, other, by=None)
    action.refresh_from_db()
    assert action.outcome_id != other.pk

    services.move_to(action, other, by=None, reason=REASON)
    assert f"Outcome B: Fewer families have to move C: Rents stay low {REASON}" in public_page()


@pytest.mark.parametrize(
    ("kind", "edit", "service_fields", "shown"),
    [
        ("goal", services.edit_goal, headings.GOAL_FIELDS, "Goal Housing stability Shorter"),
        ("outcome", services.edit_outcome, headings.OUTCOME_FIELDS, "Outcome Fewer families have to move Shorter"),
    ],
)  # fmt: skip
def test_only_the_wording_of_a_goal_or_an_outcome_is_promised_and_its_actions_show_the_change(
    kind, edit, service_fields, shown, action, public_page
):
    item: Any = action.outcome.goal if kind == "goal" else action.outcome
    values = {
        "label": "X",
        "story": "Half done.",
        "department": "Clerk",
        "sectors": ["housing"],
        "stage": "normalize",
    }
    open_fields = service_fields - {"title"}
    for name in open_fields:
        edit(item, by=None, **{name: values[name]})
    assert "How the promise changed" not in public_page()
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        edit(item, by=None, title="Shorter")

    edit(item, by=None, title="Shorter", reason=REASON)
    assert f"{shown} {REASON}" in public_page()


def test_an_outcome_moves_to_another_goal_with_a_reason_that_is_shown(action, public_page):
    other = Goal.objects.get(title="Fair fines")
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        services.move_to(action.outcome, other, by=None)
    services.move_to(action.outcome, other, by=None, reason=REASON)
    assert f"Goal Goal 2: Housing stability Goal 1: Fair fines {REASON}" in public_page()


def test_status_order_and_a_new_action_are_no_change_of_the_promise(action, public_page):
    services.record_progress(
        action, status="on_track", text="Half is paid.", by=None, on=dt.date(2026, 6, 30)
    )
    services.move(action, direction="up", by=None)
    services.retire(action, reason="By mistake.", by=None)
    services.restore(action, by=None)
    assert "How the promise changed" not in public_page()


def test_a_new_action_is_no_change_of_the_promise(action, public_page):
    added = services.add_action(action.outcome, by=None, title="New here", accountable="City Clerk")
    page = public_page(added.code)
    assert "New here" in page
    assert "How the promise changed" not in page


def test_an_owner_whose_affiliation_is_not_public_is_not_named_in_a_change(
    action, public_page, riverton, make_user
):
    owner = make_user(riverton, "department_lead", first_name="Ada", last_name="Obi").affiliations.get()
    services.edit_action(action, by=None, owner=owner.pk, reason=REASON)
    page = public_page()
    assert f"Person not assigned a member of the team {REASON}" in page
    assert "Obi" not in page


def test_dates_are_as_exact_as_they_were_meant_after_each_change(action, public_page):
    for due, precision, reason in (
        (dt.date(2027, 6, 30), "month", "First."),
        (dt.date(2027, 9, 30), "month", "Second."),
        (dt.date(2028, 12, 31), "year", "Third."),
    ):
        services.edit_action(action, by=None, due_date=due, due_precision=precision, reason=reason)
    page = public_page()
    assert "Due September 2027 2028 Third." in page
    assert "Due June 2027 September 2027 Second." in page
    assert "Due December 31, 2026 June 2027 First." in page


def test_the_public_page_and_the_histories_show_the_same_dates(
    action, public_page, coordinator_client, in_city, riverton, monkeypatch
):
    """On each page of a history: entries that stand on another page count too."""
    monkeypatch.setattr(histories, "PAGE_SIZE", 2)
    month, year = {"due_precision": "month"}, {"due_precision": "year"}
    ongoing = {"due_date": None, "due_precision": "", "is_continuous": True}
    for fields in (
        month,
        {"due_date": dt.date(2027, 6, 30)},
        ongoing,
        {"due_date": dt.date(2028, 12, 31)} | year,
    ):
        services.edit_action(action, by=None, reason=REASON, **{"is_continuous": False} | fields)
    page = public_page()
    lines = []
    for number in ("1", "2"):
        for line in coordinator_client.get(url("action-history", action.code), {"page": number}).context[
            "lines"
        ]:
            lines += [(field["label"], field["old"], field["new"]) for field in line["fields"]]
    assert lines == [
        ("due", "Ongoing (no end date)", "2028"),
        ("due", "June 2027", "Ongoing (no end date)"),
        ("due", "December 2026", "June 2027"),
        ("due", "December 31, 2026", "December 2026"),
    ]
    for _label, old, new in lines:
        assert f"Due {old} {new} {REASON}" in page


def test_changes_of_an_import_and_of_its_undo_are_shown_with_reason_and_name_of_the_file(
    riverton, in_city, public_page
):
    set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    with in_city(riverton):
        import_text()
        plan = Plan.objects.get()
        services.publish_plan(plan, by=None)
        services.adopt(plan, on=dt.date(2026, 1, 14), body="City Council", by=None)
        changed = SHEET.replace("2028", "2029").replace("lights repaired", "lights mended")
        job = import_text(changed, reason=REASON)
        code = get_action("Repair the lights").code
        page = public_page(code)
        assert f"Due 2028 2029 {REASON} (Spreadsheet import: plan.csv)" in page
        assert f"Measures lights repaired lights mended {REASON} (Spreadsheet import: plan.csv)" in page
        imports.undo_import(job, by=None)
        page = public_page(code)
        assert "Due 2029 2028 Import undone: plan.csv" in page
        assert "none given" not in page


def test_changes_stay_shown_when_the_plan_is_taken_out_of_view_and_published_again(action, public_page):
    """The sample plan has no log: it counts from its own dates."""
    plan = action.outcome.goal.plan
    services.edit_action(action, by=None, title="Rent help", reason="In view.")
    services.unpublish_plan(plan, by=None, reason="We correct the numbers.")
    services.edit_action(action, by=None, title="Rent help at once", reason="Out of view.")
    services.publish_plan(plan, by=None)
    page = public_page()
    assert "Rent fund Rent help In view." in page
    assert "Rent help Rent help at once Out of view." in page


def test_other_changes_do_not_crowd_out_those_of_the_promise(action, public_page, monkeypatch):
    monkeypatch.setattr(action_detail, "MAX_CHANGES", 2)
    services.edit_action(action, by=None, title="Rent help", reason=REASON)
    for number in range(3):
        services.edit_action(action, by=None, resources=f"${number}")
        services.edit_goal(action.outcome.goal, by=None, story=f"Story {number}")
    assert f"Rent fund Rent help {REASON}" in public_page()


@pytest.mark.parametrize(
    ("entries", "columns", "since"),
    [
        ({"adopted": 3, "published": 5, "unpublished": 6}, {"published_at": 7}, 3),
        ({"published": 2, "unpublished": 3, "adopted": 5}, {"published_at": 7}, 2),
        ({"published": 2, "unpublished": 3}, {}, 2),
        ({"adopted": 4}, {"adopted_on": 1}, 4),
        ({}, {"adopted_on": 1, "published_at": 5}, 1),
        ({}, {"published_at": 5}, 5),
        ({"edited": 1}, {}, None),
    ],
)
def test_a_plan_promises_since_it_was_adopted_or_first_published(entries, columns, since, riverton, in_city):
    days = {day: dt.datetime(2026, 6, day, tzinfo=timezone.get_default_timezone()) for day in range(1, 9)}
    with in_city(riverton):
        dates = {"adopted_on": None, "published_at": None} | {
            name: days[day] for name, day in columns.items()
        }
        if dates["adopted_on"]:
            dates["adopted_on"] = dates["adopted_on"].date()
        plan = PlanFactory(**dates)
        for verb, day in entries.items():
            change_log.build_entry(plan, verb, by=None, at=days[day]).save()
        assert promised_since(plan) == days.get(since)


def test_no_change_of_a_promise_is_logged_without_a_reason(action):
    """The check stands where an entry is made: for every service, for the import and its undo."""
    facts = {"plan": action.outcome.goal.plan, "by": None, "at": timezone.now()}
    build = partial(services.build_change_entry, action, "edited", **facts)
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        build({"measures": None}, {"measures": [MEASURE]}, reason=" ")
    assert build({"measures": None}, {"measures": [MEASURE]}, reason=REASON).reason == REASON
    assert build({"resources": ""}, {"resources": "$9"}).fields == {"resources": ["", "$9"]}
    assert build({"measures": []}, {"measures": None}) is None
    assert build({}, {"measures": [MEASURE]}).verb == "edited"
    assert build({"measures": None}, {"measures": [MEASURE]}, plan=Plan(lifecycle=Plan.Lifecycle.DRAFT))


# ---- Pages -----------------------------------------------------------------------------------------------
def test_the_forms_name_the_promised_fields(action, coordinator_client):
    form = coordinator_client.get(url("edit-action", action.code)).context["form"]
    hint = form.fields["reason"].help_text
    assert (
        "required and published for changes to: action, details, responsible, person, vacant since, " in hint
    )
    assert "start, due, ongoing (no end date), measures, outcome." in hint
    for item, kind, fields in (
        (action.outcome, "outcome", "outcome, goal"),
        (action.outcome.goal, "goal", "goal"),
    ):
        form = coordinator_client.get(url(f"edit-{kind}", item.uuid)).context["form"]
        assert form.fields["reason"].help_text.endswith(f"for changes to: {fields}.")


@pytest.mark.parametrize("lifecycle", ["draft", "implementing"])
def test_the_reason_is_called_optional_only_in_a_draft(
    lifecycle, action, coordinator_client, in_city, riverton
):
    outcome, goal = action.outcome, action.outcome.goal
    Plan.objects.update(lifecycle=lifecycle)
    for address in (
        url("edit-action", action.code),
        url("edit-outcome", outcome.uuid),
        url("edit-goal", goal.uuid),
    ):
        page = visible_text(coordinator_client.get(address))
        assert "Reason for the change" in page
        assert ("Reason for the change (optional)" in page) is (lifecycle == "draft"), address


def test_a_changed_measure_asks_for_the_reason(action, coordinator_client, in_city, riverton):
    data = form_of(coordinator_client, action.code) | {"measures-0-text": "Families housed"}
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == 422
    assert "Add a reason for this change" in response.text
    with in_city(riverton):
        assert [measure.text for measure in action.measures.all()] == ["Families helped"]


def test_a_refused_move_saves_nothing_else_of_the_form(action, coordinator_client, in_city, riverton):
    other = OutcomeFactory(goal=action.outcome.goal)
    data = form_of(coordinator_client, action.code) | {"resources": "$9,000", "outcome": str(other.pk)}
    response = coordinator_client.post(url("edit-action", action.code), data)
    assert response.status_code == 422
    before = (action.resources, action.outcome_id)
    with in_city(riverton):
        action.refresh_from_db()
    assert (action.resources, action.outcome_id) == before
