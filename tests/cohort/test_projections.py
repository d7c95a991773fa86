from __future__ import annotations

import datetime as dt
import importlib
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cohort.models import PublicAction, PublicGoal, PublicOutcome, PublicPlan
from cohort.projections import refresh
from tenants.jurisdictions import services as jurisdiction_services
from tenants.models import Jurisdiction, Visibility
from tenants.plans import services as plan_services
from tenants.plans.models import Action, Department, Plan
from tenants.signals import action_changed, jurisdiction_changed, plan_changed, plan_published
from tests.plan_factories import ActionFactory, NoteFactory, OutcomeFactory, PlanFactory

TABLES = (PublicPlan, PublicGoal, PublicOutcome, PublicAction)


def announce(jurisdiction, plan):
    plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=plan.pk)


def row_counts(jurisdiction):
    return [model.objects.filter(jurisdiction=jurisdiction).count() for model in TABLES]


def stored_rows(jurisdiction, *, without=("id",)):
    return [
        sorted(
            tuple(sorted((k, str(v)) for k, v in row.items() if k not in without))
            for row in model.objects.filter(jurisdiction=jurisdiction).values()
        )
        for model in TABLES
    ]


def test_publishing_copies_plan_goals_outcomes_and_actions(riverton, ashford, in_city):
    with in_city(riverton):
        plan = PlanFactory(title="Fair streets")
        action = ActionFactory(
            outcome__goal__plan=plan,
            status="off_track",
            reason="The money ended.",
            accountable__name="Public Works",
        )
        NoteFactory(action=action, noted_on=dt.date(2026, 1, 5), text="Older.")
        NoteFactory(action=action, noted_on=dt.date(2026, 3, 5), text="Newest.")
        announce(riverton, plan)

    assert row_counts(riverton) == [1, 1, 1, 1]
    assert row_counts(ashford) == [0, 0, 0, 0]
    row = PublicAction.objects.get(jurisdiction=riverton)
    assert (row.uuid, row.code, row.status, row.reason) == (
        action.uuid,
        action.code,
        "off_track",
        "The money ended.",
    )
    assert (row.accountable, row.last_update_text) == ("Public Works", "Newest.")
    assert row.outcome.goal.title == action.outcome.goal.title


