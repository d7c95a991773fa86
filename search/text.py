"""Text made comparable: without accents and capitals, and words as a vocabulary keeps them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_BODY_LENGTH = 200_000  # characters; PostgreSQL refuses to index much more
MAX_HIDDEN_LENGTH = 100_000  # the files of a library item among them
MAX_WORD_LENGTH, MIN_WORD_LENGTH = 32, 4

_UNREADABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ue000-\uf8ff]"
)  # also halves of characters, and the private use area: highlights stand there
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_WHITESPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` without characters that nobody can read."""
    return _UNREADABLE.sub(" ", text or "").strip()


def fold(text: str) -> str:
    """ "  Málaga  PLAN " gives "malaga plan"."""
    plain = unicodedata.normalize("NFKD", text)
    return _WHITESPACE.sub(" ", "".join(c for c in plain if not unicodedata.combining(c)).casefold()).strip()


def singular(word: str) -> str:
    """A folded word without the ending of an English plural, near enough to compare: "policies" gives "policy"."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def vocabulary_terms(texts: Iterable[str]) -> list[str]:
    """The words of these texts, once each, in small letters: what a misspelled word may be corrected to."""
    found = {word.lower() for text in texts for word in _WORD.findall(text)}
    return sorted(word for word in found if MIN_WORD_LENGTH <= len(word) <= MAX_WORD_LENGTH)
