"""Four cities and a library: what may be seen, and then everything that may not, in every state there is.

Riverton shows its plan to everybody. Dunmore shows one to the cohort. Ashford's site is open and its plan is its own.
Millbrook's plan would be public if its site were open.
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
from tests.leaks.rows import ON_SITE, SEARCHED, SHOWN, internal, write
from tests.leaks.words import CanarySet
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
# What nothing that is public has, so that a count of it would tell.
RARE_ITEM = {
    "type": "video", "evidence": "rigorous", "legal_form": "ordinance", "licence": "permission", "language": "es",
    "population_band": "over_1m", "origin_state": "HI", "stage": ["normalize"], "decision_kinds": ["procurement"],
}  # fmt: skip
RARE_ACTION = {"status": "off_track", "stage": "organize", "topics": ["only-here"], "sectors": ["only-there"]}


@dataclass
class Scenario:
    riverton: Any
    ashford: Any
    millbrook: Any
    dunmore: Any
    choir: CanarySet = field(default_factory=CanarySet)
    actions: list[Any] = field(default_factory=list)  # UUIDs of what nobody else may see
    items: list[LibraryItem] = field(default_factory=list)  # those nobody but curators may see
    shared: list[LibraryItem] = field(default_factory=list)  # those for members
    secret_files: list[File] = field(default_factory=list)
    public_item: Any = None
    public_action: Any = None

    @property
    def cities(self) -> list[Any]:
        return [self.riverton, self.ashford, self.millbrook, self.dunmore]


# --- What may be seen -------------------------------------------------------------------------------------------


def make_scenario(riverton: Any, ashford: Any, millbrook: Any) -> Scenario:
    """The cities with what everybody, or the cohort, may see of them."""
    dunmore = services.open_jurisdiction(name="City of Dunmore", slug="dunmore", by=None, state="MN")
    world = Scenario(riverton, ashford, millbrook, dunmore)
    for jurisdiction in (riverton, ashford, dunmore):
        services.set_site_state(jurisdiction, state=Jurisdiction.SiteState.LAUNCHED, by=None)
        jurisdiction.refresh_from_db()
    world.public_action = _shown_plan(world, riverton, Visibility.PUBLIC)
    _shown_plan(world, dunmore, Visibility.COHORT)
    with tenant_context(riverton):
        story = NarrativePage.objects.get()
        _sing_shown(world, story, seen_by="public", state="live")
        story.live = True
        story.save(clean=False)
        signals.page_changed.send(NarrativePage, jurisdiction=riverton, page_id=story.pk)
    world.public_item = _item(world, "public", state="public")
    world.shared = [_item(world, "members", state="for members", members=True)]
    return world


def _shown_plan(world: Scenario, jurisdiction: Any, visibility: str) -> Any:
    """A plan with one of each kind of row; its action."""
    seen_by = "public" if visibility == Visibility.PUBLIC else "members"
    with tenant_context(jurisdiction):
        Plan.objects.all().delete()  # the starter plan
        action = _one_of_each(PlanFactory(visibility=visibility))
        for row in _rows(action):
            _sing_shown(world, row, seen_by=seen_by, state=f"{visibility} plan")
        signals.plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=action.outcome.goal.plan_id)
    return action


def _one_of_each(plan: Plan, **fields: Any) -> Any:
    action = ActionFactory(outcome=OutcomeFactory(goal=GoalFactory(plan=plan)), last_update_on=DAY, **fields)
    for factory in (MeasureFactory, MilestoneFactory, PartyFactory):
        factory(action=action)
    NoteFactory(action=action, noted_on=DAY)
    return action


def _rows(action: Any) -> list[Any]:
    """The action with all it hangs on and all that hangs on it."""
    outcome = action.outcome
    return [
        outcome.goal.plan, outcome.goal, outcome, action, action.accountable,
        *action.measures.all(), *action.milestones.all(), *action.progress_notes.all(),
        *Department.objects.filter(parties__action=action),
    ]  # fmt: skip


def _item(world: Scenario, seen_by: str, *, state: str, **fields: Any) -> LibraryItem:
    item = LibraryItemFactory(**fields)
    if seen_by == "nobody":
        write(world.choir, item, seen_by=seen_by, state=state)
    else:
        _sing_shown(world, item, seen_by=seen_by, state=state)
    attachment = _attached(world, item, seen_by, state)
    attachment.save()
    item.refresh_from_db()
    tasks.extract_item_files.call(item.pk)
    signals.library_item_changed.send(LibraryItem, item_id=item.pk)
    return item


def _attached(world: Scenario, item: LibraryItem, seen_by: str, state: str) -> Attachment:
    """A file of the item, with words in its titles, its name and its text; unsaved."""
    choir = world.choir
    name, inside = (choir.sing(f"{state}: {what} of a file", seen_by) for what in ("name", "text"))
    file = File(title="A file", file=ContentFile(f"{inside} lantern".encode(), f"{name}.txt"))
    file.file_hash = ""
    file.save()
    write(choir, file, seen_by="nobody", state=state)
    if seen_by == "nobody":
        world.secret_files.append(file)
    attachment = Attachment(item=item, document=file)
    write(choir, attachment, seen_by=seen_by, state=state, save=False)
    return attachment


def _sing_shown(world: Scenario, row: Any, *, seen_by: str, state: str) -> None:
    tables = [table.get(type(row).__name__, set()) for table in (SHOWN, ON_SITE, SEARCHED)]
    write(world.choir, row, seen_by=seen_by, state=state, only=set().union(*tables))
    row.refresh_from_db()


# --- What may not -----------------------------------------------------------------------------------------------


def add_secrets(world: Scenario) -> Scenario:
    """Everything nobody else may see, announced as the portal announces its changes."""
    for jurisdiction in (world.riverton, world.dunmore):
        with tenant_context(jurisdiction):
            _inside_a_shown_plan(world)
            _papers(world)
            signals.plan_changed.send(
                Plan, jurisdiction=jurisdiction, plan_id=Plan.objects.in_force().get().pk
            )
    for jurisdiction, visibility in (
        (world.ashford, Visibility.INTERNAL),
        (world.millbrook, Visibility.PUBLIC),
    ):
        with tenant_context(jurisdiction):
            _plan_of_its_own(world, jurisdiction, visibility)
            _papers(world)
    _pages(world)
    _library(world)
    _people(world)
    return world


def _inside_a_shown_plan(world: Scenario) -> None:
    """The internal fields of what is shown, and all that was taken out of the plan."""
    choir = world.choir
    plan = Plan.objects.in_force().get()
    shown = Action.objects.get(outcome__goal__plan=plan)
    for row in _rows(shown):
        write(choir, row, seen_by="nobody", state="internal", only=internal(type(row)))
        if hasattr(row, "updated_at"):
            type(row).objects.filter(pk=row.pk).update(updated_at=timezone.now())
    gone = {"retired_at": timezone.now()}
    retired = [
        _one_of_each_in(OutcomeFactory(goal=shown.outcome.goal), **gone),
        _one_of_each_in(OutcomeFactory(goal=shown.outcome.goal, **gone)),
        _one_of_each_in(OutcomeFactory(goal=GoalFactory(plan=plan, **gone))),
    ]
    # What stands above a retired action is not retired: it is shown, and has its place in the counts.
    retired[0].outcome.retired_at = timezone.now()
    retired[0].outcome.save()
    for action in retired:
        for row in _rows(action):
            if row not in (plan, shown.outcome.goal):
                write(choir, row, seen_by="nobody", state="retired")
        world.actions.append(action.uuid)
    for lifecycle in (Plan.Lifecycle.SUPERSEDED, Plan.Lifecycle.ABANDONED, Plan.Lifecycle.ARCHIVED):
        _secret_plan(world, PlanFactory(lifecycle=lifecycle, visibility=Visibility.PUBLIC), str(lifecycle))


def _one_of_each_in(outcome: Outcome, **fields: Any) -> Any:
    action = ActionFactory(outcome=outcome, last_update_on=DAY, **RARE_ACTION, **fields)
    NoteFactory(action=action, noted_on=DAY)
    MeasureFactory(action=action)
    return action


def _secret_plan(world: Scenario, plan: Plan, state: str) -> None:
    action = _one_of_each(plan, **RARE_ACTION)
    for row in _rows(action):
        write(world.choir, row, seen_by="nobody", state=state)
    world.actions.append(action.uuid)


def _plan_of_its_own(world: Scenario, jurisdiction: Any, visibility: str) -> None:
    Plan.objects.all().delete()
    plan = PlanFactory(visibility=visibility, lifecycle=Plan.Lifecycle.DRAFT, adopted_on=None)
    _secret_plan(world, plan, f"{visibility} plan of {jurisdiction.slug}, {jurisdiction.site_state}")
    signals.plan_published.send(Plan, jurisdiction=jurisdiction, plan_id=plan.pk)


def _papers(world: Scenario) -> None:
    """History, uploads and downloads of the team."""
    action = Action.objects.first()
    rows = [
        PlanLogEntry.objects.create(verb="changed", object_type="action", object_uuid=action.uuid),
        ExportSnapshot.objects.create(tree={}),
        ImportJob.objects.create(filename="plan.csv", content=b"Action\n", sha256="0" * 64),
    ]
    for row in rows:
        write(world.choir, row, seen_by="nobody", state="papers")


def _pages(world: Scenario) -> None:
    """Narratives that are drafts, wait, have expired, were withdrawn or stand on a closed site, and pages' drafts."""
    past, later = timezone.now() - dt.timedelta(days=1), timezone.now() + dt.timedelta(days=9)
    with tenant_context(world.riverton):
        story = NarrativePage.objects.get()
        _draft_of_a_page(world, story)
        for page in (HomePage.objects.get(), StandardPage.objects.order_by("pk").first()):
            _draft_of_a_page(world, page)
        above = StandardPage.objects.order_by("pk").first()
        states: dict[str, dict[str, Any]] = {
            "draft": {"live": False},
            "expires": {"live": True, "expire_at": past},
            "waits": {"live": False, "go_live_at": later},
            "withdrawn": {"live": True},
        }
        for state, fields in states.items():
            page = NarrativePage(title=state, slug=state, draft_title=state, **fields)
            page.minimal_clean = page.full_clean = lambda *_args, **_kwargs: None
            above.add_child(instance=page)
            page = NarrativePage.objects.get(pk=page.pk)
            write(world.choir, page, seen_by="nobody", state=state)
            if state == "waits":
                page.save_revision(approved_go_live_at=later, clean=False)
            if state == "withdrawn":
                page.save_revision(clean=False).publish()
                page.refresh_from_db()
                page.unpublish()
            signals.page_changed.send(NarrativePage, jurisdiction=world.riverton, page_id=page.pk)
    publish_due(world.riverton)  # takes down what has expired
    for jurisdiction, live in ((world.ashford, False), (world.millbrook, True)):
        with tenant_context(jurisdiction):
            page = NarrativePage.objects.get()
            page.live = live
            write(world.choir, page, seen_by="nobody", state=f"page of {jurisdiction.slug}")
            signals.page_changed.send(NarrativePage, jurisdiction=jurisdiction, page_id=page.pk)


