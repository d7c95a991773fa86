"""Pages of a team, of a city or of the alliance: its people and invitations, and how to change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants import access
from tenants.access import Permission, permission_required
from tenants.models import Affiliation, Invitation, Role
from tenants.people import affiliations, invitations
from tenants.team import departments
from tenants.team.departments import PlanDepartment
from tenants.team.forms import (
    ROLE_DESCRIPTIONS,
    InviteForm,
    PersonForm,
    TransferCoordinatorForm,
    assignable_roles,
)

PER_PAGE = 50


def _people() -> Any:
    return Affiliation.objects.active().filter(jurisdiction=connection.tenant).select_related("user")


def _person(uuid: str) -> Affiliation:
    return get_object_or_404(_people(), uuid=uuid)


def _invitation(uuid: str) -> Invitation:
    return get_object_or_404(Invitation, jurisdiction=connection.tenant, uuid=uuid)


def _labels(roles: list[str]) -> list[str]:
    return [str(Role(role).label) for role in roles]


def _filter_people(people: Any, *, text: str, role: str) -> Any:
    """Filter `people` by every word of `text` in name, email or department, and by `role` if one is given."""
    for word in text.split():
        matches = Q(user__first_name__icontains=word) | Q(user__last_name__icontains=word)
        people = people.filter(matches | Q(user__email__icontains=word) | Q(department__icontains=word))
    return people.filter(roles__contains=[role]) if role else people


@require_GET
@permission_required(Permission.SEE_TEAM)
def team(request: HttpRequest) -> HttpResponse:
    """The people on the team, filtered and by page, and the open invitations."""
    jurisdiction = connection.tenant
    roles = assignable_roles(jurisdiction)
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    role = request.GET.get("role", "")
    role = role if role in roles else ""
    people = _people()
    matching = _filter_people(people, text=text, role=role)
    matching = matching.order_by("user__last_name", "user__first_name", "pk")
    page = Paginator(matching, PER_PAGE).get_page(request.GET.get("page"))
    plan_departments = departments.of_the_plan() if jurisdiction.is_tenant else []
    open_invitations = Invitation.objects.filter(jurisdiction=jurisdiction).exclude(
        state__in=[Invitation.State.ACCEPTED, Invitation.State.REVOKED]
    )
    invitation_page = Paginator(open_invitations.order_by("-sent_at", "pk"), PER_PAGE).get_page(
        request.GET.get("invited")
    )
    return render(
        request,
        "team/team.html",
        _layout_context()
        | {
            "q": text,
            "role": role,
            "roles": roles,
            "total": people.count(),
            "page": page,
            "people": [
                {
                    "affiliation": affiliation,
                    "roles": [
                        (Role(name).label, ROLE_DESCRIPTIONS[name])
                        for name in roles
                        if name in affiliation.roles
                    ],
                    "is_me": affiliation.user_id == request.user.pk,
                    **_department_of(affiliation, plan_departments),
                }
                for affiliation in page
            ],
            "invitation_page": invitation_page,
            "invitations": [
                {
                    "invitation": invitation,
                    "roles": _labels(invitation.roles),
                    "is_expired": invitation.expires_at <= timezone.now(),
                    **_department_of(invitation, plan_departments),
                }
                for invitation in invitation_page
            ],
            "can_manage": access.has_permission(request.user, Permission.MANAGE_TEAM, jurisdiction),
            "can_transfer": Role.COORDINATOR in access.get_roles(request.user, jurisdiction),
        },
    )


def _department_of(
    person: Affiliation | Invitation, plan_departments: list[PlanDepartment]
) -> dict[str, Any]:
    """For a department lead: on how many actions the person reports, or that the plan lacks the department."""
    if Role.DEPARTMENT_LEAD not in person.roles:
        return {}
    department = departments.find(plan_departments, person.department)
    return {"reports_on": department.actions} if department else {"lacks_department": True}


def _layout_context() -> dict[str, Any]:
    """Context of the page's layout: the city's workspace, or the alliance's staff pages."""
    if connection.tenant.is_tenant:
        return {"base": "workspace/base.html", "section": "team"}
    return {"base": "alliance/base.html", "section": "staff"}


