"""Rows of the staff pages. The number of queries does not grow with the list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import User
from tenants.models import Affiliation, AuditEvent, Invitation, Jurisdiction, Role


@dataclass
class Team:
    """The coordinators of a jurisdiction, and the open invitations to become one."""

    coordinators: list[Affiliation] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)


def search_jurisdictions(text: str, *, stage: str = "", site: str = "") -> QuerySet[Jurisdiction]:
    """Members whose name, slug or state matches `text`, by name, annotated with `last_sign_in_at` of their team.

    `stage` and `site` are codes of a membership stage and a site state; "" for any.
    """
    jurisdictions = Jurisdiction.objects.tenants()
    if stage:
        jurisdictions = jurisdictions.filter(entry_stage=stage)
    if site:
        jurisdictions = jurisdictions.filter(site_state=site)
    if text:
        matches = Q(name__icontains=text) | Q(short_name__icontains=text) | Q(slug__icontains=text)
        jurisdictions = jurisdictions.filter(matches | Q(state__iexact=text))
    return jurisdictions.annotate(last_sign_in_at=Max("affiliations__last_sign_in_at")).order_by("name", "pk")


def teams_by_jurisdiction(jurisdictions: Iterable[Jurisdiction]) -> dict[int, Team]:
    """Coordinators and open coordinator invitations of these jurisdictions, by primary key. Two queries."""
    keys = [jurisdiction.pk for jurisdiction in jurisdictions]
    by_jurisdiction: dict[int, Team] = defaultdict(Team)
    coordinators = Affiliation.objects.active().filter(
        jurisdiction__in=keys, roles__contains=[Role.COORDINATOR]
    )
    for affiliation in coordinators.select_related("user").order_by("start_date", "pk"):
        by_jurisdiction[affiliation.jurisdiction_id].coordinators.append(affiliation)
    invitations = Invitation.objects.filter(
        jurisdiction__in=keys, roles__contains=[Role.COORDINATOR], state__in=Invitation.OPEN_STATES
    )
    for invitation in invitations.order_by("sent_at", "pk"):
        by_jurisdiction[invitation.jurisdiction_id].invitations.append(invitation)
    return by_jurisdiction


def recent_events(jurisdiction: Jurisdiction, *, limit: int) -> list[dict[str, Any]]:
    """The latest audit events of a jurisdiction, newest first: `at`, `text`, `by`. Two queries."""
    newest = (
        AuditEvent.objects.filter(jurisdiction=jurisdiction).select_related("actor").order_by("-at", "-pk")
    )
    events = list(newest[:limit])
    people = [event.object_id for event in events if event.object_type == User._meta.model_name]
    people += [event.detail["giver"] for event in events if "giver" in event.detail]
    names = {str(user.uuid): str(user) for user in User.objects.filter(uuid__in=people)}
    return [
        {"at": event.at, "text": _describe_event(event, names), "by": _describe_actor(event)}
        for event in events
    ]


def _describe_actor(event: AuditEvent) -> str:
    if event.actor is None:
        return _("by command")
    if event.verb == "affiliated":  # the person's own act; the event keeps who had invited them
        return _("invited by %(name)s") % {"name": event.actor}
    return _("by %(name)s") % {"name": event.actor}


def _describe_event(event: AuditEvent, names: dict[str, str]) -> str:
    """Text of an audit event, like "Invited ada@city.gov"; of a change, one text for each field."""
    email = event.detail.get("email", "")
    person = {"person": names.get(event.object_id) or _("A former user")}
    transfer = person | {"former": names.get(event.detail.get("giver", "")) or _("a former user")}
    texts = {
        "opened": _("Set up"),
        "repaired": _("Given a new, empty database"),
        "invited": _("Invited %(email)s") % {"email": email},
        "invitation_resent": _("Invited %(email)s again") % {"email": email},
        "invitation_accepted": _("%(email)s accepted the invitation") % {"email": email},
        "invitation_revoked": _("Canceled the invitation of %(email)s") % {"email": email},
        "affiliated": _("%(person)s joined the team") % person,
        "roles_changed": _("Roles of %(person)s changed") % person,
        "affiliation_ended": _("%(person)s left the team") % person,
        "handed_over": _("%(person)s became coordinator after %(former)s") % transfer,
    }
    if event.verb == "changed":
        return "; ".join(_describe_change(name, change) for name, change in event.detail.items())
    return texts.get(event.verb, event.verb.replace("_", " "))


def _describe_change(name: str, change: dict[str, Any]) -> str:
    """Text of a changed field, like "Stage: Onboarding → Planning"."""
    model_field = Jurisdiction._meta.get_field(name)
    labels = dict(model_field.flatchoices)

    def format_value(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(value) or _("none")
        return str(labels.get(value, value)) or _("none")

    return f"{capfirst(str(model_field.verbose_name))}: {format_value(change['from'])} → {format_value(change['to'])}"
