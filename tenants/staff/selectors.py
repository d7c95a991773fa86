"""Rows of the staff pages. The number of queries does not grow with the list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from tenants.models import Affiliation, AuditEvent, Invitation, Jurisdiction, Role


@dataclass
class Team:
    """The coordinators of a jurisdiction, and the open invitations to become one."""

    coordinators: list[Affiliation] = field(default_factory=list)
    invitations: list[Invitation] = field(default_factory=list)


def search_jurisdictions(text: str) -> QuerySet[Jurisdiction]:
    """Members whose name, slug or state matches `text`, by name, annotated with `last_sign_in_at` of their team."""
    jurisdictions = Jurisdiction.objects.tenants()
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
    """The latest audit events of a jurisdiction, newest first: `at`, `text`, `actor` (None: a command). One query."""
    events = (
        AuditEvent.objects.filter(jurisdiction=jurisdiction).select_related("actor").order_by("-at", "-pk")
    )
    return [
        {"at": event.at, "text": _describe_event(event), "actor": event.actor} for event in events[:limit]
    ]


def _describe_event(event: AuditEvent) -> str:
    """Text of an audit event, like "Invited ada@city.gov"; of a change, one text for each field."""
    email = event.detail.get("email", "")
    texts = {
        "opened": _("Opened"),
        "repaired": _("Given a new, empty schema"),
        "invited": _("Invited %(email)s") % {"email": email},
        "invitation_resent": _("Invited %(email)s again") % {"email": email},
        "invitation_accepted": _("%(email)s accepted the invitation") % {"email": email},
        "invitation_revoked": _("Took back the invitation of %(email)s") % {"email": email},
        "affiliated": _("Somebody joined the team"),
        "roles_changed": _("Somebody’s roles changed"),
        "affiliation_ended": _("Somebody left the team"),
        "handed_over": _("The coordination was handed over"),
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
