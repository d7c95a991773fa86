"""The short form of an action, in its row of the tree, and the same change for several actions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from tenants.access import Permission, permission_required
from tenants.plans import selectors, services
from tenants.plans.forms.quick import REASON_SUGGESTIONS, BulkForm, InlineForm
from tenants.plans.models import Action
from tenants.plans.views.common import action_or_404, add_errors, editor_url, get_plan, permission_context
from tenants.plans.views.edit_conflicts import is_saved_already, show_conflict
from tenants.plans.views.editor import render_editor

# The form's field for a column of the action, if the names differ.
FORM_FIELDS = {"due_date": "due", "due_precision": "due", "title": "milestone"}
VERSION_PREFIX = "version-"  # and the code of an action


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
@vary_on_headers("HX-Request")
def edit_inline(request: HttpRequest, code: str) -> HttpResponse:
    """Four fields of an action. htmx gets the form or, once it is saved or cancelled, the row; others the whole page."""
    action = action_or_404(code)
    is_htmx = bool(request.htmx)  # type: ignore[attr-defined]
    if request.method != "POST":
        if not is_htmx:
            return redirect(f"{reverse('plans:editor')}?edit={action.code}#action-{action.code}")
        if "cancel" in request.GET:
            text = _("Nothing was changed: %(title)s") % {"title": action}
            return render(request, "plans/_action_saved.html", row_context(request, action) | {"text": text})
    form = InlineForm(request.POST or None, action=action)
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.edit_action(
                action,
                by=request.user,
                version=form.cleaned_data["version"],
                reason=form.cleaned_data["reason"],
                **form.values(),
            )
        except services.EditConflict as error:
            current = action_or_404(code)
            conflict = show_conflict(form, error, current, InlineForm(action=current, like=form))
            if is_saved_already(conflict, form):
                text = _("Already saved: %(title)s. Nothing was changed.") % {"title": current}
                return _answer_saved(request, current, text, messages.INFO)
        except ValidationError as error:
            add_errors(form, error, FORM_FIELDS)
        else:
            text = _("Saved: %(title)s") % {"title": saved}
            return _answer_saved(request, saved, text, messages.SUCCESS)
    if not is_htmx:
        return render_editor(request, form, {"conflict": conflict})
    context = row_context(request, action) | {"form": form, "conflict": conflict}
    return render(request, "plans/_action_inline.html", context, status=422 if form.errors else 200)


def _answer_saved(request: HttpRequest, action: Action, text: str, level: int) -> HttpResponse:
    """The row with the text said for htmx; otherwise the editor at the action, with a message."""
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "plans/_action_saved.html", row_context(request, action) | {"text": text})
    messages.add_message(request, level, text)
    return redirect(editor_url(action))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def edit_several(request: HttpRequest) -> HttpResponse:
    """One change for the actions that `?a=` names, once for each: all of them or none."""
    plan = get_plan()
    sent = (request.POST or request.GET).getlist("a")
    codes = list(dict.fromkeys(code.replace("\0", "") for code in sent))
    actions = list(
        selectors.actions_of(plan)
        .filter(code__in=codes)
        .select_related("accountable", "owner__user", "outcome__goal__plan")
        .in_plan_order()
    )
    form = BulkForm(request.POST or None, plan=plan)
    is_conflict = False
    if request.method == "POST" and form.is_valid():
        versions = {code: request.POST.get(f"{VERSION_PREFIX}{code}", "") for code in codes}
        try:
            changed = services.edit_actions(
                plan, versions, by=request.user, reason=form.cleaned_data["reason"], **form.values()
            )
        except services.EditConflict as error:
            form.add_error(None, error)
            is_conflict = True
        except ValidationError as error:
            add_errors(form, error, FORM_FIELDS)
        else:
            _say_changed(request, len(changed))
            return redirect(editor_url(changed[0] if changed else actions[0]))
    context = {
        "section": "plan",
        "form": form,
        "lines": [
            {"action": action, "version": _version_seen(request, action, is_conflict)} for action in actions
        ],
        "is_adopted": services.is_adopted(plan),
        "departments": form.departments,
        "reason_suggestions": REASON_SUGGESTIONS,
    }
    return render(request, "plans/edit_several.html", context, status=422 if form.errors else 200)


def _say_changed(request: HttpRequest, count: int) -> None:
    if not count:
        messages.info(request, _("Nothing was changed: the selected actions have these values already."))
        return
    text = ngettext("%(count)d action changed.", "%(count)d actions changed.", count)
    messages.success(request, text % {"count": count})


def _version_seen(request: HttpRequest, action: Action, is_conflict: bool) -> str:
    """The version that the person saw first. After a conflict the page shows it, and a second save succeeds."""
    now = services.version_token(action)
    return now if is_conflict else request.POST.get(f"{VERSION_PREFIX}{action.code}", now)


def row_context(request: HttpRequest, action: Action) -> dict[str, Any]:
    """What a single row needs; its Edit link gets the focus."""
    action = action_or_404(action.code)
    action.may_report = action.status != Action.Status.MERGED  # type: ignore[attr-defined]
    return {
        "action": action,
        "today": timezone.localdate(),
        "at": action.code,
        "is_adopted": services.is_adopted(action.outcome.goal.plan),
    } | permission_context(request.user)
