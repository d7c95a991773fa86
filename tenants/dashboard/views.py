"""The public pages of a city: how the plan goes, the plan, each action, the data."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, cast

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_cache_control, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import condition, require_safe

from tenants import access
from tenants.dashboard import brand as brand_css
from tenants.dashboard import detail, files, listing, words
from tenants.dashboard.facts import LEFT_OUT, Facts, Group, Row, action_rows, notes_since, quarter_start
from tenants.downloads import as_csv, as_json
from tenants.kept import kept_for_strangers
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Action, Plan
from tenants.plans.selectors import current_plan, visible_plan

CHANGES_SHOWN = 12


@dataclass(frozen=True)
class Seen:
    """What this visitor may see of the city's plan. `keep` is carried on in addresses while the team previews."""

    place: Jurisdiction
    plan: Plan | None
    for_team: str = ""  # why only the team sees this; empty when everybody does
    keep: str = ""

    def context(self, section: str) -> dict[str, Any]:
        return {
            "plan": self.plan,
            "section": section,
            "for_team": self.for_team,
            "keep": self.keep,
            "tail": f"?{self.keep}" if self.keep else "",
        }


def seen_by(request: HttpRequest) -> Seen:
    """The plan this visitor sees. Raises Http404 for strangers while the site is not launched."""
    place = _place()
    is_team = access.may(request.user, access.Can.SEE_WORKSPACE, place)
    if not place.is_launched and not is_team:
        raise Http404
    wants_preview = is_team and "preview" in request.GET
    if place.is_launched and not wants_preview:
        return Seen(place, visible_plan("public"))
    plan = current_plan()
    if not place.is_launched:
        return Seen(place, plan, for_team=_("This site is not launched yet."))
    if plan and plan.visibility != Visibility.PUBLIC:
        return Seen(place, plan, for_team=_("This plan is not public."), keep="preview=1")
    return Seen(place, plan, keep="preview=1")


@require_safe
def home(request: HttpRequest, page: Any = None) -> HttpResponse:
    """How the plan goes. `page` is the city's home page in the CMS, with its opening words."""
    seen = seen_by(request)
    context = seen.context("progress") | {"page": page}
    if seen.plan is None:
        return _render(request, "dashboard/no_plan.html", context, seen)
    facts = _facts(seen.plan, with_text=bool(request.GET.get("q")))
    filters = listing.Filters.from_address(request.GET, facts, keep=seen.keep)
    context |= _list_context(facts, filters, seen)
    htmx = getattr(request, "htmx", None)  # absent on the request of a preview in the CMS
    if htmx and htmx.target == "action-rows" and not htmx.history_restore_request:
        return _render(request, "dashboard/_action_rows.html", context, seen)
    context |= _summary_context(facts, filters, seen)
    return _render(request, "dashboard/home.html", context, seen)


@kept_for_strangers
@require_safe
def plan(request: HttpRequest) -> HttpResponse:
    """All goals, outcomes and actions, a hundred actions a page. `?goal=` opens the page where that goal begins."""
    seen = seen_by(request)
    if seen.plan is None:
        return _render(request, "dashboard/no_plan.html", seen.context("plan"), seen)
    facts = _facts(seen.plan)
    goals = detail.outline(seen.plan, facts.rows)
    pages = detail.pages(goals)
    asked = request.GET.get("goal", "")
    first = {str(goal["pk"]): number for number, part in reversed(list(enumerate(pages, 1))) for goal in part}
    number = first.get(asked) or _page_number(request.GET.get("page", ""), len(pages))
    counts = {
        group.key: words.counted_words(group.counts, seen.plan.status_labels) for group in facts.by_goal
    }
    for goal in pages[number - 1]:
        for outcome in goal["outcomes"]:
            outcome["rows"] = listing.shown(outcome["rows"], facts=facts, keep=seen.keep)
    context = seen.context("plan") | {
        "facts": facts,
        "goals": [goal | {"words": counts.get(str(goal["pk"]), _("no actions yet"))} for goal in goals],
        "parts": pages[number - 1],
        "number": number,
        "numbers": range(1, len(pages) + 1),
        "period": _period(seen.plan),
    }
    return _render(request, "dashboard/plan.html", context, seen)


