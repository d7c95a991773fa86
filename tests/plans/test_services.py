"""Services of a plan: add, edit, move, retire, record progress, publish; refusals change nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from cohort.models import PublicAction, PublicPlan
from tenants.models import Jurisdiction
from tenants.plans import selectors, services
from tenants.plans.models import Action, Goal, Outcome, Plan, PlanLogEntry
from tests.plans.factories import (
    ActionFactory,
    DepartmentFactory,
    GoalFactory,
    OutcomeFactory,
    PartyFactory,
    PlanFactory,
)

TODAY = timezone.localdate


@pytest.fixture(autouse=True)
def _in_riverton(riverton: Any, in_city: Any) -> Any:
    with in_city(riverton):
        yield


def rows() -> dict[str, Any]:
    """Everything of the plan, to prove that nothing changed."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in (Plan, Goal, Outcome, Action, PlanLogEntry)
    }


# ---- Starter plan ----------------------------------------------------------------------------------------
def test_a_new_city_has_a_draft_with_starter_text_for_each_kind_of_step():
    plan = selectors.current_plan()
    assert plan.lifecycle == "draft"
    assert plan.visibility == "internal"
    assert [
        outcome.stage for outcome in Outcome.objects.filter(goal__plan=plan).order_by("goal__position")
    ] == [
        "normalize",
        "organize",
        "operationalize",
    ]
    assert services.holds_only_starter(plan)


def test_starter_plans_of_two_cities_share_no_uuid(ashford, in_city):
    own = set(Action.objects.values_list("uuid", flat=True))
    with in_city(ashford):
        others = set(Action.objects.values_list("uuid", flat=True))
    assert own
    assert not own & others


def test_making_the_starter_plan_twice_makes_one():
    services.make_starter_plan()
    assert Plan.objects.count() == 1


# ---- Adding and editing ----------------------------------------------------------------------------------
def test_an_added_action_has_a_new_code_and_a_log_entry(make_user, riverton):
    user = make_user(riverton, "coordinator")
    outcome = Outcome.objects.order_by("pk").first()
    action = services.add_action(
        outcome, by=user, title="Pay interpreters", accountable="City Clerk", support=["Library", "library"]
    )
    assert action.code == "a7"
    assert action.accountable.name == "City Clerk"
    assert [party.department.name for party in action.parties.all()] == ["Library"]
    entry = PlanLogEntry.objects.get(object_uuid=action.uuid)
    assert (entry.verb, entry.by) == ("added", user)
    assert entry.fields["title"] == [None, "Pay interpreters"]


def test_the_log_entry_of_an_edit_has_old_and_new_values_of_every_field(make_user, riverton):
    user = make_user(riverton, "coordinator")
    action = ActionFactory(
        outcome__goal__plan__lifecycle="draft", title="Old words", due_date=dt.date(2027, 6, 30)
    )
    services.edit_action(
        action,
        by=user,
        title="New words",
        due_date=dt.date(2028, 6, 30),
        measures=[{"kind": "better_off", "text": "Renters who stay"}],
    )
    entry = PlanLogEntry.objects.get(object_uuid=action.uuid)
    assert entry.fields["title"] == ["Old words", "New words"]
    assert entry.fields["due_date"] == ["2027-06-30", "2028-06-30"]
    assert entry.fields["measures"][1][0]["text"] == "Renters who stay"
    assert set(entry.fields) == {"title", "due_date", "measures"}


def test_an_edit_that_changes_nothing_writes_nothing():
    action = ActionFactory()
    before = rows()
    services.edit_action(action, by=None, title=action.title)
    assert rows() == before


def test_a_commitment_of_an_adopted_plan_does_not_change_without_a_reason():
    action = ActionFactory()
    before = rows()
    with pytest.raises(ValidationError, match="Add a reason for this change"):
        services.edit_action(action, by=None, due_date=dt.date(2030, 1, 1))
    assert rows() == before
    services.edit_action(action, by=None, due_date=dt.date(2030, 1, 1), reason="The state moved its grant.")
    assert PlanLogEntry.objects.get(object_uuid=action.uuid).reason == "The state moved its grant."


def test_a_due_date_before_the_start_is_refused_and_changes_nothing():
    action = ActionFactory(start_date=dt.date(2026, 1, 1))
    before = rows()
    with pytest.raises(ValidationError, match="before the start"):
        services.edit_action(action, by=None, due_date=dt.date(2025, 12, 31), reason="Sooner.")
    assert rows() == before


