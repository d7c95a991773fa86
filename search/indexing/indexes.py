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

from search.backends.engine import mapping
from search.backends.engine.client import EngineClient, Json, Rejected, extract
from search.indexing import serializer

SHORT_TIMEOUT_SECONDS = 5.0  # seconds for what an engine knows without working

# What the comparison with the table needs, beside the fields that are searched.
CONSISTENCY_FIELDS = {"number": {"type": "long"}, "check": {"type": "integer"}}


def index_alias() -> str:
    return f"{settings.SEARCH_PREFIX}-documents"


def index_definition() -> Json:
    """What an index is created with. `_meta.made_from` changes with it and with the code that writes documents."""
    made: Json = mapping.base_definition()
    made["mappings"]["properties"] |= CONSISTENCY_FIELDS
    made["settings"].setdefault("auto_expand_replicas", "0-1")  # none where there is one server
    code = Path(serializer.__file__).read_text()
    digest = hashlib.sha256((json.dumps(made, sort_keys=True) + code).encode()).hexdigest()
    made["mappings"]["_meta"] = {"made_from": digest[:16]}
    return made


def current_index(transport: EngineClient) -> str | None:
    """The index behind the alias; None if there is none."""
    return max(_aliases_by_index(transport, f"/_alias/{index_alias()}"), default=None)


def is_up_to_date(transport: EngineClient, name: str) -> bool:
    """Was this index made by this version of the portal?"""
    found = transport.request("GET", f"/{name}/_mapping", timeout=SHORT_TIMEOUT_SECONDS)
    meta = extract(found, name, "mappings", kind=dict).get("_meta", {})
    return bool(meta.get("made_from") == index_definition()["mappings"]["_meta"]["made_from"])


def create(transport: EngineClient) -> str:
    """A new, empty index that nobody searches; its name."""
    name = f"{index_alias()}-{timezone.now().astimezone(dt.UTC):%Y%m%dt%H%M%S%f}"
    made = index_definition()
    made["settings"] |= {"refresh_interval": "-1"}  # until it is filled
    transport.request("PUT", f"/{name}", made)
    return name


def swap_alias(transport: EngineClient, name: str) -> None:
    """Move the alias to this index in one step."""
    transport.request("PUT", f"/{name}/_settings", {"index": {"refresh_interval": None}})
    holders = _aliases_by_index(transport, f"/_alias/{index_alias()}")
    actions: list[Json] = [
        {"remove": {"index": other, "alias": index_alias()}} for other in holders if other != name
    ]
    if index_alias() in _aliases_by_index(transport, f"/{index_alias()}/_alias"):
        # An index took the alias's name while there was no alias.
        actions.append({"remove_index": {"index": index_alias()}})
    actions.append({"add": {"index": name, "alias": index_alias()}})
    transport.request("POST", "/_aliases", {"actions": actions})


def orphaned_indexes(transport: EngineClient) -> list[str]:
    """Our indexes that do not stand behind the alias: replaced ones, and those nobody finished."""
    ours = re.compile(re.escape(index_alias()) + r"-\d{8}t\d{12}")
    found = _aliases_by_index(transport, f"/{index_alias()}-*/_alias")
    return sorted(name for name in found if ours.fullmatch(name) and index_alias() not in found[name])


def delete(transport: EngineClient, names: list[str]) -> None:
    for name in names:
        transport.request("DELETE", f"/{name}", params={"ignore_unavailable": "true"})


def _aliases_by_index(transport: EngineClient, path: str) -> dict[str, list[str]]:
    """The indexes that the engine names there, and the aliases of each; none where it knows none."""
    try:
        found = transport.request("GET", path, timeout=SHORT_TIMEOUT_SECONDS)
    except Rejected as error:
        if error.status != 404:
            raise
        return {}
    return {name: list(extract(found, name, "aliases", kind=dict)) for name in found}