@kept_for_strangers
@require_safe
def action(request: HttpRequest, code: str) -> HttpResponse:
    """One action: what was promised, who answers, how it goes, and its history."""
    seen = seen_by(request)
    story = seen.plan and detail.action_story(
        seen.plan, code, on=timezone.localdate(), page=request.GET.get("page", "")
    )
    if not story:
        raise Http404
    goal, more = story["goal"], f"&{seen.keep}" if seen.keep else ""
    story["crumbs"] = [
        (_("Plan"), f"/plan/{seen.context('plan')['tail']}"),
        (goal["name"], f"/plan/?goal={goal['pk']}{more}#goal-{goal['pk']}"),
    ]
    return _render(request, "dashboard/action.html", seen.context("plan") | story, seen)


@kept_for_strangers
@require_safe
def data(request: HttpRequest) -> HttpResponse:
    """The numbers as tables, and the files."""
    seen = seen_by(request)
    if seen.plan is None:
        return _render(request, "dashboard/no_plan.html", seen.context("data"), seen)
    facts = _facts(seen.plan)
    tables: list[tuple[str, str, list[Group]]] = [
        (_("The whole plan"), _("Plan"), [facts.all]),
        (_("By goal"), _("Goal"), facts.by_goal),
        (_("By department"), _("Department"), facts.by_department),
        (_("By kind of step"), _("Kind of step"), facts.by_stage),
    ]
    columns = [
        (state, words.status_word(state, seen.plan.status_labels))
        for state in words.BY_PROGRESS
        if facts.counts[state]
    ]
    context = seen.context("data") | {
        "facts": facts,
        "period": _period(seen.plan),
        "columns": [name for _state, name in columns],
        "tables": [
            {
                "heading": heading,
                "of": of,
                "rows": [
                    {
                        "name": group.name,
                        "counted": group.counted,
                        "numbers": [(name, group.counts[state]) for state, name in columns],
                    }
                    for group in groups
                ],
            }
            for heading, of, groups in tables
        ],
        "columns_described": files.described(),
    }
    return _render(request, "dashboard/data.html", context, seen)


@kept_for_strangers
@require_safe
def actions_csv(request: HttpRequest) -> HttpResponse:
    """The actions that the list on the front page shows with the same address, all pages of it."""
    seen, facts, rows = _chosen(request)
    records = (files.action_record(row, place=seen.place, plan=facts.plan) for row in rows)
    return _private(as_csv(f"{seen.place.slug}-actions.csv", files.ACTION_COLUMNS, records), seen)


@kept_for_strangers
@require_safe
def actions_json(request: HttpRequest) -> HttpResponse:
    """The same as JSON."""
    seen, facts, rows = _chosen(request)
    actions = [files.action_record(row, place=seen.place, plan=facts.plan) for row in rows]
    return _private(
        as_json(files.about(seen.place, facts) | {"count": len(actions), "actions": actions}), seen
    )


@kept_for_strangers
@require_safe
def plan_json(request: HttpRequest) -> HttpResponse:
    """The whole plan as a tree, with measures, milestones and updates."""
    seen, facts = _facts_for(request, with_text=True)
    plan = {
        "summary": facts.plan.summary,
        "vision": facts.plan.vision,
        "numbers": files.number_records(facts)[0],
        "goals": files.plan_tree(seen.place, facts),
    }
    return _private(as_json(files.about(seen.place, facts) | plan), seen)


@kept_for_strangers
@require_safe
def numbers_csv(request: HttpRequest) -> HttpResponse:
    """The summary tables of the data page in one file."""
    seen, facts = _facts_for(request)
    records = files.number_records(facts)
    return _private(as_csv(f"{seen.place.slug}-numbers.csv", files.NUMBER_COLUMNS, records), seen)


def _place() -> Jurisdiction:
    return cast(Jurisdiction, connection.tenant)


def _brand_tag(request: HttpRequest) -> str:
    return '"' + hashlib.sha256(brand_css.stylesheet(_place()).encode()).hexdigest()[:20] + '"'


@require_safe
@condition(etag_func=_brand_tag)
def brand(request: HttpRequest) -> HttpResponse:
    """The colors of this host, also on pages that strangers cannot see: it holds nothing else."""
    response = HttpResponse(brand_css.stylesheet(_place()), content_type="text/css; charset=utf-8")
    patch_cache_control(response, public=True, max_age=600)
    return response