def test_the_second_of_two_people_gets_an_edit_conflict_and_nothing_is_lost(make_user, riverton):
    first = make_user(riverton, "coordinator", first_name="Rosa", last_name="Delgado")
    action = ActionFactory(outcome__goal__plan__lifecycle="draft")
    version = services.version_token(action)
    services.edit_action(action, by=first, version=version, title="Rosa’s words")
    before = rows()
    with pytest.raises(services.EditConflict, match="Rosa Delgado changed this"):
        services.edit_action(action, by=None, version=version, title="Other words")
    assert rows() == before


def test_somebody_of_another_city_cannot_own_an_action(make_user, ashford):
    other = make_user(ashford, "coordinator").affiliations.get()
    action = ActionFactory(outcome__goal__plan__lifecycle="draft")
    with pytest.raises(ValidationError, match="this jurisdiction’s team"):
        services.edit_action(action, by=None, owner=other.pk)


def test_an_edit_clears_the_starter_flag_of_the_row_and_its_parents():
    action = Action.objects.order_by("pk").first()
    services.edit_action(action, by=None, title="Ours now")
    action.refresh_from_db()
    assert "starter" not in action.source
    assert "starter" not in Outcome.objects.get(pk=action.outcome_id).source
    assert not services.holds_only_starter(selectors.current_plan())


# ---- Order -----------------------------------------------------------------------------------------------
def test_moving_up_swaps_an_action_with_the_one_above():
    outcome = OutcomeFactory()
    first, second, third = (ActionFactory(outcome=outcome, position=5) for _ in range(3))
    assert services.move(third, direction="up", by=None)
    order = list(outcome.actions.order_by("position", "pk"))
    assert order == [first, third, second]


def test_the_first_cannot_move_up():
    outcome = OutcomeFactory()
    first = ActionFactory(outcome=outcome, position=0)
    ActionFactory(outcome=outcome, position=1)
    before = rows()
    assert not services.move(first, direction="up", by=None)
    assert rows() == before


def test_an_action_does_not_move_to_another_plan():
    action, elsewhere = ActionFactory(), OutcomeFactory()
    before = rows()
    with pytest.raises(ValidationError, match="choose a part of this plan"):
        services.move_to(action, elsewhere, by=None, reason="Fits better.")
    assert rows() == before


def test_a_retired_action_moves_neither_up_nor_down():
    outcome = OutcomeFactory()
    first, second = (ActionFactory(outcome=outcome, position=n) for n in range(2))
    services.retire(second, reason="Gone.", by=None)
    before = rows()
    assert not services.move(second, direction="up", by=None)
    assert not services.move(second, direction="down", by=None)
    assert rows() == before
    assert list(outcome.actions.order_by("position")) == [first, second]


@pytest.mark.parametrize("retired", ["outcome", "goal"])
def test_nothing_moves_to_what_was_retired_meanwhile(retired):
    action = ActionFactory()
    seen = OutcomeFactory(goal=GoalFactory(plan=action.outcome.goal.plan))
    gone = Outcome.objects.get(pk=seen.pk)
    services.retire(gone if retired == "outcome" else gone.goal, reason="Gone.", by=None)
    before = rows()
    with pytest.raises(ValidationError, match="choose a part of this plan that is not archived"):
        services.move_to(action, seen, by=None, reason="Fits better.")
    assert rows() == before


@pytest.mark.parametrize("retired", ["goal", "outcome"])
def test_nothing_is_added_to_what_was_retired_meanwhile(retired):
    outcome = Outcome.objects.select_related("goal__plan").first()
    services.retire(outcome.goal if retired == "goal" else outcome, by=None, reason="Not needed.")
    before = Action.objects.count(), Outcome.objects.count()
    with pytest.raises(ValidationError, match="Restore it before you add to it"):
        services.add_action(outcome, by=None, title="Hidden")
    if retired == "goal":
        with pytest.raises(ValidationError, match="is archived"):
            services.add_outcome(outcome.goal, by=None, title="Hidden")
    assert (Action.objects.count(), Outcome.objects.count()) == before


def test_an_action_moves_to_the_end_of_another_outcome():
    action = ActionFactory()
    other = OutcomeFactory(goal=action.outcome.goal)
    existing = ActionFactory(outcome=other, position=3)
    services.move_to(action, other, by=None, reason="Fits better.")
    assert list(other.actions.order_by("position")) == [existing, action]
    assert PlanLogEntry.objects.get(object_uuid=action.uuid).verb == "moved"


# ---- Retiring --------------------------------------------------------------------------------------------
def test_retiring_needs_a_reason():
    action = ActionFactory()
    before = rows()
    with pytest.raises(ValidationError, match="Add a reason"):
        services.retire(action, reason=" ", by=None)
    assert rows() == before


