"""Roles as groups: Django's and Wagtail's own permission look-ups follow them in the schema that is active.

The groups and their permissions are one catalogue in public. Which person is in which group, and which pages and
collections a group may work on, are rows of each schema.
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

WRITES, PUBLISHES = (
    ("add_page", "change_page"),
    ("publish_page", "lock_page", "unlock_page", "bulk_delete_page"),
)
FILES = ("add_image", "change_image", "choose_image", "add_document", "change_document", "choose_document")
PAGES: dict[Role, tuple[str, ...]] = {
    Role.COORDINATOR: WRITES + PUBLISHES,
    Role.PLAN_EDITOR: WRITES,
    Role.CONTRIBUTOR: WRITES,
    Role.STAFF_ADMIN: WRITES + PUBLISHES,
    Role.LIBRARY_CURATOR: WRITES + PUBLISHES,
}
CURATORS = (Role.STAFF_ADMIN, Role.LIBRARY_CURATOR)


@transaction.atomic
def sync_catalogue() -> None:
    """Make one group for each role, with the permissions that are the same everywhere; safe to repeat."""
    names = [role.value for role in Role]
    with schema_context("public"):
        there = set(Group.objects.filter(name__in=names).values_list("name", flat=True))
        Group.objects.bulk_create(Group(name=name) for name in names if name not in there)
        groups = dict(Group.objects.filter(name__in=names).values_list("name", "pk"))
        admin = Q(content_type__app_label="wagtailadmin", codename="access_admin")
        library = Q(content_type__app_label="resources")
        allowed = Permission.objects.filter(admin | library).values_list("pk", "content_type__app_label")
        _replace(
            Group.permissions.through.objects.filter(group__in=groups.values()),
            {
                (groups[role.value], permission)
                for role in PAGES
                for permission, app in allowed
                if app == "wagtailadmin" or role in CURATORS
            },
            "group_id",
            "permission_id",
        )


def _replace(rows: QuerySet[Any], wanted: set[tuple[int, ...]], *columns: str) -> None:
    """Let these be the rows and no others. What is right already is not touched."""
    there = {tuple(key): pk for pk, *key in rows.values_list("pk", *columns)}
    if surplus := [pk for key, pk in there.items() if key not in wanted]:
        rows.filter(pk__in=surplus).delete()
    rows.model.objects.bulk_create(
        rows.model(**dict(zip(columns, key, strict=True))) for key in sorted(wanted - there.keys())
    )


@transaction.atomic
def grant(place: Jurisdiction) -> None:
    """Let the groups of this place work on its pages, images and documents; safe to repeat.

    Coordinators (at the alliance, administrators and curators) are asked to approve what others submit.
    """
    here = ALLIANCE_ROLES if place.schema_name == "public" else CITY_ROLES
    groups = {group.name: group for group in Group.objects.filter(name__in=[role.value for role in here])}
    wanted = Q(codename__in=WRITES + PUBLISHES, content_type__app_label="wagtailcore")
    wanted |= Q(codename__in=FILES, content_type__app_label__in=["wagtailimages", "wagtaildocs"])
    permissions = {permission.codename: permission for permission in Permission.objects.filter(wanted)}
    with tenant_context(place):
        root, collection = Page.objects.filter(depth=1).first(), Collection.objects.filter(depth=1).first()
        ours = [(groups[role.value].pk, PAGES[role]) for role in PAGES if role.value in groups]
        _replace(
            GroupPagePermission.objects.all(),
            {(group, root.pk, permissions[name].pk) for group, names in ours for name in names if root},
            "group_id",
            "page_id",
            "permission_id",
        )
        _replace(
            GroupCollectionPermission.objects.all(),
            {
                (group, collection.pk, permissions[name].pk)
                for group, _names in ours
                for name in FILES
                if collection
            },
            "group_id",
            "collection_id",
            "permission_id",
        )
        approvers = CURATORS if place.schema_name == "public" else (Role.COORDINATOR,)
        for task in GroupApprovalTask.objects.all():
            task.groups.set([groups[role.value] for role in approvers if role.value in groups])


def derive(affiliation: Affiliation) -> None:
    """Put the person into the groups of their roles at that place, and into no other there."""
    now = Affiliation.objects.active().filter(pk=affiliation.pk).exists()
    put(affiliation.jurisdiction, affiliation.user_id, affiliation.roles if now else [])


def put(place: Jurisdiction, user_id: int, roles: Iterable[str]) -> None:
    groups = set(Group.objects.filter(name__in=list(roles)).values_list("pk", flat=True))
    with tenant_context(place):
        held = GroupMembership.objects.filter(user_id=user_id)
        held.exclude(group_id__in=groups).delete()
        there = set(held.values_list("group_id", flat=True))
        GroupMembership.objects.bulk_create(
            GroupMembership(user_id=user_id, group_id=group) for group in groups - there
        )


@transaction.atomic
def sync(place: Jurisdiction) -> int:
    """Derive everybody's groups at a place anew; returns how many people are in one."""
    with schema_context("public"):
        active = {a.user_id: a.roles for a in Affiliation.objects.active().filter(jurisdiction=place)}
    with tenant_context(place):
        strangers = set(GroupMembership.objects.values_list("user_id", flat=True)) - set(active)
    for user_id in strangers:
        put(place, user_id, [])
    for user_id, roles in active.items():
        put(place, user_id, roles)
    grant(place)
    return len(active)
