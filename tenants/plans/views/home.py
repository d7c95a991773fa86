"""The home page of the workspace, and the list of updates."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tenants.access import Permission, permission_required
from tenants.formats import format_number
from tenants.models import Affiliation, Jurisdiction, Role
from tenants.plans import change_log, selectors, services
from tenants.plans.models import Action, Outcome, PerformanceMeasure, Plan, ProgressNote
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views.common import get_plan, permission_context
from tenants.plans.views.histories import describe_entries

PAGE_SIZE = 50
MAX_ROWS = 8


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def home(request: HttpRequest) -> HttpResponse:
    """A checklist until the site is open; then the updates that are due, health checks and the newest changes."""
    jurisdiction, plan, today = current_jurisdiction(), get_plan(), timezone.localdate()
    context: dict[str, Any] = {"section": "home", "plan": plan, "today": today} | permission_context(
        request.user
    )
    if jurisdiction.is_launched:
        return render(request, "plans/home.html", context | _open_site_context(request, plan, today))
    steps = checklist(jurisdiction, plan)
    open_steps = [step for step in steps if not step["done"]]
    context |= {
        "steps": steps,
        "done": len(steps) - len(open_steps),
        "next": open_steps[0] if open_steps else None,
    }
    return render(request, "plans/first.html", context)


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def updates(request: HttpRequest) -> HttpResponse:
    """The actions that owe updates, with the age of the newest one; `?mine=1` shows those the person may report on."""
    plan, today = get_plan(), timezone.localdate()
    actions = selectors.owing_updates(plan)
    mine = selectors.reportable_by(request.user, current_jurisdiction(), actions)
    only_mine = request.GET.get("mine") == "1"
    shown = (mine if only_mine else actions).select_related("accountable")
    page = Paginator(selectors.order_by_oldest_update(shown), PAGE_SIZE).get_page(request.GET.get("page"))
    reportable_ids = set(mine.filter(pk__in=[action.pk for action in page]).values_list("pk", flat=True))
    context = {
        "section": "updates",
        "plan": plan,
        "page": page,
        "lines": [
            _update_line(action, plan, today) | {"may_report": action.pk in reportable_ids} for action in page
        ],
        "only_mine": only_mine,
        "mine": mine.count(),
        "all": actions.count(),
    }
    return render(request, "plans/updates.html", context)


# ---- The site is open ------------------------------------------------------------------------------------
def _open_site_context(request: HttpRequest, plan: Plan, today: dt.date) -> dict[str, Any]:
    all_due = selectors.updates_due(plan, on=today)
    due = list(all_due[:MAX_ROWS])
    owing = selectors.owing_updates(plan)
    total, due_count = owing.count(), all_due.count()
    undated_count = selectors.with_undated_reports(owing).count()
    reportable_ids = set(
        selectors.reportable_by(
            request.user,
            current_jurisdiction(),
            Action.objects.filter(pk__in=[action.pk for action in due]),
        ).values_list("pk", flat=True)
    )
    entries = change_log.entries_for().exclude(
        verb__in=["imported", "undone"], object_type__in=["goal", "outcome", "action"]
    )
    return {
        "total": total,
        "fresh": total - due_count - undated_count,
        "undated_count": undated_count,
        "due": [
            _update_line(action, plan, today) | {"may_report": action.pk in reportable_ids} for action in due
        ],
        "health_checks": health_checks(plan),
        "stage_counts": selectors.count_by_stage(plan),
        "changes": describe_entries(entries[:MAX_ROWS]),
        "mine": selectors.reportable_by(request.user, current_jurisdiction(), all_due).count(),
    }


def _update_line(action: Action, plan: Plan, today: dt.date) -> dict[str, Any]:
    return {
        "action": action,
        "state": selectors.freshness_of(action, plan, on=today),
        "days": (today - action.last_update_on).days if action.last_update_on else None,
    }


def health_checks(plan: Plan) -> list[dict[str, Any]]:
    """Checks on the plan's open actions and its outcomes: [{"label", "met", "of", "missing": [first three]}].

    A constant number of queries.
    """
    actions = selectors.actions_of(plan).exclude(status__in=Action.CLOSED, status__isnull=False)
    measures = PerformanceMeasure.objects.filter(action=OuterRef("pk"))
    checks = {
        "owner": ~Q(accountable=None) | ~Q(owner=None),
        "date": ~Q(due_date=None) | Q(is_continuous=True),
        "measure": Q(has_measure=True),
        "baseline": Q(has_baseline=True),
    }
    checked: Any = actions.annotate(
        has_measure=Exists(measures), has_baseline=Exists(measures.exclude(baseline="")),
    )  # fmt: skip
    counts = checked.aggregate(
        of=Count("pk"), **{key: Count("pk", filter=test) for key, test in checks.items()}
    )
    labels = {
        "owner": _("Has an owner"),
        "date": _("Has a due date or is ongoing"),
        "measure": _("Has a measure"),
        "baseline": _("Has a measure with a baseline"),
    }
    results = []
    for key, test in checks.items():
        missing = list(checked.exclude(test).in_plan_order()[:3]) if counts[key] < counts["of"] else []
        results.append({"label": labels[key], "met": counts[key], "of": counts["of"], "missing": missing})
    outcomes = Outcome.objects.filter(goal__plan=plan, retired_at=None, goal__retired_at=None)
    better = PerformanceMeasure.objects.filter(
        action__outcome=OuterRef("pk"), action__retired_at=None, kind=PerformanceMeasure.Kind.BETTER_OFF
    )
    lacking = outcomes.exclude(Exists(better))
    total, missing_count = outcomes.count(), lacking.count()
    results.append(
        {
            "label": _("Outcome has a “better off” measure"),
            "met": total - missing_count,
            "of": total,
            "outcomes": list(lacking.order_by("goal__position", "position")[:3]),
        }
    )
    return results


# ---- The site is not open yet ----------------------------------------------------------------------------
def checklist(jurisdiction: Jurisdiction, plan: Plan) -> list[dict[str, Any]]:
    """The first steps, most helpful first; whether each is done follows from the data."""
    team = Affiliation.objects.active().filter(jurisdiction=jurisdiction)
    coordinator = team.filter(roles__contains=[Role.COORDINATOR]).select_related("user").first()
    people = team.count()
    is_starter = services.holds_only_starter(plan)
    actions = selectors.actions_of(plan)
    is_open = Q(status=None) | ~Q(status__in=Action.CLOSED)
    reports = ProgressNote.objects.filter(action=OuterRef("pk"))
    measures = PerformanceMeasure.objects.filter(action=OuterRef("pk"))
    counts = actions.aggregate(
        all=Count("pk"),
        open=Count("pk", filter=is_open),
        answered=Count("pk", filter=is_open & (~Q(accountable=None) | ~Q(owner=None))),
        dated=Count("pk", filter=is_open & (~Q(due_date=None) | Q(is_continuous=True))),
        measured=Count("pk", filter=is_open & Q(Exists(measures))),
        reported=Count("pk", filter=~Q(last_update_on=None) | Q(Exists(reports))),
    )

    def share_step(name: str) -> dict[str, Any]:
        return {
            "done": not is_starter and counts["all"] > 0 and counts[name] == counts["open"],
            "note": _("%(count)s of %(all)s open actions")
            % {"count": format_number(counts[name]), "all": format_number(counts["open"])},
        }

    def step(key: str, label: str, url: str, *, done: bool, note: str, about: str = "") -> dict[str, Any]:
        return {"key": key, "label": label, "url": url, "done": done, "note": note, "about": about}

    editor, settings = reverse("plans:editor"), reverse("plans:settings")
    return [
        step("coordinator", _("Name a coordinator"), reverse("team:team"), done=coordinator is not None,
             note=str(coordinator.user) if coordinator else _("Nobody yet"),
             about=_("One person keeps the plan and the site together.")),
        step("team", _("Invite your colleagues"), reverse("team:team"), done=people > 1,
             note=_("%(count)s on the team") % {"count": format_number(people)},
             about=_("Department leads report on their own actions. It takes a minute for each person.")),
        step("settings", _("Make the site look like yours"), settings,
             done=bool(jurisdiction.tagline or jurisdiction.logo or jurisdiction.brand_color != "#2a2f66"),
             note=_("Name, color, logo, time zone"),
             about=_("Short name, color and logo stand on every page of your site.")),
        step("plan", _("Bring in your plan"), reverse("plans:imports"), done=not is_starter,
             note=_("Starter text so far")
             if is_starter
             else _("%(count)s actions") % {"count": format_number(counts["all"])},
             about=_("Upload the spreadsheet you keep today, or write over the starter text. "
                     "You see what would change before anything is saved.")),
        step("answers", _("Say who answers for each action"), editor, **share_step("answered"),
             about=_("One department answers; others may help.")),
        step("dates", _("Say by when"), editor, **share_step("dated"),
             about=_("A year is enough, a month is better.")),
        step("measures", _("Say how you will measure it"), editor, **share_step("measured"),
             about=_("How much, how well, and is anyone better off?")),
        step("report", _("Write a first update"), reverse("plans:updates"), done=counts["reported"] > 0,
             note=_("%(count)s actions have one") % {"count": format_number(counts["reported"])},
             about=_("Two sentences on one action: what happened, what is next.")),
        step("adoption", _("Record the adoption"), reverse("plans:adopt"), done=plan.adopted_on is not None,
             note=plan.adopting_body or _("Not adopted yet"),
             about=_("Body, date and resolution. From then on each changed promise needs a reason.")),
        step("publish", _("Publish the plan and open the site"), reverse("plans:publish"), done=False,
             note=_("You see a preview first"),
             about=_("Everybody can then see the plan and how it goes.")),
    ]  # fmt: skip