def test_a_retired_goal_takes_its_actions_out_of_the_public_copy_and_back():
    goal = GoalFactory()
    action = ActionFactory(outcome__goal=goal)
    services.edit_goal(goal, by=None, title="A goal", reason="Shorter.")
    assert PublicAction.objects.filter(uuid=action.uuid).exists()
    services.retire(goal, reason="Done by the state.", by=None)
    assert not PublicAction.objects.filter(uuid=action.uuid).exists()
    services.restore(goal, by=None)
    assert PublicAction.objects.filter(uuid=action.uuid).exists()
    assert list(
        PlanLogEntry.objects.filter(object_uuid=goal.uuid).order_by("pk").values_list("verb", flat=True)
    ) == [
        "edited",
        "retired",
        "restored",
    ]


def test_nothing_is_restored_under_a_retired_goal():
    action = ActionFactory()
    services.retire(action, reason="Twice in the plan.", by=None)
    services.retire(action.outcome.goal, reason="Dropped.", by=None)
    with pytest.raises(ValidationError, match="Restore that first"):
        services.restore(action, by=None)


# ---- Progress --------------------------------------------------------------------------------------------
def test_progress_moves_the_status_and_reaches_the_public_copy(make_user, riverton):
    user = make_user(riverton, "coordinator")
    action = ActionFactory(status="not_started")
    services.edit_action(action, by=None, resources="One post")
    services.record_progress(action, status="on_track", text="Half the forms are done.", by=user, on=TODAY())
    action.refresh_from_db()
    assert (action.status, action.last_update_on, action.status_since) == ("on_track", TODAY(), TODAY())
    assert PublicAction.objects.get(uuid=action.uuid).last_update_text == "Half the forms are done."
    entry = PlanLogEntry.objects.get(object_uuid=action.uuid, verb="reported")
    assert entry.fields["status"] == ["not_started", "on_track"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"status": "at_risk", "next_step": "Hire."}, "needs a reason"),
        ({"status": "off_track", "reason": "No lead."}, "needs a next step"),
        ({"status": "cancelled"}, "needs a reason"),
        ({"text": "  "}, "Describe what happened"),
        ({"status": "merged"}, "Choose one of"),
        ({"status": "splendid"}, "Choose one of"),
        ({"on": dt.date(2999, 1, 1)}, "is in the future"),
    ],
)
def test_an_incomplete_progress_note_is_refused_and_changes_nothing(fields, message):
    action = ActionFactory()
    before = rows()
    report = {"status": "on_track", "text": "Going well.", "on": TODAY(), "by": None} | fields
    with pytest.raises(ValidationError, match=message):
        services.record_progress(action, **report)
    assert rows() == before
    assert not action.progress_notes.exists()


def test_a_refusal_says_the_status_in_the_citys_own_words():
    action = ActionFactory(outcome__goal__plan__status_labels={"at_risk": "Delayed"})
    with pytest.raises(ValidationError, match=r"“Delayed” needs a reason.*“Delayed” needs a next step"):
        services.record_progress(action, status="at_risk", text="Slow.", on=TODAY(), by=None)
    assert not action.progress_notes.exists()


def test_a_cancelled_action_needs_no_next_step():
    action = ActionFactory()
    services.record_progress(
        action, status="cancelled", text="Council said no.", reason="No money.", by=None, on=TODAY()
    )
    action.refresh_from_db()
    assert action.status == "cancelled"


def test_a_note_dated_before_the_newest_leaves_the_status():
    action = ActionFactory(status="on_track", last_update_on=dt.date(2026, 6, 1))
    services.record_progress(
        action, status="completed", text="An older word.", by=None, on=dt.date(2026, 5, 1)
    )
    action.refresh_from_db()
    assert (action.status, action.last_update_on) == ("on_track", dt.date(2026, 6, 1))
    assert action.progress_notes.count() == 1


def test_no_progress_is_recorded_on_a_retired_action():
    action = ActionFactory(retired=True)
    with pytest.raises(ValidationError, match="is archived"):
        services.record_progress(action, status="on_track", text="Going well.", by=None, on=TODAY())


# ---- Who may report --------------------------------------------------------------------------------------
def test_a_department_lead_reports_on_the_own_departments_actions_only(make_user, riverton):
    lead = make_user(riverton, "department_lead")
    affiliation = lead.affiliations.get()
    affiliation.department = "city library"
    affiliation.save()
    library = DepartmentFactory(name="City Library")
    answers, helps, supports, other = (ActionFactory() for _ in range(4))
    owned = ActionFactory(owner=affiliation)
    Action.objects.filter(pk=answers.pk).update(accountable=library)
    PartyFactory(action=helps, department=library, role="responsible")
    PartyFactory(action=supports, department=library, role="support")
    assert set(selectors.reportable_by(lead, riverton)) == {answers, helps, owned}
    assert selectors.may_report(lead, riverton, answers)
    assert not selectors.may_report(lead, riverton, other)


