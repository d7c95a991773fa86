"""Add and edit actions."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.access import Permission, permission_required
from tenants.plans import services
from tenants.plans.forms.action import ActionForm
from tenants.plans.models import Action, Outcome
from tenants.plans.views.common import (
    action_or_404,
    add_errors,
    answer_already_saved,
    editor_url,
    permission_context,
    plan_item_or_404,
    say_added,
)
from tenants.plans.views.edit_conflicts import is_saved_already, show_conflict

# The form's field for a column of the action, if the names differ.
FORM_FIELDS = {
    "due_date": "due", "due_precision": "due", "start_date": "start", "start_precision": "start",
    "owner_vacant_since": "vacant_since",
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def add_action(request: HttpRequest, uuid: UUID) -> HttpResponse:
    outcome = plan_item_or_404("outcome", uuid)
    form = ActionForm(request.POST or None, plan=outcome.goal.plan)
    if request.method == "POST" and form.is_valid():
        try:
            action = services.add_action(outcome, by=request.user, **form.values())
        except ValidationError as error:
            add_errors(form, error, FORM_FIELDS)
        else:
            say_added(request, action)
            return redirect(editor_url(action))
    context = {"section": "plan", "form": form, "outcome": outcome}
    return render(request, "plans/action_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_action(request: HttpRequest, code: str) -> HttpResponse:
    """All fields of an action."""
    action = action_or_404(code)
    form = ActionForm(request.POST or None, action=action, plan=action.outcome.goal.plan)
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            saved = _save_action(request, action, form)
        except services.EditConflict as error:
            current = action_or_404(code)
            fresh = ActionForm(action=current, plan=current.outcome.goal.plan)
            conflict = show_conflict(form, error, current, fresh)
            if is_saved_already(conflict, form):
                return answer_already_saved(request, current)
        except ValidationError as error:
            add_errors(form, error, FORM_FIELDS)
        else:
            messages.success(request, _("Saved: %(title)s") % {"title": saved})
            return redirect(editor_url(saved))
    context = {
        "section": "plan",
        "form": form,
        "action": action,
        "outcome": action.outcome,
        "is_adopted": services.is_adopted(action.outcome.goal.plan),
        "conflict": conflict,
    } | permission_context(request.user)
    return render(request, "plans/action_form.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _save_action(request: HttpRequest, action: Action, form: ActionForm) -> Action:
    data = form.cleaned_data
    saved = services.edit_action(
        action, by=request.user, version=data["version"], reason=data["reason"], **form.values()
    )
    if "outcome" in form.changed_data and data.get("outcome"):
        other = Outcome.objects.select_related("goal").get(pk=data["outcome"])
        services.move_to(saved, other, by=request.user, reason=data["reason"])
        saved.refresh_from_db()
    return saved
