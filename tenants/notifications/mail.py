"""Email is sent by a job, queued in the transaction of the change that it reports."""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django_tasks import task


@task()
def send_mail_task(to: str, subject: str, body: str) -> None:
    """Send one plain-text email."""
    EmailMessage(subject=subject, body=body, to=[to]).send()


def queue_mail(template: str, *, to: str, **context: Any) -> None:
    """Render `mail/<template>.txt` and queue it as an email: the first line is the subject, the rest the body."""
    text = render_to_string(f"mail/{template}.txt", context)
    subject, _newline, body = text.strip().partition("\n")
    send_mail_task.enqueue(to=to, subject=" ".join(subject.split()), body=body.strip() + "\n")