def _draft_of_a_page(world: Scenario, page: Any) -> None:
    write(world.choir, page, seen_by="nobody", state="draft of a live page", save=False)
    page.save_revision(clean=False)


def _library(world: Scenario) -> None:
    """Items that are no drafts any more or still, and the drafts of those that are published."""
    rare = RARE_ITEM
    world.items = [
        _item(world, "nobody", state="draft", draft=True, **rare),
        _item(world, "nobody", state="draft for members", draft=True, members=True, **rare),
        withdrawn := _item(world, "nobody", state="withdrawn", **rare),
    ]
    library.withdraw(withdrawn, by=None)
    for item in (world.public_item, *world.shared):
        write(world.choir, item, seen_by="nobody", state="internal", only=internal(LibraryItem))
        item.refresh_from_db()
        draft = LibraryItem.objects.get(pk=item.pk)
        write(world.choir, draft, seen_by="nobody", state="draft of a live item", save=False)
        draft.attachments.add(_attached(world, draft, "nobody", "draft of a live item"))
        draft.save_revision(clean=False)
        signals.library_item_changed.send(LibraryItem, item_id=item.pk)
    child = _item(
        world, "nobody", state="draft of an adaptation", draft=True, adapted_from=world.public_item, **rare
    )
    world.items.append(child)


def _people(world: Scenario) -> None:
    for model in (Affiliation, Invitation):
        for row in model.objects.filter(jurisdiction__in=world.cities):
            without = {"token_hash", "email"}
            names = internal(model) - without
            write(world.choir, row, seen_by="nobody", state="the team", only=names)