def _facts(plan: Plan, *, with_text: bool = False) -> Facts:
    today = timezone.localdate()
    return Facts(plan, action_rows(plan, on=today, with_text=with_text), on=today)


def _facts_for(request: HttpRequest, *, with_text: bool = False) -> tuple[Seen, Facts]:
    """What this visitor sees, with its numbers. Raises Http404 where there is no plan to see."""
    seen = seen_by(request)
    if seen.plan is None:
        raise Http404
    return seen, _facts(seen.plan, with_text=with_text)


def _chosen(request: HttpRequest) -> tuple[Seen, Facts, list[Row]]:
    """The rows that the filters in the address leave, with their long texts."""
    seen, facts = _facts_for(request, with_text=True)
    filters = listing.Filters.from_address(request.GET, facts, keep=seen.keep)
    return seen, facts, listing.apply(facts.rows, filters)


def _list_context(facts: Facts, filters: listing.Filters, seen: Seen) -> dict[str, Any]:
    found = listing.apply(facts.rows, filters)
    page = listing.page_of(found, filters.page)
    return {
        "facts": facts,
        "filters": filters,
        "chips": listing.chips(filters, facts),
        "columns": listing.headings(filters),
        "rows": listing.shown(list(page), facts=facts, keep=seen.keep),
        "found": len(found),
        "total": len(facts.rows),
        "page_links": [
            {"number": n, "url": filters.query(page=str(n)), "is_here": n == page.number}
            for n in page.paginator.page_range
        ],
        "page_now": page,
        "query": filters.query(),
        "all_url": filters.query(status="", goal="", department="", stage="", q=""),
    }


def _summary_context(facts: Facts, filters: listing.Filters, seen: Seen) -> dict[str, Any]:
    plan, on = facts.plan, facts.on
    labels, start = plan.status_labels, quarter_start(on)
    behind = facts.behind()
    notes = notes_since(plan, start, until=on, limit=CHANGES_SHOWN + 1)
    stats = _stats(facts, seen)
    is_reported = bool(behind and behind["status"] in Action.NEEDS_ATTENTION)
    alike = facts.all.attention if is_reported else facts.all.late
    return {
        "choices": listing.choices(filters, facts),
        "kicker": _kicker(plan, on),
        "lead": facts.lead(),
        "stats": stats,
        "numbers_heading": _("The plan in %(n)s numbers") % {"n": words.number_word(len(stats))}
        if len(stats) > 1
        else _("The plan in numbers"),
        "left_out": facts.left_out_words(),
        "by_goal": facts.table(facts.by_goal, lambda key: f"/plan/?goal={key}{_more(seen)}#goal-{key}"),
        "by_department": facts.table(
            facts.by_department, lambda key: f"/?department={key}{_more(seen)}#actions"
        ),
        "by_stage": facts.table(facts.by_stage, lambda key: f"/?stage={key}{_more(seen)}#actions"),
        "marks_each": facts.marks_each(),
        "keys": _keys(facts),
        "behind": behind and detail.why_behind(facts, behind),
        "is_draft": plan.lifecycle == Plan.Lifecycle.DRAFT,
        "has_stages": any(group.key != words.NO_STATUS for group in facts.by_stage),
        "more_behind": alike - 1,
        "more_behind_url": f"/?status={'attention' if is_reported else 'late'}{_more(seen)}#actions",
        "changes": [_changed(note, labels) for note in notes[:CHANGES_SHOWN]],
        "more_changes": len(notes) > CHANGES_SHOWN,
        "updated_url": f"/?sort=-updated{_more(seen)}#actions",
        "last_update": words.date_word(facts.last_update),
        "quarter_from": words.date_word(start),
        "quarter_to": words.date_word(on),
    }


def _keys(facts: Facts) -> list[tuple[str, str]]:
    """The marks in use with their words; cancelled and merged share one mark."""
    labels = facts.plan.status_labels
    keys = [
        (state, words.status_word(state, labels))
        for state in words.BY_PROGRESS
        if facts.counts[state] and state not in LEFT_OUT
    ]
    left_out = [state for state in sorted(LEFT_OUT) if facts.counts[state]]
    if len(left_out) > 1:
        keys.append(("cancelled", _("Cancelled or merged")))
    elif left_out:
        keys.append((left_out[0], words.status_word(left_out[0], labels)))
    return keys


