"""Which templates are whole pages, and which test shows each of them to axe, wide and narrow.

A test that opens pages for axe names their templates: `@shows_to_axe("plans/editor.html", …)`. It fails if axe has not
looked at each of them at both widths. tests/test_page_templates.py fails for a page that no test names.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.databases import ROOT

EXTENDS = re.compile(r"{%-?\s*extends\s+(.*?)%}")
NAMES = re.compile(r'"([^"]+)"')
# The server of these tests writes the name after the end of the page: preloaded_server.name_page_templates.
NAME_OF_PAGE = """() => [...document.childNodes]
  .filter((node) => node.nodeType === Node.COMMENT_NODE && node.data.startsWith("template: "))
  .map((node) => node.data.slice("template: ".length)).at(-1) ?? null"""

_shown: set[tuple[str, int]] = set()  # the template, and the width of the window


def note_page(page: Any) -> None:
    """Remember that axe has looked at this page. A page of a library that has no mark is not remembered."""
    if name := page.evaluate(NAME_OF_PAGE):
        _shown.add((name, page.viewport_size["width"]))


def shows_to_axe(*templates: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The decorated test shows pages of all these templates to axe, at both widths."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run(*args: Any, **kwargs: Any) -> None:
            from tests.browser.axe import NARROW, WIDE

            _shown.clear()
            test(*args, **kwargs)
            if not kwargs.get("scripts", True):
                return  # axe is a script itself
            required = {(name, size["width"]) for name in templates for size in (WIDE, NARROW)}
            assert not required - _shown, f"Axe has not looked at {sorted(required - _shown)}."

        return run

    return decorate


def templates() -> dict[str, str]:
    """Our own templates of HTML: their text by name."""
    return {
        str(file.relative_to(folder)): file.read_text(encoding="utf-8")
        for pattern in ("templates", "[a-z]*/templates", "[a-z]*/[a-z]*/templates")
        for folder in ROOT.glob(pattern)
        for file in folder.rglob("*.html")
    }


def page_templates() -> set[str]:
    """The templates that are a whole document, without those that others extend."""
    texts = templates()
    extended = {
        name
        for text in texts.values()
        if (match := EXTENDS.search(text))
        for quoted in NAMES.findall(match[1])
        for name in quoted.split(",")
    }
    whole = {name for name, text in texts.items() if EXTENDS.search(text) or "<html" in text}
    return whole - extended


def shown_templates() -> dict[str, list[str]]:
    """The tests that show a template to axe, by template, from the source of the tests."""
    tests: dict[str, list[str]] = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for decorator in node.decorator_list if isinstance(node, ast.FunctionDef) else []:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == shows_to_axe.__name__:
                    for argument in decorator.args:
                        tests.setdefault(ast.literal_eval(argument), []).append(f"{file.name}:{node.name}")
    return tests
