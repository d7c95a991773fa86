"""What the library announces about its items."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from wagtail.signals import published, unpublished

from resources.models import LibraryItem
from tenants.signals import library_item_changed


@receiver([published, unpublished, post_delete], sender=LibraryItem)
def announce(*, instance: LibraryItem, **_kwargs: Any) -> None:
    """Tell the listeners that an item is to be read again, in the transaction of what Wagtail wrote."""
    with transaction.atomic():
        library_item_changed.send(LibraryItem, item_id=instance.pk)
