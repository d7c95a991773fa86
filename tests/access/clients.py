"""A test client for each kind of visitor of a host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenants.models import Role

# Roles at the city whose host is visited.
TEAM = ("viewer", "contributor", "department_lead", "plan_editor", "coordinator")
# Roles at the alliance.
STAFF = ("staff_admin", "staff_onboarding", "library_curator")
# `anonymous` is not signed in. `neighbor` is the coordinator of another city with a session on this host, as if a sign-in
# code had opened the wrong session. `foreign_session` is the same person with the session cookie of the other city only.
ALL_ROLES = ("anonymous", "foreign_session", "neighbor", "member", *TEAM, *STAFF)


def clients_for_roles(
    host: Any,
    *,
    home: Any,
    other: Any,
    alliance: Any,
    client_for: Callable[..., Any],
    make_user: Callable[..., Any],
) -> dict[str, Any]:
    """A client on `host` for each of ALL_ROLES: users of `home`, of `other`, and of the alliance."""
    neighbor = make_user(other, Role.COORDINATOR)
    foreign_session = client_for(other, neighbor)
    foreign_session.defaults["HTTP_HOST"] = host.host
    clients = {
        "anonymous": client_for(host),
        "foreign_session": foreign_session,
        "neighbor": client_for(host, neighbor),
    }
    clients["member"] = client_for(host, make_user(home, Role.MEMBER))
    for role in TEAM:
        clients[role] = client_for(host, make_user(home, role))
    for role in STAFF:
        clients[role] = client_for(host, make_user(alliance, role))
    return clients
