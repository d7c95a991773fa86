"""Publish and unpublish the plan, record its adoption."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from tenants.access import Permission, permission_required
from tenants.models import Visibility
from tenants.plans import labels, selectors, services
from tenants.plans.forms.publishing import AdoptForm, PublishForm, UnpublishForm
from tenants.plans.models import Plan
from tenants.plans.selectors import current_jurisdiction
from tenants.plans.views import first_screens
from tenants.plans.views.common import add_errors, get_plan, permission_context


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.PUBLISH_PLAN)
def publish(request: HttpRequest) -> HttpResponse:
    """The warnings, the numbers that become public, and the form that publishes the plan and opens the site."""
    jurisdiction, plan = current_jurisdiction(), get_plan()
    initial = {"visibility": plan.visibility if plan.visibility != Visibility.INTERNAL else Visibility.PUBLIC}
    form = PublishForm(request.POST or None, is_launched=jurisdiction.is_launched, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.publish_plan(
                plan, by=request.user, visibility=data["visibility"], launch=data.get("launch", False)
            )
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The plan is published."))
            return redirect("plans:published")
    status_counts, total = _public_counts(plan), selectors.actions_of(plan).count()
    context = {
        "section": "plan",
        "form": form,
        "plan": plan,
        "warnings": services.publish_warnings(plan),
        "total": total,
        "status_counts": status_counts,
        "uncounted": total - sum(count for _state, _label, count in status_counts),
    }
    return render(request, "plans/publish.html", context, status=422 if form.errors else 200)


@require_safe
@permission_required(Permission.PUBLISH_PLAN)
def published(request: HttpRequest) -> HttpResponse:
    """Hands over the public address, and says what is left to do."""
    jurisdiction, plan = current_jurisdiction(), get_plan()
    if plan.visibility == Visibility.INTERNAL:
        return redirect("plans:publish")
    context = {"section": "plan", "plan": plan} | permission_context(request.user)
    context |= first_screens.steps(request.user, plan) | first_screens.public_site(jurisdiction, plan)
    return render(request, "plans/published.html", context)


def _public_counts(plan: Plan) -> list[tuple[str, str, int]]:
    """The groups that the public pages will count, with labels, in their order: [("overdue", "Overdue", 2)]."""
    counts = selectors.count_actions(plan, by="standing")
    return [
        (state, labels.status_label(state, plan.status_labels), counts[state]["counted"])
        for state in labels.STATUSES_BY_PROGRESS
        if state in counts and counts[state]["counted"]
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.PUBLISH_PLAN)
def unpublish(request: HttpRequest) -> HttpResponse:
    plan = get_plan()
    form = UnpublishForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.unpublish_plan(plan, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Only your team sees the plan now."))
            return redirect("plans:home")
    context = {"section": "plan", "form": form, "plan": plan}
    return render(request, "plans/unpublish.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.PUBLISH_PLAN)
def adopt(request: HttpRequest) -> HttpResponse:
    plan = get_plan()
    initial = {"on": plan.adopted_on, "body": plan.adopting_body, "resolution": plan.resolution}
    form = AdoptForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.adopt(plan, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            add_errors(form, error)
        else:
            messages.success(request, _("The adoption is recorded."))
            return redirect("plans:editor")
    context = {"section": "plan", "form": form, "plan": plan}
    return render(request, "plans/adopt.html", context, status=422 if form.errors else 200)
