"""Invitations to a team: send by email, send again with a new link, revoke, accept, expire."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tenants.utils import schema_context

from accounts.models import User
from tenants.models import Affiliation, AuditEvent, Invitation, Jurisdiction, Role
from tenants.notifications import mail
from tenants.people.affiliations import affiliate, validate_roles

TOKEN_LIFETIME = dt.timedelta(days=14)


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token in hex: only this is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def invite(
    jurisdiction: Jurisdiction,
    *,
    email: str,
    roles: Iterable[str],
    by: User | None,
    name: str = "",
    title: str = "",
    department: str = "",
) -> Invitation:
    """Invite a person to the team by email. Inviting the same address again sends a new link.

    Raises ValidationError for an invalid address, for roles not held here, and for a person already on the team.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise ValidationError(
            {
                "email": _("“%(email)s” is not an email address. Write it like ada@city.gov.")
                % {"email": email}
            }
        ) from None
    chosen = validate_roles(jurisdiction, roles)
    with schema_context("public"):
        _acquire_lock(jurisdiction)
        if Affiliation.objects.active().filter(jurisdiction=jurisdiction, user__email=email).exists():
            raise ValidationError({"email": _("%(email)s is already on the team.") % {"email": email}})
        invitation = (
            Invitation.objects.select_for_update()
            .filter(jurisdiction=jurisdiction, email=email, state__in=Invitation.OPEN_STATES)
            .first()
        )
        fields = {"roles": chosen, "name": name, "title": title, "department": department}
        if invitation:
            for field, value in fields.items():
                setattr(invitation, field, value)
            return _send_invitation(invitation, by=by, verb="invitation_resent")
        invitation = Invitation(jurisdiction=jurisdiction, email=email, invited_by=by, sent_count=0, **fields)
        return _send_invitation(invitation, by=by, verb="invited")


@transaction.atomic
def resend(invitation: Invitation, *, by: User | None) -> Invitation:
    """Send an invitation again with a new link; the old link stops working.

    Raises ValidationError if the invitation is closed, or another one to the same address is open.
    """
    with schema_context("public"):
        _acquire_lock(invitation.jurisdiction)
        invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if invitation.state not in (*Invitation.OPEN_STATES, Invitation.State.EXPIRED):
            raise ValidationError(
                _("This invitation is %(state)s and cannot be sent again.")
                % {"state": invitation.get_state_display().lower()}
            )
        others = Invitation.objects.filter(
            jurisdiction=invitation.jurisdiction, email=invitation.email, state__in=Invitation.OPEN_STATES
        )
        if others.exclude(pk=invitation.pk).exists():
            raise ValidationError(
                _("A newer invitation to %(email)s is open. Send that one again.")
                % {"email": invitation.email}
            )
        return _send_invitation(invitation, by=by, verb="invitation_resent")


@transaction.atomic
def revoke(invitation: Invitation, *, by: User | None) -> Invitation:
    """Revoke an invitation: its link stops working. Raises ValidationError if it was accepted."""
    with schema_context("public"):
        invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
        if invitation.state == Invitation.State.ACCEPTED:
            raise ValidationError(_("This invitation was accepted. Remove the person from the team instead."))
        invitation.state = Invitation.State.REVOKED
        invitation.save(update_fields=["state"])
        _log("invitation_revoked", invitation, by=by)
        return invitation


def find_by_token(token: str) -> Invitation | None:
    """Return the open invitation with this token; None if the token is unknown, used, revoked or expired."""
    with schema_context("public"):
        return (
            Invitation.objects.select_related("jurisdiction")
            .filter(
                token_hash=hash_token(token), state__in=Invitation.OPEN_STATES, expires_at__gt=timezone.now()
            )
            .first()
        )


def mark_opened(invitation: Invitation) -> None:
    """Record that the link was followed."""
    with schema_context("public"):
        Invitation.objects.filter(pk=invitation.pk, state=Invitation.State.SENT).update(
            state=Invitation.State.OPENED
        )


