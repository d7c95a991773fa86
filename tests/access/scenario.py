"""A city with an object behind each of its addresses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django_tenants.utils import tenant_context

from tenants.models import Affiliation, Visibility
from tenants.people import invitations
from tenants.plans.models import Action, Goal, ImportJob, Outcome, Plan, ProgressNote
from tests.access.clients import clients_for_roles
from tests.resources.factories import LibraryItemFactory


@dataclass
class Scenario:
    """A city, its neighbor, the alliance, and keys of existing objects."""

    city: Any
    other: Any
    alliance: Any
    make_user: Callable[..., Any]
    client_for: Callable[..., Any]
    values: dict[str, Any]

    def values_for(self, name: str, host: Any = None) -> dict[str, Any]:
        """URL arguments for the address `name`; those of the alliance's own objects if `host` is the alliance."""
        if host == self.alliance and any(key.startswith(f"alliance {name}/") for key in self.values):
            name = f"alliance {name}"
        own = {
            key.partition("/")[2]: value for key, value in self.values.items() if key.startswith(f"{name}/")
        }
        return {key: value for key, value in self.values.items() if "/" not in key} | own

    def clients(self, host: Any) -> dict[str, Any]:
        return clients_for_roles(
            host,
            home=self.city,
            other=self.other,
            alliance=self.alliance,
            client_for=self.client_for,
            make_user=self.make_user,
        )


def make_scenario(
    city: Any,
    *,
    other: Any,
    alliance: Any,
    make_user: Any,
    client_for: Any,
    visibility: str = Visibility.PUBLIC,
) -> Scenario:
    """Give a city a plan with this visibility, a team and an open invitation; create a library item."""
    colleague = make_user(city, "plan_editor", email=f"colleague@{city.slug}.example")
    invitation = invitations.invite(city, email=f"invited@{city.slug}.example", roles=["viewer"], by=None)
    affiliation = Affiliation.objects.get(user=colleague, jurisdiction=city)
    curator = Affiliation.objects.get(
        user=make_user(alliance, "library_curator", email=f"curator@{city.slug}.example"),
        jurisdiction=alliance,
    )
    alliance_invitation = invitations.invite(
        alliance, email=f"alliance-invited@{city.slug}.example", roles=["staff_onboarding"], by=None
    )
    item = LibraryItemFactory()
    with tenant_context(city):
        Plan.objects.update(visibility=visibility)
        action = Action.objects.in_plan_order().current().first()
        outcome, goal = Outcome.objects.get(actions=action), Goal.objects.get(outcomes__actions=action)
        note = ProgressNote.objects.create(
            action=action, text="Half the forms are done.", noted_on=dt.date(2026, 3, 1)
        )
        job = ImportJob.objects.create(
            filename="plan.csv", content=b"Action\nTranslate the forms\n", sha256="0" * 64
        )
    values = {
        "code": action.code,
        "key": item.key,
        "slug": city.slug,
        "pk": job.pk,
        "kind": "action",
        "uuid": action.uuid,
        "plans:edit-goal/uuid": goal.uuid,
        "plans:add-outcome/uuid": goal.uuid,
        "plans:edit-outcome/uuid": outcome.uuid,
        "plans:add-action/uuid": outcome.uuid,
        "plans:correct-progress/uuid": note.uuid,
        "plans:withdraw-progress/uuid": note.uuid,
        "team:change/uuid": affiliation.uuid,
        "team:end/uuid": affiliation.uuid,
        "team:resend/uuid": invitation.uuid,
        "team:revoke/uuid": invitation.uuid,
        "alliance team:change/uuid": curator.uuid,
        "alliance team:end/uuid": curator.uuid,
        "alliance team:resend/uuid": alliance_invitation.uuid,
        "alliance team:revoke/uuid": alliance_invitation.uuid,
    }
    return Scenario(
        city=city, other=other, alliance=alliance, make_user=make_user, client_for=client_for, values=values
    )
