"""Revisions that were saved before fields of the library got other names."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from wagtail.documents.models import Document
from wagtail.models import Revision

from accounts.models import User
from cms.scheduled_publishing import publish_due
from resources import services
from resources.models import Attachment, LibraryItem
from tenants.models import Jurisdiction
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def old_draft() -> LibraryItem:
    """A published item with a draft, whose revision has the field names `licence` and `part`."""
    item = services.publish(LibraryItemFactory.build(license=LibraryItem.License.CC_BY), by=None)
    file = SimpleUploadedFile("guide.pdf", b"%PDF-1.7 text", "application/pdf")
    document = Document.objects.create(title="Guide", file=file)
    item.attachments.add(Attachment(item=item, title="Guide", kind=Attachment.Kind.GUIDE, document=document))
    item.license = LibraryItem.License.PERMISSION
    revision = item.save_revision()
    content = revision.content
    content["licence"] = content.pop("license")
    for attachment in content["attachments"]:
        attachment["part"] = attachment.pop("kind")
    Revision.objects.filter(pk=revision.pk).update(content=content)
    return item


def test_a_draft_with_old_field_names_is_published(old_draft: LibraryItem) -> None:
    old_draft.latest_revision.refresh_from_db()
    old_draft.latest_revision.publish()

    item = LibraryItem.objects.get()
    assert item.license == LibraryItem.License.PERMISSION
    assert [attachment.kind for attachment in item.attachments.all()] == [Attachment.Kind.GUIDE]


def test_a_scheduled_draft_with_old_field_names_is_published(old_draft: LibraryItem) -> None:
    Revision.objects.filter(pk=old_draft.latest_revision_id).update(
        approved_go_live_at=timezone.now() - dt.timedelta(minutes=1)
    )

    publish_due(Jurisdiction.objects.get(schema_name="public"))

    assert LibraryItem.objects.get().license == LibraryItem.License.PERMISSION


def test_a_draft_with_old_field_names_is_edited_and_compared(
    old_draft: LibraryItem, alliance: Any, client_for: Any
) -> None:
    operator = User.objects.create_superuser(
        email="operator@alliance.example", password="a long enough phrase"
    )
    editor = client_for(alliance, operator)
    base = "/cms/snippets/resources/libraryitem"

    form = editor.get(f"{base}/edit/{old_draft.pk}/")
    comparison = editor.get(f"{base}/history/{old_draft.pk}/revisions/compare/earliest...latest/")

    assert form.context["form"]["license"].value() == "permission"
    assert "With permission" in comparison.text
    assert "Staff guide" in comparison.text
