"""Every kind of email, rendered and read in both versions."""

from __future__ import annotations

import re
from email.utils import parseaddr
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import allauth
import pytest
import wagtail.admin
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from wagtail import signals

from cms import editor_mail
from config.demo import emails
from tenants.notifications import mail

pytestmark = pytest.mark.django_db

TEMPLATES = settings.BASE_DIR / "templates" / "mail"
LAYOUTS = {"layout", "parts"}
KINDS = sorted(
    str(file.relative_to(TEMPLATES).with_suffix(""))
    for file in TEMPLATES.rglob("*.txt")
    if file.stem not in LAYOUTS
)
# Tags that end no word.
INLINE = {"a", "b", "strong", "span"}
# What a template with a hole in it leaves behind: nothing between quotes, before a comma or a full stop.
HOLES = re.compile(r"“\s*”|\(\s*\)|\s[,.!:;](\s|$)|\bNone\b|\{\{|\{%|%\(|example\.com|^\W+$", re.MULTILINE)

# Of allauth's kinds, those that no page of the portal sends: the address each would need does not exist, or is closed.
ALLAUTH_WITHOUT_PAGE = {
    "account_already_exists": "account_signup",
    "email_confirmation_signup": "account_signup",
    "email_confirmation": "account_email",
    "email_confirm": "account_confirm_email",
    "email_changed": "account_email",
    "email_deleted": "account_email",
    "login_code": "account_request_login_code",
    "password_reset_code": "account_confirm_password_reset_code",
}
# Wagtail's kinds, each with the portal's template, or without one if Wagtail's code sends it to nobody.
WAGTAIL = {
    "task_state_submitted": "editor/submitted",
    "workflow_state_approved": "editor/approved",
    "workflow_state_rejected": "editor/returned",
    "updated_comments": "editor/comments",
    "workflow_state_submitted": None,  # to operators alone: editor_mail.send_nothing
    "task_state_approved": None,
    "task_state_rejected": None,
    "approved": None,
    "rejected": None,
}


