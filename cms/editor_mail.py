"""Emails about texts in the editor: sent for review, approved, returned, commented on.

Wagtail decides who gets one; the portal renders and queues them, like all its emails.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.utils import quote
from django.utils import timezone
from django.utils.translation import override
from wagtail.admin import mail as wagtail_mail
from wagtail.admin.views.pages import edit
from wagtail.models import Page, TaskState, WorkflowState
from wagtail.signals import task_submitted, workflow_approved, workflow_rejected, workflow_submitted
from wagtail.users.models import UserProfile

from accounts.models import User
from cms.active_site import active_site
from tenants.notifications import mail


def connect() -> None:
    """Take over Wagtail's emails. The ids are those of its own receivers, which then are not connected any more."""
    receivers = (
        (task_submitted, TaskState, "group_approval_task_submitted", TextSubmitted()),
        (workflow_submitted, WorkflowState, "workflow_state_submitted", send_nothing),
        (workflow_approved, WorkflowState, "workflow_state_approved", TextApproved()),
        (workflow_rejected, WorkflowState, "workflow_state_rejected", TextReturned()),
    )
    for signal, sender, name, receiver in receivers:
        signal.connect(receiver, sender=sender, weak=False, dispatch_uid=f"{name}_email_notification")
    edit.send_notification = queue_comments


def send_nothing(**_kwargs: Any) -> None:
    """For a text sent for review: Wagtail would tell the operator, who is in no team. Its approvers get TextSubmitted."""


class QueuedMixin:
    """A notifier of Wagtail that queues emails from the active site instead of sending them."""

    def get_context(self, state: Any, **kwargs: Any) -> dict[str, Any]:
        return super().get_context(state, **kwargs) | {"state": state, "by": kwargs.get("user")}  # type: ignore[misc]

    def send_emails(
        self, template_set: Any, context: dict[str, Any], recipients: Iterable[User], **_kwargs: Any
    ) -> bool:
        kind, by, fields = self.describe(context)
        queue(kind, recipients, by=by, **fields)
        return True

    def describe(self, context: dict[str, Any]) -> tuple[str, User | None, dict[str, Any]]:
        """The template, the person whose act it tells of, and what else the template needs."""
        raise NotImplementedError


class TextSubmitted(QueuedMixin, wagtail_mail.GroupApprovalTaskStateSubmissionEmailNotifier):
    def describe(self, context: dict[str, Any]) -> tuple[str, User | None, dict[str, Any]]:
        item, requested_by = context["object"], context["state"].workflow_state.requested_by
        return (
            "submitted",
            requested_by,
            text_fields(item) | {"preview_url": preview_url(item, context["task"])},
        )


class TextApproved(QueuedMixin, wagtail_mail.WorkflowStateApprovalEmailNotifier):
    def describe(self, context: dict[str, Any]) -> tuple[str, User | None, dict[str, Any]]:
        item = context["object"]
        item.refresh_from_db()
        fields = text_fields(item)
        if item.live and not item.has_unpublished_changes:
            fields |= {"is_published": True, "url": public_url(item)}
        elif item.approved_schedule and item.go_live_at and item.go_live_at > timezone.now():
            fields["go_live_at"] = item.go_live_at
        return "approved", context["by"], fields


class TextReturned(QueuedMixin, wagtail_mail.WorkflowStateRejectionEmailNotifier):
    def describe(self, context: dict[str, Any]) -> tuple[str, User | None, dict[str, Any]]:
        fields = text_fields(context["object"]) | {"comment": context["comment"]}
        return "returned", context["task_state"].finished_by, fields


def queue_comments(recipients: Iterable[User], _notification: str, context: dict[str, Any]) -> bool:
    """In place of Wagtail's `send_notification`, which its editor calls for comments alone."""
    fields = text_fields(context["page"]) | {
        "new_comments": [comment.text for comment in context["new_comments"]],
        "replies": [
            (thread["comment"].text, [reply.text for reply in thread["replies"]])
            for thread in context["replied_comments"]
        ],
        "resolved_comments": [comment.text for comment in context["resolved_comments"]],
        "deleted_comments": [comment.text for comment in context["deleted_comments"]],
    }
    wanting = [
        user
        for user in recipients
        if user.is_active and user.email and UserProfile.get_for_user(user).updated_comments_notifications
    ]
    queue("comments", wanting, by=context["editor"], **fields)
    return True


def queue(kind: str, recipients: Iterable[User], *, by: User | None, **fields: Any) -> None:
    """Queue `mail/editor/<kind>.txt` to each person in their own language; an answer goes to `by`."""
    fields |= common_fields(by)
    for user in sorted(recipients, key=lambda user: user.pk):
        with override(UserProfile.get_for_user(user).get_preferred_language()):
            mail.queue_mail(
                f"editor/{kind}",
                to=user.email,
                sender=active_site(),
                reply_to=by.email if by else "",
                greeting=user.first_name,
                **fields,
            )


def common_fields(by: User | None) -> dict[str, Any]:
    """What every email about a text shows."""
    url = active_site().build_url("wagtailadmin_account") + "#tab-notifications"
    return {"by": str(by) if by else "", "preferences_url": url}


def text_fields(item: Any) -> dict[str, Any]:
    """The title of a page or an item of the library, and the address of its form in the editor."""
    title = item.get_admin_display_title() if isinstance(item, Page) else str(item)
    return {"title": title, "url": editor_url("edit", item)}


def editor_url(action: str, item: Any, *more: Any) -> str:
    """The address of one of the editor's pages about `item`, on the active site's host."""
    if isinstance(item, Page):
        return active_site().build_url(f"wagtailadmin_pages:{action}", item.pk, *more)
    return active_site().build_url(item.snippet_viewset.get_url_name(action), quote(item.pk), *more)


def preview_url(item: Any, task: Any) -> str:
    return editor_url("workflow_preview", item, task.pk)


def public_url(item: Any) -> str:
    """Where readers find it."""
    return item.full_url if isinstance(item, Page) else active_site().base_url + item.get_absolute_url()
