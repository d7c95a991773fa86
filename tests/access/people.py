"""Everybody who may come to a host, each with a browser of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenants.models import Role

# Roles at the city whose host is visited.
TEAM = ("viewer", "contributor", "department_lead", "plan_editor", "coordinator")
# Roles at the alliance.
STAFF = ("staff_admin", "staff_onboarding", "library_curator")
# `anyone` is not signed in. `stranger` is the coordinator of another city, signed in there, and brings that city's
# cookie along. `neighbor` is that person with a session on this host, as if a hand-off had gone wrong.
ALL_ROLES = ("anyone", "stranger", "neighbor", "member", *TEAM, *STAFF)


def browsers(
    host: Any,
    *,
    home: Any,
    other: Any,
    alliance: Any,
    client_for: Callable[..., Any],
    make_user: Callable[..., Any],
) -> dict[str, Any]:
    """A client for each of EVERYBODY, to visit `host`: people of `home`, of `other`, and of the alliance."""
    neighbor = make_user(other, Role.COORDINATOR)
    stranger = client_for(other, neighbor)
    stranger.defaults["HTTP_HOST"] = host.host
    found = {"anyone": client_for(host), "stranger": stranger, "neighbor": client_for(host, neighbor)}
    found["member"] = client_for(host, make_user(home, Role.MEMBER))
    for role in TEAM:
        found[role] = client_for(host, make_user(home, role))
    for role in STAFF:
        found[role] = client_for(host, make_user(alliance, role))
    return found