@transaction.atomic
def accept(
    token: str, *, user: User | None = None, name: str = "", password: str = ""
) -> tuple[User, Invitation]:
    """Accept an invitation: as `user`, who has the invited address, or as a new user with this name and password.

    Raises ValidationError if the token is not valid, the address is a different one, or the password is weak.
    """
    with schema_context("public"):
        invitation = (
            Invitation.objects.select_for_update(of=("self",))
            .select_related("jurisdiction")
            .filter(
                token_hash=hash_token(token), state__in=Invitation.OPEN_STATES, expires_at__gt=timezone.now()
            )
            .first()
        )
        if invitation is None:
            raise ValidationError(_("This link was already used or has expired. Ask for a new one."))
        if user is None:
            user = _create_user(invitation, name=name, password=password)
        elif user.email.lower() != invitation.email.lower():
            raise ValidationError(
                _("This invitation is for %(email)s. Sign out, and follow the link again.")
                % {"email": invitation.email}
            )
        existing = (
            Affiliation.objects.active().filter(user=user, jurisdiction=invitation.jurisdiction).first()
        )
        affiliate(
            user,
            invitation.jurisdiction,
            roles=[Role(role) for role in sorted({*invitation.roles, *(existing.roles if existing else [])})],
            by=invitation.invited_by,
            title=invitation.title or (existing.title if existing else ""),
            department=invitation.department or (existing.department if existing else ""),
        )
        invitation.state = Invitation.State.ACCEPTED
        invitation.accepted_at, invitation.accepted_by = timezone.now(), user
        invitation.save(update_fields=["state", "accepted_at", "accepted_by"])
        _log("invitation_accepted", invitation, by=user)
        return user, invitation


def expire_overdue() -> int:
    """Mark overdue open invitations as expired. Returns their number."""
    with schema_context("public"):
        overdue = Invitation.objects.filter(state__in=Invitation.OPEN_STATES, expires_at__lte=timezone.now())
        return overdue.update(state=Invitation.State.EXPIRED)


def _acquire_lock(jurisdiction: Jurisdiction) -> None:
    """Lock the jurisdiction's row, so that simultaneous invitations of one person wait for each other."""
    Jurisdiction.objects.select_for_update(of=("self",)).get(pk=jurisdiction.pk)


def _create_user(invitation: Invitation, *, name: str, password: str) -> User:
    if User.objects.filter(email=invitation.email).exists():
        raise ValidationError(_("Sign in with your password to accept this invitation."))
    first, _space, last = " ".join(name.split()).partition(" ")
    if not first:
        raise ValidationError({"name": _("Enter your name.")})
    user = User(email=invitation.email, first_name=first, last_name=last)
    try:
        validate_password(password, user=user)
    except ValidationError as error:
        raise ValidationError({"password": error.messages[0]}) from None  # one thing at a time
    return User.objects.create_user(invitation.email, password, first_name=first, last_name=last)


def _send_invitation(invitation: Invitation, *, by: User | None, verb: str) -> Invitation:
    """Give the invitation a new token and send its link by email."""
    token = secrets.token_urlsafe(32)
    invitation.token_hash = hash_token(token)
    invitation.state = Invitation.State.SENT
    invitation.sent_at = timezone.now()
    invitation.expires_at = invitation.sent_at + TOKEN_LIFETIME
    invitation.sent_count += 1
    invitation.save()
    alliance = Jurisdiction.objects.get(schema_name="public")
    fields = mail_fields(invitation, by=by, url=alliance.build_url("signin:invitation", token))
    mail.queue_mail("invitation", to=invitation.email, sender=invitation.jurisdiction, **fields)
    _log(verb, invitation, by=by)
    return invitation


def mail_fields(invitation: Invitation, *, by: User | None, url: str) -> dict[str, Any]:
    """What the email with an invitation shows."""
    jurisdiction = invitation.jurisdiction
    return {
        "greeting": invitation.name,
        "inviter": str(by) if by else "",
        "place": jurisdiction.short_name if jurisdiction.is_tenant else settings.ALLIANCE_NAME,
        "audience": _audience(invitation),
        "roles": ", ".join(str(Role(role).label).lower() for role in invitation.roles),
        "department": invitation.department,
        "url": url,
        "sent_at": invitation.sent_at,
        "expires_at": invitation.expires_at,
        "alliance": settings.ALLIANCE_NAME,
    }


def _audience(invitation: Invitation) -> str:
    """Whom the invitation makes the person one of: "city", "members" or "alliance"."""
    if not invitation.jurisdiction.is_tenant:
        return "alliance"
    return "members" if set(invitation.roles) == {Role.MEMBER} else "city"


def _log(verb: str, invitation: Invitation, *, by: User | None) -> None:
    AuditEvent.objects.log(
        verb,
        invitation.jurisdiction,
        target=invitation,
        by=by,
        detail={"email": invitation.email, "roles": list(invitation.roles)},
    )
