"""The documents name what exists: paths, links, and names in modules."""

from __future__ import annotations

import functools
import importlib.util
import operator
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A path in backticks: `tenants/web/`, `tenants/access.py`, `results.json`; no URL, placeholder or option.
PATH = re.compile(
    r"(?:[\w.-]+/)+|(?:[\w.-]+/)*[\w.-]+\.(?:py|md|toml|json|jsonl|html|css|js|java|yml|txt|gz|csv|xlsx)"
)
CODE = re.compile(r"`([^`\n]+)`")
# A name that a path is said to hold: `tenants/access.py` `ROLE_PERMISSIONS`, or `open_data` in `tenants/…/views.py`.
NAME_IN_FILE = re.compile(r"`([\w/]+\.py)` `(\w+)`|`(\w+)` in\s`([\w/]+\.py)`")
DOTTED = re.compile(
    r"(?<![\w./@:-])(?:config|search|cms|cohort|resources|tenants|accounts|embedded|bench|tests)(?:\.[A-Za-z_]\w*)+(?![\w-]*[./:]\w)"
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
GENERATED = ("var/",)  # made by `make setup`, not by git


def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [path for path in listed.stdout.split("\n") if path and (ROOT / path).exists()]


def documents() -> list[str]:
    return [path for path in tracked("*.md") if not path.startswith("static/vendor/")]


@functools.cache
def names_anywhere() -> set[str]:
    """Names of all files, and of all folders with a slash: an app's `api.py`, `migrations/`."""
    paths = [Path(path) for path in tracked()]
    return {path.name for path in paths} | {f"{folder.name}/" for path in paths for folder in path.parents}


def is_missing_path(text: str, folder: Path) -> bool:
    if not PATH.fullmatch(text) or text.startswith(GENERATED):
        return False
    if text.count("/", 0, -1) == 0 and text in names_anywhere():
        return False
    return not ((folder / text).exists() or (ROOT / text).exists())


def is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def resolves(name: str) -> bool:
    """True if a dotted name is a module, or an attribute of one: tenants.web.page_versions.track_writes."""
    module, attributes = name, []
    while module and not is_module(module):
        module, _dot, attribute = module.rpartition(".")
        attributes.insert(0, attribute)
    if not attributes:
        return True
    try:
        operator.attrgetter(".".join(attributes))(importlib.import_module(module))
    except AttributeError:
        return False
    return True


def problems(document: Path) -> Iterator[str]:
    text = document.read_text()
    prose = FENCE.sub("", text)
    for code in CODE.findall(prose):
        if is_missing_path(code, document.parent):
            yield f"no file or folder {code}"
    for match in NAME_IN_FILE.finditer(prose):
        path, name = (match[1], match[2]) if match[1] else (match[4], match[3])
        if (ROOT / path).exists() and not resolves(path.removesuffix(".py").replace("/", ".") + "." + name):
            yield f"no {name} in {path}"
    for target in LINK.findall(prose):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        if not (document.parent / target.partition("#")[0]).exists():
            yield f"link to nothing: {target}"
    for name in sorted(set(DOTTED.findall(LINK.sub("", text)))):
        if not resolves(name):
            yield f"no {name}"


@pytest.mark.parametrize("path", documents())
def test_a_document_names_what_exists(path: str) -> None:
    assert list(problems(ROOT / path)) == []


def test_a_wrong_name_is_noticed(tmp_path: Path) -> None:
    document = tmp_path / "wrong.md"
    document.write_text(
        "See `tenants/nowhere.py`, `tenants/nothing/` and [this](missing.md).\n"
        "`tenants/access.py` `NO_SUCH_NAME` decides; `nobody` in `tenants/access.py` asks.\n"
        "```\n → tenants.web.page_cache.never   first\n → tenants.no_such_room.find\n```\n"
        "Right: `tenants/access.py` `ROLE_PERMISSIONS`, tenants.web.page_cache.cache_for_anonymous, `tenants/web/`.\n"
    )
    assert list(problems(document)) == [
        "no file or folder tenants/nowhere.py",
        "no file or folder tenants/nothing/",
        "no NO_SUCH_NAME in tenants/access.py",
        "no nobody in tenants/access.py",
        "link to nothing: missing.md",
        "no tenants.no_such_room.find",
        "no tenants.web.page_cache.never",
    ]


def test_the_tour_has_ten_answers() -> None:
    answers = (ROOT / "docs" / "tour.md").read_text().split("\n\n", 2)[2]
    entries = re.split(r"^\d+\. ", answers, flags=re.MULTILINE)[1:]
    assert [bool(NAME_IN_FILE.search(entry)) for entry in entries] == [True] * 10
