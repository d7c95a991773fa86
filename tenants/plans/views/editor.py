"""The plan as a tree to edit: add, change, move, retire, bring back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.forms import formset_factory
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from tenants.access import Permission, permission_required
from tenants.plans import change_log, selectors, services
from tenants.plans.forms import (
    ActionForm,
    GoalForm,
    MeasureForm,
    MeasuresForm,
    OutcomeForm,
    PlanForm,
    RetireForm,
)
from tenants.plans.models import Action, Goal, Outcome, Plan
from tenants.plans.views.common import (
    action_or_404,
    add_errors,
    current_jurisdiction,
    get_plan,
    permission_context,
    plan_item_or_404,
)
from tenants.plans.views.histories import describe_entry

MAX_ACTIONS_WITH_ALL_GOALS_OPEN = 60  # with more actions than that, one goal is open at a time
PAGE_SIZE = 50
FIELDS = {
    "due_date": "due", "due_precision": "due", "start_date": "start", "start_precision": "start",
    "owner_vacant_since": "vacant_since", "measures": "better_off",
}  # fmt: skip


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def editor(request: HttpRequest) -> HttpResponse:
    """The tree. `?goal=` says which goal is open, `?page=` which 50 actions of it, `?at=` an action to show."""
    plan = get_plan()
    context = outline(request, plan) | permission_context(request.user)
    context |= {
        "section": "plan",
        "plan": plan,
        "is_adopted": services.is_adopted(plan),
        "balance": selectors.count_by_stage(plan),
        "total": selectors.actions_of(plan).count(),
        "retired": _retired(plan).count(),
    }
    return render(request, "plans/editor.html", context)


def outline(request: HttpRequest, plan: Plan) -> dict[str, Any]:
    """The goals with those parts that this page shows; a constant number of queries."""
    goals = list(Goal.objects.filter(plan=plan, retired_at=None).order_by("position", "pk"))
    counts = selectors.tally(plan, by="goal")
    total = sum(count["total"] for count in counts.values())
    shown = (
        {goal.pk for goal in goals}
        if total <= MAX_ACTIONS_WITH_ALL_GOALS_OPEN
        else _open_goal_ids(request, goals)
    )
    outcomes = list(
        Outcome.objects.filter(goal__in=shown, retired_at=None).order_by("goal__position", "position", "pk")
    )
    actions = (
        Action.objects.current()
        .filter(outcome__goal__in=shown)
        .select_related("accountable", "outcome")
        .prefetch_related("measures")
        .in_plan_order()
    )
    size = MAX_ACTIONS_WITH_ALL_GOALS_OPEN if total <= MAX_ACTIONS_WITH_ALL_GOALS_OPEN else PAGE_SIZE
    pages = Paginator(actions, size)
    page = pages.get_page(_page_of(request, actions, size) or request.GET.get("page"))
    below: dict[int, list[Action]] = {}
    may_report = set(
        selectors.reportable_by(
            request.user,
            current_jurisdiction(),
            Action.objects.filter(pk__in=[action.pk for action in page]),
        ).values_list("pk", flat=True)
    )
    for action in page:
        action.may_report = action.pk in may_report  # type: ignore[attr-defined]
        below.setdefault(action.outcome_id, []).append(action)
    is_last = not page.has_next()
    tree = [
        {
            "goal": goal,
            "count": counts.get(goal.pk, {"total": 0, "completed": 0, "attention": 0}),
            "is_open": goal.pk in shown,
            "outcomes": [
                {"outcome": outcome, "actions": below.get(outcome.pk, [])}
                for outcome in outcomes
                if outcome.goal_id == goal.pk and (outcome.pk in below or is_last)
            ],
        }
        for goal in goals
    ]
    return {"tree": tree, "page": page, "today": timezone.localdate()}


def _open_goal_ids(request: HttpRequest, goals: list[Goal]) -> set[int]:
    """The goal that the address opens; the first by default."""
    wanted = request.GET.get("goal", "")
    found = [goal.pk for goal in goals if str(goal.uuid) == wanted]
    if not found and (code := request.GET.get("at", "")):
        found = list(Action.objects.filter(code=code).values_list("outcome__goal_id", flat=True))
    return set(found or [goal.pk for goal in goals[:1]])


def _page_of(request: HttpRequest, actions: Any, size: int) -> int | None:
    code = request.GET.get("at", "")
    if not code or "page" in request.GET:
        return None
    codes = list(actions.values_list("code", flat=True))
    return codes.index(code) // size + 1 if code in codes else None


def editor_url(action: Action) -> str:
    """The address of the editor where it shows this action."""
    return f"{reverse('plans:editor')}?at={action.code}#action-{action.code}"


# ---- Goals and outcomes ----------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def add_goal(request: HttpRequest) -> HttpResponse:
    plan = get_plan()
    form = GoalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            goal = services.add_goal(plan, by=request.user, **form.values())
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Added: %(title)s") % {"title": goal})
            return redirect(f"{reverse('plans:editor')}?goal={goal.uuid}#goal-{goal.pk}")
    return _form(request, form, title=_("Add a goal"))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_goal(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _edit_heading(request, plan_item_or_404("goal", uuid), GoalForm, services.edit_goal)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def add_outcome(request: HttpRequest, uuid: UUID) -> HttpResponse:
    goal = plan_item_or_404("goal", uuid)
    form = OutcomeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            outcome = services.add_outcome(goal, by=request.user, **form.values())
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Added: %(title)s") % {"title": outcome})
            return redirect(f"{reverse('plans:editor')}?goal={goal.uuid}#goal-{goal.pk}")
    return _form(request, form, title=_("Add an outcome"), above=goal)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_outcome(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _edit_heading(request, plan_item_or_404("outcome", uuid), OutcomeForm, services.edit_outcome)


def _edit_heading(request: HttpRequest, row: Any, form_class: Any, service: Any) -> HttpResponse:
    form = form_class(request.POST or None, instance=row, initial={"seen": services.version_token(row)})
    goal = row if isinstance(row, Goal) else row.goal
    stale = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            service(row, by=request.user, seen=data["seen"], reason=data["reason"], **form.values())
        except services.EditConflict as error:
            stale = _show_conflict(form, error, row)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved: %(title)s") % {"title": row})
            return redirect(f"{reverse('plans:editor')}?goal={goal.uuid}#goal-{goal.pk}")
    title = _("Edit the goal") if isinstance(row, Goal) else _("Edit the outcome")
    kind = "goal" if isinstance(row, Goal) else "outcome"
    return _form(request, form, title=title, row=row, kind=kind, stale=stale)


def _form(request: HttpRequest, form: Any, **context: Any) -> HttpResponse:
    context |= {"section": "plan", "form": form} | permission_context(request.user)
    return render(request, "plans/part_form.html", context, status=422 if form.errors else 200)


def _show_conflict(form: Any, error: ValidationError, row: Any) -> list[dict[str, Any]]:
    """Keep what was typed, say what the other person changed, and let a second save go through."""
    fresh = type(row).objects.get(pk=row.pk)
    form.data = form.data.copy()
    form.data[form.add_prefix("seen")] = services.version_token(fresh)
    form.add_error(None, error)
    last = change_log.entries_for([row.uuid]).first()
    return describe_entry(last)["fields"] if last else []


# ---- Actions ---------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def add_action(request: HttpRequest, uuid: UUID) -> HttpResponse:
    outcome = plan_item_or_404("outcome", uuid)
    form = ActionForm(request.POST or None, plan=outcome.goal.plan)
    if request.method == "POST" and form.is_valid():
        try:
            action = services.add_action(outcome, by=request.user, **form.values())
        except ValidationError as error:
            add_errors(form, error, FIELDS)
        else:
            messages.success(request, _("Added: %(title)s") % {"title": action})
            return redirect(editor_url(action))
    context = {"section": "plan", "form": form, "outcome": outcome}
    return render(request, "plans/action_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
@vary_on_headers("HX-Request")
def edit_action(request: HttpRequest, code: str) -> HttpResponse:
    """The form of an action; asked by htmx, the form alone, and after saving the action's row."""
    action = action_or_404(code)
    form = ActionForm(request.POST or None, action=action, plan=action.outcome.goal.plan)
    stale = None
    if request.method == "POST" and form.is_valid():
        try:
            saved = _save_action(request, action, form)
        except services.EditConflict as error:
            stale = _show_conflict(form, error, action)
        except ValidationError as error:
            add_errors(form, error, FIELDS)
        else:
            if not request.htmx or saved.outcome_id != action.outcome_id:  # type: ignore[attr-defined]
                messages.success(request, _("Saved: %(title)s") % {"title": saved})
                return hx_redirect(request, editor_url(saved))
            return render(request, "plans/_action_saved.html", _row(request, saved))
    context = {
        "section": "plan",
        "form": form,
        "action": action,
        "outcome": action.outcome,
        "is_adopted": services.is_adopted(action.outcome.goal.plan),
        "stale": stale,
        "today": timezone.localdate(),
    } | permission_context(request.user)
    template = "plans/_action_form.html" if request.htmx else "plans/action_form.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=422 if form.errors else 200)


