"""Who is on whose team: given, changed, ended, handed over. Groups in the place's schema follow at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

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
    """The roles, sorted. Raises ValidationError if there is none, or one that is not held at this place."""
    chosen = sorted(set(roles))
    if not chosen:
        raise ValidationError({"roles": _("Choose at least one role.")})
    here = CITY_ROLES if jurisdiction.is_tenant else ALLIANCE_ROLES
    if wrong := [role for role in chosen if role not in here]:
        raise ValidationError(
            {
                "roles": _("“%(role)s” is not a role at %(jurisdiction)s.")
                % {"role": wrong[0], "jurisdiction": jurisdiction}
            }
        )
    return chosen


@transaction.atomic
def affiliate(
    user: User, jurisdiction: Jurisdiction, *, roles: Iterable[str], by: User | None, **fields: Any
) -> Affiliation:
    """Give a person these roles at a jurisdiction (instead of those they had) and derive their groups there."""
    chosen = validate_roles(jurisdiction, roles)
    with schema_context("public"):
        affiliation, _made = Affiliation.objects.update_or_create(
            user=user, jurisdiction=jurisdiction, defaults={"roles": chosen, "end_date": None} | fields
        )
        _record("affiliated", affiliation, by=by, roles=chosen)
    permission_groups.update_membership(affiliation)
    return affiliation


@transaction.atomic
def change_roles(
    affiliation: Affiliation, *, roles: Iterable[str], by: User | None, **fields: Any
) -> Affiliation:
    """Change what a person may do here. Raises ValidationError if nobody would be coordinator any more."""
    with schema_context("public"):
        affiliation = _lock_and_refresh(affiliation)
        chosen, before = validate_roles(affiliation.jurisdiction, roles), list(affiliation.roles)
        _require_remaining_coordinator(affiliation, chosen)
        for name, value in ({"roles": chosen} | fields).items():
            setattr(affiliation, name, value)
        affiliation.save()
        _record("roles_changed", affiliation, by=by, before=before, roles=chosen)
    permission_groups.update_membership(affiliation)
    return affiliation


@transaction.atomic
def end_affiliation(affiliation: Affiliation, *, by: User | None) -> Affiliation:
    """End a person's time on the team and their sessions there. The person and what they did stay.

    Raises ValidationError if nobody would be coordinator any more.
    """
    with schema_context("public"):
        affiliation = _lock_and_refresh(affiliation)
        _require_remaining_coordinator(affiliation, [])
        affiliation.end_date = utc_today() - dt.timedelta(days=1)
        affiliation.start_date = min(affiliation.start_date, affiliation.end_date)
        affiliation.save()
        _record("affiliation_ended", affiliation, by=by, roles=list(affiliation.roles))
    permission_groups.update_membership(affiliation)
    end_sessions(affiliation.user, affiliation.jurisdiction)
    return affiliation


@transaction.atomic
def transfer_coordinator(affiliation: Affiliation, *, to: Affiliation, by: User | None) -> Affiliation:
    """Make `to` coordinator in place of `affiliation`, in one step; the former one stays as a plan editor.

    Raises ValidationError if either is not on this team, or `affiliation` is no coordinator.
    """
    with schema_context("public"):
        giver, taker = _lock_and_refresh(affiliation), _lock_and_refresh(to)
        if giver.jurisdiction_id != taker.jurisdiction_id or giver.pk == taker.pk:
            raise ValidationError(_("Choose another person of the same team."))
        if Role.COORDINATOR not in giver.roles:
            raise ValidationError(_("Only a coordinator can hand the coordination over."))
        taker.roles = sorted({*taker.roles, Role.COORDINATOR.value})
        taker.save()
        giver.roles = sorted({*giver.roles, Role.PLAN_EDITOR.value} - {Role.COORDINATOR.value})
        giver.save()
        _record("handed_over", taker, by=by, giver=str(giver.user.uuid))
    permission_groups.update_membership(giver)
    permission_groups.update_membership(taker)
    return taker


def end_sessions(user: User, jurisdiction: Jurisdiction) -> int:
    """End the person's sessions at one place; returns how many there were."""
    with tenant_context(jurisdiction):
        theirs = [
            session.pk
            for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator()
            if session.get_decoded().get("_auth_user_id") == str(user.pk)
        ]
        Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)


def end_all_sessions(user: User) -> None:
    """End the person's sessions on every host at once."""
    with schema_context("public"):
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)


def _lock_and_refresh(affiliation: Affiliation) -> Affiliation:
    """The row as it is now; the place's row is locked too, so that two changes cannot both leave the last one."""
    Jurisdiction.objects.select_for_update(of=("self",)).get(pk=affiliation.jurisdiction_id)
    return (
        Affiliation.objects.select_for_update(of=("self",))
        .select_related("user", "jurisdiction")
        .get(pk=affiliation.pk)
    )


def _require_remaining_coordinator(affiliation: Affiliation, roles: Iterable[str]) -> None:
    lead = Role.COORDINATOR if affiliation.jurisdiction.is_tenant else Role.STAFF_ADMIN
    if lead not in affiliation.roles or lead in roles:
        return
    others = Affiliation.objects.active().filter(
        jurisdiction=affiliation.jurisdiction, roles__contains=[lead]
    )
    if not others.exclude(pk=affiliation.pk).exists():
        raise ValidationError(
            _("%(person)s is the only one with the role “%(role)s”. Give it to somebody else first.")
            % {"person": affiliation.user, "role": lead.label}
        )


def _record(verb: str, affiliation: Affiliation, *, by: User | None, **detail: Any) -> None:
    AuditEvent.objects.create(
        actor=by,
        jurisdiction=affiliation.jurisdiction,
        verb=verb,
        object_type="user",
        object_id=str(affiliation.user.uuid),
        detail=detail,
    )
