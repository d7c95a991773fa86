"""Tables of a rule's cases, and faults planted into the rule to prove that its table would notice them.

A table lists cases with the expected values written out. A `Fault` names a piece of source and what it is changed to;
inside `with planted(fault):` the portal runs the changed piece.
"""

from __future__ import annotations

import ast
import contextlib
import datetime as dt
import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

import pytest


class Case(NamedTuple):
    """A line of a table: a sentence, the arguments of the rule, and what it has to answer."""

    name: str
    given: dict[str, Any]
    expected: Any


class Fault(NamedTuple):
    """`was` in the source of `where` becomes `now`. `where` is "module:function", "module:Class.method" or a constant."""

    where: str
    was: str
    now: str


def day(text: str | None) -> dt.date | None:
    """The date of a table: "2027-04-08"; None for none."""
    return dt.date.fromisoformat(text) if text else None


def table_of(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Run a test once for each case, named by its sentence."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases])


def faults_of(faults: Iterable[Fault]) -> pytest.MarkDecorator:
    """Run a test once for each planted fault."""
    names = [f"{fault.where.partition(':')[2]}: {fault.was} -> {fault.now}" for fault in faults]
    return pytest.mark.parametrize("fault", list(faults), ids=names)


def wrong_cases(rule: Callable[..., Any], cases: Iterable[Case]) -> Iterator[str]:
    """The names of the cases that the rule, as it is now, answers differently from the table."""
    return (case.name for case in cases if rule(**case.given) != case.expected)


@contextlib.contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Run the portal with this fault. Fails if the source no longer holds the text exactly once."""
    module_name, _colon, path = fault.where.partition(":")
    module = importlib.import_module(module_name)
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, module)
    changed = _changed(fault, module, owner, path)[name]
    present = inspect.getattr_static(owner, name)
    function = _function_in(present)
    if function is None:
        setattr(owner, name, changed)
    else:  # also reaches modules that imported the function by name
        code, function.__code__ = function.__code__, _function_in(changed).__code__
    _clear_caches(module)
    try:
        yield
    finally:
        if function is None:
            setattr(owner, name, present)
        else:
            function.__code__ = code
        _clear_caches(module)


def _clear_caches(module: Any) -> None:
    """Forget what the module's cached functions returned with the other source."""
    for value in vars(module).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


def _changed(fault: Fault, module: Any, owner: Any, path: str) -> dict[str, Any]:
    """The names that the changed source defines."""
    text = inspect.getsource(module)
    source = ast.get_source_segment(text, _find(ast.parse(text), path.split("."))) or ""
    assert source.count(fault.was) == 1, (
        f"{fault.where} has “{fault.was}” {source.count(fault.was)} times. Plant the fault elsewhere."
    )
    names = vars(module) | (vars(owner) if inspect.isclass(owner) else {})
    exec(compile(source.replace(fault.was, fault.now), fault.where, "exec"), names)  # noqa: S102
    return names


def _find(tree: Any, path: list[str]) -> Any:
    """The definition of a function, class or constant in the tree of a module. Decorators are no part of it."""
    for name in path:
        tree = next(node for node in tree.body if name in _names(node))
    return tree


def _names(node: ast.AST) -> list[str]:
    targets = getattr(node, "targets", None) or [getattr(node, "target", node)]
    return [getattr(target, "name", getattr(target, "id", "")) for target in targets]


def _function_in(value: Any) -> FunctionType | None:
    """The plain function below a property and decorators; None for a class or a constant."""
    value = getattr(value, "fget", None) or getattr(value, "func", None) or value
    value = inspect.unwrap(value) if callable(value) else value
    return value if isinstance(value, FunctionType) else None