def _save_action(request: HttpRequest, action: Action, form: ActionForm) -> Action:
    data = form.cleaned_data
    saved = services.edit_action(
        action, by=request.user, seen=data["seen"], reason=data["reason"], **form.values()
    )
    if "outcome" in form.changed_data and data.get("outcome"):
        other = Outcome.objects.select_related("goal").get(pk=data["outcome"])
        services.move_to(saved, other, by=request.user, reason=data["reason"])
        saved.refresh_from_db()
    return saved


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_measures(request: HttpRequest, code: str) -> HttpResponse:
    """The measures of an action with baseline and target; a line without words is left out."""
    action = action_or_404(code)
    Formset = formset_factory(MeasureForm, extra=2, max_num=60)
    there = action.measures.order_by("position", "pk").values("kind", "text", "baseline", "target")
    formset = Formset(request.POST or None, initial=list(there), prefix="m")
    about = MeasuresForm(request.POST or None, initial={"seen": services.version_token(action)})
    stale = None
    if request.method == "POST" and formset.is_valid() and about.is_valid():
        measures = [form.cleaned_data for form in formset if form.cleaned_data.get("text")]
        try:
            services.edit_action(action, by=request.user, measures=measures, **about.cleaned_data)
        except services.EditConflict as error:
            stale = _show_conflict(about, error, action)
        except ValidationError as error:
            add_errors(about, error)
        else:
            messages.success(request, _("Saved: %(title)s") % {"title": action})
            return redirect(editor_url(action))
    context = {"section": "plan", "action": action, "formset": formset, "form": about, "stale": stale}
    bad = request.method == "POST"
    return render(request, "plans/measures.html", context, status=422 if bad else 200)


