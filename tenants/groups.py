"""Roles as groups: Django's and Wagtail's own permission look-ups follow them in the schema that is active.

The groups and their permissions are one catalogue in public. Which person is in which group, and which pages and
collections a group may work on, are rows of each schema.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q
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
    with schema_context("public"):
        admin = Permission.objects.filter(content_type__app_label="wagtailadmin", codename="access_admin")
        library = Permission.objects.filter(content_type__app_label="resources")
        for role in Role:
            group, _made = Group.objects.get_or_create(name=role.value)
            allowed = Permission.objects.none()
            if role in PAGES:
                allowed = admin | library if role in CURATORS else admin
            group.permissions.set(allowed)


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
        GroupPagePermission.objects.all().delete()
        GroupCollectionPermission.objects.all().delete()
        ours = [(groups[role.value], PAGES[role]) for role in PAGES if role.value in groups]
        if root:
            GroupPagePermission.objects.bulk_create(
                GroupPagePermission(group=group, page=root, permission=permissions[name])
                for group, names in ours
                for name in names
            )
        if collection:
            GroupCollectionPermission.objects.bulk_create(
                GroupCollectionPermission(group=group, collection=collection, permission=permissions[name])
                for group, _names in ours
                for name in FILES
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
