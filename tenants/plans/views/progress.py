"""The short form on every action: how it goes, what happened, what is next."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.access import Permission, permission_required
from tenants.plans import selectors, services
from tenants.plans.forms import ProgressForm
from tenants.plans.views.common import action_or_404, add_errors, current_jurisdiction, permission_context
from tenants.plans.views.editor import editor_url


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.REPORT_PROGRESS)
def record_progress(request: HttpRequest, code: str) -> HttpResponse:
    """Report on an action; 404 for an action that is not the person's to report on."""
    action = action_or_404(code)
    if not selectors.may_report(request.user, current_jurisdiction(), action):
        raise Http404
    plan = action.outcome.goal.plan
    initial = {"status": action.status, "reason": action.reason, "next_step": action.next_step}
    form = ProgressForm(request.POST or None, initial=initial, labels=plan.status_labels)
    if request.method == "POST" and form.is_valid():
        try:
            services.record_progress(action, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Your update on “%(title)s” is saved.") % {"title": action})
            return redirect(_next(request, editor_url(action)))
    context = {
        "section": "updates",
        "action": action,
        "plan": plan,
        "form": form,
        "last": action.progress_notes.order_by("-noted_on", "-position").first(),
        "next": _next(request, ""),
    } | permission_context(request.user)
    return render(request, "plans/progress_form.html", context, status=422 if form.errors else 200)


def _next(request: HttpRequest, otherwise: str) -> str:
    """Back to the list of updates, if the person came from there."""
    return "/workspace/updates/?mine=1" if request.GET.get("from") == "updates" else otherwise
