"""Whether this is a full run: `pytest --full`, which `make test-full` uses, leaves nothing out.

The gate, `make test`, asks a part of what some tests could ask, so that it stays short. Such a test calls
`gate_or_full(part, everything)`. A test that is too long for the gate as a whole is marked `full`.
"""

from __future__ import annotations

from typing import TypeVar

import pytest

T = TypeVar("T")
_run = {"full": False}


def is_full() -> bool:
    return _run["full"]


def gate_or_full(gate: T, full: T) -> T:
    """The first value in the gate, the second in a full run. Also works at the top of a module."""
    return full if _run["full"] else gate


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="Ask everything: all that the gate leaves out.")


def pytest_configure(config: pytest.Config) -> None:
    from hypothesis import settings

    _run["full"] = config.getoption("--full")
    settings.register_profile("gate", max_examples=25, deadline=None)
    settings.register_profile("full", max_examples=200, deadline=None)
    settings.load_profile(gate_or_full("gate", "full"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests marked `full` out of the gate."""
    if is_full():
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
