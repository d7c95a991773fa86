"""Sets up the site of a new jurisdiction, and announces changes of pages."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from wagtail.models import Page
from wagtail.signals import page_published, page_unpublished, post_page_move

from cms import site_setup
from cms.active_site import active_site
from tenants import signals
from tenants.models import Jurisdiction


@receiver(signals.jurisdiction_opened)
def open_site(*, jurisdiction: Jurisdiction, **_kwargs: Any) -> None:
    site_setup.set_up_city_site(jurisdiction)


@receiver([page_published, page_unpublished, post_page_move])
def announce_page(*, instance: Page, **_kwargs: Any) -> None:
    send_page_changed(instance.pk)


def announce_deletion(*, instance: Page, **_kwargs: Any) -> None:
    send_page_changed(instance.pk)


def connect_deletion_signals(page_types: list[type[Page]]) -> None:
    for page_type in page_types:
        post_delete.connect(
            announce_deletion, sender=page_type, dispatch_uid=f"announce {page_type.__name__}"
        )


def send_page_changed(page_id: int) -> None:
    """Announce a change of a page.

    In requests and scheduled publishing this is part of the transaction in which Wagtail writes. A script that
    publishes without a transaction gets one for the signal handlers.
    """
    jurisdiction = active_site()
    with transaction.atomic():
        signals.page_changed.send(Page, jurisdiction=jurisdiction, page_id=page_id)
