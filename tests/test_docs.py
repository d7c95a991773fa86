"""The documents name what exists: paths, links and their anchors, names in modules, and the tables of the data model."""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import operator
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.__main__ import PAGE, RESULTS, markdown_table
from tests import data_model

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
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
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


def anchors(document: Path) -> set[str]:
    """The anchors that a page of GitHub or GitLab has for the headings of a document."""
    anchors: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", document.read_text())):
        text = LINK.sub("]", heading).lower()
        anchor = name = re.sub(r"[^\w -]", "", text).replace(" ", "-")
        count = 0
        while anchor in anchors:
            count += 1
            anchor = f"{name}-{count}"
        anchors.add(anchor)
    return anchors


def is_dead_link(target: str, document: Path) -> bool:
    path, _sharp, anchor = target.partition("#")
    file = document.parent / path if path else document
    if not file.exists():
        return True
    return bool(anchor) and file.suffix == ".md" and anchor not in anchors(file)


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
        if "://" in target or target.startswith("mailto:"):
            continue
        if is_dead_link(target, document):
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
        "# Of a (wrong) one\n"
        "See `tenants/nowhere.py`, `tenants/nothing/` and [this](missing.md), [that](#of-another) or [a](wrong.md#b).\n"
        "`tenants/access.py` `NO_SUCH_NAME` decides; `nobody` in `tenants/access.py` asks.\n"
        "```\n → tenants.web.page_cache.never   first\n → tenants.no_such_room.find\n```\n"
        "Right: [the top](#of-a-wrong-one).\n"
        "Right: `tenants/access.py` `ROLE_PERMISSIONS`, tenants.web.page_cache.cache_for_anonymous, `tenants/web/`.\n"
    )
    assert list(problems(document)) == [
        "no file or folder tenants/nowhere.py",
        "no file or folder tenants/nothing/",
        "no NO_SUCH_NAME in tenants/access.py",
        "no nobody in tenants/access.py",
        "link to nothing: missing.md",
        "link to nothing: #of-another",
        "link to nothing: wrong.md#b",
        "no tenants.no_such_room.find",
        "no tenants.web.page_cache.never",
    ]


def test_the_tour_has_ten_answers() -> None:
    answers = (ROOT / "docs" / "tour.md").read_text().split("\n\n", 2)[2]
    entries = re.split(r"^\d+\. ", answers, flags=re.MULTILINE)[1:]
    assert [bool(NAME_IN_FILE.search(entry)) for entry in entries] == [True] * 10


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    listed = {target.partition("#")[0] for target in LINK.findall(index)}
    expected = {path.removeprefix("docs/") for path in tracked("docs/*.md")}
    decisions = {path for path in expected if path.startswith("adr/")}
    assert expected - decisions - {"README.md"} - listed == set()
    assert "adr/README.md" in listed


def section_of(text: str, heading: str) -> str:
    """The text below a heading, up to the next one of its level."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("section", data_model.SECTIONS)
def test_the_data_model_is_that_of_the_models(section: str) -> None:
    text = section_of((ROOT / "docs" / "data-model.md").read_text(), section)
    drawn = [line.strip() for line in text.partition("erDiagram\n")[2].partition("```")[0].splitlines()]
    relations = {line for line in drawn if ":" in line}
    assert relations == data_model.relations(section), "`python -m tests.data_model` prints the diagrams"
    named = {name for line in drawn for name in line.partition(":")[0].split()[::2]}
    assert {name for name in named if name[0].isupper()} >= data_model.entities(section)
    assert {line for line in drawn if ":" not in line} <= data_model.entities(section)
    described = re.findall(r"^\| `(\w+)` \| .+ \|$", text, re.MULTILINE)
    assert sorted(described) == sorted(data_model.tables(section)), "Each table has one sentence."


def test_every_model_is_in_one_picture() -> None:
    drawn = [model for section in data_model.SECTIONS for model in data_model.own_models(section)]
    own = [model for model in data_model.apps.get_models() if data_model.is_own(model.__module__)]
    assert sorted(model._meta.label for model in drawn) == sorted(model._meta.label for model in own)


def test_the_table_of_benchmarks_has_their_results() -> None:
    assert markdown_table(json.loads(RESULTS.read_text())) in PAGE.read_text()


ELLIPSIS = re.compile(r"(?:\s*…[\s…]*)+")


def simplified(message: str) -> str:
    """A message on one line, with … for each part that varies."""
    return ELLIPSIS.sub("…", " ".join(re.sub(r"%\(\w+\)[sd]", "…", message).split())).strip()


def string_of(node: ast.AST, constants: dict[str, str]) -> str:
    """The text of a string in code; … where a value is put in, unless it is a constant of the module."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(string_of(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
        return constants.get(node.value.id, "…")
    return "…"


def messages_in_code() -> str:
    """All texts in code and templates, simplified, one on each line."""
    texts = []
    for path in tracked("*.py"):
        if path.startswith(("tests/", "bench/")) or "/migrations/" in path:
            continue
        tree = ast.parse((ROOT / path).read_text())
        assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        constants: dict[str, str] = {}
        for node in assigned:
            if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant | ast.JoinedStr):
                constants[node.targets[0].id] = string_of(node.value, constants)
        texts += [
            re.sub(r"%[sd]", "…", string_of(node, constants))
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant | ast.JoinedStr)
        ]
    texts += [(ROOT / path).read_text() for path in tracked("*.html")]
    return "\n".join(map(simplified, texts))


def test_troubleshooting_quotes_messages_as_the_code_writes_them() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    quoted = re.findall(r"^> (.+)$", text, re.MULTILINE)
    assert len(quoted) > 40
    known = messages_in_code()
    assert [message for message in quoted if simplified(message) not in known] == []
