"""What the staff pages show, in a number of questions that does not grow with the list."""

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
    """Who runs a jurisdiction's site, and who is asked to."""

    coordinators: list[Affiliation] = field(default_factory=list)
    invited: list[Invitation] = field(default_factory=list)


def search_jurisdictions(text: str) -> QuerySet[Jurisdiction]:
    """The places whose name, address or state has `text`, by name, each with `last_sign_in_at` of its team."""
    jurisdictions = Jurisdiction.objects.tenants()
    if text:
        named = Q(name__icontains=text) | Q(short_name__icontains=text) | Q(slug__icontains=text)
        jurisdictions = jurisdictions.filter(named | Q(state__iexact=text))
    return jurisdictions.annotate(last_sign_in_at=Max("affiliations__last_sign_in_at")).order_by("name", "pk")


def teams_by_jurisdiction(jurisdictions: Iterable[Jurisdiction]) -> dict[int, Team]:
    """The coordinators and the open invitations of each of these places, by its key. Two questions."""
    keys = [jurisdiction.pk for jurisdiction in jurisdictions]
    by_jurisdiction: dict[int, Team] = defaultdict(Team)
    holding = Affiliation.objects.active().filter(jurisdiction__in=keys, roles__contains=[Role.COORDINATOR])
    for affiliation in holding.select_related("user").order_by("start_date", "pk"):
        by_jurisdiction[affiliation.jurisdiction_id].coordinators.append(affiliation)
    asked = Invitation.objects.filter(
        jurisdiction__in=keys, roles__contains=[Role.COORDINATOR], state__in=Invitation.OPEN_STATES
    )
    for invitation in asked.order_by("sent_at", "pk"):
        by_jurisdiction[invitation.jurisdiction_id].invited.append(invitation)
    return by_jurisdiction


def recent_events(jurisdiction: Jurisdiction, *, limit: int) -> list[dict[str, Any]]:
    """The latest events of a jurisdiction, newest first: `at`, `text`, `actor` (None: a command). One question."""
    events = (
        AuditEvent.objects.filter(jurisdiction=jurisdiction).select_related("actor").order_by("-at", "-pk")
    )
    return [
        {"at": event.at, "text": _describe_event(event), "actor": event.actor} for event in events[:limit]
    ]


def _describe_event(event: AuditEvent) -> str:
    mail = event.detail.get("email", "")
    texts = {
        "opened": _("Opened"),
        "repaired": _("Given a new, empty schema"),
        "invited": _("Invited %(mail)s") % {"mail": mail},
        "invitation_resent": _("Invited %(mail)s again") % {"mail": mail},
        "invitation_accepted": _("%(mail)s accepted the invitation") % {"mail": mail},
        "invitation_revoked": _("Took back the invitation of %(mail)s") % {"mail": mail},
        "affiliated": _("Somebody joined the team"),
        "roles_changed": _("Somebody’s roles changed"),
        "affiliation_ended": _("Somebody left the team"),
        "handed_over": _("The coordination was handed over"),
    }
    if event.verb == "changed":
        return "; ".join(_describe_change(name, change) for name, change in event.detail.items())
    return texts.get(event.verb, event.verb.replace("_", " "))


def _describe_change(name: str, change: dict[str, Any]) -> str:
    """ "Stage: Onboarding → Planning"."""
    field_ = Jurisdiction._meta.get_field(name)
    words = dict(field_.flatchoices)

    def shown(value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(value) or _("none")
        return str(words.get(value, value)) or _("none")

    return f"{capfirst(str(field_.verbose_name))}: {shown(change['from'])} → {shown(change['to'])}"
