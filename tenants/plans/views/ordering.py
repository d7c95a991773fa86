"""Move, retire and restore goals, outcomes and actions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.access import Permission, permission_required
from tenants.plans import change_log, services
from tenants.plans.forms.plan import RetireForm
from tenants.plans.models import Action, Goal, Outcome
from tenants.plans.views.common import (
    add_errors,
    editor_url,
    get_plan,
    permission_context,
    plan_item_or_404,
)
from tenants.plans.views.edit_conflicts import show_conflict

PAGE_SIZE = 50


@require_POST
@permission_required(Permission.EDIT_PLAN)
def move(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    """Move an item one position up or down, as the field `direction` says."""
    item = plan_item_or_404(kind, uuid)
    if request.POST.get("direction") not in ("up", "down"):
        raise Http404
    services.move(item, direction=request.POST["direction"], by=request.user)
    return redirect(editor_url(item))


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def retire(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    item = plan_item_or_404(kind, uuid)
    form = RetireForm(request.POST or None, initial={"version": services.version_token(item)})
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            services.retire(item, by=request.user, **form.cleaned_data)
        except services.EditConflict as error:
            conflict = show_conflict(form, error, item)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Retired: %(title)s. You can bring it back.") % {"title": item})
            return redirect("plans:retired")
    actions_below = {
        "goal": Action.objects.current().filter(outcome__goal=item.pk),
        "outcome": Action.objects.current().filter(outcome=item.pk),
        "action": Action.objects.none(),
    }[kind]
    context = {
        "section": "plan",
        "form": form,
        "item": item,
        "action_count": actions_below.count(),
        "conflict": conflict,
    }
    return render(request, "plans/retire.html", context, status=422 if form.errors else 200)


@require_POST
@permission_required(Permission.EDIT_PLAN)
def restore(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    item = plan_item_or_404(kind, uuid)
    try:
        services.restore(item, by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("plans:retired")
    messages.success(request, _("Brought back: %(title)s") % {"title": item})
    return redirect(editor_url(item))


@require_safe
@permission_required(Permission.SEE_WORKSPACE)
def retired(request: HttpRequest) -> HttpResponse:
    """The retired goals, outcomes and actions, newest first."""
    plan = get_plan()
    lines: list[dict[str, Any]] = []
    for kind, items in (
        ("goal", Goal.objects.filter(plan=plan)),
        ("outcome", Outcome.objects.filter(goal__plan=plan)),
        ("action", Action.objects.filter(outcome__goal__plan=plan)),
    ):
        lines += [
            {"kind": kind, "kind_label": change_log.OBJECT_LABELS[kind], "item": item}
            for item in items.exclude(retired_at=None)  # type: ignore[attr-defined]
        ]
    lines.sort(key=lambda line: line["item"].retired_at, reverse=True)
    page = Paginator(lines, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"section": "plan", "page": page} | permission_context(request.user)
    return render(request, "plans/retired.html", context)
