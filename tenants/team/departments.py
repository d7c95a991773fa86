"""The departments that a city's plan names: a department lead reports for one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class PlanDepartment(NamedTuple):
    """A department with the number of open actions on which its lead reports."""

    name: str
    actions: int


def _no_plan() -> list[PlanDepartment]:
    return []


_read: Callable[[], list[PlanDepartment]] = _no_plan


def set_reader(read: Callable[[], list[PlanDepartment]]) -> None:
    """Have `read` list the departments of the active schema's plan, by name: plans are above teams."""
    global _read
    _read = read


def of_the_plan() -> list[PlanDepartment]:
    return _read()


def find(departments: list[PlanDepartment], name: str) -> PlanDepartment | None:
    """The department of this name, which may differ in spaces around it and in case; None if there is none."""
    target = name.strip().casefold()
    return next((department for department in departments if department.name.casefold() == target), None)