def _stats(facts: Facts, seen: Seen) -> list[dict[str, Any]]:
    """The numbers at the top, those that exist: [{"number", "of", "label", "rule", "url", "link"}]."""
    counts, counted, labels = facts.counts, facts.counted, facts.plan.status_labels
    unsaid = counts[words.NO_STATUS]
    left_out = facts.left_out_words()
    attention = {state: counts[state] for state in ("at_risk", "off_track", "on_hold")}

    def stat(number: int, of: int, label: str, rule: str, status: str = "") -> dict[str, Any]:
        url = f"/?status={status}{_more(seen)}#actions" if status and number else ""
        return {
            "number": number, "of": of, "label": label, "rule": rule, "url": url, "link": _("See them"),
        }  # fmt: skip

    found = []
    if unsaid < counted:
        rule = _("%(n)d leaves out %(what)s.") % {"n": counted, "what": left_out} if left_out else ""
        found = [
            stat(counts["completed"], counted, _("actions completed"), rule, "completed"),
            stat(
                counts["on_track"],
                counted,
                _("on track"),
                _("Will meet the promised date, as departments report it."),
            ),
            stat(
                sum(attention.values()),
                counted,
                _("need attention"),
                words.sentence(
                    words.counted_words(attention, labels) or _("none at risk, off track or on hold")
                )
                + ".",
                "attention",
            ),
        ]
    if facts.last_update and facts.open:
        rule = _("Open actions with a report in the last %(days)d days.") % {"days": facts.plan.cadence_days}
        found.append(stat(facts.up_to_date, facts.open, _("updates are up to date"), rule))
    if unsaid:
        found.append(
            stat(
                unsaid,
                counted,
                _("have no status yet"),
                _("The city has not reported on them."),
                words.NO_STATUS,
            )
        )
    if facts.all.late:
        rule = _("Still open after the promised day.")
        found.append(stat(facts.all.late, facts.open, _("are past their promised date"), rule, "late"))
    return found


def _changed(note: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """A progress note as an entry of the timeline."""
    moved = note["status"] and note["before"] and note["status"] != note["before"]
    steps = {
        "before": words.lower_first(words.status_word(note["before"], labels)),
        "now": words.lower_first(words.status_word(note["status"], labels)),
    }
    return note | {
        "name": words.heading(note["number"], note["title"]),
        "is_off": note["status"] in Action.NEEDS_ATTENTION,
        "when": words.date_word(note["noted_on"]),
        "went": _("went from %(before)s to %(now)s") % steps if moved else "",
    }


def _more(seen: Seen) -> str:
    return f"&{seen.keep}" if seen.keep else ""


def _kicker(plan: Plan, on: dt.date) -> str:
    """ "Racial equity plan, 2025–2029, year 3", or that it is a draft."""
    parts = [plan.title]
    period = _period(plan)
    if period and period not in plan.title:
        parts.append(period)
    if plan.lifecycle == Plan.Lifecycle.DRAFT:
        parts.append(_("draft, not adopted yet"))
    elif plan.period_start and plan.period_start <= on <= (plan.period_end or on):
        parts.append(_("year %(n)d") % {"n": on.year - plan.period_start.year + 1})
    return ", ".join(parts)


def _period(plan: Plan) -> str:
    """ "2025–2029", "2025", or empty."""
    years = [str(day.year) for day in (plan.period_start, plan.period_end) if day]
    return "–".join(dict.fromkeys(years))


def _page_number(asked: str, count: int) -> int:
    return min(max(int(asked), 1), count) if asked.isascii() and asked.isdigit() else 1


def _render(request: HttpRequest, template: str, context: dict[str, Any], seen: Seen) -> HttpResponse:
    return _private(render(request, template, context), seen)


def _private(response: HttpResponse, seen: Seen) -> HttpResponse:
    """What only the team sees is kept by no cache, nor is the list without its page around it taken for the page."""
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    if seen.for_team or seen.keep:
        add_never_cache_headers(response)
    return response
