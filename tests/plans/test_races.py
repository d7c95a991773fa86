"""Two people at the same moment: nothing twice, nothing lost, the second gets an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django_tenants.utils import tenant_context

from tenants.models import Jurisdiction
from tenants.plans import imports, services
from tenants.plans.models import Action, ImportJob, Outcome, PlanLogEntry
from tests.plans.test_import import SHEET
from tests.tenants.conftest import committed  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("committed")


def run_at_once(slug: str, *functions: Callable[[], Any]) -> list[Any]:
    """Call the functions at the same moment, each on its own connection. A ValidationError is returned, not raised."""
    barrier = threading.Barrier(len(functions))
    jurisdiction = Jurisdiction.objects.get(slug=slug)

    def run(function: Callable[[], Any]) -> Any:
        try:
            with tenant_context(jurisdiction):
                connection.ensure_connection()
                barrier.wait()
                return function()
        except ValidationError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def test_one_of_two_edits_is_saved_and_the_other_is_a_conflict():
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        action = Action.objects.order_by("pk").first()
        version = services.version_token(action)
        edits = PlanLogEntry.objects.filter(object_uuid=action.uuid, verb="edited")
        before = edits.count()
    results = run_at_once(
        "riverton",
        lambda: services.edit_action(action, by=None, version=version, title="From the first"),
        lambda: services.edit_action(action, by=None, version=version, title="From the second"),
    )
    refused = [result for result in results if isinstance(result, services.EditConflict)]
    saved = [result for result in results if isinstance(result, Action)]
    assert (len(refused), len(saved)) == (1, 1)
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        action.refresh_from_db()
        assert action.title == saved[0].title
        assert edits.count() == before + 1


def test_new_actions_get_different_codes():
    with tenant_context(Jurisdiction.objects.get(slug="ashford")):
        first, second = Outcome.objects.order_by("pk")[:2]
    results = run_at_once(
        "ashford",
        lambda: services.add_action(first, by=None, title="One"),
        lambda: services.add_action(second, by=None, title="Two"),
        lambda: services.add_action(first, by=None, title="Three"),
    )
    assert all(isinstance(result, Action) for result in results), results
    assert len({result.code for result in results}) == 3


def test_an_import_that_two_people_commit_is_written_once():
    with tenant_context(Jurisdiction.objects.get(slug="millbrook")):
        job = imports.upload_sheet(filename="plan.csv", content=SHEET.encode(), by=None)
    results = run_at_once("millbrook", *[lambda: imports.commit_import(job, by=None)] * 2)
    refused = [result for result in results if isinstance(result, ValidationError)]
    assert len(refused) == 1
    assert "already imported" in refused[0].messages[0]
    with tenant_context(Jurisdiction.objects.get(slug="millbrook")):
        assert Action.objects.count() == 2
        assert ImportJob.objects.get(pk=job.pk).state == "committed"


def test_an_edit_during_an_import_is_not_lost():
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(jurisdiction):
        imports.import_sheet(filename="plan.csv", content=SHEET.encode(), by=None)
        action = Action.objects.get(title="Repair the lights")
        changed = SHEET.replace("2028", "2029").replace("June 2027", "July 2027")
        job = imports.upload_sheet(filename="plan.csv", content=changed.encode(), by=None)
    results = run_at_once(
        "riverton",
        lambda: imports.commit_import(job, by=None),
        lambda: services.edit_action(action, by=None, resources="Two crews"),
    )
    assert not [result for result in results if isinstance(result, Exception)], results
    with tenant_context(jurisdiction):
        action.refresh_from_db()
        assert (action.resources, action.due_date.year) == ("Two crews", 2029)


def test_an_edit_during_a_change_of_several_actions_is_named_or_comes_first():
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(jurisdiction):
        actions = list(Action.objects.order_by("pk"))
        versions = {action.code: services.version_token(action) for action in actions}
        plan = actions[0].outcome.goal.plan
    results = run_at_once(
        "riverton",
        lambda: services.edit_actions(plan, versions, by=None, accountable="Parks"),
        lambda: services.edit_action(
            actions[-1], by=None, version=versions[actions[-1].code], accountable="Library"
        ),
    )
    refused = [result for result in results if isinstance(result, services.EditConflict)]
    assert len(refused) == 1, results
    with tenant_context(jurisdiction):
        changed = Action.objects.filter(accountable__name="Parks").count()
    assert changed in (0, len(actions))  # none or all


def test_two_people_who_merge_two_actions_into_each_other_make_no_circle():
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(jurisdiction):
        first, second = Action.objects.order_by("pk")[:2]
    results = run_at_once(
        "riverton",
        lambda: services.merge_actions(first, second, by=None),
        lambda: services.merge_actions(second, first, by=None),
    )
    assert len([result for result in results if isinstance(result, ValidationError)]) == 1, results
    with tenant_context(jurisdiction):
        assert Action.objects.filter(status="merged").count() == 1


def test_two_people_who_reword_two_measures_lose_neither():
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(jurisdiction):
        action = Action.objects.order_by("pk").first()
        rows = [
            {"kind": "how_much", "text": text, "baseline": baseline}
            for text, baseline in (("Visits", "22"), ("Cards", "7"))
        ]
        services.edit_action(action, by=None, measures=rows)
        pks = list(action.measures.order_by("position").values_list("pk", flat=True))
        version = services.version_token(Action.objects.get(pk=action.pk))
    results = run_at_once(
        "riverton",
        *[
            lambda changed=changed: services.edit_action(
                action,
                by=None,
                version=version,
                measures=[{"id": pk} | ({"text": "Corrected"} if pk == changed else {}) for pk in pks],
            )
            for changed in pks
        ],
    )
    assert len([result for result in results if isinstance(result, services.EditConflict)]) == 1
    with tenant_context(jurisdiction):
        assert list(action.measures.order_by("position").values_list("baseline", flat=True)) == ["22", "7"]
        assert action.measures.filter(text="Corrected").count() == 1


@pytest.mark.parametrize("kind", ["several", "import", "merge"])
def test_an_edit_that_moves_its_action_and_a_change_of_several_do_not_wait_for_each_other(kind):
    """The form of an action saves its fields and then its new outcome, in one transaction."""
    jurisdiction = Jurisdiction.objects.get(slug="ashford")
    with tenant_context(jurisdiction):
        actions = list(Action.objects.select_related("outcome__goal__plan").order_by("pk"))
        action, plan = actions[0], actions[0].outcome.goal.plan
        other = Outcome.objects.exclude(pk=action.outcome_id).filter(goal__plan=plan).first()
        job = imports.upload_sheet(filename=f"{kind}.csv", content=SHEET.encode(), by=None)
    is_edited = threading.Event()

    def edit_and_move() -> Action:
        with transaction.atomic():
            edited = services.edit_action(action, by=None, resources=f"Crews of {kind}")
            is_edited.set()
            time.sleep(0.5)  # until the other one waits
            services.move_to(edited, other, by=None)
        return edited

    def change_meanwhile() -> Any:
        is_edited.wait()
        if kind == "several":
            return services.edit_actions(
                plan, {each.code: "" for each in actions}, by=None, accountable="Parks"
            )
        if kind == "merge":
            return services.merge_actions(actions[1], action, by=None)
        return imports.commit_import(job, by=None)

    results = run_at_once("ashford", edit_and_move, change_meanwhile)
    assert not [result for result in results if isinstance(result, Exception)], results
    with tenant_context(jurisdiction):
        action.refresh_from_db()
        assert (action.resources, action.outcome_id) == (f"Crews of {kind}", other.pk)


def test_two_people_who_name_the_same_new_department_make_one():
    jurisdiction = Jurisdiction.objects.get(slug="riverton")
    with tenant_context(jurisdiction):
        first, second = Action.objects.order_by("pk")[:2]
    results = run_at_once(
        "riverton",
        *[
            lambda action=action: services.edit_action(action, by=None, accountable="Harbor Office")
            for action in (first, second)
        ],
    )
    assert not [result for result in results if isinstance(result, Exception)], results
    with tenant_context(jurisdiction):
        assert Action.objects.filter(accountable__name="Harbor Office").count() == 2
