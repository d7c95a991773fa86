"""`{% translate "…" %}` that looks its words up once in each language, and not once a page.

A page says some eighty such words; looking them up in the catalogs of every app took a tenth of its time.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.template.base import Node, Parser, Token
from django.template.context import Context
from django.templatetags.i18n import TranslateNode, do_translate
from django.utils.translation import get_language

register = template.Library()

# (language, words, noop) -> what is said; the words are those of our templates, so they are few.
_SAID: dict[tuple[Any, ...], Any] = {}


class SaidNode(Node):
    """Words that are the same on each page."""

    child_nodelists = ()

    def __init__(self, node: TranslateNode) -> None:
        self.asvar = node.asvar
        self.plain = TranslateNode(node.filter_expression, node.noop)
        self.name = (str(node.filter_expression.var.literal), node.noop)

    def render(self, context: Context) -> Any:
        key = (get_language(), self.name)
        said = _SAID.get(key)
        if said is None:
            said = _SAID[key] = self.plain.render(context)
        if self.asvar:
            context[self.asvar] = said
            return ""
        return said


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> Node:
    """Django's own tag. Words from a variable, with a filter or with a context are looked up each time."""
    node = do_translate(parser, token)
    said = node.filter_expression
    is_constant = isinstance(getattr(said.var, "literal", None), str) and not said.filters
    return SaidNode(node) if is_constant and node.message_context is None else node


@receiver(setting_changed)
def forget(**_kwargs: Any) -> None:
    """Settings change in tests alone."""
    _SAID.clear()
