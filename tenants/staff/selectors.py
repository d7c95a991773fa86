"""What the staff pages show, in a number of questions that does not grow with the list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Max, Q, QuerySet

from tenants.models import Affiliation, Invitation, Jurisdiction, Role


@dataclass
class Team:
    """Who runs a jurisdiction's site, and who is asked to."""

    coordinators: list[Affiliation] = field(default_factory=list)
    invited: list[Invitation] = field(default_factory=list)


def found(text: str) -> QuerySet[Jurisdiction]:
    """The places whose name, address or state has `text`, by name, each with `last_sign_in_at` of its team."""
    places = Jurisdiction.objects.places()
    if text:
        named = Q(name__icontains=text) | Q(short_name__icontains=text) | Q(slug__icontains=text)
        places = places.filter(named | Q(state__iexact=text))
    return places.annotate(last_sign_in_at=Max("affiliations__last_sign_in_at")).order_by("name", "pk")


def teams(places: Iterable[Jurisdiction]) -> dict[int, Team]:
    """The coordinators and the open invitations of each of these places, by its key. Two questions."""
    keys = [place.pk for place in places]
    by_place: dict[int, Team] = defaultdict(Team)
    holding = Affiliation.objects.active().filter(jurisdiction__in=keys, roles__contains=[Role.COORDINATOR])
    for affiliation in holding.select_related("user").order_by("start_date", "pk"):
        by_place[affiliation.jurisdiction_id].coordinators.append(affiliation)
    asked = Invitation.objects.filter(
        jurisdiction__in=keys, roles__contains=[Role.COORDINATOR], state__in=Invitation.OPEN_STATES
    )
    for invitation in asked.order_by("sent_at", "pk"):
        by_place[invitation.jurisdiction_id].invited.append(invitation)
    return by_place
