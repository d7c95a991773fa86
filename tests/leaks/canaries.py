"""Canaries: unique words, each far from every other in spelling, with a unique beginning."""

from __future__ import annotations

from dataclasses import dataclass, field

CONSONANTS, VOWELS = "bdfgjklmnprstvz", "aeiou"
COMMON = "lantern"  # stands next to every canary, so that a search for it would highlight them


@dataclass
class Canary:
    """A unique word in one field.

    `seen_by` is "public", "members" or "nobody"; "site" (shown on the city's own pages only) or "searched" (searched, but
    shown on no page).
    """

    word: str
    location: str  # "riverton: Action.why, retired"
    seen_by: str

    @property
    def typo(self) -> str:
        """The word with a changed letter in the middle, close enough for the spelling correction."""
        return f"{self.word[:6]}y{self.word[7:]}"

    @property
    def start(self) -> str:
        return self.word[:5]


@dataclass
class CanarySet:
    """All planted canaries, by word."""

    by_word: dict[str, Canary] = field(default_factory=dict)
    _issued: int = 0

    def plant(self, location: str, seen_by: str) -> str:
        word = self._next()
        self.by_word[word] = Canary(word, location, seen_by)
        return word

    def _next(self) -> str:
        self._issued += 1
        return word(self._issued - 1)

    def hidden_from(self, audience: str, *, at_a_city: bool = False) -> list[Canary]:
        """Canaries that `audience` must not read at the alliance, or with `at_a_city` on the pages of cities."""
        allowed = {"public": {"public"}, "members": {"public", "members"}}[audience]
        allowed |= {"site", "searched"} if at_a_city else set()
        return [canary for canary in self.by_word.values() if canary.seen_by not in allowed]

    def with_audience(self, audience: str) -> list[Canary]:
        return [canary for canary in self.by_word.values() if canary.seen_by == audience]

    def control(self) -> Canary:
        """A word that is planted nowhere: a hidden canary must get the same responses as this one."""
        return Canary(self._next(), "nowhere", "nobody")


SYLLABLES = [c + v for c in CONSONANTS for v in VOWELS][:73]


def word(number: int) -> str:
    """Twelve letters, like "qbaruzotikek".

    Any two words differ in four of five syllables (a Reed-Solomon code over 73 syllables), so that none is a typo of
    another, and in their first five letters.
    """
    assert number < 73**2, "There are no more words."
    a, b = divmod(number, 73)
    return "q" + "".join(SYLLABLES[(a + b * n) % 73] for n in (1, 0, 2, 3, 4)) + "k"
