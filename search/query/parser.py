"""From what a reader typed to groups of words that are looked for together, with their synonyms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from search.text import clean, fold, singular

MAX_TEXT_LENGTH = 1_500  # characters; people paste whole paragraphs
MAX_TERMS = 64
MAX_SYNONYMS_PER_GROUP = 12  # per group
MAX_SYNONYMS = 60

_TERM = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_EDGE_PUNCTUATION = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True)
class Term:
    """A word, or several in quotes that stand beside each other."""

    text: str
    is_phrase: bool = False


@dataclass
class TermGroup:
    """Words of the text in their order; `synonyms` may stand in their place."""

    parts: list[Term]
    synonyms: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ParsedQuery:
    """What is wanted, and what must not be there."""

    groups: list[TermGroup]
    without: list[Term]

    @property
    def also(self) -> list[str]:
        return [word for group in self.groups for word in group.synonyms]

    def longest(self, most: int) -> ParsedQuery:
        """The same with so many groups, where there are more: those of the most letters, which are rare rather."""
        letters = [sum(len(part.text) for part in group.parts) for group in self.groups]
        kept = sorted(range(len(letters)), key=lambda index: -letters[index])[:most]
        return ParsedQuery([self.groups[index] for index in sorted(kept)], self.without)


def truncate(text: str) -> str:
    """The text as far as it is searched: one line of at most LONGEST_TEXT characters."""
    return " ".join(clean(text).split())[:MAX_TEXT_LENGTH].strip()


def parse(text: str, *, synonyms: Iterable[Sequence[str]]) -> ParsedQuery:
    """`library fines -police "late fees"`: words, one that must not be there, a phrase.

    `synonyms` are groups of terms that mean the same; the longest that stands in the text counts.
    """
    wanted, without = _split_terms(truncate(text))
    table = _synonyms_by_first_word(synonyms)
    groups: list[TermGroup] = []
    at, left = 0, MAX_SYNONYMS
    while at < len(wanted):
        length, others = _longest_synonym_match(wanted, at, table)
        others = others[: min(MAX_SYNONYMS_PER_GROUP, left)]
        left -= len(others)
        groups.append(TermGroup(wanted[at : at + length], others))
        at += length
    return ParsedQuery(groups, without)


def _split_terms(text: str) -> tuple[list[Term], list[Term]]:
    wanted: list[Term] = []
    without: list[Term] = []
    for minus, phrase, word in _TERM.findall(text):
        part = Term(phrase.strip(), is_phrase=True) if phrase else Term(_EDGE_PUNCTUATION.sub("", word))
        if part.text and len(wanted) + len(without) < MAX_TERMS:
            (without if minus or (word.startswith("-") and len(word) > 1) else wanted).append(part)
    return wanted, without


def _synonyms_by_first_word(groups: Iterable[Sequence[str]]) -> dict[str, list[tuple[list[str], list[str]]]]:
    """First word of a term -> the term's words and the other terms of its groups."""
    table: dict[str, list[tuple[list[str], list[str]]]] = {}
    for group in groups:
        for term in group:
            if words := _normalized_words(term):
                table.setdefault(words[0], []).append((words, [other for other in group if other != term]))
    return table


def _longest_synonym_match(
    wanted: list[Term], at: int, table: dict[str, list[tuple[list[str], list[str]]]]
) -> tuple[int, list[str]]:
    """How many parts from `at` make a known term, and its synonyms; one part and none where there is no term."""
    ahead: list[str] = []
    parts_of: list[int] = []  # the part each word belongs to
    for number, part in enumerate(wanted[at : at + 8], start=1):
        words = _normalized_words(part.text)
        ahead += words
        parts_of += [number] * len(words)
    best, others = 0, []
    for words, synonyms in table.get(ahead[0], []) if ahead else []:
        size = len(words)
        if ahead[:size] != words or (size < len(ahead) and parts_of[size] == parts_of[size - 1]):
            continue
        if parts_of[size - 1] > best:
            best, others = parts_of[size - 1], list(synonyms)
        elif parts_of[size - 1] == best:
            others += [word for word in synonyms if word not in others]
    return max(best, 1), others


def _normalized_words(text: str) -> list[str]:
    return [singular(word) for word in re.findall(r"\w+", fold(text))]
