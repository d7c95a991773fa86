"""The sample sheets and the trees that reading them must give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
FILES = (
    "port-lysander-gare.xlsx",
    "aldersgate-park-gare.csv",
    "marrow-bend-plan.xlsx",
    "tallow-county-department.xlsx",
)


def expected_of(name: str) -> dict[str, Any]:
    """The expected tree and counts of a sample file."""
    path = DATA / f"{name.rpartition('.')[0]}.expected.json"
    return json.loads(path.read_text(encoding="utf-8"))


def collapse_whitespace(value: Any) -> Any:
    """The value with each run of blanks and line breaks in its texts made one blank."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return [collapse_whitespace(item) for item in value]
    if isinstance(value, dict):
        return {name: collapse_whitespace(item) for name, item in value.items()}
    return value


def differences(actual: dict[str, Any], expected: dict[str, Any], row: str) -> list[str]:
    """The fields of a row that are not as expected; a field may also have a value of its `…_also_ok` list.

    Child rows and the guessed kinds of measures are not compared.
    """
    messages = []
    for name, value in expected.items():
        if name in ("outcomes", "actions", "measure_kinds") or name.endswith("_also_ok"):
            continue
        allowed = [value, *expected.get(f"{name}_also_ok", [])]
        if collapse_whitespace(actual.get(name)) not in [collapse_whitespace(item) for item in allowed]:
            messages.append(f"{row} {name}: {actual.get(name)!r} instead of {value!r}")
    return messages
