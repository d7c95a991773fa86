"""The API's OpenAPI description as what a page shows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

Schema = Mapping[str, Any]


def sections(description: Schema) -> list[dict[str, Any]]:
    """A section for each kind of thing, in the order of the addresses.

    [{"tag": "plans", "title": "Plans", "operations": [{"path", "summary", "says", "example", "parameters", "fields"}]}],
    where parameters and fields are [{"name", "kind", "says"}].
    """
    found: dict[str, dict[str, Any]] = {}
    for path, methods in description["paths"].items():
        get = methods["get"]
        tag = get["tags"][0]
        section = found.setdefault(tag, {"tag": tag, "title": get["summary"], "operations": []})
        section["operations"].append(_operation(path, get, description))
    return list(found.values())


def _operation(path: str, get: Schema, description: Schema) -> dict[str, Any]:
    return {
        "path": path,
        "summary": get["summary"],
        "says": _prose(get),
        "example": "" if "{" in path else path,
        "parameters": [
            {"name": part["name"], "kind": kind(part["schema"], description), "says": _prose(part)}
            for part in get["parameters"]
            if part["in"] != "header"
        ],
        "fields": _fields(get["responses"]["200"]["content"]["application/json"]["schema"], description),
    }


def _fields(schema: Schema, description: Schema) -> list[dict[str, str]]:
    """The fields of an answer; of a page of rows, those of a row."""
    answer = _resolved(schema, description)
    inner = answer["properties"].get("results")
    if inner and set(answer["properties"]) == {"next", "previous", "results"}:
        answer = _resolved(inner["items"], description)
    return [
        {"name": name, "kind": kind(field, description), "says": _prose(field)}
        for name, field in answer["properties"].items()
    ]


def kind(schema: Schema, description: Schema) -> str:
    """What a value is, in words: "text or nothing", "one of: json, csv", "list of text"."""
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else list(types)
    end = _(" or null") if "null" in names else ""
    if "enum" in schema:
        return _("one of: %(values)s") % {"values": ", ".join(v for v in schema["enum"] if v)} + end
    if "$ref" in schema:
        fields = _resolved(schema, description)["properties"]
        return _("object of %(fields)s") % {"fields": ", ".join(fields)}
    if "array" in names:
        if "enum" in schema["items"]:
            return _("any of: %(values)s") % {"values": ", ".join(schema["items"]["enum"])}
        return _("list of: %(what)s") % {"what": kind(schema["items"], description)}
    if "object" in names:
        values = schema.get("additionalProperties") or {}
        return _("object with values of: %(what)s") % {"what": kind(values, description)}
    plain = {
        "uuid": _("UUID"),
        "uri": _("address"),
        "date": _("day, like 2027-06-30"),
        "date-time": _("moment, like 2027-06-30T17:00:00Z"),
        "integer": _("whole number"),
        "boolean": _("true or false"),
    }
    if "minimum" in schema:
        return _("whole number from %(low)s to %(high)s") % {
            "low": schema["minimum"],
            "high": schema["maximum"],
        }
    name = next((name for name in (schema.get("format"), *names) if name in plain), "")
    return plain.get(name, _("text")) + end


def _prose(schema: Schema) -> str:
    """The description without its marks for code."""
    return re.sub(r"`([^`]+)`", r"“\1”", str(schema.get("description", "")))


def _resolved(schema: Schema, description: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
