"""The house rules that a reader would otherwise have to remember: one word for one idea, and short modules.

docs/glossary.md has the words to use.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_LINES = 400

# Names that meant something in this project alone, and the word that says it.
BANNED = {
    "place": "jurisdiction (or index, folder, url)",
    "places": "jurisdictions",
    "is_place": "is_tenant",
    "anew": "again",
    "stranger": "anonymous visitor",
    "strangers": "anonymous visitors",
    "patience": "timeout",
    "fleet": "schemas",
    "choir": "canaries",
    "sing": "plant_canaries",
    "sung": "planted",
    "licence": "license",
    "kept_for_strangers": "cache_for_anonymous",
    "hand_over": "transfer_coordinator",
    "handoff": "sign_in_code",
    "arriving": "new_or_moved",
    "doomed": "obsolete",
    "tally": "counts",
}
# Names that say nothing by themselves; as a part of a longer name (`is_found`) they may.
BANNED_ALONE = {
    "asked": "query (or what was asked for)",
    "beside": "other_cells (or what is there)",
    "found": "what was found: item, rows, problems",
    "said": "text (or report, details)",
    "told": "text (or details)",
    "touched": "changed",
    "wanted": "target (or expected)",
}

# Names that stay: a column, and the field of that name in the index of an engine that an upgrade finds in use.
EXCEPTIONS = {
    ("search/models.py", "licence"),
    ("search/indexing/documents.py", "licence"),
    ("bench/corpus.py", "licence"),
    ("tests/search/test_engine_backend.py", "licence"),
    ("tests/search/test_results_page.py", "licence"),
}

# Modules over MAX_LINES lines, each with the reason why it stays one.
LONG_MODULES = {
    "tenants/plans/models.py": "the tables of one plan",
    "config/settings/base.py": "all settings, in sections",
    "tests/plans/test_editor_pages.py": "the pages of one editor",
    "tests/plans/test_services.py": "one subject, in sections",
    "tests/access/test_access_table.py": "one table of all addresses, with its checks",
    "tests/embedded/test_postgres.py": "one subject, in sections",
    "tests/plans/test_import.py": "the tests of one service",
    "tests/speed/test_page_cache.py": "one subject, in sections",
    "tests/upgrade/test_from_first_version.py": "one database, and all that it stored",
}


def tracked(pattern: str) -> list[str]:
    """Paths of the files that git knows, or would know, from the root of the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [path for path in listed.stdout.split("\n") if path and (ROOT / path).exists()]


def modules() -> list[str]:
    return [path for path in tracked("*.py") if "/migrations/" not in path]


def names(path: str) -> Iterator[tuple[int, str]]:
    """(line, name) of each Python name of a module, and of its file."""
    yield 0, Path(path).stem
    with (ROOT / path).open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.NAME:
                yield token.start[0], token.string


def banned_words(path: str) -> list[str]:
    problems = []
    for line, name in names(path):
        words = {
            name.lower(),
            *re.split(r"_+", name.lower().replace("in_place", "")),
        }  # “edited in place” is English
        replacements = [BANNED[word] for word in sorted(BANNED.keys() & words)]
        replacements += [BANNED_ALONE[name]] if name in BANNED_ALONE else []
        if (path, name) not in EXCEPTIONS:
            problems += [f"{path}:{line} {name}: say {replacement}" for replacement in replacements]
    return problems


def test_names_are_the_standard_terms() -> None:
    assert [line for path in modules() for line in banned_words(path)] == []


def test_a_private_word_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept.py").write_text("def refresh_place(x):\n    return x\n")
    monkeypatch.setattr("tests.test_house.ROOT", tmp_path)
    assert banned_words("kept.py") == ["kept.py:1 refresh_place: say jurisdiction (or index, folder, url)"]


def test_long_modules_are_listed_with_a_reason() -> None:
    lines = {path: (ROOT / path).read_text().count("\n") for path in modules()}
    assert {path for path, count in lines.items() if count > MAX_LINES} == set(LONG_MODULES)


def test_each_room_says_what_it_holds() -> None:
    """A package of the portal has a README of its own, or a line in the README of the folder above."""
    rooms = {
        str(Path(path).parent)
        for path in tracked("*/__init__.py")
        if not path.startswith(("tests/", "bench/"))
        and not re.search(r"/(migrations|management|formats)(/|$)", path)
    }
    silent = []
    for room in sorted(rooms):
        above = ROOT / room / ".." / "README.md"
        named = above.exists() and f"`{Path(room).name}/`" in above.read_text()
        if (
            not (ROOT / room / "README.md").exists()
            and not named
            and not ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text()))
        ):
            silent.append(room)
    assert silent == []
