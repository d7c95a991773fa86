"""Parses what a reader typed into groups of terms, each with its synonyms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from search.text import clean, fold, singular
from search.types import ParsedQuery, Term, TermGroup

MAX_TEXT_LENGTH = 1_500  # characters; people paste whole paragraphs
MAX_TERMS = 64
MAX_SYNONYMS_PER_GROUP = 12
MAX_SYNONYMS = 60
MAX_MATCHED_TERMS = 8  # of the text, that are compared with one synonym

_TERM = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_EDGE_PUNCTUATION = re.compile(r"^\W+|\W+$")

# First word of a synonym -> the synonym's words, and the others of its group.
SynonymTable = dict[str, list[tuple[list[str], list[str]]]]


def truncate(text: str) -> str:
    """The part of the text that is searched for: one line of at most MAX_TEXT_LENGTH characters."""
    return " ".join(clean(text).split())[:MAX_TEXT_LENGTH].strip()


def parse(text: str, *, synonyms: Iterable[Sequence[str]]) -> ParsedQuery:
    """Parse `library fines -police "late fees"`: two words, an excluded one, a phrase.

    `synonyms` are groups of words or phrases that mean the same; the longest one that the text has is used.
    """
    terms, excluded = _split_terms(truncate(text))
    table = _synonyms_by_first_word(synonyms)
    groups: list[TermGroup] = []
    index, remaining = 0, MAX_SYNONYMS
    while index < len(terms):
        length, group_synonyms = _longest_synonym_match(terms, index, table)
        group_synonyms = group_synonyms[: min(MAX_SYNONYMS_PER_GROUP, remaining)]
        remaining -= len(group_synonyms)
        groups.append(TermGroup(terms[index : index + length], group_synonyms))
        index += length
    return ParsedQuery(groups, excluded)


def _split_terms(text: str) -> tuple[list[Term], list[Term]]:
    """The terms to find, and those to exclude."""
    terms: list[Term] = []
    excluded: list[Term] = []
    for minus, phrase, word in _TERM.findall(text):
        term = Term(phrase.strip(), is_phrase=True) if phrase else Term(_EDGE_PUNCTUATION.sub("", word))
        if term.text and len(terms) + len(excluded) < MAX_TERMS:
            is_excluded = minus or (word.startswith("-") and len(word) > 1)
            (excluded if is_excluded else terms).append(term)
    return terms, excluded


def _synonyms_by_first_word(groups: Iterable[Sequence[str]]) -> SynonymTable:
    table: SynonymTable = {}
    for group in groups:
        for synonym in group:
            if words := _normalized_words(synonym):
                others = [other for other in group if other != synonym]
                table.setdefault(words[0], []).append((words, others))
    return table


def _longest_synonym_match(terms: list[Term], start: int, table: SynonymTable) -> tuple[int, list[str]]:
    """Number of terms from `start` that the longest match covers, and its synonyms; (1, []) without a match."""
    words: list[str] = []
    term_numbers: list[int] = []  # of the term that each word belongs to
    for number, term in enumerate(terms[start : start + MAX_MATCHED_TERMS], start=1):
        term_words = _normalized_words(term.text)
        words += term_words
        term_numbers += [number] * len(term_words)
    longest, longest_synonyms = 0, []
    for synonym_words, synonyms in table.get(words[0], []) if words else []:
        size = len(synonym_words)
        ends_inside_term = size < len(words) and term_numbers[size] == term_numbers[size - 1]
        if words[:size] != synonym_words or ends_inside_term:
            continue
        length = term_numbers[size - 1]
        if length > longest:
            longest, longest_synonyms = length, list(synonyms)
        elif length == longest:
            longest_synonyms += [synonym for synonym in synonyms if synonym not in longest_synonyms]
    return max(longest, 1), longest_synonyms


def _normalized_words(text: str) -> list[str]:
    return [singular(word) for word in re.findall(r"\w+", fold(text))]
