"""Pages of the demo: the sample sign-ins, the email that it would have sent, and a sample of every kind of email."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.views.decorators.http import require_GET

from config.demo import emails
from tenants.models import Jurisdiction

app_name = "demo"

# An email has its styles in its tags: mail programs know no style sheets. These pages are no part of the portal.
MAIL_CSP = {"style-src": ["'unsafe-inline'"]}


def demo_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 404 where this is no demo."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return checked


@demo_only
@require_GET
def sign_ins(request: HttpRequest) -> HttpResponse:
    file = settings.VAR_DIR / "demo.json"
    entries = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return render(request, "demo/sign_ins.html", {"sign_ins": entries})


@demo_only
@require_GET
def sent_email(request: HttpRequest) -> HttpResponse:
    page = Paginator(sent_files(), 20).get_page(request.GET.get("page"))
    return render(
        request, "demo/sent_email.html", {"page": page, "sent_messages": [read_email(file) for file in page]}
    )


@csp_update(MAIL_CSP)
@demo_only
@require_GET
def sent_email_html(request: HttpRequest, name: str) -> HttpResponse:
    """The HTML version of an email that was sent, as a mail program shows it."""
    for file in sent_files():
        if file.stem == name and (html := read_email(file)["html"]):
            return HttpResponse(html)
    raise Http404


@demo_only
@require_GET
def email_kinds(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/email_kinds.html", {"samples": list(emails.samples(sample_city()))})


@csp_update(MAIL_CSP)
@demo_only
@require_GET
def email_kind_html(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML version of one kind of email."""
    for sample in emails.samples(sample_city()):
        if sample.key == key:
            return HttpResponse(sample.mail.html)
    raise Http404


def sample_city() -> Jurisdiction:
    return get_object_or_404(Jurisdiction, slug="marrow-bend")


def sent_files() -> list[Path]:
    """The files of sent emails, newest first."""
    return sorted(settings.MAIL_DIR.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)


def read_email(file: Path) -> dict[str, Any]:
    """Parse an email file: {"name", "from", "to", "reply_to", "subject", "date", "text", "html"}."""
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    versions = {}
    for kind in ("plain", "html"):
        part = message.get_body(preferencelist=(kind,))  # type: ignore[attr-defined]
        versions[kind] = part.get_content() if part else ""
    return {
        "name": file.stem,
        "from": message["From"],
        "to": message["To"],
        "reply_to": message["Reply-To"],
        "subject": message["Subject"],
        "date": message["Date"],
        "text": versions["plain"].rstrip("-\n "),
        "html": versions["html"],
    }


urlpatterns = [
    path("", sign_ins, name="sign-ins"),
    path("mail/", sent_email, name="mail"),
    path("mail/kinds/", email_kinds, name="mail-kinds"),
    path("mail/kinds/<slug:key>/", email_kind_html, name="mail-kind"),
    path("mail/sent/<slug:name>/", sent_email_html, name="mail-html"),
]