def test_the_rollup_leaves_out_cancelled_and_merged_actions_and_counts_them_apart(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        outcome = OutcomeFactory(goal__plan=plan)
        for status in [
            "completed",
            "completed",
            "on_track",
            "at_risk",
            "off_track",
            "on_hold",
            "not_started",
            None,
            "cancelled",
            "merged",
        ]:
            ActionFactory(outcome=outcome, status=status)
        ActionFactory(outcome=outcome, status="completed", retired=True)
        announce(riverton, plan)

    row = PublicPlan.objects.get(jurisdiction=riverton)
    assert (
        row.actions,
        row.completed,
        row.on_track,
        row.needs_attention,
        row.not_started,
        row.no_status,
    ) == (
        8,
        2,
        1,
        3,
        1,
        1,
    )
    assert (row.left_out, row.goals, row.outcomes) == (2, 1, 1)
    assert row.actions == row.completed + row.on_track + row.needs_attention + row.not_started + row.no_status


def test_an_internal_plan_leaves_nothing_in_the_public_tables(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory(visibility=Visibility.INTERNAL)
        ActionFactory(outcome__goal__plan=plan)
        announce(riverton, plan)
    assert row_counts(riverton) == [0, 0, 0, 0]


def test_withdrawing_removes_all_rows_in_the_same_transaction(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        ActionFactory(outcome__goal__plan=plan)
        announce(riverton, plan)

        with transaction.atomic():
            Plan.objects.update(visibility=Visibility.INTERNAL)
            announce(riverton, plan)
            assert row_counts(riverton) == [0, 0, 0, 0]
            transaction.set_rollback(True)
        assert row_counts(riverton) == [1, 1, 1, 1]

        Plan.objects.update(visibility=Visibility.INTERNAL)
        announce(riverton, plan)
    assert row_counts(riverton) == [0, 0, 0, 0]


def test_refreshing_twice_changes_nothing(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        ActionFactory.create_batch(3, outcome__goal__plan=plan)
        announce(riverton, plan)
        before = stored_rows(riverton)
        announce(riverton, plan)
        plan_changed.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
        jurisdiction_changed.send(Plan, jurisdiction=riverton)
        action_changed.send(
            Plan, jurisdiction=riverton, action_ids=list(Action.objects.values_list("pk", flat=True))
        )
    assert stored_rows(riverton) == before


def test_a_row_records_when_it_last_changed(riverton, in_city):
    def changed_at():
        return dict(PublicAction.objects.values_list("uuid", "changed_at"))

    with in_city(riverton):
        plan = PlanFactory()
        first, second = ActionFactory.create_batch(2, outcome__goal__plan=plan)
        announce(riverton, plan)
        before = changed_at()
        Department.objects.filter(pk=first.accountable_id).update(name="Parks")
        plan_changed.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
    after = changed_at()
    assert after[first.uuid] > before[first.uuid]
    assert after[second.uuid] == before[second.uuid]


def test_a_change_of_internal_fields_leaves_the_copy_unchanged(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        action = ActionFactory(outcome__goal__plan=plan)
        announce(riverton, plan)
        before = stored_rows(riverton)
        action.extra_columns, action.status_raw = [{"label": "Cost code", "text": "4-11"}], "Sort of"
        action.save()  # its updated_at moves
        action_changed.send(Action, jurisdiction=riverton, action_ids=[action.pk])
    assert stored_rows(riverton) == before  # including ids and timestamps


def test_one_changed_action_is_written_again_with_the_plan_numbers(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        outcome = OutcomeFactory(goal__plan=plan)
        first, second = ActionFactory.create_batch(2, outcome=outcome, status="on_track")
        announce(riverton, plan)
        Action.objects.filter(pk=first.pk).update(status="completed", title="Done now")
        Action.objects.filter(pk=second.pk).update(title="Not announced")
        action_changed.send(Action, jurisdiction=riverton, action_ids=[first.pk])

    assert PublicAction.objects.get(uuid=first.uuid).title == "Done now"
    assert PublicAction.objects.get(uuid=second.uuid).title == second.title
    row = PublicPlan.objects.get(jurisdiction=riverton)
    assert (row.completed, row.on_track) == (1, 1)


def test_a_retired_action_disappears(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        outcome = OutcomeFactory(goal__plan=plan)
        gone, stays = ActionFactory.create_batch(2, outcome=outcome)
        announce(riverton, plan)
        Action.objects.filter(pk=gone.pk).update(retired_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        action_changed.send(Action, jurisdiction=riverton, action_ids=[gone.pk])
    assert set(PublicAction.objects.values_list("uuid", flat=True)) == {stays.uuid}
    assert PublicPlan.objects.get(jurisdiction=riverton).actions == 1


def test_a_new_action_of_a_new_outcome_adds_the_outcome_too(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        ActionFactory(outcome__goal__plan=plan)
        announce(riverton, plan)
        new = ActionFactory(outcome__goal__plan=plan)
        action_changed.send(Action, jurisdiction=riverton, action_ids=[new.pk])
    assert row_counts(riverton) == [1, 2, 2, 2]


@pytest.mark.parametrize("announcement", ["all", "one"])
def test_writing_takes_as_many_queries_for_thirty_actions_as_for_two(riverton, in_city, announcement):
    def count():
        with CaptureQueriesContext(connection) as queries:
            if announcement == "all":
                announce(riverton, plan)
            else:
                action_changed.send(Action, jurisdiction=riverton, action_ids=[action.pk])
        return len(queries)

    with in_city(riverton):
        plan = PlanFactory()
        action = ActionFactory(outcome__goal__plan=plan)
        ActionFactory(outcome__goal__plan=plan)
        announce(riverton, plan)
        two = count()
        ActionFactory.create_batch(30, outcome__goal__plan=plan)
        announce(riverton, plan)
        assert count() == two


def test_two_cities_with_the_same_primary_keys_stay_apart(riverton, ashford, in_city):
    uuids = {}
    for jurisdiction in (riverton, ashford):
        with in_city(jurisdiction):
            plan = PlanFactory(title=f"Plan of {jurisdiction.short_name}")
            uuids[jurisdiction] = ActionFactory(outcome__goal__plan=plan).uuid
            announce(jurisdiction, plan)
    with in_city(ashford):
        Plan.objects.update(visibility=Visibility.INTERNAL)
        jurisdiction_changed.send(Plan, jurisdiction=ashford)
    assert row_counts(ashford) == [0, 0, 0, 0]
    assert set(PublicAction.objects.values_list("uuid", flat=True)) == {uuids[riverton]}


def test_rebuild_reports_differences_and_repairs_them(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        action = ActionFactory(outcome__goal__plan=plan, status="on_track")
        missing = ActionFactory(outcome__goal__plan=plan)
        announce(riverton, plan)
    call_command("rebuild_projections", "--check", stdout=StringIO())
    expected = stored_rows(riverton, without=("id", "changed_at"))
    PublicAction.objects.filter(uuid=action.uuid).update(status="completed")
    PublicAction.objects.filter(uuid=missing.uuid).delete()
    PublicPlan.objects.update(completed=7)

    out = StringIO()
    with pytest.raises(CommandError, match=r"1 of 3 jurisdictions differ.*rebuild_projections"):
        call_command("rebuild_projections", "--check", stdout=out)
    assert f"PublicAction {action.uuid}: status" in out.getvalue()
    assert f"PublicAction {missing.uuid}: missing" in out.getvalue()
    assert f"PublicPlan {plan.uuid}: completed" in out.getvalue()
    assert PublicPlan.objects.get(jurisdiction=riverton).completed == 7

    call_command("rebuild_projections", stdout=StringIO())
    assert stored_rows(riverton, without=("id", "changed_at")) == expected


def test_rebuild_rejects_an_unknown_city(riverton):
    with pytest.raises(CommandError, match=r"No jurisdiction 'atlantis'\. Known: ashford"):
        call_command("rebuild_projections", "atlantis", stdout=StringIO())


def test_building_rows_writes_nothing(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        ActionFactory(outcome__goal__plan=plan)
        rows = refresh.build_rows(riverton)
    assert len(rows.actions) == 1
    assert row_counts(riverton) == [0, 0, 0, 0]


def test_each_service_of_the_plan_updates_the_public_copy(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory(visibility=Visibility.INTERNAL, published_at=None)
        action = ActionFactory(outcome__goal__plan=plan, status="on_track", start_date=None)

        plan_services.publish_plan(plan, by=None, visibility=Visibility.COHORT)
        assert [row.visibility for row in PublicAction.objects.all()] == ["cohort"]
        plan_services.publish_plan(plan, by=None)
        assert [row.visibility for row in PublicAction.objects.all()] == ["public"]

        plan_services.record_progress(
            action, by=None, on=dt.date(2026, 3, 1), status="off_track", text="It stopped.", reason="No money.",
            next_step="The council votes in May.",
        )  # fmt: skip
        row = PublicAction.objects.get(uuid=action.uuid)
        assert (row.status, row.reason, row.last_update_text) == (
            "off_track",
            "No money.",
            "It stopped.",
        )
        assert PublicPlan.objects.get(jurisdiction=riverton).needs_attention == 1

        plan_services.unpublish_plan(plan, by=None, reason="We found a mistake.")
    assert row_counts(riverton) == [0, 0, 0, 0]


def test_an_action_without_stage_and_sectors_has_those_of_its_outcome_and_goal(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        outcome = OutcomeFactory(goal__plan=plan, goal__sectors=["housing"], stage="organize")
        plain = ActionFactory(outcome=outcome)
        own = ActionFactory(outcome=outcome, stage="normalize", sectors=["jobs"])
        announce(riverton, plan)
    assert [(a.stage, a.sectors) for a in PublicAction.objects.filter(uuid=plain.uuid)] == [
        ("organize", ["housing"])
    ]
    assert [(a.stage, a.sectors) for a in PublicAction.objects.filter(uuid=own.uuid)] == [
        ("normalize", ["jobs"])
    ]


# ---- When an action becomes overdue ----------------------------------------------------------------------
def overdue_at(action):
    return PublicAction.objects.get(uuid=action.uuid).overdue_at


def test_another_time_zone_moves_the_moment_at_which_an_action_becomes_overdue(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory()
        action = ActionFactory(outcome__goal__plan=plan, status="on_track", due_date=dt.date(2027, 6, 30))
        announce(riverton, plan)
        as_read_before = Jurisdiction.objects.get(pk=riverton.pk)
        jurisdiction_services.change_jurisdiction(riverton, by=None, timezone="Pacific/Honolulu")
        assert overdue_at(action) == dt.datetime(2027, 7, 1, 10, tzinfo=dt.UTC)
        # A request that had read the jurisdiction before still writes the new zone.
        Action.objects.filter(pk=action.pk).update(due_date=dt.date(2027, 7, 1))
        refresh.refresh_actions(as_read_before, [action.pk])
        assert overdue_at(action) == dt.datetime(2027, 7, 2, 10, tzinfo=dt.UTC)


def test_an_action_of_a_draft_becomes_overdue_once_the_plan_is_adopted(riverton, in_city):
    with in_city(riverton):
        plan = PlanFactory(lifecycle="draft", adopted_on=None)
        action = ActionFactory(outcome__goal__plan=plan, status="on_track", due_date=dt.date(2025, 6, 30))
        announce(riverton, plan)
        assert overdue_at(action) is None
        assert PublicPlan.objects.with_overdue().get().count_by_standing()["on_track"] == 1
        plan_services.adopt(plan, on=dt.date(2025, 1, 14), body="City Council", by=None)
        assert overdue_at(action) is not None
        assert PublicPlan.objects.with_overdue().get().count_by_standing()["overdue"] == 1


def test_the_migration_fills_in_what_a_refresh_would_write(riverton, ashford, in_city):
    ashford.timezone = "Pacific/Honolulu"
    ashford.save()
    for city, lifecycle in ((riverton, "draft"), (ashford, "implementing")):
        with in_city(city):
            outcome = OutcomeFactory(goal__plan=PlanFactory(lifecycle=lifecycle))
            for status in (None, *Action.Status.values):
                for due in (None, dt.date(2025, 3, 8), dt.date(2028, 2, 29), dt.date.max):
                    ActionFactory(outcome=outcome, status=status, due_date=due, start_date=None)
            announce(city, outcome.goal.plan)
    assert PublicAction.objects.exclude(overdue_at=None).exists()
    PublicAction.objects.update(overdue_at=None)
    PublicPlan.objects.update(at_risk=0, off_track=0, on_hold=0)
    migration = importlib.import_module("cohort.migrations.0005_fill_overdue_at")
    with connection.cursor() as cursor:
        for statement in migration.Migration.operations[0].sql:
            cursor.execute(statement)
    for city in (riverton, ashford):
        with in_city(city):
            assert refresh.differences(city) == []