def _row(request: HttpRequest, action: Action) -> dict[str, Any]:
    action = action_or_404(action.code)
    action.may_report = True  # type: ignore[attr-defined]
    return {"action": action, "today": timezone.localdate()} | permission_context(request.user)


def hx_redirect(request: HttpRequest, address: str) -> HttpResponse:
    """A redirect that htmx follows with the whole page."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


# ---- Order and retirement --------------------------------------------------------------------------------
@require_POST
@permission_required(Permission.EDIT_PLAN)
def move(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    """One place up or down, as the field `direction` says."""
    row = plan_item_or_404(kind, uuid)
    if request.POST.get("direction") not in ("up", "down"):
        raise Http404
    services.move(row, direction=request.POST["direction"], by=request.user)
    return redirect(_return_url(kind, row))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def retire(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    row = plan_item_or_404(kind, uuid)
    form = RetireForm(request.POST or None, initial={"seen": services.version_token(row)})
    if request.method == "POST" and form.is_valid():
        try:
            services.retire(row, by=request.user, **form.cleaned_data)
        except services.EditConflict as error:
            _show_conflict(form, error, row)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Retired: %(title)s. You can bring it back.") % {"title": row})
            return redirect("plans:retired")
    below = {
        "goal": Action.objects.current().filter(outcome__goal=row.pk),
        "outcome": Action.objects.current().filter(outcome=row.pk),
        "action": Action.objects.none(),
    }[kind]
    context = {"section": "plan", "form": form, "row": row, "kind": kind, "below": below.count()}
    return render(request, "plans/retire.html", context, status=422 if form.errors else 200)


@require_POST
@permission_required(Permission.EDIT_PLAN)
def restore(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    row = plan_item_or_404(kind, uuid)
    try:
        services.restore(row, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("plans:retired")
    messages.success(request, _("Brought back: %(title)s") % {"title": row})
    return redirect(_return_url(kind, row))


def _return_url(kind: str, row: Any) -> str:
    if kind == "action":
        return editor_url(row)
    goal = row if kind == "goal" else row.goal
    return f"{reverse('plans:editor')}?goal={goal.uuid}#goal-{goal.pk}"


def _retired(plan: Plan) -> Any:
    return Action.objects.filter(outcome__goal__plan=plan).exclude(retired_at=None)


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def retired(request: HttpRequest) -> HttpResponse:
    """What was taken out of the plan, newest first."""
    plan = get_plan()
    rows: list[dict[str, Any]] = []
    for kind, found in (
        ("goal", Goal.objects.filter(plan=plan)),
        ("outcome", Outcome.objects.filter(goal__plan=plan)),
        ("action", Action.objects.filter(outcome__goal__plan=plan)),
    ):
        rows += [
            {"kind": kind, "kind_word": change_log.OBJECT_LABELS[kind], "row": row}
            for row in found.exclude(retired_at=None)  # type: ignore[attr-defined]
        ]
    rows.sort(key=lambda line: line["row"].retired_at, reverse=True)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request, "plans/retired.html", {"section": "plan", "page": page} | permission_context(request.user)
    )


# ---- The plan itself -------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_plan(request: HttpRequest) -> HttpResponse:
    plan = get_plan()
    form = PlanForm(request.POST or None, instance=plan, initial={"seen": services.version_token(plan)})
    stale = None
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_plan(plan, by=request.user, seen=form.cleaned_data["seen"], **form.values())
        except services.EditConflict as error:
            stale = _show_conflict(form, error, plan)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved: %(title)s") % {"title": form.cleaned_data["title"]})
            return redirect("plans:editor")
    return _form(request, form, title=_("About the plan"), stale=stale)


@require_POST
@permission_required(Permission.SEE_WORKSPACE)
def download(request: HttpRequest) -> HttpResponse:
    """The plan as a spreadsheet. A POST, as what the sheet says is remembered for the day it comes back."""
    plan = get_plan()
    try:
        content = services.export_as_bytes(plan, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("plans:editor")
    response = HttpResponse(
        content, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    name = f"{current_jurisdiction().slug}-plan-{timezone.localdate():%Y-%m-%d}.xlsx"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
