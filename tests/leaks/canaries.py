"""Words that stand nowhere else: each is far from every other, and begins as no other does."""

from __future__ import annotations

from dataclasses import dataclass, field

CONSONANTS, VOWELS = "bdfgjklmnprstvz", "aeiou"
COMMON = "lantern"  # stands beside every canary, so that a search for it would mark them


@dataclass
class Canary:
    """A word in one field.

    `seen_by` is "public", "members" or "nobody"; "site" stands on its city's own pages alone, and "found" is a word
    that a search goes by and no page shows.
    """

    word: str
    location: str  # "riverton: Action.why, retired"
    seen_by: str

    @property
    def typo(self) -> str:
        """The word with another letter in its middle: near enough to be corrected to it."""
        return f"{self.word[:6]}y{self.word[7:]}"

    @property
    def start(self) -> str:
        return self.word[:5]


@dataclass
class CanarySet:
    """All canaries by their words."""

    canaries: dict[str, Canary] = field(default_factory=dict)
    _given: int = 0

    def sing(self, location: str, seen_by: str) -> str:
        word = self._next()
        self.canaries[word] = Canary(word, location, seen_by)
        return word

    def _next(self) -> str:
        self._given += 1
        return word(self._given - 1)

    def hidden_from(self, audience: str, *, at_a_city: bool = False) -> list[Canary]:
        """What `audience` must not read, at the alliance or on the pages of cities."""
        allowed = {"public": {"public"}, "members": {"public", "members"}}[audience]
        allowed |= {"site", "found"} if at_a_city else set()
        return [canary for canary in self.canaries.values() if canary.seen_by not in allowed]

    def seen_by(self, level: str) -> list[Canary]:
        return [canary for canary in self.canaries.values() if canary.seen_by == level]

    def control(self) -> Canary:
        """A word that is written nowhere: what is answered to it is what a stranger may learn of any other."""
        return Canary(self._next(), "nowhere", "nobody")


SYLLABLES = [c + v for c in CONSONANTS for v in VOWELS][:73]


def word(number: int) -> str:
    """Twelve letters, "qbaruzotikek". Any two words differ in four syllables of five, so that none is a typo of another
    (a Reed-Solomon code over 73 syllables), and in their first five letters."""
    assert number < 73**2, "There are no more."
    a, b = divmod(number, 73)
    return "q" + "".join(SYLLABLES[(a + b * n) % 73] for n in (1, 0, 2, 3, 4)) + "k"
