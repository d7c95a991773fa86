"""The engine's indexes: their names, what they are created with, and the alias that stands before one of them.

Readers and the feed know the alias alone. An index has the moment it was made in its name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from search.index import mapping, source
from search.index.transports import Json, Rejected, Transport, pick

SOON = 5.0  # seconds for what an engine knows without working

# What the comparison with the table needs, beside the fields that are searched.
OWN = {"number": {"type": "long"}, "check": {"type": "integer"}}


def alias() -> str:
    return f"{settings.SEARCH_PREFIX}-documents"


def body() -> Json:
    """What an index is created with. `_meta.made_from` changes with it and with the code that writes documents."""
    made: Json = mapping.body()
    made["mappings"]["properties"] |= OWN
    made["settings"].setdefault("auto_expand_replicas", "0-1")  # none where there is one server
    code = Path(source.__file__).read_text()
    digest = hashlib.sha256((json.dumps(made, sort_keys=True) + code).encode()).hexdigest()
    made["mappings"]["_meta"] = {"made_from": digest[:16]}
    return made


def current(transport: Transport) -> str | None:
    """The index behind the alias; None if there is none."""
    return max(_with_aliases(transport, f"/_alias/{alias()}"), default=None)


def is_up_to_date(transport: Transport, name: str) -> bool:
    """Was this index made by this version of the portal?"""
    found = transport.request("GET", f"/{name}/_mapping", timeout=SOON)
    meta = pick(found, name, "mappings", kind=dict).get("_meta", {})
    return bool(meta.get("made_from") == body()["mappings"]["_meta"]["made_from"])


def create(transport: Transport) -> str:
    """A new, empty index that nobody searches; its name."""
    name = f"{alias()}-{timezone.now().astimezone(dt.UTC):%Y%m%dt%H%M%S%f}"
    made = body()
    made["settings"] |= {"refresh_interval": "-1"}  # until it is filled
    transport.request("PUT", f"/{name}", made)
    return name


def point(transport: Transport, name: str) -> None:
    """Move the alias to this index in one step."""
    transport.request("PUT", f"/{name}/_settings", {"index": {"refresh_interval": None}})
    holders = _with_aliases(transport, f"/_alias/{alias()}")
    actions: list[Json] = [
        {"remove": {"index": other, "alias": alias()}} for other in holders if other != name
    ]
    if alias() in _with_aliases(transport, f"/{alias()}/_alias"):
        # An index took the alias's name while there was no alias.
        actions.append({"remove_index": {"index": alias()}})
    actions.append({"add": {"index": name, "alias": alias()}})
    transport.request("POST", "/_aliases", {"actions": actions})


def leftovers(transport: Transport) -> list[str]:
    """Our indexes that do not stand behind the alias: replaced ones, and those nobody finished."""
    ours = re.compile(re.escape(alias()) + r"-\d{8}t\d{12}")
    found = _with_aliases(transport, f"/{alias()}-*/_alias")
    return sorted(name for name in found if ours.fullmatch(name) and alias() not in found[name])


def remove(transport: Transport, names: list[str]) -> None:
    for name in names:
        transport.request("DELETE", f"/{name}", params={"ignore_unavailable": "true"})


def _with_aliases(transport: Transport, path: str) -> dict[str, list[str]]:
    """The indexes that the engine names there, and the aliases of each; none where it knows none."""
    try:
        found = transport.request("GET", path, timeout=SOON)
    except Rejected as error:
        if error.status != 404:
            raise
        return {}
    return {name: list(pick(found, name, "aliases", kind=dict)) for name in found}
