"""Team membership: give roles, change or end them, transfer the coordinator role, end sessions.

Groups in the jurisdiction's schema are updated in the same transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context, tenant_context

from accounts.models import User
from tenants.models import (
    ALLIANCE_ROLES,
    CITY_ROLES,
    Affiliation,
    AuditEvent,
    Jurisdiction,
    Role,
    utc_today,
)
from tenants.people import permission_groups


def validate_roles(jurisdiction: Jurisdiction, roles: Iterable[str]) -> list[str]:
    """Return the roles, sorted. Raises ValidationError if there are none, or for a role not held at this jurisdiction."""
    chosen = sorted(set(roles))
    if not chosen:
        raise ValidationError({"roles": _("Choose at least one role.")})
    allowed = CITY_ROLES if jurisdiction.is_tenant else ALLIANCE_ROLES
    if invalid := [role for role in chosen if role not in allowed]:
        raise ValidationError(
            {
                "roles": _("“%(role)s” is not a role at %(jurisdiction)s.")
                % {"role": invalid[0], "jurisdiction": jurisdiction}
            }
        )
    return chosen


@transaction.atomic
def affiliate(
    user: User, jurisdiction: Jurisdiction, *, roles: Iterable[str], by: User | None, **fields: Any
) -> Affiliation:
    """Give a user these roles at a jurisdiction, instead of any former ones, and update their groups there."""
    chosen = validate_roles(jurisdiction, roles)
    with schema_context("public"):
        affiliation, _created = Affiliation.objects.update_or_create(
            user=user, jurisdiction=jurisdiction, defaults={"roles": chosen, "end_date": None} | fields
        )
        AuditEvent.objects.log("affiliated", jurisdiction, target=user, by=by, detail={"roles": chosen})
    permission_groups.update_membership(affiliation)
    return affiliation


@transaction.atomic
def change_roles(
    affiliation: Affiliation, *, roles: Iterable[str], by: User | None, **fields: Any
) -> Affiliation:
    """Change a user's roles. Raises ValidationError if no coordinator would remain."""
    with schema_context("public"):
        affiliation = _lock_and_refresh(affiliation)
        chosen, before = validate_roles(affiliation.jurisdiction, roles), list(affiliation.roles)
        _require_remaining_coordinator(affiliation, chosen)
        for name, value in ({"roles": chosen} | fields).items():
            setattr(affiliation, name, value)
        affiliation.save()
        AuditEvent.objects.log(
            "roles_changed",
            affiliation.jurisdiction,
            target=affiliation.user,
            by=by,
            detail={"before": before, "roles": chosen},
        )
    permission_groups.update_membership(affiliation)
    return affiliation


@transaction.atomic
def end_affiliation(affiliation: Affiliation, *, by: User | None) -> Affiliation:
    """End an affiliation and the user's sessions there. The user and their work stay.

    Raises ValidationError if no coordinator would remain.
    """
    with schema_context("public"):
        affiliation = _lock_and_refresh(affiliation)
        _require_remaining_coordinator(affiliation, [])
        affiliation.end_date = utc_today() - dt.timedelta(days=1)
        affiliation.start_date = min(affiliation.start_date, affiliation.end_date)
        affiliation.save()
        AuditEvent.objects.log(
            "affiliation_ended",
            affiliation.jurisdiction,
            target=affiliation.user,
            by=by,
            detail={"roles": list(affiliation.roles)},
        )
    permission_groups.update_membership(affiliation)
    end_sessions(affiliation.user, affiliation.jurisdiction)
    return affiliation


@transaction.atomic
def transfer_coordinator(affiliation: Affiliation, *, to: Affiliation, by: User | None) -> Affiliation:
    """Make `to` coordinator instead of `affiliation`, in one step; the former coordinator becomes plan editor.

    Raises ValidationError if they are not two people of one team, or `affiliation` is no coordinator.
    """
    with schema_context("public"):
        former, successor = _lock_and_refresh(affiliation), _lock_and_refresh(to)
        if former.jurisdiction_id != successor.jurisdiction_id or former.pk == successor.pk:
            raise ValidationError(_("Choose another person on the same team."))
        if Role.COORDINATOR not in former.roles:
            raise ValidationError(_("Only a coordinator can transfer the coordinator role."))
        successor.roles = sorted({*successor.roles, Role.COORDINATOR.value})
        successor.save()
        former.roles = sorted({*former.roles, Role.PLAN_EDITOR.value} - {Role.COORDINATOR.value})
        former.save()
        AuditEvent.objects.log(
            "handed_over",
            successor.jurisdiction,
            target=successor.user,
            by=by,
            detail={"giver": str(former.user.uuid)},
        )
    permission_groups.update_membership(former)
    permission_groups.update_membership(successor)
    return successor


def end_sessions(user: User, jurisdiction: Jurisdiction) -> int:
    """End the user's sessions at one jurisdiction. Returns their number."""
    with tenant_context(jurisdiction):
        session_keys = [
            session.pk
            for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator()
            if session.get_decoded().get(SESSION_KEY) == str(user.pk)
        ]
        Session.objects.filter(pk__in=session_keys).delete()
    return len(session_keys)


def end_all_sessions(user: User) -> None:
    """End the user's sessions on every host."""
    with schema_context("public"):
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)


def _lock_and_refresh(affiliation: Affiliation) -> Affiliation:
    """Lock the jurisdiction and the affiliation, and read the affiliation again.

    With the jurisdiction locked, two changes at the same time cannot both remove the last coordinator.
    """
    Jurisdiction.objects.select_for_update(of=("self",)).get(pk=affiliation.jurisdiction_id)
    return (
        Affiliation.objects.select_for_update(of=("self",))
        .select_related("user", "jurisdiction")
        .get(pk=affiliation.pk)
    )


def _require_remaining_coordinator(affiliation: Affiliation, roles: Iterable[str]) -> None:
    """Raise ValidationError if nobody else holds the leading role that `affiliation` would lose with `roles`."""
    lead = Role.COORDINATOR if affiliation.jurisdiction.is_tenant else Role.STAFF_ADMIN
    if lead not in affiliation.roles or lead in roles:
        return
    others = Affiliation.objects.active().filter(
        jurisdiction=affiliation.jurisdiction, roles__contains=[lead]
    )
    if not others.exclude(pk=affiliation.pk).exists():
        raise ValidationError(
            _("%(person)s is the only one with the role “%(role)s”. Give it to someone else first.")
            % {"person": affiliation.user, "role": lead.label}
        )
