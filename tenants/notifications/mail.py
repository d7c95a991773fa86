"""Mail leaves by a job, queued in the transaction of what it tells about."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django_tasks import task


@task()
def send_mail_task(to: str, subject: str, body: str) -> None:
    """Hand one plain-text mail to the mail server."""
    EmailMessage(subject=subject, body=body, to=[to]).send()


def queue_mail(template: str, *, to: str, **context: Any) -> None:
    """Queue the mail that `mail/<template>.txt` makes: its first line is the subject, the rest the text."""
    text = render_to_string(f"mail/{template}.txt", context)
    subject, _newline, body = text.strip().partition("\n")
    send_mail_task.enqueue(to=to, subject=" ".join(subject.split()), body=body.strip() + "\n")
