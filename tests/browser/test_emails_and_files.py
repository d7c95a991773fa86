"""What the portal hands over: emails whose links open at the right site, and the files of the library's items."""

from __future__ import annotations

import email
import email.policy
import io
import re
from typing import Any

import docx
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django_tenants.utils import schema_context, tenant_context
from playwright.sync_api import expect
from wagtail.documents.models import Document

from accounts.models import User
from cms.models import NarrativePage
from config.demo import documents
from resources.models import Attachment
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Role
from tenants.people import affiliations
from tests.browser.axe import WIDE, assert_accessible_and_responsive
from tests.browser.conftest import Site
from tests.browser.sign_in import sign_in
from tests.resources.factories import LibraryItemFactory

PHRASE, NEW_PHRASE = "seven quiet green rivers", "nine loud yellow bridges"
WRITER, COORDINATOR, FORGETFUL = "dana@riverton.example", "rosa@riverton.example", "tom@riverton.example"


@pytest.fixture(scope="module")
def portal(site: Site) -> Site:
    """Riverton with an open site, three people; a policy with its text in the library, and one without."""
    file = next(each for each in documents.demo_files() if each.format == "docx")
    with schema_context("public"):
        riverton = Jurisdiction.objects.get(slug="riverton")
        services.set_site_state(riverton, state="launched", by=None)
        for address, first, last, role in (
            (WRITER, "Dana", "Okoye", Role.CONTRIBUTOR),
            (COORDINATOR, "Rosa", "Delgado", Role.COORDINATOR),
            (FORGETFUL, "Tom", "Alvarez", Role.VIEWER),
        ):
            user = User.objects.create_user(address, PHRASE, first_name=first, last_name=last)
            affiliations.affiliate(user, riverton, roles=[role], by=None)
        whole = LibraryItemFactory(key="whole", title="A policy with its text", type="sample_policy")
        upload = SimpleUploadedFile("policy.docx", file.content)
        document = Document.objects.create(title=file.title, file=upload)
        Attachment.objects.create(item=whole, title=file.title, document=document)
        LibraryItemFactory(
            key="told", title="A policy only told of", type="sample_policy", origin="Quill Lake"
        )
    return site


def newest_email(portal: Site, *, to: str, subject: str) -> Any:
    """The newest email to this address with these words in its subject; waits for it."""
    count = 1
    while True:
        texts = portal.emails(to=to, at_least=count)
        messages = [email.message_from_bytes(text.encode(), policy=email.policy.default) for text in texts]
        matching = [message for message in messages if subject in message["Subject"]]
        if matching:
            return matching[-1]
        count = len(texts) + 1


def links(message: Any) -> list[str]:
    return re.findall(r"https?://[^\s<>”]+", message.get_body(("plain",)).get_content())


def test_the_links_of_an_email_about_a_text_open_at_the_site_of_that_text(
    portal: Site, new_page: Any
) -> None:
    with tenant_context(Jurisdiction.objects.get(slug="riverton")):
        narrative = NarrativePage.objects.get()
    address = portal.url("riverton", f"/cms/pages/{narrative.pk}/edit/")
    writer = new_page()
    sign_in(writer, portal.url("riverton", "/workspace/"), WRITER, PHRASE)
    writer.goto(address)
    writer.locator("#id_headline").fill("The river bends here")
    writer.locator("[name=action-submit]").evaluate("button => button.click()")  # it is in a menu
    writer.get_by_text(re.compile("has been submitted")).first.wait_for()

    message = newest_email(portal, to=COORDINATOR, subject="Dana Okoye asks you to review")

    assert message["From"].startswith("City of Riverton <")
    assert message["Reply-To"] == WRITER
    assert address in links(message)
    page = new_page()
    sign_in(page, portal.url("riverton", "/workspace/"), COORDINATOR, PHRASE)
    for link in links(message):
        assert link.startswith(portal.url("riverton", "/")), link
        assert page.goto(link).status == 200, link
    page.goto(address)
    expect(page).to_have_title(
        re.compile(f"{narrative.title}.*City of Riverton|City of Riverton.*{narrative.title}")
    )
    page.goto(portal.url("riverton", "/workspace/"))
    page.get_by_role("heading", name="Text waiting for your approval").wait_for()


def test_a_forgotten_password_is_replaced_from_an_email_that_says_whose_it_is(
    portal: Site, new_page: Any, scripts: bool
) -> None:
    page = new_page(scripts=scripts)
    page.goto(portal.url("portal", "/accounts/login/"))
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("Email").fill(FORGETFUL)
    before = len(portal.emails(to=FORGETFUL, at_least=0))
    page.get_by_role("main").get_by_role("button").click()
    page.wait_for_url("**/password/reset/done/")

    portal.emails(to=FORGETFUL, at_least=before + 1)
    message = newest_email(portal, to=FORGETFUL, subject="Set a new password")
    text = message.get_body(("plain",)).get_content()
    assert message["Subject"] == f"Set a new password for {settings.ALLIANCE_NAME}"
    assert settings.ALLIANCE_NAME in message["From"]
    assert "Hello Tom," in text
    assert "The link expires at" in text
    assert "“Forgot your password?”" in text  # why it came
    assert not re.search(r"Hello from|using !|\[portal\.localhost|example\.com", text)
    assert all(link.startswith(portal.url("portal", "/")) for link in links(message))

    page.goto(next(link for link in links(message) if "/password/reset/" in link))
    if scripts:
        assert_accessible_and_responsive(page)
        page.set_viewport_size(WIDE)
    phrase = f"{NEW_PHRASE}, {scripts}"
    for field in page.locator("input[type=password]").all():
        field.fill(phrase)
    page.get_by_role("main").get_by_role("button", name=re.compile("password", re.IGNORECASE)).last.click()
    page.get_by_text("Your new password is set").first.wait_for()
    again = new_page()
    sign_in(again, portal.url("riverton", "/workspace/"), FORGETFUL, phrase)
    portal.emails(to=FORGETFUL, at_least=before + 2)  # that it was changed


def test_a_policy_is_there_to_download_and_one_that_is_missing_says_so(
    portal: Site, new_page: Any, scripts: bool
) -> None:
    page = new_page(scripts=scripts)
    page.goto(portal.url("portal", "/library/"))
    page.get_by_role("link", name="With a file").click()
    page.wait_for_url("**file=yes**")
    assert page.get_by_role("link", name="A policy only told of").count() == 0
    page.get_by_role("link", name="A policy with its text").click()
    files = page.get_by_role("region", name="Files")
    assert "DOCX" in files.inner_text()
    with page.expect_download() as started:
        files.get_by_role("link").click()
    with open(started.value.path(), "rb") as file:
        paragraphs = docx.Document(io.BytesIO(file.read())).paragraphs
    assert len([paragraph for paragraph in paragraphs if paragraph.text.strip()]) > 10
    assert "itself is not here yet" not in page.locator("main").inner_text()

    page.goto(portal.url("portal", "/library/told/"))
    text = page.locator("main").inner_text()
    assert "The document itself is not here yet. Ask Quill Lake for it." in " ".join(text.split())
    assert text.index("itself is not here yet") < text.index("counted blocked cards")
    assert page.get_by_role("region", name="Files").count() == 0
    if scripts:
        assert_accessible_and_responsive(page)
