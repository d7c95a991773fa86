"""Normalizes text for comparison, and extracts the words of the vocabulary."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_BODY_LENGTH = 200_000  # characters; PostgreSQL refuses to index much more
MAX_HIDDEN_LENGTH = 100_000  # characters; includes the text of a library item's files
MAX_WORD_LENGTH, MIN_WORD_LENGTH = 32, 4  # of the vocabulary
MAX_TITLE_KEY_LENGTH = 300

# Control characters, surrogates, and the private use area, which holds the marks of highlights.
_UNREADABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ue000-\uf8ff]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_WHITESPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` with each unreadable character replaced by a space."""
    return _UNREADABLE.sub(" ", text or "").strip()


def fold(text: str) -> str:
    """ "  Málaga  PLAN " gives "malaga plan"."""
    plain = unicodedata.normalize("NFKD", text)
    return _WHITESPACE.sub(" ", "".join(c for c in plain if not unicodedata.combining(c)).casefold()).strip()


def title_key(title: str) -> str:
    """The folded title, by which a title that was typed whole is recognized."""
    return fold(title)[:MAX_TITLE_KEY_LENGTH]


def singular(word: str) -> str:
    """A folded word without its English plural ending, roughly: "policies" gives "policy"."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def vocabulary_terms(texts: Iterable[str]) -> list[str]:
    """The words of these texts, once each and in lower case: misspelled words are corrected to them."""
    words = {word.lower() for text in texts for word in _WORD.findall(text)}
    return sorted(word for word in words if MIN_WORD_LENGTH <= len(word) <= MAX_WORD_LENGTH)
