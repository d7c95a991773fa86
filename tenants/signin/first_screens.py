"""Where a person arrives after signing in, and what each role leads to."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from tenants import access
from tenants.access import Permission
from tenants.models import Affiliation, Jurisdiction


class Link(NamedTuple):
    label: str
    url: str


def may(affiliation: Affiliation, permission: Permission) -> bool:
    return any(role in access.ROLE_PERMISSIONS[permission] for role in affiliation.roles)


def links_of(affiliation: Affiliation) -> list[Link]:
    """What the roles of an affiliation lead to, the most important first. For pages of the alliance's host."""
    jurisdiction: Jurisdiction = affiliation.jurisdiction
    if not jurisdiction.is_tenant:
        links = [
            (Permission.SEE_STAFF_PAGES, Link(_("Jurisdictions"), reverse("staff:index"))),
            (
                Permission.CURATE_LIBRARY,
                Link(_("Edit the library"), reverse("wagtailsnippets_resources_libraryitem:list")),
            ),
            (
                Permission.EDIT_ALLIANCE_SITE,
                Link(_("Edit the alliance’s pages"), reverse("wagtailadmin_home")),
            ),
        ]
        return [link for permission, link in links if may(affiliation, permission)]
    site = [Link(_("Public site"), f"{jurisdiction.base_url}/")] if jurisdiction.is_launched else []
    if may(affiliation, Permission.SEE_WORKSPACE):
        return [Link(_("Workspace"), jurisdiction.build_url("plans:home")), *site]
    shared = [
        Link(_("Library"), reverse("resources:browse")),
        Link(_("Progress of all plans"), reverse("cohort:progress")),
    ]
    return [*shared, *site]


def first_screen_of(user: Any) -> str:
    """The URL at which a person arrives who asked for no page: that of the only site, otherwise the list of sites.

    Members of the cohort without a task of their own arrive at the alliance's front page.
    """
    affiliations = list(
        Affiliation.objects.active().filter(user=user).select_related("jurisdiction").order_by("pk")
    )
    at_work = [
        affiliation
        for affiliation in affiliations
        if not affiliation.jurisdiction.is_tenant or may(affiliation, Permission.SEE_WORKSPACE)
    ]
    if affiliations and not at_work:
        return reverse("front")
    if len(at_work) == 1:
        (only,) = at_work
        if only.jurisdiction.is_tenant or may(only, Permission.SEE_STAFF_PAGES):
            return links_of(only)[0].url
    return reverse("signin:account")
