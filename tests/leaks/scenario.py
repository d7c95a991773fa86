"""Four cities and a library: visible content, and then hidden content in every state.

Riverton's plan is public. Dunmore's plan is shared with the cohort. Ashford's site is launched and its plan is internal.
Millbrook's plan would be public if its site were launched.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone
from django_tenants.utils import tenant_context
from wagtail.documents.models import Document as File

from cms.models import HomePage, NarrativePage, StandardPage
from cms.scheduled_publishing import publish_due
from resources import services as library
from resources.models import Attachment, LibraryItem
from resources.text_extraction import tasks
from tenants import signals
from tenants.jurisdictions import services
from tenants.models import Affiliation, Invitation, Jurisdiction, Visibility
from tenants.plans.models import Action, Department, ExportSnapshot, ImportJob, Outcome, Plan, PlanLogEntry
from tests.leaks.canaries import CanarySet
from tests.leaks.rows import ON_SITE, SEARCHED, SHOWN, internal, plant_canaries
from tests.plan_factories import (
    ActionFactory,
    GoalFactory,
    MeasureFactory,
    MilestoneFactory,
    NoteFactory,
    OutcomeFactory,
    PartyFactory,
    PlanFactory,
)
from tests.resources.factories import LibraryItemFactory

DAY = dt.date(2026, 3, 1)
# Values that no public row has, so that a facet count would reveal a hidden one.
RARE_ITEM = {
    "type": "video", "evidence": "rigorous", "legal_form": "ordinance", "license": "permission", "language": "es",
    "population_band": "over_1m", "origin_state": "HI", "stage": ["normalize"], "decision_kinds": ["procurement"],
}  # fmt: skip
RARE_ACTION = {"status": "off_track", "stage": "organize", "topics": ["only-here"], "sectors": ["only-there"]}


@dataclass
class Scenario:
    riverton: Any
    ashford: Any
    millbrook: Any
    dunmore: Any
    canaries: CanarySet = field(default_factory=CanarySet)
    actions: list[Any] = field(default_factory=list)  # UUIDs of hidden actions
    items: list[LibraryItem] = field(default_factory=list)  # only for curators
    shared: list[LibraryItem] = field(default_factory=list)  # for members
    hidden_files: list[File] = field(default_factory=list)
    public_item: Any = None
    public_action: Any = None

    @property
    def cities(self) -> list[Any]:
        return [self.riverton, self.ashford, self.millbrook, self.dunmore]


# --- Visible content -------------------------------------------------------------------------------------------


def make_scenario(riverton: Any, ashford: Any, millbrook: Any) -> Scenario:
    """The cities with content for everybody and for the cohort."""
    dunmore = services.open_jurisdiction(name="City of Dunmore", slug="dunmore", by=None, state="MN")
    scenario = Scenario(riverton, ashford, millbrook, dunmore)
    for jurisdiction in (riverton, ashford, dunmore):
        services.set_site_state(jurisdiction, state=Jurisdiction.SiteState.LAUNCHED, by=None)
        jurisdiction.refresh_from_db()
    scenario.public_action = _visible_plan(scenario, riverton, Visibility.PUBLIC)
    _visible_plan(scenario, dunmore, Visibility.COHORT)
    with tenant_context(riverton):
        story = NarrativePage.objects.get()
        _plant_visible(scenario, story, seen_by="public", state="live")
        story.live = True
        story.save(clean=False)
        signals.page_changed.send(NarrativePage, jurisdiction=riverton, page_id=story.pk)
    scenario.public_item = _create_item(scenario, "public", state="public")
    scenario.shared = [_create_item(scenario, "members", state="for members", members=True)]
    return scenario


def _visible_plan(scenario: Scenario, jurisdiction: Any, visibility: str) -> Any:
    """Create a plan with one row of each model. Returns its action."""
    seen_by = "public" if visibility == Visibility.PUBLIC else "members"
    with tenant_context(jurisdiction):
        Plan.objects.all().delete()  # the starter plan
        action = _create_one_of_each(PlanFactory(visibility=visibility))
        for row in _rows(action):
            _plant_visible(scenario, row, seen_by=seen_by, state=f"{visibility} plan")
        signals.plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=action.outcome.goal.plan_id)
    return action


def _create_one_of_each(plan: Plan, **fields: Any) -> Any:
    action = ActionFactory(outcome=OutcomeFactory(goal=GoalFactory(plan=plan)), last_update_on=DAY, **fields)
    for factory in (MeasureFactory, MilestoneFactory, PartyFactory):
        factory(action=action)
    NoteFactory(action=action, noted_on=DAY)
    return action


def _rows(action: Any) -> list[Any]:
    """The action with its ancestors and related rows."""
    outcome = action.outcome
    return [
        outcome.goal.plan, outcome.goal, outcome, action, action.accountable,
        *action.measures.all(), *action.milestones.all(), *action.progress_notes.all(),
        *Department.objects.filter(parties__action=action),
    ]  # fmt: skip


def _create_item(scenario: Scenario, seen_by: str, *, state: str, **fields: Any) -> LibraryItem:
    item = LibraryItemFactory(**fields)
    if seen_by == "nobody":
        plant_canaries(scenario.canaries, item, seen_by=seen_by, state=state)
    else:
        _plant_visible(scenario, item, seen_by=seen_by, state=state)
    attachment = _attach_file(scenario, item, seen_by, state)
    attachment.save()
    item.refresh_from_db()
    tasks.extract_item_files.call(item.pk)
    signals.library_item_changed.send(LibraryItem, item_id=item.pk)
    return item


def _attach_file(scenario: Scenario, item: LibraryItem, seen_by: str, state: str) -> Attachment:
    """A file of the item with canaries in its titles, name and text; the attachment is not saved."""
    canaries = scenario.canaries
    name, inside = (canaries.plant(f"{state}: {what} of a file", seen_by) for what in ("name", "text"))
    file = File(title="A file", file=ContentFile(f"{inside} lantern".encode(), f"{name}.txt"))
    file.file_hash = ""
    file.save()
    plant_canaries(canaries, file, seen_by="nobody", state=state)
    if seen_by == "nobody":
        scenario.hidden_files.append(file)
    attachment = Attachment(item=item, document=file)
    plant_canaries(canaries, attachment, seen_by=seen_by, state=state, save=False)
    return attachment


def _plant_visible(scenario: Scenario, row: Any, *, seen_by: str, state: str) -> None:
    tables = [table.get(type(row).__name__, set()) for table in (SHOWN, ON_SITE, SEARCHED)]
    plant_canaries(scenario.canaries, row, seen_by=seen_by, state=state, only=set().union(*tables))
    row.refresh_from_db()


# --- Hidden content --------------------------------------------------------------------------------------------


def add_hidden_content(scenario: Scenario) -> Scenario:
    """Add hidden content, and send the signals that the portal sends for such changes."""
    for jurisdiction in (scenario.riverton, scenario.dunmore):
        with tenant_context(jurisdiction):
            _hide_inside_a_visible_plan(scenario)
            _team_files(scenario)
            signals.plan_changed.send(
                Plan, jurisdiction=jurisdiction, plan_id=Plan.objects.in_force().get().pk
            )
    for jurisdiction, visibility in (
        (scenario.ashford, Visibility.INTERNAL),
        (scenario.millbrook, Visibility.PUBLIC),
    ):
        with tenant_context(jurisdiction):
            _internal_plan(scenario, jurisdiction, visibility)
            _team_files(scenario)
    _pages(scenario)
    _library(scenario)
    _people(scenario)
    return scenario


def _hide_inside_a_visible_plan(scenario: Scenario) -> None:
    """Internal fields of visible rows, and everything that was retired from the plan."""
    canaries = scenario.canaries
    plan = Plan.objects.in_force().get()
    shown = Action.objects.get(outcome__goal__plan=plan)
    for row in _rows(shown):
        plant_canaries(canaries, row, seen_by="nobody", state="internal", only=internal(type(row)))
        if hasattr(row, "updated_at"):
            type(row).objects.filter(pk=row.pk).update(updated_at=timezone.now())
    gone = {"retired_at": timezone.now()}
    retired = [
        _hidden_action(OutcomeFactory(goal=shown.outcome.goal), **gone),
        _hidden_action(OutcomeFactory(goal=shown.outcome.goal, **gone)),
        _hidden_action(OutcomeFactory(goal=GoalFactory(plan=plan, **gone))),
    ]
    # The outcome above a retired action may be visible and counted: retire it too.
    retired[0].outcome.retired_at = timezone.now()
    retired[0].outcome.save()
    for action in retired:
        for row in _rows(action):
            if row not in (plan, shown.outcome.goal):
                plant_canaries(canaries, row, seen_by="nobody", state="retired")
        scenario.actions.append(action.uuid)
    for lifecycle in (Plan.Lifecycle.SUPERSEDED, Plan.Lifecycle.ABANDONED, Plan.Lifecycle.ARCHIVED):
        _hidden_plan(scenario, PlanFactory(lifecycle=lifecycle, visibility=Visibility.PUBLIC), str(lifecycle))


def _hidden_action(outcome: Outcome, **fields: Any) -> Any:
    action = ActionFactory(outcome=outcome, last_update_on=DAY, **RARE_ACTION, **fields)
    NoteFactory(action=action, noted_on=DAY)
    MeasureFactory(action=action)
    return action


def _hidden_plan(scenario: Scenario, plan: Plan, state: str) -> None:
    action = _create_one_of_each(plan, **RARE_ACTION)
    for row in _rows(action):
        plant_canaries(scenario.canaries, row, seen_by="nobody", state=state)
    scenario.actions.append(action.uuid)


def _internal_plan(scenario: Scenario, jurisdiction: Any, visibility: str) -> None:
    Plan.objects.all().delete()
    plan = PlanFactory(visibility=visibility, lifecycle=Plan.Lifecycle.DRAFT, adopted_on=None)
    _hidden_plan(scenario, plan, f"{visibility} plan of {jurisdiction.slug}, {jurisdiction.site_state}")
    signals.plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=plan.pk)


def _team_files(scenario: Scenario) -> None:
    """Change log, uploads and downloads of the team."""
    action = Action.objects.first()
    rows = [
        PlanLogEntry.objects.create(verb="changed", object_type="action", object_uuid=action.uuid),
        ExportSnapshot.objects.create(tree={}),
        ImportJob.objects.create(filename="plan.csv", content=b"Action\n", sha256="0" * 64),
    ]
    for row in rows:
        plant_canaries(scenario.canaries, row, seen_by="nobody", state="team files")


def _pages(scenario: Scenario) -> None:
    """Narratives that are drafts, scheduled, expired, withdrawn or on a closed site; and drafts of live pages."""
    past, later = timezone.now() - dt.timedelta(days=1), timezone.now() + dt.timedelta(days=9)
    with tenant_context(scenario.riverton):
        story = NarrativePage.objects.get()
        _draft_of_a_page(scenario, story)
        for page in (HomePage.objects.get(), StandardPage.objects.order_by("pk").first()):
            _draft_of_a_page(scenario, page)
        above = StandardPage.objects.order_by("pk").first()
        states: dict[str, dict[str, Any]] = {
            "draft": {"live": False},
            "expires": {"live": True, "expire_at": past},
            "scheduled": {"live": False, "go_live_at": later},
            "withdrawn": {"live": True},
        }
        for state, fields in states.items():
            page = NarrativePage(title=state, slug=state, draft_title=state, **fields)
            page.minimal_clean = page.full_clean = lambda *_args, **_kwargs: None
            above.add_child(instance=page)
            page = NarrativePage.objects.get(pk=page.pk)
            plant_canaries(scenario.canaries, page, seen_by="nobody", state=state)
            if state == "scheduled":
                page.save_revision(approved_go_live_at=later, clean=False)
            if state == "withdrawn":
                page.save_revision(clean=False).publish()
                page.refresh_from_db()
                page.unpublish()
            signals.page_changed.send(NarrativePage, jurisdiction=scenario.riverton, page_id=page.pk)
    publish_due(scenario.riverton)  # unpublishes expired pages
    for jurisdiction, live in ((scenario.ashford, False), (scenario.millbrook, True)):
        with tenant_context(jurisdiction):
            page = NarrativePage.objects.get()
            page.live = live
            plant_canaries(scenario.canaries, page, seen_by="nobody", state=f"page of {jurisdiction.slug}")
            signals.page_changed.send(NarrativePage, jurisdiction=jurisdiction, page_id=page.pk)


def _draft_of_a_page(scenario: Scenario, page: Any) -> None:
    plant_canaries(scenario.canaries, page, seen_by="nobody", state="draft of a live page", save=False)
    page.save_revision(clean=False)


def _library(scenario: Scenario) -> None:
    """Draft and withdrawn items, and drafts of published items."""
    rare = RARE_ITEM
    scenario.items = [
        _create_item(scenario, "nobody", state="draft", draft=True, **rare),
        _create_item(scenario, "nobody", state="draft for members", draft=True, members=True, **rare),
        withdrawn := _create_item(scenario, "nobody", state="withdrawn", **rare),
    ]
    library.withdraw(withdrawn, by=None)
    for item in (scenario.public_item, *scenario.shared):
        plant_canaries(
            scenario.canaries, item, seen_by="nobody", state="internal", only=internal(LibraryItem)
        )
        item.refresh_from_db()
        draft = LibraryItem.objects.get(pk=item.pk)
        plant_canaries(scenario.canaries, draft, seen_by="nobody", state="draft of a live item", save=False)
        draft.attachments.add(_attach_file(scenario, draft, "nobody", "draft of a live item"))
        draft.save_revision(clean=False)
        signals.library_item_changed.send(LibraryItem, item_id=item.pk)
    child = _create_item(
        scenario,
        "nobody",
        state="draft of an adaptation",
        draft=True,
        adapted_from=scenario.public_item,
        **rare,
    )
    scenario.items.append(child)


def _people(scenario: Scenario) -> None:
    for model in (Affiliation, Invitation):
        for row in model.objects.filter(jurisdiction__in=scenario.cities):
            without = {"token_hash", "email"}
            names = internal(model) - without
            plant_canaries(scenario.canaries, row, seen_by="nobody", state="the team", only=names)
