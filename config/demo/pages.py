"""Pages of the demo: the sample sign-ins, and the email that it would have sent."""

from __future__ import annotations

import email
import email.policy
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

app_name = "demo"


@require_GET
def sign_ins(request: HttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    file = settings.VAR_DIR / "demo.json"
    entries = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return render(request, "demo/sign_ins.html", {"sign_ins": entries})


@require_GET
def sent_email(request: HttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    files = sorted(settings.MAIL_DIR.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)
    page = Paginator(files, 20).get_page(request.GET.get("page"))
    return render(
        request, "demo/sent_email.html", {"page": page, "sent_messages": [read_email(file) for file in page]}
    )


def read_email(file: Path) -> dict[str, Any]:
    """Parse an email file: {"to", "subject", "date", "body"}."""
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    body = message.get_body(preferencelist=("plain",)) if message.is_multipart() else message
    text = body.get_content() if body else ""  # type: ignore[attr-defined]
    return {
        "to": message["To"],
        "subject": message["Subject"],
        "date": message["Date"],
        "body": text.rstrip("-\n "),
    }


urlpatterns = [
    path("", sign_ins, name="sign-ins"),
    path("mail/", sent_email, name="mail"),
]
