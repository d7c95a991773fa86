"""The engine's indexes: their names, their definition, and the alias that points to one of them.

Searches and updates use only the alias. The name of an index ends in the moment it was created.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from pathlib import Path

from django.utils import timezone

from search.backends.engine import mapping
from search.backends.engine.client import EngineClient, Json, Rejected, extract, index_alias
from search.indexing import serializer

SHORT_TIMEOUT_SECONDS = 5.0  # for requests that cost the engine no work

# Beside the fields that are searched: for the comparison with the table.
CONSISTENCY_FIELDS = {"number": {"type": "long"}, "check": {"type": "integer"}}


def index_definition() -> Json:
    """Settings and mappings of an index.

    `_meta.made_from` is a hash of them and of the code that serializes documents.
    """
    definition: Json = mapping.base_definition()
    definition["mappings"]["properties"] |= CONSISTENCY_FIELDS
    definition["settings"].setdefault("auto_expand_replicas", "0-1")  # no replica if there is one server
    code = Path(serializer.__file__).read_text()
    digest = hashlib.sha256((json.dumps(definition, sort_keys=True) + code).encode()).hexdigest()
    definition["mappings"]["_meta"] = {"made_from": digest[:16]}
    return definition


def current_index(client: EngineClient) -> str | None:
    """The index that the alias points to; None if there is none."""
    return max(_aliases_by_index(client, f"/_alias/{index_alias()}"), default=None)


def is_up_to_date(client: EngineClient, name: str) -> bool:
    """Was this index made by this version of the portal?"""
    response = client.request("GET", f"/{name}/_mapping", timeout=SHORT_TIMEOUT_SECONDS)
    meta = extract(response, name, "mappings", kind=dict).get("_meta", {})
    return bool(meta.get("made_from") == index_definition()["mappings"]["_meta"]["made_from"])


def create(client: EngineClient) -> str:
    """Create an empty index without an alias and return its name."""
    name = f"{index_alias()}-{timezone.now().astimezone(dt.UTC):%Y%m%dt%H%M%S%f}"
    definition = index_definition()
    definition["settings"] |= {"refresh_interval": "-1"}  # until it is filled
    client.request("PUT", f"/{name}", definition)
    return name


def swap_alias(client: EngineClient, name: str) -> None:
    """Move the alias to this index in one step."""
    client.request("PUT", f"/{name}/_settings", {"index": {"refresh_interval": None}})
    holders = _aliases_by_index(client, f"/_alias/{index_alias()}")
    actions: list[Json] = [
        {"remove": {"index": other, "alias": index_alias()}} for other in holders if other != name
    ]
    if index_alias() in _aliases_by_index(client, f"/{index_alias()}/_alias"):
        # An index took the alias's name while there was no alias.
        actions.append({"remove_index": {"index": index_alias()}})
    actions.append({"add": {"index": name, "alias": index_alias()}})
    client.request("POST", "/_aliases", {"actions": actions})


def orphaned_indexes(client: EngineClient) -> list[str]:
    """Our indexes that the alias does not point to: replaced and unfinished ones."""
    own_name = re.compile(re.escape(index_alias()) + r"-\d{8}t\d{12}")
    aliases = _aliases_by_index(client, f"/{index_alias()}-*/_alias")
    return sorted(name for name in aliases if own_name.fullmatch(name) and index_alias() not in aliases[name])


def delete(client: EngineClient, names: list[str]) -> None:
    for name in names:
        client.request("DELETE", f"/{name}", params={"ignore_unavailable": "true"})


def _aliases_by_index(client: EngineClient, path: str) -> dict[str, list[str]]:
    """The indexes that the engine lists at this path, with the aliases of each; empty if it knows none."""
    try:
        response = client.request("GET", path, timeout=SHORT_TIMEOUT_SECONDS)
    except Rejected as error:
        if error.status != 404:
            raise
        return {}
    return {name: list(extract(response, name, "aliases", kind=dict)) for name in response}
