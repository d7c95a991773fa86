"""Sections of the reference page, from the API's OpenAPI description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

Schema = Mapping[str, Any]
MAX_DATABASE_INTEGER = 2_147_483_647


def sections(description: Schema) -> list[dict[str, Any]]:
    """A section for each resource, in the order of the addresses.

    [{"tag": "plans", "title": "Plans", "operations": [{"path", "summary", "says", "example", "parameters", "fields",
    "is_row"}]}], where parameters and fields are [{"name", "kind", "says"}], and `is_row` is set for a row of a list that
    has the same fields.
    """
    by_tag: dict[str, dict[str, Any]] = {}
    for path, methods in description["paths"].items():
        get = methods["get"]
        tag = get["tags"][0]
        section = by_tag.setdefault(tag, {"tag": tag, "title": get["summary"], "operations": []})
        operation = _operation(path, get, description)
        lists = section["operations"]
        operation["is_row"] = any(
            path.startswith(f"{other['path']}/") and other["fields"] == operation["fields"] for other in lists
        ) and not _query_parameters(get)
        section["operations"].append(operation)
    return list(by_tag.values())


def _query_parameters(get: Schema) -> list[Any]:
    return [parameter for parameter in get["parameters"] if parameter["in"] == "query"]


def _operation(path: str, get: Schema, description: Schema) -> dict[str, Any]:
    return {
        "path": path,
        "summary": get["summary"],
        "says": _prose(get),
        "example": "" if "{" in path else path,
        "parameters": [
            {
                "name": parameter["name"],
                "kind": kind(parameter["schema"], description),
                "says": _prose(parameter),
            }
            for parameter in get["parameters"]
            if parameter["in"] != "header"
        ],
        "fields": _fields(get["responses"]["200"]["content"]["application/json"]["schema"], description),
    }


def _fields(schema: Schema, description: Schema) -> list[dict[str, str]]:
    """Fields of a response; for a page of rows, those of a row."""
    response = _resolved(schema, description)
    inner = response["properties"].get("results")
    if inner and set(response["properties"]) == {"next", "previous", "results"}:
        response = _resolved(inner["items"], description)
    return [
        {"name": name, "kind": kind(field, description), "says": _prose(field)}
        for name, field in response["properties"].items()
    ]


def kind(schema: Schema, description: Schema) -> str:
    """Type of a value as text: "text or null", "one of: json, csv", "list of: text"."""
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
        "date": _("date, like 2027-06-30"),
        "date-time": _("date and time, like 2027-06-30T17:00:00Z"),
        "integer": _("whole number"),
        "boolean": _("true or false"),
    }
    if schema.get("maximum", MAX_DATABASE_INTEGER) < MAX_DATABASE_INTEGER:
        return _("whole number from %(low)s to %(high)s") % {
            "low": schema["minimum"],
            "high": schema["maximum"],
        }
    name = next((name for name in (schema.get("format"), *names) if name in plain), "")
    return plain.get(name, _("text")) + end


def _prose(schema: Schema) -> str:
    """The description, with quotation marks instead of backquotes."""
    return re.sub(r"`([^`]+)`", r"“\1”", str(schema.get("description", "")))


def _resolved(schema: Schema, description: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target: Schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return target
