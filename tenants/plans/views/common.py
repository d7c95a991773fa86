"""Shared by the views of the workspace: the plan, its items, permissions, form errors, redirects."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from tenants import access
from tenants.access import Permission
from tenants.plans import selectors
from tenants.plans.models import Action, Goal, Outcome, Plan
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.services import make_starter_plan

PLAN_ITEM_MODELS: dict[str, type[Goal] | type[Outcome] | type[Action]] = {
    "goal": Goal,
    "outcome": Outcome,
    "action": Action,
}


def get_plan() -> Plan:
    """The plan in force; a starter plan is created if the city has none."""
    return selectors.current_plan() or make_starter_plan()


def permission_context(user: Any) -> dict[str, bool]:
    """The person's permissions for a template: {"can_edit": True, …}."""
    jurisdiction = current_jurisdiction()
    return {
        "can_edit": access.has_permission(user, Permission.EDIT_PLAN, jurisdiction),
        "can_import": access.has_permission(user, Permission.IMPORT_PLAN, jurisdiction),
        "can_publish": access.has_permission(user, Permission.PUBLISH_PLAN, jurisdiction),
        "can_set": access.has_permission(user, Permission.EDIT_SETTINGS, jurisdiction),
        "can_write": access.has_permission(user, Permission.EDIT_SITE, jurisdiction),
        "can_invite": access.has_permission(user, Permission.MANAGE_TEAM, jurisdiction),
    }


def plan_item_or_404(kind: str, uuid: Any) -> Any:
    """A goal, outcome or action, by its uuid, with its parents."""
    if kind not in PLAN_ITEM_MODELS:
        raise Http404
    parents = {"goal": "plan", "outcome": "goal__plan", "action": "outcome__goal__plan"}[kind]
    item = PLAN_ITEM_MODELS[kind]._default_manager.select_related(parents).filter(uuid=uuid).first()
    if item is None:
        raise Http404
    return item


def action_or_404(code: str) -> Action:
    action = Action.objects.select_related("outcome__goal__plan", "accountable").filter(code=code).first()
    if action is None:
        raise Http404
    return action


def add_errors(form: BaseForm, error: ValidationError, names: dict[str, str] | None = None) -> None:
    """Add a service's errors to the form; `names` maps a column to the form's field."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for column, errors in error.error_dict.items():
        name = (names or {}).get(column, column)
        form.add_error(name if name in form.fields else None, errors)


def say_added(request: HttpRequest, item: Goal | Outcome | Action) -> None:
    """Say that the item is added, or that it was added a moment ago."""
    if item.is_repeat:
        messages.info(
            request, _("Already added: %(title)s. To add another one, change its wording.") % {"title": item}
        )
    else:
        messages.success(request, _("Added: %(title)s") % {"title": item})


def answer_already_saved(request: HttpRequest, item: Plan | Goal | Outcome | Action) -> HttpResponse:
    """The answer to a form that went back and was saved again: all that it says is saved."""
    messages.info(request, _("Already saved: %(title)s. Nothing was changed.") % {"title": item})
    return hx_redirect(request, reverse("plans:editor") if isinstance(item, Plan) else editor_url(item))


def editor_url(item: Goal | Outcome | Action) -> str:
    """URL of the editor at this action, or at the goal of this outcome."""
    editor = reverse("plans:editor")
    if isinstance(item, Action):
        return f"{editor}?at={item.code}#action-{item.code}"
    goal = item.goal if isinstance(item, Outcome) else item
    return f"{editor}?goal={goal.uuid}#goal-{goal.pk}"


def hx_redirect(request: HttpRequest, url: str) -> HttpResponse:
    """A redirect that htmx follows with the whole page."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)
