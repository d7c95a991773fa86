"""Edit the plan itself; add and edit its goals and outcomes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.access import Permission, permission_required
from tenants.plans import services
from tenants.plans.forms.plan import GoalForm, OutcomeForm, PlanForm
from tenants.plans.models import Goal, Plan
from tenants.plans.views.common import (
    add_errors,
    answer_already_saved,
    editor_url,
    get_plan,
    permission_context,
    plan_item_or_404,
    say_added,
)
from tenants.plans.views.edit_conflicts import is_saved_already, show_conflict


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_plan(request: HttpRequest) -> HttpResponse:
    plan = get_plan()
    form = PlanForm(request.POST or None, instance=plan, initial={"version": services.version_token(plan)})
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_plan(plan, by=request.user, version=form.cleaned_data["version"], **form.values())
        except services.EditConflict as error:
            current = Plan.objects.get(pk=plan.pk)
            conflict = show_conflict(form, error, current, PlanForm(instance=current))
            if is_saved_already(conflict, form):
                return answer_already_saved(request, current)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved: %(title)s") % {"title": form.cleaned_data["title"]})
            return redirect("plans:editor")
    return _render_form(request, form, title=_("About the plan"), conflict=conflict)


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
            say_added(request, goal)
            return redirect(editor_url(goal))
    return _render_form(request, form, title=_("Add a goal"))


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
            say_added(request, outcome)
            return redirect(editor_url(goal))
    return _render_form(request, form, title=_("Add an outcome"), parent=goal)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_outcome(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return _edit_heading(request, plan_item_or_404("outcome", uuid), OutcomeForm, services.edit_outcome)


def _edit_heading(request: HttpRequest, item: Any, form_class: Any, service: Any) -> HttpResponse:
    form = form_class(
        request.POST or None,
        instance=item,
        initial={"version": services.version_token(item)},
        is_adopted=services.is_adopted(item.plan if isinstance(item, Goal) else item.goal.plan),
    )
    conflict = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            service(item, by=request.user, version=data["version"], reason=data["reason"], **form.values())
        except services.EditConflict as error:
            current = type(item).objects.get(pk=item.pk)
            conflict = show_conflict(form, error, current, form_class(instance=current))
            if is_saved_already(conflict, form):
                return answer_already_saved(request, current)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved: %(title)s") % {"title": item})
            return redirect(editor_url(item))
    title = _("Edit the goal") if isinstance(item, Goal) else _("Edit the outcome")
    kind = "goal" if isinstance(item, Goal) else "outcome"
    return _render_form(request, form, title=title, item=item, kind=kind, conflict=conflict)


def _render_form(request: HttpRequest, form: Any, **context: Any) -> HttpResponse:
    context |= {"section": "plan", "form": form} | permission_context(request.user)
    return render(request, "plans/plan_item_form.html", context, status=422 if form.errors else 200)