def _known_department(initial: dict[str, str]) -> dict[str, Any]:
    """What a link asks for: a department of the plan, with the role that reports for it."""
    known = connection.tenant.is_tenant and departments.find(departments.of_the_plan(), initial["department"])
    return {"department": known.name, "roles": [Role.DEPARTMENT_LEAD]} if known else {}


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MANAGE_TEAM)
def invite(request: HttpRequest) -> HttpResponse:
    query = {"department": request.GET.get("department", "")[:120]}
    form = InviteForm(request.POST or None, jurisdiction=connection.tenant, initial=_known_department(query))
    if request.method == "POST" and form.is_valid():
        try:
            invitation = invitations.invite(connection.tenant, by=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(
                request, _("An invitation is on its way to %(email)s.") % {"email": invitation.email}
            )
            return redirect("team:team")
    return _form(request, form, title=_("Invite someone to the team"), button=_("Send the invitation"))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MANAGE_TEAM)
def change(request: HttpRequest, uuid: str) -> HttpResponse:
    person = _person(uuid)
    initial = {name: getattr(person, name) for name in ("title", "department", "is_public", "roles")}
    form = PersonForm(request.POST or None, initial=initial, jurisdiction=connection.tenant)
    if request.method == "POST" and form.is_valid():
        try:
            fields = {"roles": person.roles} | form.changes(form.cleaned_data)
            affiliations.change_roles(person, by=request.user, **fields)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("Saved: %(person)s.") % {"person": person.user})
            return redirect("team:team")
    title = _("Roles of %(person)s") % {"person": person.user}
    return _form(request, form, title=title, button=_("Save"))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MANAGE_TEAM)
def end(request: HttpRequest, uuid: str) -> HttpResponse:
    person = _person(uuid)
    return _confirm(
        request,
        act=lambda: affiliations.end_affiliation(person, by=request.user),
        title=_("Remove %(person)s from the team?") % {"person": person.user},
        text=_(
            "They are signed out of this site right away. Their past work stays in the history under their name."
        ),
        button=_("Remove"),
        done=_("%(person)s is no longer on the team.") % {"person": person.user},
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MANAGE_TEAM)
def transfer_coordinator(request: HttpRequest) -> HttpResponse:
    own_affiliation = get_object_or_404(_people(), user=request.user, roles__contains=[Role.COORDINATOR])
    form = TransferCoordinatorForm(
        request.POST or None, others=_people().exclude(pk=own_affiliation.pk).order_by("pk")
    )
    if request.method == "POST" and form.is_valid():
        try:
            successor = affiliations.transfer_coordinator(
                own_affiliation, to=form.cleaned_data["to"], by=request.user
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(person)s is coordinator now.") % {"person": successor.user})
            return redirect("team:team")
    return _form(
        request,
        form,
        title=_("Transfer the coordinator role"),
        lead=_(
            "The other person becomes coordinator, and you stay as a plan editor. Both happen at the same time."
        ),
        button=_("Transfer the role"),
    )


@require_POST
@permission_required(Permission.MANAGE_TEAM)
def resend(request: HttpRequest, uuid: str) -> HttpResponse:
    try:
        invitation = invitations.resend(_invitation(uuid), by=request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(
            request,
            _("A new link is on its way to %(email)s; the old one no longer works.")
            % {"email": invitation.email},
        )
    return redirect("team:team")


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MANAGE_TEAM)
def revoke(request: HttpRequest, uuid: str) -> HttpResponse:
    invitation = _invitation(uuid)
    return _confirm(
        request,
        act=lambda: invitations.revoke(invitation, by=request.user),
        title=_("Cancel the invitation to %(email)s?") % {"email": invitation.email},
        text=_("The link in the email stops working."),
        button=_("Cancel the invitation"),
        done=_("The invitation to %(email)s is canceled.") % {"email": invitation.email},
    )


def _confirm(
    request: HttpRequest, *, act: Callable[[], Any], title: str, text: str, button: str, done: str
) -> HttpResponse:
    """A page that asks for confirmation and then calls `act`; its ValidationError is shown on the same page."""
    errors: list[str] = []
    if request.method == "POST":
        try:
            act()
        except ValidationError as error:
            errors = error.messages
        else:
            messages.success(request, done)
            return redirect("team:team")
    context = {"title": title, "text": text, "button": button, "errors": errors}
    return render(request, "team/confirm.html", _layout_context() | context, status=422 if errors else 200)


def _form(request: HttpRequest, form: Any, *, title: str, button: str, lead: str = "") -> HttpResponse:
    context = {"form": form, "title": title, "lead": lead, "button": button}
    return render(request, "team/form.html", _layout_context() | context, status=422 if form.errors else 200)
