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
from django.views.decorators.vary import vary_on_headers

from tenants.access import Permission, permission_required
from tenants.plans import change_log, services
from tenants.plans.forms.plan import RetireForm
from tenants.plans.forms.quick import MoveForm
from tenants.plans.models import Action, Goal, Outcome
from tenants.plans.views.common import (
    add_errors,
    answer_already_saved,
    editor_url,
    get_plan,
    permission_context,
    plan_item_or_404,
)
from tenants.plans.views.edit_conflicts import show_conflict
from tenants.plans.views.editor import outline

PAGE_SIZE = 50


@require_POST
@permission_required(Permission.EDIT_PLAN)
@vary_on_headers("HX-Request")
def move(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    """Move an item one position up or down, as the field `direction` says.

    htmx gets the goal, or for a goal the whole tree, with the focus on the same button again.
    """
    item, direction = plan_item_or_404(kind, uuid), request.POST.get("direction", "")
    if direction not in ("up", "down"):
        raise Http404
    has_moved = services.move(item, direction=direction, by=request.user)
    text = moved_text(item) if has_moved else _not_moved_text(plan_item_or_404(kind, uuid))
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, text)
        return redirect(editor_url(item))
    goal = item if isinstance(item, Goal) else item.goal if isinstance(item, Outcome) else item.outcome.goal
    at = item.code if isinstance(item, Action) else ""
    tree = outline(request.user, goal.plan, {"goal": str(goal.uuid), "at": at})
    context = tree | permission_context(request.user)
    context |= {
        "text": text,
        "moved": f"{kind}-{item.pk}",
        "direction": direction,
        "branches": [branch for branch in tree["tree"] if kind == "goal" or branch["goal"].pk == goal.pk],
    }
    return render(request, "plans/_moved.html", context)


def _not_moved_text(item: Goal | Outcome | Action) -> str:
    if item.retired_at is not None:
        return _("“%(title)s” is archived. Restore it before you move it.") % {"title": item}
    return _("It cannot move further: %(title)s") % {"title": item}


def moved_text(item: Goal | Outcome | Action) -> str:
    """ "Moved to position 3 of 7: 4.1 Eviction help"."""
    name = services.PARENT_NAMES[type(item)]
    parent = {f"{name}_id": getattr(item, f"{name}_id")}
    siblings: Any = type(item).objects.filter(**parent, retired_at=None).order_by("position", "pk")
    pks = list(siblings.values_list("pk", flat=True))
    return _("Moved to position %(number)s of %(count)s: %(title)s") % {
        "number": pks.index(item.pk) + 1 if item.pk in pks else 1, "count": len(pks), "title": item,
    }  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def move_to(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    """Choose the new position of an item: over several others, or in another part of the plan."""
    item = plan_item_or_404(kind, uuid)
    plan = get_plan()
    initial = {"version": services.version_token(item)}
    form = MoveForm(request.POST or None, item=item, plan=plan, initial=initial)
    conflict = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        parent, after = form.target_of()
        try:
            services.move_to(
                item,
                parent,
                after=after,
                by=request.user,
                reason=data.get("reason", ""),
                version=data["version"],
            )
        except services.EditConflict as error:
            if data["target"] == form.position_now:
                return answer_already_saved(request, item)
            conflict = show_conflict(form, error, item)
        except ValidationError as error:
            add_errors(form, error)
        else:
            item = plan_item_or_404(kind, uuid)
            messages.success(request, moved_text(item))
            return redirect(editor_url(item))
    context = {"section": "plan", "form": form, "item": item, "conflict": conflict}
    return render(request, "plans/move_to.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_PLAN)
def retire(request: HttpRequest, kind: str, uuid: UUID) -> HttpResponse:
    item = plan_item_or_404(kind, uuid)
    form = RetireForm(request.POST or None, initial={"version": services.version_token(item)})
    conflict = None
    if request.method == "POST" and item.retired_at is not None:  # the form was sent twice, or in two windows
        messages.info(request, _("Already archived: %(title)s. Nothing was changed.") % {"title": item})
        return redirect("plans:retired")
    if request.method == "POST" and form.is_valid():
        try:
            services.retire(item, by=request.user, **form.cleaned_data)
        except services.EditConflict as error:
            conflict = show_conflict(form, error, item)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Archived: %(title)s. You can restore it.") % {"title": item})
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
    messages.success(request, _("Restored: %(title)s") % {"title": item})
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
