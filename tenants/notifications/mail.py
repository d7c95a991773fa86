"""Email: one template for each kind, rendered as text and as HTML, and sent by a job.

The job is queued in the transaction of the change that the email reports. Every email comes from a sender, a
jurisdiction or the alliance, whose name, color and addresses it bears.
"""

from __future__ import annotations

import re
import secrets
import zoneinfo
from collections.abc import Iterable
from email.utils import formataddr, parseaddr
from typing import Any, NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django_tasks import task

from tenants.models import Jurisdiction

# The blocks of templates/mail/parts.txt, in its order.
PARTS = ("subject", "heading", "body", "button", "note", "lifetime", "reason")
# RFC 3834: vacation notices and other robots do not answer.
HEADERS = {"Auto-Submitted": "auto-generated"}


class RenderedMail(NamedTuple):
    """An email that is ready to be sent."""

    from_email: str
    reply_to: str
    subject: str
    text: str
    html: str


@task()
def send_mail_task(
    to: str, subject: str, body: str, html: str = "", from_email: str = "", reply_to: str = ""
) -> None:
    """Send one email, with an HTML version if there is one."""
    email = EmailMultiAlternatives(
        subject=subject,
        body=body,
        from_email=from_email or None,
        to=[to],
        reply_to=[reply_to] if reply_to else None,
        headers=HEADERS,
    )
    if html:
        email.attach_alternative(html, "text/html")
    email.send()


def queue_mail(template: str, *, to: str, sender: Jurisdiction, reply_to: str = "", **context: Any) -> None:
    """Render `mail/<template>.txt` as an email from `sender`, and queue it. Answers go to `reply_to` or the contact."""
    mail = render_mail(template, sender=sender, reply_to=reply_to, **context)
    send_mail_task.enqueue(
        to=to,
        subject=mail.subject,
        body=mail.text,
        html=mail.html,
        from_email=mail.from_email,
        reply_to=mail.reply_to,
    )


def render_mail(template: str, *, sender: Jurisdiction, reply_to: str = "", **context: Any) -> RenderedMail:
    """Render `mail/<template>.txt` in both versions, in the sender's time zone and the active language.

    The template fills blocks of plain text, in which an empty line starts a paragraph. Its context is `context`, and
    `sender_name`. `url` in it becomes the button, other names that end in `url` become links where they stand in the
    text; `greeting` is the name of the person who is greeted.
    """
    name = sender.name if sender.is_tenant else settings.ALLIANCE_NAME
    zone = zoneinfo.ZoneInfo(sender.timezone if sender.is_tenant else settings.TIME_ZONE)
    with timezone.override(zone):
        parts = _render_parts(template, context | {"sender_name": name})
    urls = [value for field, value in context.items() if field.endswith("url") and value]
    layout = {
        "parts": parts,
        "first_line": _paragraphs(parts["body"])[0],
        "paragraphs": [
            _with_links(paragraph, urls, sender.brand_color) for paragraph in _paragraphs(parts["body"])
        ],
        "reason": _with_links(parts["reason"], urls, sender.brand_color),
        "greeting": context.get("greeting", ""),
        "url": context.get("url", ""),
        "sender_name": name,
        "sender_line": _("Racial equity plan") if sender.is_tenant else settings.ALLIANCE_TAGLINE,
        "sender_url": f"{sender.base_url}/",
        "sender_host": sender.base_url.partition("://")[2],
        "questions": _contact_line(sender),
        "color": sender.brand_color,
    }
    contact = sender.contact_email and formataddr((sender.contact_name or name, sender.contact_email))
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return RenderedMail(
        from_email=formataddr((name, address)),
        reply_to=reply_to or contact,
        subject=parts["subject"],
        text=render_to_string("mail/layout.txt", layout).strip() + "\n",
        html=render_to_string("mail/layout.html", layout),
    )


def _contact_line(sender: Jurisdiction) -> str:
    """The sender's office as text: "Office of Equity, equity@marrow-bend.gov, (573) 555-0142"."""
    if not sender.has_contact:
        return ""
    ways = [sender.contact_email, sender.contact_phone]
    return ", ".join(filter(None, [sender.contact_name, *(ways if any(ways) else [sender.contact_website])]))


def _render_parts(template: str, context: dict[str, Any]) -> dict[str, str]:
    """Each block of the template as plain text."""
    separator = f"\f{secrets.token_hex(8)}\f"  # nothing in the context can contain it
    text = render_to_string(
        f"mail/{template}.txt", context | {"layout": "mail/parts.txt", "separator": separator}
    )
    values = dict(zip(PARTS, text.split(separator), strict=True))
    one_line = {part: " ".join(value.split()) for part, value in values.items() if part != "body"}
    return one_line | {"body": "\n\n".join(_paragraphs(values["body"]))}


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each with its lines trimmed and none of them empty."""
    paragraphs: list[list[str]] = [[]]
    for line in text.splitlines():
        if stripped := line.strip():
            paragraphs[-1].append(stripped)
        else:
            paragraphs.append([])
    return ["\n".join(lines) for lines in paragraphs if lines]


def _with_links(text: str, urls: Iterable[str], color: str) -> SafeString:
    """The text as HTML. Only the portal's own addresses become links: the rest may be words of people."""
    pattern = "|".join(re.escape(url) for url in sorted(urls, key=len, reverse=True))
    link = '<a href="{0}" style="color: {1}">{0}</a>'
    lines = (
        format_html_join(
            "",
            "{}",
            (
                (format_html(link, piece, color) if piece in urls else piece,)
                for piece in (re.split(f"({pattern})", line) if pattern else [line])
            ),
        )
        for line in text.splitlines()
    )
    return mark_safe("<br>".join(lines))  # noqa: S308  each line is escaped
