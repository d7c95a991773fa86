"""The form that records progress on an action."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.access import Permission, permission_required
from tenants.plans import selectors, services
from tenants.plans.forms.progress import ProgressForm
from tenants.plans.models import Action
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views.common import action_or_404, add_errors, editor_url, permission_context


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
    form = ProgressForm(request.POST or None, initial=initial, status_labels=plan.status_labels)
    if request.method == "POST" and form.is_valid():
        try:
            services.record_progress(action, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Your update on “%(title)s” is saved.") % {"title": action})
            return redirect(_next_url(request, default=editor_url(action)))
    context = {
        "section": "updates",
        "action": action,
        "plan": plan,
        "form": form,
        "last": action.progress_notes.order_by("-noted_on", "-position").first(),
        "next": _next_url(request, default=""),
    } | permission_context(request.user)
    return render(request, "plans/progress_form.html", context, status=422 if form.errors else 200)


def _next_url(request: HttpRequest, *, default: str) -> str:
    """URL of the list of updates, if the person came from there."""
    return reverse("plans:updates", query={"mine": 1}) if request.GET.get("from") == "updates" else default
