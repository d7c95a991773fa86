"""Announce changes of the library's items."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from wagtail.documents import get_document_model
from wagtail.signals import published, unpublished

from resources.models import Attachment, LibraryItem
from resources.text_extraction import tasks
from tenants.signals import library_item_changed


@receiver([published, unpublished, post_delete], sender=LibraryItem)
def announce_item(*, instance: LibraryItem, **_kwargs: Any) -> None:
    """Announce an item that Wagtail published, withdrew or deleted, in the transaction of that change."""
    with transaction.atomic():
        _announce(instance.pk)


@receiver(post_save, sender=get_document_model())
def announce_items_of_file(
    *, instance: Any, created: bool, update_fields: frozenset[str] | None, **_kwargs: Any
) -> None:
    """Announce the items of a document whose file was replaced: Wagtail has no signal of its own for that."""
    if created or update_fields == {"file_hash"} or connection.schema_name != "public":
        return
    with transaction.atomic():
        for item_id in Attachment.objects.filter(document_id=instance.pk).values_list("item_id", flat=True):
            _announce(item_id)


def _announce(item_id: int) -> None:
    library_item_changed.send(LibraryItem, item_id=item_id)
    tasks.queue_extraction(item_id)
