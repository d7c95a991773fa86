"""Pages on which the alliance's staff open and manage jurisdictions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants import access
from tenants.access import Permission, permission_required
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Role
from tenants.people import invitations
from tenants.staff import selectors
from tenants.staff.forms import AllianceContactForm, InvitationForm, JurisdictionForm, NewJurisdictionForm

PAGE_SIZE = 50
MAX_EVENTS = 20  # audit events on a jurisdiction's page


@require_safe
@permission_required(Permission.SEE_STAFF_PAGES)
def index(request: HttpRequest) -> HttpResponse:
    """All members with stage, site state and coordinators; by name, stage and site, 50 on a page."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    stage, site = request.GET.get("stage", ""), request.GET.get("site", "")
    stage = stage if stage in Jurisdiction.MembershipStage.values else ""
    site = site if site in Jurisdiction.SiteState.values else ""
    matches = selectors.search_jurisdictions(text, stage=stage, site=site)
    page = Paginator(matches, PAGE_SIZE).get_page(request.GET.get("page"))
    teams = selectors.teams_by_jurisdiction(page)
    rows = [{"jurisdiction": jurisdiction, "team": teams[jurisdiction.pk]} for jurisdiction in page]
    return render(
        request,
        "staff/index.html",
        {
            "section": "staff",
            "q": text,
            "stage": stage,
            "site": site,
            "stages": Jurisdiction.MembershipStage.choices,
            "sites": Jurisdiction.SiteState.choices,
            "is_filtered": bool(text or stage or site),
            "page": page,
            "rows": rows,
            "total": page.paginator.count,
            "may_set": access.has_permission(request.user, Permission.EDIT_SETTINGS, connection.tenant),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.EDIT_SETTINGS)
def contact(request: HttpRequest) -> HttpResponse:
    """How cities and residents reach the alliance."""
    alliance = Jurisdiction.objects.get(pk=connection.tenant.pk)
    form = AllianceContactForm(request.POST or None, instance=alliance)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_jurisdiction(alliance, by=request.user, **form.changes(form.cleaned_data))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(
                request, _("The contact was saved. It is on the contact page and in the footer.")
            )
            return redirect("staff:index")
    context = {"section": "staff", "form": form}
    return render(request, "staff/contact.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.OPEN_JURISDICTION)
def new(request: HttpRequest) -> HttpResponse:
    """Open a jurisdiction."""
    form = NewJurisdictionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        fields = {name: value for name, value in form.cleaned_data.items() if name != "short_name" or value}
        try:
            jurisdiction = services.open_jurisdiction(by=request.user, **fields)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(name)s has been set up.") % {"name": jurisdiction.name})
            return redirect("staff:jurisdiction", slug=jurisdiction.slug)
    return render(
        request, "staff/new.html", {"section": "staff", "form": form}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(Permission.OPEN_JURISDICTION)
def jurisdiction(request: HttpRequest, slug: str) -> HttpResponse:
    """One jurisdiction: the next step, its description to edit, and its audit events."""
    jurisdiction = get_object_or_404(Jurisdiction.objects.tenants(), slug=slug)
    form = JurisdictionForm(request.POST or None, instance=jurisdiction)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_jurisdiction(jurisdiction, by=request.user, **form.changes(form.cleaned_data))
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Your changes were saved."))
            return redirect("staff:jurisdiction", slug=slug)
    # An invalid form has changed its instance too: read the jurisdiction again for the page.
    return _page(request, Jurisdiction.objects.get(pk=jurisdiction.pk), form=form)


@require_POST
@permission_required(Permission.OPEN_JURISDICTION)
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Invite the coordinator, or send the invitation again with a new link."""
    jurisdiction = get_object_or_404(Jurisdiction.objects.tenants(), slug=slug)
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            invitation = invitations.invite(
                jurisdiction, email=form.cleaned_data["email"], roles=[Role.COORDINATOR], by=request.user
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(
                request, _("The invitation is on its way to %(email)s.") % {"email": invitation.email}
            )
            return redirect("staff:jurisdiction", slug=slug)
    return _page(request, jurisdiction, invitation_form=form)


def _page(
    request: HttpRequest,
    jurisdiction: Jurisdiction,
    *,
    form: JurisdictionForm | None = None,
    invitation_form: InvitationForm | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "section": "staff",
        "member": jurisdiction,
        "form": form or JurisdictionForm(instance=jurisdiction),
        "invitation_form": invitation_form or InvitationForm(),
        "team": selectors.teams_by_jurisdiction([jurisdiction])[jurisdiction.pk],
        "events": selectors.recent_events(jurisdiction, limit=MAX_EVENTS),
    }
    is_invalid = any(each is not None and each.errors for each in (form, invitation_form))
    return render(request, "staff/jurisdiction.html", context, status=422 if is_invalid else 200)
