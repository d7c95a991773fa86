"""A sample of every kind of email, rendered by the code that sends it. Nothing is sent or stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.utils import timezone
from django_tenants.utils import schema_context, tenant_context
from wagtail.models import Page, Task

from accounts.models import User
from cms import editor_mail
from cms.models import NarrativePage
from tenants.models import Invitation, Jurisdiction, Role
from tenants.notifications.mail import RenderedMail, render_mail
from tenants.people import invitations
from tenants.signin.adapter import account_mail_context

ROSA = User(first_name="Rosa", last_name="Delgado", email="rosa.delgado@marrow-bend.example")
DANA = User(first_name="Dana", last_name="Okoye", email="dana.okoye@marrow-bend.example")
AMARA = User(first_name="Amara", last_name="Whitfield", email="amara.whitfield@commontable.example")
TOKEN = "pV3xk2Qm7cTfW9sYh4Lr8dNz"  # noqa: S105  opens nothing


class SampleMail(NamedTuple):
    """`template` is below templates/mail; a template may have several samples."""

    key: str
    template: str
    title: str
    to: str
    mail: RenderedMail


def samples(city: Jurisdiction) -> list[SampleMail]:
    """Every kind of email: those of the city, then those of the alliance."""
    with schema_context("public"):
        alliance = Jurisdiction.objects.get(schema_name="public")
        of_the_alliance = list(_about_accounts(alliance))
    with tenant_context(city):
        return [*_invitations(city, alliance), *_about_texts(city), *of_the_alliance]


def _invitations(city: Jurisdiction, alliance: Jurisdiction) -> Iterator[SampleMail]:
    now = timezone.now()
    cases: list[tuple[str, str, Jurisdiction, User | None, str, dict[str, Any]]] = [
        ("invitation", "Invitation to a team", city, ROSA, "ines.calloway@marrow-bend.example",
         {"name": "Ines Calloway", "roles": [Role.DEPARTMENT_LEAD], "department": "Housing Services"}),
        ("invitation-of-a-coordinator", "Invitation of a first coordinator", city, None, "ines.calloway@marrow-bend.example",
         {"roles": [Role.COORDINATOR]}),
        ("invitation-of-a-member", "Invitation of a member of the cohort", city, ROSA,
         "sam.ito@marrow-bend.example",
         {"name": "Sam Ito", "roles": [Role.MEMBER]}),
        ("invitation-to-the-alliance", "Invitation to the alliance’s team", alliance, AMARA,
         "lucia.marin@commontable.example",
         {"name": "Lucía Marín", "roles": [Role.LIBRARY_CURATOR]}),
    ]  # fmt: skip
    for key, title, jurisdiction, by, email, fields in cases:
        invitation = Invitation(
            jurisdiction=jurisdiction,
            email=email,
            sent_at=now,
            expires_at=now + invitations.TOKEN_LIFETIME,
            **fields,
        )
        url = alliance.build_url("signin:invitation", TOKEN)
        mail = render_mail(
            "invitation", sender=jurisdiction, **invitations.mail_fields(invitation, by=by, url=url)
        )
        yield SampleMail(key, "invitation", title, invitation.email, mail)


def _about_texts(city: Jurisdiction) -> Iterator[SampleMail]:
    page: Page = NarrativePage.objects.first() or Page.objects.filter(depth=2).get()
    text = editor_mail.text_fields(page)
    review = {"preview_url": editor_mail.preview_url(page, Task.objects.first() or Task(pk=1))}
    published = {"is_published": True, "url": page.full_url}
    scheduled = {"go_live_at": timezone.now() + dt.timedelta(days=7)}
    comments = {
        "new_comments": ["Which year is this number from?"],
        "replies": [("Can we name the street?", ["Yes, the family agreed.", "I will add it today."])],
        "resolved_comments": ["The map is missing."],
        "deleted_comments": [],
    }
    cases: list[tuple[str, str, str, User, User, dict[str, Any]]] = [
        ("text-submitted", "submitted", "Text waiting for review", DANA, ROSA, review),
        ("text-approved", "approved", "Text approved and published", ROSA, DANA, published),
        ("text-scheduled", "approved", "Text approved, to be published later", ROSA, DANA, scheduled),
        ("text-returned", "returned", "Text returned for changes", ROSA, DANA,
         {"comment": "Please say who gave the numbers for the West Bank."}),
        ("text-comments", "comments", "Comments on a text", ROSA, DANA, comments),
    ]  # fmt: skip
    for key, kind, title, by, to, fields in cases:
        context = {"greeting": to.first_name} | editor_mail.common_fields(by) | text | fields
        mail = render_mail(f"editor/{kind}", sender=city, reply_to=by.email, **context)
        yield SampleMail(key, f"editor/{kind}", title, to.email, mail)


def _about_accounts(alliance: Jurisdiction) -> Iterator[SampleMail]:
    titles = {
        "password_reset_key": "New password: the link",
        "password_reset": "New password: it is set",
        "password_changed": "Password changed",
        "password_set": "First password set",
        "unknown_account": "New password asked for an address without an account",
    }
    for kind, title in titles.items():
        fields = account_mail_context(
            kind,
            alliance,
            email=DANA.email,
            name="" if kind == "unknown_account" else DANA.first_name,
            reset_key=("3f", TOKEN) if kind == "password_reset_key" else None,
        )
        mail = render_mail(f"account/{kind}", sender=alliance, **fields)
        yield SampleMail(kind.replace("_", "-"), f"account/{kind}", title, DANA.email, mail)
