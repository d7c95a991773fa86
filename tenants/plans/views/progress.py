"""Record progress on an action; correct or withdraw a report."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.access import Permission, permission_required
from tenants.plans import labels, selectors, services
from tenants.plans.forms.progress import CorrectionForm, ProgressForm, WithdrawForm
from tenants.plans.models import Action, ProgressNote
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views.common import (
    action_or_404,
    add_errors,
    answer_already_saved,
    editor_url,
    permission_context,
)
from tenants.plans.views.edit_conflicts import is_saved_already, show_conflict

MAX_EARLIER = 10  # reports below the form


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.REPORT_PROGRESS)
def record_progress(request: HttpRequest, code: str) -> HttpResponse:
    """Record progress on an action; 404 if the person may not."""
    action = action_or_404(code)
    if not selectors.may_report(request.user, current_jurisdiction(), action):
        raise Http404
    if action.status == Action.Status.MERGED:
        context = {"section": "updates", "action": action} | permission_context(request.user)
        return render(request, "plans/merged.html", context, status=200 if request.method != "POST" else 422)
    plan = action.outcome.goal.plan
    initial = {"status": action.status, "reason": action.reason, "next_step": action.next_step}
    form = ProgressForm(
        request.POST or None,
        initial=initial,
        status_labels=plan.status_labels,
        milestones=action.milestones.order_by("due_date", "position", "pk"),
    )
    if request.method == "POST" and form.is_valid():
        try:
            note = services.record_progress(action, by=request.user, **form.values())
        except ValidationError as error:
            add_errors(form, error)
        else:
            _confirm(request, action, note)
            return redirect(_next_url(request, default=editor_url(action)))
    context = {
        "section": "updates",
        "action": action,
        "plan": plan,
        "form": form,
        "earlier": _earlier_reports(request, action),
        "next": _next_url(request, default=""),
    } | permission_context(request.user)
    return render(request, "plans/progress_form.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.REPORT_PROGRESS)
def correct_progress(request: HttpRequest, code: str, uuid: UUID) -> HttpResponse:
    """Correct a report; 404 if the person may not."""
    action, note = _note_or_404(request, code, uuid)
    plan = action.outcome.goal.plan
    form = CorrectionForm(request.POST or None, note=note, status_labels=plan.status_labels)
    conflict = None
    if request.method == "POST" and form.is_valid():
        try:
            services.correct_progress(note, by=request.user, **form.values())
        except services.EditConflict as error:
            current = ProgressNote.objects.get(pk=note.pk)
            fresh = CorrectionForm(note=current, status_labels=plan.status_labels)
            conflict = show_conflict(form, error, current, fresh)
            if is_saved_already(conflict, form):
                return answer_already_saved(request, action)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Your correction on “%(title)s” is saved.") % {"title": action})
            return redirect(editor_url(action))
    context = {
        "section": "updates",
        "action": action,
        "plan": plan,
        "form": form,
        "note": note,
        "conflict": conflict,
    } | permission_context(request.user)
    return render(request, "plans/correct_progress.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.REPORT_PROGRESS)
def withdraw_progress(request: HttpRequest, code: str, uuid: UUID) -> HttpResponse:
    """Withdraw a report made by mistake; 404 if the person may not, and for one that is withdrawn."""
    is_sent = request.method == "POST"
    action, note = _note_or_404(request, code, uuid, with_withdrawn=is_sent)
    if note.withdrawn_at is not None:  # the form was sent twice, or in two windows
        messages.info(
            request,
            _("The report on “%(title)s” is already withdrawn. Nothing was changed.") % {"title": action},
        )
        return redirect(editor_url(action))
    form = WithdrawForm(request.POST or None)
    if is_sent and form.is_valid():
        try:
            services.withdraw_progress(note, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The report on “%(title)s” is withdrawn.") % {"title": action})
            return redirect(editor_url(action))
    context = {
        "section": "updates",
        "action": action,
        "form": form,
        "note": note,
        "status": _status_label(action, note),
        "done_milestones": action.milestones.exclude(done_date=None).order_by("due_date", "position", "pk"),
    }
    return render(request, "plans/withdraw_progress.html", context, status=422 if form.errors else 200)


def _note_or_404(
    request: HttpRequest, code: str, uuid: UUID, *, with_withdrawn: bool = False
) -> tuple[Action, ProgressNote]:
    """The action and its note, if this person may correct it."""
    action = action_or_404(code)
    notes = ProgressNote.with_withdrawn if with_withdrawn else ProgressNote.objects
    note = notes.filter(action=action, uuid=uuid).first()
    if note is None or not selectors.may_correct(request.user, current_jurisdiction(), note):
        raise Http404
    return action, note


def _confirm(request: HttpRequest, action: Action, note: ProgressNote) -> None:
    """Say that the report is saved, or that it was saved before, with the way to correct it."""
    if note.is_repeat:
        at = timezone.localtime(note.created_at)
        text = _("Already saved at %(time)s on %(day)s: your update on “%(title)s”. Nothing was added.") % {
            "title": action,
            "day": date_format(at),
            "time": time_format(at),
        }
    else:
        text = _("Your update on “%(title)s” is saved.") % {"title": action}
    url = reverse("plans:correct-progress", args=[action.code, note.uuid])
    level = messages.INFO if note.is_repeat else messages.SUCCESS
    messages.add_message(request, level, format_html('{} <a href="{}">{}</a>', text, url, _("Correct it")))


def _earlier_reports(request: HttpRequest, action: Action) -> list[dict[str, Any]]:
    """The newest reports, and whether this person may correct each."""
    newest_first = F("noted_on").desc(nulls_last=True), "-position", "-pk"
    notes = action.progress_notes.select_related("created_by").order_by(*newest_first)[:MAX_EARLIER]
    jurisdiction = current_jurisdiction()
    return [
        {
            "note": note,
            "status": _status_label(action, note),
            "may_correct": selectors.may_correct(request.user, jurisdiction, note),
        }
        for note in notes
    ]


def _status_label(action: Action, note: ProgressNote) -> str:
    """The status of a report in the city's own words; "" without one."""
    return labels.status_label(note.status, action.outcome.goal.plan.status_labels) if note.status else ""


def _next_url(request: HttpRequest, *, default: str) -> str:
    """URL of the list of updates, if the person came from there."""
    return reverse("plans:updates", query={"mine": 1}) if request.GET.get("from") == "updates" else default
