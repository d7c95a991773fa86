"""The first steps of a city, until each is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from wagtail.models import Page

from tenants import access
from tenants.access import Permission
from tenants.formats import format_number
from tenants.models import Affiliation, Jurisdiction, Role, Visibility
from tenants.plans import selectors, services
from tenants.plans.models import Action, PerformanceMeasure, Plan, ProgressNote

DEFAULT_BRAND_COLOR = Jurisdiction._meta.get_field("brand_color").default


@dataclass(frozen=True)
class Step:
    """One step, whether the data say that it is done, and where it is done; `url` is "" for whom it would refuse."""

    key: str
    label: str
    url: str
    done: bool
    note: str
    about: str


def read_checklist(jurisdiction: Jurisdiction, plan: Plan, user: Any) -> list[Step]:
    """The steps, most helpful first. The number of queries is the same for every plan."""
    team = Affiliation.objects.active().filter(jurisdiction=jurisdiction)
    coordinator = team.filter(roles__contains=[Role.COORDINATOR]).select_related("user").first()
    people = team.count()
    is_starter = services.holds_only_starter(plan)
    is_open = Q(status=None) | ~Q(status__in=Action.CLOSED)
    measures = PerformanceMeasure.objects.filter(action=OuterRef("pk"))
    counts = selectors.actions_of(plan).aggregate(
        all=Count("pk"),
        open=Count("pk", filter=is_open),
        owned=Count("pk", filter=is_open & (~Q(accountable=None) | ~Q(owner=None))),
        dated=Count("pk", filter=is_open & (~Q(due_date=None) | Q(is_continuous=True))),
        measured=Count("pk", filter=is_open & Q(Exists(measures))),
        reported=Count("pk", filter=Exists(ProgressNote.objects.filter(action=OuterRef("pk")))),
    )

    def step(
        key: str,
        label: str,
        name: str,
        permission: Permission,
        *,
        done: bool,
        note: str,
        about: str,
        anchor: str = "",
    ) -> Step:
        may = access.has_permission(user, permission, jurisdiction)
        return Step(key, label, reverse(name) + anchor if may else "", done, note, about)

    def share(name: str) -> dict[str, Any]:
        return {
            "done": not is_starter and counts["all"] > 0 and counts[name] == counts["open"],
            "note": _("%(count)s of %(all)s open actions")
            % {"count": format_number(counts[name]), "all": format_number(counts["open"])},
        }

    has_story = Page.objects.filter(slug="narrative", live=True).exists()
    is_public = jurisdiction.is_launched and plan.visibility != Visibility.INTERNAL
    return [
        step("coordinator", _("Name a coordinator"), "team:team", Permission.SEE_TEAM,
             done=coordinator is not None, note=str(coordinator.user) if coordinator else _("Not assigned"),
             about=_("One person manages the plan and the site.")),
        step("team", _("Invite your colleagues"), "team:team", Permission.SEE_TEAM, done=people > 1,
             note=_("%(count)s on the team") % {"count": format_number(people)},
             about=_("Department leads report on their own actions. It takes a minute for each person.")),
        step("settings", _("Make the site look like yours"), "plans:settings", Permission.EDIT_SETTINGS,
             done=bool(jurisdiction.tagline or jurisdiction.logo)
             or jurisdiction.brand_color != DEFAULT_BRAND_COLOR,
             note=_("Name, color, logo, time zone"),
             about=_("Short name, color and logo are on every page of your site.")),
        step("contact", _("Add a contact"), "plans:settings", Permission.EDIT_SETTINGS, anchor="#id_contact_name",
             done=jurisdiction.has_contact,
             note=jurisdiction.contact_email or jurisdiction.contact_phone or jurisdiction.contact_website
             or _("Your site has no contact yet"),
             about=_("An email address, a phone number or your website, for questions about the plan.")),
        step("plan", _("Add your plan"), "plans:imports", Permission.IMPORT_PLAN, done=not is_starter,
             note=_("Starter text only")
             if is_starter
             else _("%(count)s actions") % {"count": format_number(counts["all"])},
             about=_("Upload the spreadsheet you use today, or edit the starter text. "
                     "You see what would change before anything is saved.")),
        step("owners", _("Assign each action"), "plans:editor", Permission.EDIT_PLAN, **share("owned"),
             about=_("One department is responsible; others may help.")),
        step("dates", _("Set due dates"), "plans:editor", Permission.EDIT_PLAN, **share("dated"),
             about=_("A year is enough, a month is better.")),
        step("measures", _("Add measures"), "plans:editor", Permission.EDIT_PLAN, **share("measured"),
             about=_("How much, how well, and is anyone better off?")),
        step("report", _("Write a first update"), "plans:updates", Permission.SEE_WORKSPACE,
             done=counts["reported"] > 0,
             note=_("%(count)s actions have one") % {"count": format_number(counts["reported"])},
             about=_("Two sentences on one action: what happened, what is next.")),
        step("narrative", _("Publish your story"), "edit-narrative", Permission.EDIT_SITE, done=has_story,
             note=_("Published") if has_story else _("Not published yet"),
             about=_("Government and race in this place, why now, and what you commit to. Write it with residents.")),
        step("adoption", _("Record the adoption"), "plans:adopt", Permission.PUBLISH_PLAN,
             done=plan.adopted_on is not None, note=plan.adopting_body or _("Not adopted yet"),
             about=_("Body, date and resolution. From then on, changes to what was adopted need a reason.")),
        step("publish", _("Publish the plan and open the site"), "plans:publish", Permission.PUBLISH_PLAN,
             done=is_public, note=_("Public") if is_public else _("You see a preview first"),
             about=_("Everyone can then see the plan and how it is going.")),
    ]  # fmt: skip
