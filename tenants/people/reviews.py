"""Texts that wait in Wagtail's workflow for somebody's approval."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.urls import reverse
from wagtail.models import Page, Revision, TaskState


@dataclass(frozen=True)
class WaitingText:
    """A page, at the alliance also an item of the library, that was submitted and not yet decided on."""

    title: str
    author: str
    since: dt.datetime
    url: str  # in the editor, where it is approved or returned


def texts_waiting_for(user: Any) -> list[WaitingText]:
    """The texts of the active schema that this person may approve, oldest first.

    The number of queries depends on the steps of the workflow alone.
    """
    states = (
        TaskState.objects.reviewable_by(user)
        .select_related("revision__user", "revision__base_content_type", "workflow_state__requested_by")
        .defer("revision__content")
    )
    return [
        WaitingText(
            title=state.revision.object_str,
            author=str(state.workflow_state.requested_by or state.revision.user or ""),
            since=state.started_at,
            url=_edit_url(state.revision),
        )
        for state in states.order_by("started_at", "pk")
        if state.revision
    ]


def _edit_url(revision: Revision) -> str:
    kind = revision.base_content_type
    if kind.model_class() is Page:
        return reverse("wagtailadmin_pages:edit", args=[revision.object_id])
    return reverse(f"wagtailsnippets_{kind.app_label}_{kind.model}:edit", args=[quote(revision.object_id)])
