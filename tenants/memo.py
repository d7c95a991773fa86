"""Words that are made again and again: remembered once they were said in a language."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar

from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.translation import get_language

Said = TypeVar("Said", bound=Callable[..., Any])
_REMEMBERED: list[Callable[[], None]] = []


def said_once(function: Said) -> Said:
    """Remember what `function` returns for its arguments in the language that is active.

    For functions that make words or markup of values which can be hashed, and depend on nothing else but the settings.
    """

    @lru_cache(4096)
    def in_language(_language: str | None, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    @wraps(function)
    def remembered(*args: Any, **kwargs: Any) -> Any:
        return in_language(get_language(), *args, **kwargs)

    _REMEMBERED.append(in_language.cache_clear)
    return remembered  # type: ignore[return-value]


@receiver(setting_changed)
def forget(**_kwargs: Any) -> None:
    """Settings change in tests alone."""
    for clear in _REMEMBERED:
        clear()