class Reader(HTMLParser):
    """The visible text and the links of an email."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in INLINE:
            self.words.append("\n")
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def addresses(text: str) -> set[str]:
    return set(re.findall(r"https?://[^\s<>”]+", text))


def allauth_kinds() -> set[str]:
    folder = Path(allauth.__file__).parent / "templates" / "account" / "email"
    return {file.name.removesuffix("_subject.txt") for file in folder.glob("*_subject.txt")}


def wagtail_kinds() -> set[str]:
    folder = Path(wagtail.admin.__file__).parent / "templates" / "wagtailadmin" / "notifications"
    return {file.name.removesuffix("_subject.txt") for file in folder.glob("*_subject.txt")}


@pytest.fixture
def riverton(riverton: Any) -> Any:
    """With a contact."""
    riverton.contact_name, riverton.contact_email = "Office of Equity", "equity@riverton.example"
    riverton.contact_phone = "(651) 555-0142"
    riverton.save()
    return riverton


@pytest.fixture
def samples(riverton: Any) -> dict[str, list[emails.SampleMail]]:
    by_template: dict[str, list[emails.SampleMail]] = {}
    for sample in emails.samples(riverton):
        by_template.setdefault(sample.template, []).append(sample)
    return by_template


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_reads_well_in_both_versions(
    samples: dict[str, list[emails.SampleMail]], riverton: Any, alliance: Any, kind: str, settings: Any
) -> None:
    settings.PORTAL_PORT = "8123"
    assert samples[kind]
    for sample in emails.samples(riverton):
        if sample.template == kind:
            read(sample, riverton, alliance)


def read(sample: emails.SampleMail, city: Any, alliance: Any) -> None:
    rendered, page = sample.mail, Reader(sample.mail.html)
    name, address = parseaddr(rendered.from_email)
    is_citys = name == city.name
    assert is_citys or name == settings.ALLIANCE_NAME
    assert address == settings.DEFAULT_FROM_EMAIL
    assert rendered.subject == rendered.subject.strip()
    assert 10 < len(rendered.subject) <= 78
    assert "\n" not in rendered.subject

    # Who it is from, why it came, and that it can be ignored.
    assert rendered.text.startswith(f"{name.upper()}\n")
    assert "\n--\nYou got this email because" in rendered.text
    assert re.search(r"you can ignore (it|this email)", rendered.text)
    assert not HOLES.search(rendered.text.replace("\n--\n", "\n")), rendered.text
    assert not HOLES.search(page.text)
    assert "Hello Person" not in rendered.text

    # Every address, in both versions, is on the host of the sender; an account's are on the alliance's.
    links = addresses(rendered.text)
    assert links == {link for link in page.links if not link.startswith("mailto:")}
    sender = city if is_citys else alliance
    assert f"{sender.base_url}/" in links
    line = "Questions: Office of Equity, equity@riverton.example, (651) 555-0142"
    assert (line in rendered.text) == (line in page.text) == is_citys
    if is_citys and not sample.template.startswith("editor/"):
        assert rendered.reply_to == "Office of Equity <equity@riverton.example>"
    assert bool(re.search("Reply to this email", rendered.text)) == sample.template.startswith("editor/")
    for link in links:
        is_account = urlsplit(link).path.startswith("/accounts/")
        assert link.startswith(f"{(alliance if is_account else sender).base_url}/"), link
    has_button = len(links) > 1
    assert has_button == bool(re.search(r"expires (?:on|at)|not expire", rendered.text))

    # Both versions say the same.
    for paragraph in rendered.text.split("\n\n")[2:]:
        for line in paragraph.splitlines():
            words = line.removesuffix(":").strip("-– ")
            if words and not words.isupper() and "Sent by" not in words:
                assert " ".join(words.split()) in page.text, words
    assert not page.tags & {"img", "script", "link", "form", "iframe"}
    assert "h1" in page.tags


def test_every_kind_has_a_sample(samples: dict[str, list[emails.SampleMail]]) -> None:
    assert set(samples) == set(KINDS)


def test_every_kind_of_allauth_has_a_template_or_no_page_that_sends_it(
    alliance: Any, client_for: Any
) -> None:
    sent = {kind.removeprefix("account/") for kind in KINDS if kind.startswith("account/")}
    assert sent | set(ALLAUTH_WITHOUT_PAGE) == allauth_kinds()
    assert not sent & set(ALLAUTH_WITHOUT_PAGE)
    for name in set(ALLAUTH_WITHOUT_PAGE.values()):
        try:
            address = reverse(name, settings.PUBLIC_SCHEMA_URLCONF)
        except NoReverseMatch:
            continue
        assert client_for(alliance).post(address, {"email": "ada@city.example"}).status_code == 404, name


def test_every_kind_of_wagtail_has_a_template_or_nobody_sends_it() -> None:
    assert set(WAGTAIL) == wagtail_kinds()
    assert {kind for kind in WAGTAIL.values() if kind} == {
        kind for kind in KINDS if kind.startswith("editor/")
    }
    for signal in (
        signals.task_submitted,
        signals.task_approved,
        signals.task_rejected,
        signals.task_cancelled,
        signals.workflow_submitted,
        signals.workflow_approved,
        signals.workflow_rejected,
        signals.workflow_cancelled,
    ):
        receivers = [row[1]() if hasattr(row[1], "__self__") else row[1] for row in signal.receivers]
        senders = {type(receiver).__module__ for receiver in receivers} | {
            getattr(receiver, "__module__", "") for receiver in receivers
        }
        assert not {module for module in senders if module.startswith("wagtail.admin")}
    source = (Path(wagtail.admin.__file__).parent / "views" / "pages" / "edit.py").read_text(encoding="utf-8")
    assert set(re.findall(r"send_notification\([^\"]+\"(\w+)\"", source)) == {"updated_comments"}
    assert editor_mail.edit.send_notification is editor_mail.queue_comments


def test_words_of_people_stay_words(riverton: Any) -> None:
    """Nothing that a person typed becomes a tag, a heading of its own or a second header."""
    rendered = mail.render_mail(
        "editor/returned",
        sender=riverton,
        by="Ada <b>Bold</b>",
        title="A & B\nBcc: eve@city.example",
        comment='<a href="https://evil.example/">click</a>\n\nP.S. “Thanks”',
        url=f"{riverton.base_url}/cms/",
        preferences_url=f"{riverton.base_url}/cms/account/",
    )
    assert rendered.subject == "Ada <b>Bold</b> asks for changes in “A & B Bcc: eve@city.example”"
    page = Reader(rendered.html)
    assert "b" not in page.tags
    assert "https://evil.example/" not in page.links
    assert "Ada <b>Bold</b>" in page.text
    assert "Ada <b>Bold</b>" in rendered.text
    assert "&amp;" not in rendered.text


def test_a_name_with_other_letters_is_a_valid_sender(riverton: Any, mailoutbox: list[Any]) -> None:
    riverton.name = "City of O’Fallon d’Été (Sample), “the Bend”"
    rendered = mail.render_mail("account/unknown_account", sender=riverton, email="ada@city.example")
    mail.send_mail_task.call(
        to="ada@city.example",
        subject=rendered.subject,
        body=rendered.text,
        html=rendered.html,
        from_email=rendered.from_email,
        reply_to="rosa@city.example",
    )
    (sent,) = mailoutbox
    message = sent.message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Reply-To"] == "rosa@city.example"
    assert parseaddr(message["From"])[1] == settings.DEFAULT_FROM_EMAIL
    assert [part.get_content_type() for part in message.get_payload()] == ["text/plain", "text/html"]


def test_the_demo_shows_every_kind(riverton: Any, alliance: Any, client_for: Any, settings: Any) -> None:
    settings.DEMO = True
    riverton.slug = "marrow-bend"
    riverton.save()
    client = client_for(alliance)
    overview = client.get("/demo/mail/kinds/")
    assert overview.status_code == 200
    for sample in emails.samples(riverton):
        assert sample.mail.subject in overview.content.decode().replace("&amp;", "&")
        page = client.get(f"/demo/mail/kinds/{sample.key}/")
        assert page.text.strip().startswith("<!DOCTYPE html>")
        assert "style-src 'self' 'unsafe-inline'" in page["Content-Security-Policy"]
    assert "unsafe-inline" not in overview["Content-Security-Policy"]
    assert client.get("/demo/mail/kinds/none/").status_code == 404
