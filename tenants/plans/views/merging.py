"""Merge an action into another one, and take that back."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.access import Permission, permission_required
from tenants.plans import services
from tenants.plans.forms.quick import MergeForm, SeparateForm
from tenants.plans.models import Action
from tenants.plans.views.common import action_or_404, add_errors, editor_url
from tenants.plans.views.edit_conflicts import show_conflict


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def merge(request: HttpRequest, code: str) -> HttpResponse:
    """Choose the action that continues this one; for a merged action the form that takes it back."""
    action = action_or_404(code)
    if action.status == Action.Status.MERGED:
        return _separate(request, action)
    if "separate" in request.POST:  # the form was sent twice, or in two windows
        messages.info(request, _("Nothing was changed: “%(title)s” is not merged.") % {"title": action})
        return redirect(editor_url(action))
    plan = action.outcome.goal.plan
    initial = {"version": services.version_token(action)}
    form = MergeForm(request.POST or None, action=action, plan=plan, initial=initial)
    conflict = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        into = form.targets[data["into"]]
        try:
            services.merge_actions(
                action, into, by=request.user, reason=data["reason"], version=data["version"]
            )
        except services.EditConflict as error:
            conflict = show_conflict(form, error, action)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Merged: %(title)s") % {"title": action})
            return redirect(editor_url(into))
    context = {"section": "plan", "form": form, "action": action, "conflict": conflict}
    return render(request, "plans/merge.html", context, status=422 if form.errors else 200)


def _separate(request: HttpRequest, action: Action) -> HttpResponse:
    form = SeparateForm(request.POST or None, plan=action.outcome.goal.plan)
    is_separation = "separate" in request.POST
    if request.method == "POST" and is_separation and form.is_valid():
        try:
            services.separate_action(action, by=request.user, reason=form.cleaned_data["reason"])
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("No longer merged: %(title)s") % {"title": action})
            return redirect(editor_url(action))
    if request.method == "POST" and not is_separation:  # somebody else merged it while the form was open
        form = SeparateForm(plan=action.outcome.goal.plan)
        messages.error(request, _("Nothing was changed: this action is already merged."))
    context = {"section": "plan", "form": form, "action": action}
    return render(request, "plans/merged.html", context, status=422 if request.method == "POST" else 200)