@pytest.mark.parametrize(
    ("role", "may"), [("coordinator", True), ("plan_editor", True), ("contributor", False), ("viewer", False)]
)
def test_other_roles_report_on_all_or_on_none(make_user, riverton, role, may):
    action = ActionFactory()
    assert selectors.may_report(make_user(riverton, role), riverton, action) is may


def test_a_department_lead_of_another_city_reports_on_nothing(make_user, riverton, ashford):
    lead = make_user(ashford, "department_lead")
    lead.affiliations.update(department="City Library")
    action = ActionFactory(accountable=DepartmentFactory(name="City Library"))
    assert not selectors.may_report(lead, riverton, action)


# ---- Publishing ------------------------------------------------------------------------------------------
def test_publishing_and_launching_are_one_step_but_two_facts(riverton, make_user):
    user = make_user(riverton, "coordinator")
    plan = selectors.current_plan()
    services.publish_plan(plan, by=user, visibility="public", launch=True)
    plan.refresh_from_db()
    riverton.refresh_from_db()
    assert plan.visibility == "public"
    assert plan.published_at is not None
    assert riverton.site_state == Jurisdiction.SiteState.LAUNCHED
    assert PublicPlan.objects.filter(jurisdiction=riverton).exists()
    services.unpublish_plan(plan, by=user, reason="We correct the numbers.")
    riverton.refresh_from_db()
    assert riverton.site_state == Jurisdiction.SiteState.LAUNCHED
    assert not PublicPlan.objects.filter(jurisdiction=riverton).exists()


def test_a_plan_without_an_action_is_not_published(riverton):
    Action.objects.all().delete()
    before = rows()
    with pytest.raises(ValidationError, match="no actions yet"):
        services.publish_plan(selectors.current_plan(), by=None, launch=True)
    riverton.refresh_from_db()
    assert riverton.site_state == "not_launched"
    assert rows() == before


def test_unpublishing_needs_a_reason():
    plan = PlanFactory()
    with pytest.raises(ValidationError, match="Add a reason"):
        services.unpublish_plan(plan, by=None, reason="")
    plan.refresh_from_db()
    assert plan.visibility == "public"


def test_adoption_is_recorded_only_after_the_vote():
    plan = selectors.current_plan()
    with pytest.raises(ValidationError, match="after the vote"):
        services.adopt(plan, on=TODAY() + dt.timedelta(days=1), body="City Council", by=None)
    services.adopt(plan, on=TODAY(), body="City Council", resolution="26-101", by=None)
    plan.refresh_from_db()
    assert (plan.lifecycle, plan.adopting_body) == ("adopted", "City Council")


# ---- Counting --------------------------------------------------------------------------------------------
def test_counts_leave_out_cancelled_and_retired_actions(django_assert_num_queries):
    outcome = OutcomeFactory(stage="normalize")
    plan, library = outcome.goal.plan, DepartmentFactory(name="Library")
    for status in ("completed", "off_track", "cancelled", None):
        ActionFactory(outcome=outcome, status=status, accountable=library)
    ActionFactory(outcome=outcome, retired=True, accountable=library)
    with django_assert_num_queries(1):
        counts = selectors.count_actions(plan, by="department")
    assert counts == {"Library": {"total": 4, "counted": 3, "completed": 1, "attention": 1, "no_status": 1}}
    assert selectors.count_actions(plan, by="stage")["normalize"]["total"] == 4
    assert set(selectors.count_actions(plan, by="standing")) == {
        "completed",
        "off_track",
        "cancelled",
        "none",
    }


def test_updates_due_are_ordered_by_their_oldest_update():
    outcome = OutcomeFactory(goal__plan__cadence_days=92)
    on = dt.date(2026, 10, 1)
    never = ActionFactory(outcome=outcome, last_update_on=None)
    long_ago = ActionFactory(outcome=outcome, last_update_on=dt.date(2026, 1, 1))
    ActionFactory(outcome=outcome, last_update_on=dt.date(2026, 9, 1))
    ActionFactory(outcome=outcome, last_update_on=dt.date(2025, 1, 1), status="completed")
    due = list(selectors.updates_due(outcome.goal.plan, on=on))
    assert due == [never, long_ago]
    assert selectors.freshness_of(long_ago, outcome.goal.plan, on=on) == "stale"
