"""A Django group for each role, so that permission checks of Django and Wagtail follow the roles.

Groups and their model permissions are rows of the public schema. Group members, and the pages and collections that a
group may edit, are rows of each jurisdiction's schema.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q, QuerySet
from django_tenants.utils import schema_context, tenant_context
from wagtail.models import Collection, GroupApprovalTask, GroupCollectionPermission, GroupPagePermission, Page

from tenants.models import ALLIANCE_ROLES, CITY_ROLES, Affiliation, Jurisdiction, Role
from tenants.roles.models import GroupMembership

WRITE_PERMISSIONS = ("add_page", "change_page")
PUBLISH_PERMISSIONS = ("publish_page", "lock_page", "unlock_page", "bulk_delete_page")
FILE_PERMISSIONS = (
    "add_image",
    "change_image",
    "choose_image",
    "add_document",
    "change_document",
    "choose_document",
)
PAGE_PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.COORDINATOR: WRITE_PERMISSIONS + PUBLISH_PERMISSIONS,
    Role.PLAN_EDITOR: WRITE_PERMISSIONS,
    Role.CONTRIBUTOR: WRITE_PERMISSIONS,
    Role.STAFF_ADMIN: WRITE_PERMISSIONS + PUBLISH_PERMISSIONS,
    Role.LIBRARY_CURATOR: WRITE_PERMISSIONS + PUBLISH_PERMISSIONS,
}
CURATOR_ROLES = (Role.STAFF_ADMIN, Role.LIBRARY_CURATOR)


@transaction.atomic
def create_groups() -> None:
    """Create one group for each role, with the permissions that are the same everywhere; safe to repeat."""
    names = [role.value for role in Role]
    with schema_context("public"):
        existing = set(Group.objects.filter(name__in=names).values_list("name", flat=True))
        Group.objects.bulk_create(Group(name=name) for name in names if name not in existing)
        groups = dict(Group.objects.filter(name__in=names).values_list("name", "pk"))
        admin_access = Q(content_type__app_label="wagtailadmin", codename="access_admin")
        library = Q(content_type__app_label="resources")
        permissions = Permission.objects.filter(admin_access | library).values_list(
            "pk", "content_type__app_label"
        )
        _sync_rows(
            Group.permissions.through.objects.filter(group__in=groups.values()),
            {
                (groups[role.value], permission)
                for role in PAGE_PERMISSIONS
                for permission, app in permissions
                if app == "wagtailadmin" or role in CURATOR_ROLES
            },
            "group_id",
            "permission_id",
        )


def _sync_rows(rows: QuerySet[Any], expected: set[tuple[int, ...]], *columns: str) -> None:
    """Delete rows whose `columns` are not in `expected` and create the missing ones; correct rows stay as they are."""
    existing = {tuple(key): pk for pk, *key in rows.values_list("pk", *columns)}
    if surplus := [pk for key, pk in existing.items() if key not in expected]:
        rows.filter(pk__in=surplus).delete()
    rows.model.objects.bulk_create(
        rows.model(**dict(zip(columns, key, strict=True))) for key in sorted(expected - existing.keys())
    )


@transaction.atomic
def grant_page_permissions(jurisdiction: Jurisdiction) -> None:
    """Let a jurisdiction's groups edit its pages, images and documents; safe to repeat.

    Coordinators (at the alliance, administrators and curators) approve pages that others submit.
    """
    roles = ALLIANCE_ROLES if jurisdiction.schema_name == "public" else CITY_ROLES
    groups = {group.name: group for group in Group.objects.filter(name__in=[role.value for role in roles])}
    lookup = Q(codename__in=WRITE_PERMISSIONS + PUBLISH_PERMISSIONS, content_type__app_label="wagtailcore")
    lookup |= Q(codename__in=FILE_PERMISSIONS, content_type__app_label__in=["wagtailimages", "wagtaildocs"])
    permissions = {permission.codename: permission for permission in Permission.objects.filter(lookup)}
    with tenant_context(jurisdiction):
        root, collection = Page.objects.filter(depth=1).first(), Collection.objects.filter(depth=1).first()
        group_permissions = [
            (groups[role.value].pk, PAGE_PERMISSIONS[role])
            for role in PAGE_PERMISSIONS
            if role.value in groups
        ]
        _sync_rows(
            GroupPagePermission.objects.all(),
            {
                (group, root.pk, permissions[name].pk)
                for group, names in group_permissions
                for name in names
                if root
            },
            "group_id",
            "page_id",
            "permission_id",
        )
        _sync_rows(
            GroupCollectionPermission.objects.all(),
            {
                (group, collection.pk, permissions[name].pk)
                for group, _names in group_permissions
                for name in FILE_PERMISSIONS
                if collection
            },
            "group_id",
            "collection_id",
            "permission_id",
        )
        approvers = CURATOR_ROLES if jurisdiction.schema_name == "public" else (Role.COORDINATOR,)
        for task in GroupApprovalTask.objects.all():
            task.groups.set([groups[role.value] for role in approvers if role.value in groups])


def update_membership(affiliation: Affiliation) -> None:
    """Set the user's groups at the affiliation's jurisdiction to its roles; to none if it is not active."""
    is_active = Affiliation.objects.active().filter(pk=affiliation.pk).exists()
    set_groups(affiliation.jurisdiction, affiliation.user_id, affiliation.roles if is_active else [])


def set_groups(jurisdiction: Jurisdiction, user_id: int, roles: Iterable[str]) -> None:
    """Make the user a member of exactly the groups of these roles, in the jurisdiction's schema."""
    groups = set(Group.objects.filter(name__in=list(roles)).values_list("pk", flat=True))
    with tenant_context(jurisdiction):
        memberships = GroupMembership.objects.filter(user_id=user_id)
        memberships.exclude(group_id__in=groups).delete()
        existing = set(memberships.values_list("group_id", flat=True))
        GroupMembership.objects.bulk_create(
            GroupMembership(user_id=user_id, group_id=group) for group in groups - existing
        )


@transaction.atomic
def resync(jurisdiction: Jurisdiction) -> int:
    """Derive all group memberships at a jurisdiction again. Returns the number of active affiliations."""
    with schema_context("public"):
        active = {a.user_id: a.roles for a in Affiliation.objects.active().filter(jurisdiction=jurisdiction)}
    with tenant_context(jurisdiction):
        former_members = set(GroupMembership.objects.values_list("user_id", flat=True)) - set(active)
    for user_id in former_members:
        set_groups(jurisdiction, user_id, [])
    for user_id, roles in active.items():
        set_groups(jurisdiction, user_id, roles)
    grant_page_permissions(jurisdiction)
    return len(active)
