"""Links by which residents reach the office of a jurisdiction."""

from __future__ import annotations

import re
from urllib.parse import quote

MAX_SUBJECT_LENGTH = 150


def mailto_url(email: str, *, subject: str = "", body: str = "") -> str:
    """The URL that opens a new email: "mailto:equity@city.gov?subject=Action%204%3A%20Eviction%20help"."""
    subject = " ".join(subject.split())
    if len(subject) > MAX_SUBJECT_LENGTH:
        subject = subject[: MAX_SUBJECT_LENGTH - 1].rstrip() + "…"
    fields = {"subject": subject, "body": body.replace("\n", "\r\n")}
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in fields.items() if text)
    return f"mailto:{quote(email, safe='@')}" + (f"?{query}" if query else "")


def phone_url(phone: str) -> str:
    """The URL that dials a number: "tel:5550100142;ext=12" of "(555) 010-0142 ext. 12"."""
    number, _separator, extension = re.sub(r"(?i)[ ,]*(ext\.?|x)[ ]*", "x", phone).partition("x")
    digits = ("+" if number.strip().startswith("+") else "") + re.sub(r"[^0-9]", "", number)
    return f"tel:{digits}" + (f";ext={extension}" if extension else "")
