"""From what a reader typed to groups of words that are looked for together, with their synonyms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from search.words import clean, fold, singular

LONGEST_TEXT = 1_500  # characters; people paste whole paragraphs
MOST_WORDS = 64
MOST_SYNONYMS = 12  # per group
MOST_SYNONYMS_OF_ALL = 60

_PART = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_EDGES = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True)
class Part:
    """A word, or several in quotes that stand beside each other."""

    text: str
    is_phrase: bool = False


@dataclass
class Group:
    """Words of the text in their order; `synonyms` may stand in their place."""

    parts: list[Part]
    synonyms: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Phrasing:
    """What is wanted, and what must not be there."""

    groups: list[Group]
    without: list[Part]

    @property
    def also(self) -> list[str]:
        return [word for group in self.groups for word in group.synonyms]

    def longest(self, most: int) -> Phrasing:
        """The same with so many groups, where there are more: those of the most letters, which are rare rather."""
        letters = [sum(len(part.text) for part in group.parts) for group in self.groups]
        kept = sorted(range(len(letters)), key=lambda place: -letters[place])[:most]
        return Phrasing([self.groups[place] for place in sorted(kept)], self.without)


def shorten(text: str) -> str:
    """The text as far as it is searched: one line of at most LONGEST_TEXT characters."""
    return " ".join(clean(text).split())[:LONGEST_TEXT].strip()


def read(text: str, *, synonyms: Iterable[Sequence[str]]) -> Phrasing:
    """`library fines -police "late fees"`: words, one that must not be there, a phrase.

    `synonyms` are groups of terms that mean the same; the longest that stands in the text counts.
    """
    wanted, without = _parts(shorten(text))
    table = _by_first_word(synonyms)
    groups: list[Group] = []
    at, left = 0, MOST_SYNONYMS_OF_ALL
    while at < len(wanted):
        length, others = _longest_term(wanted, at, table)
        others = others[: min(MOST_SYNONYMS, left)]
        left -= len(others)
        groups.append(Group(wanted[at : at + length], others))
        at += length
    return Phrasing(groups, without)


def _parts(text: str) -> tuple[list[Part], list[Part]]:
    wanted: list[Part] = []
    without: list[Part] = []
    for minus, phrase, word in _PART.findall(text):
        part = Part(phrase.strip(), is_phrase=True) if phrase else Part(_EDGES.sub("", word))
        if part.text and len(wanted) + len(without) < MOST_WORDS:
            (without if minus or (word.startswith("-") and len(word) > 1) else wanted).append(part)
    return wanted, without


def _by_first_word(groups: Iterable[Sequence[str]]) -> dict[str, list[tuple[list[str], list[str]]]]:
    """First word of a term -> the term's words and the other terms of its groups."""
    table: dict[str, list[tuple[list[str], list[str]]]] = {}
    for group in groups:
        for term in group:
            if words := _comparable(term):
                table.setdefault(words[0], []).append((words, [other for other in group if other != term]))
    return table


def _longest_term(
    wanted: list[Part], at: int, table: dict[str, list[tuple[list[str], list[str]]]]
) -> tuple[int, list[str]]:
    """How many parts from `at` make a known term, and its synonyms; one part and none where there is no term."""
    ahead: list[str] = []
    parts_of: list[int] = []  # the part each word belongs to
    for number, part in enumerate(wanted[at : at + 8], start=1):
        words = _comparable(part.text)
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


def _comparable(text: str) -> list[str]:
    return [singular(word) for word in re.findall(r"\w+", fold(text))]
