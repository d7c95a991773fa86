"""What management commands say is in the words of the pages: plain, and for every kind of member."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

COMMANDS = sorted(
    path
    for path in Path(settings.BASE_DIR).glob("[a-z]*/**/management/commands/*.py")
    if path.name != "__init__.py"
)
AVOIDED = re.compile(
    r"\b(answer(s|ed)?|somebody|anew|stands?|mail address|retire[ds]?|cit(y(?! of)|ies)|is open|take back|withdrew|lives?)\b",
    re.IGNORECASE,
)


def texts_of(path: Path) -> list[str]:
    """The texts in a module that are no docstring."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_all_commands_are_looked_at():
    assert {"rebuild_search", "migrate", "worker", "import_plan"} <= {path.stem for path in COMMANDS}


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.stem)
def test_a_command_speaks_as_the_pages_do(path):
    assert [text for text in texts_of(path) if AVOIDED.search(text)] == []
