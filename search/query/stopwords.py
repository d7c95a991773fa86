"""Folded words that are too common to search for; PostgreSQL ignores about the same ones by itself."""

from __future__ import annotations

import re

from search.text import fold

_ENGLISH = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
itself they them their theirs themselves what which who whom this that these those am is are was were be been being have
has had having do does did doing a an the and but if or because as until while of at by for with about against between
into through during before after above below to from up down in out on off over under again further then once here there
when where why how all any both each few more most other some such no nor not only own same so than too very s t can will
just don should now
"""
# Without "estado", "sentido" and the like, which are forms of a verb in such lists but words of their own here.
_SPANISH = """
de la que el en y a los del se las por un para con no una su al lo como más pero sus le ya o este sí porque esta entre
cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos uno les ni contra otros ese eso ante
ellos e esto mí antes algunos qué unos yo otro otras otra él tanto esa estos mucho quienes nada muchos cual poco ella
estar estas algunas algo nosotros mi mis tú te ti tu tus ellas nosotras os mío mía míos mías tuyo tuya tuyos tuyas suyo
suya suyos suyas nuestro nuestra nuestros nuestras vuestro vuestra vuestros vuestras esos esas estoy estás está estamos
están esté estén estará estarán estaba estaban he has ha hemos han haya hayan había habían soy eres es somos son sea
sean será serán sería serían era eras éramos eran fui fue fuimos fueron fuera fueran tengo tienes tiene tenemos tienen
tenga tengan tendrá tendrán tenía tenían tuvo tuvieron
"""

STOP_WORDS: dict[str, list[str]] = {
    "en": sorted(set(fold(_ENGLISH).split())),
    "es": sorted(set(fold(_SPANISH).split())),
}
_STOP_WORD_SETS = {language: frozenset(words) for language, words in STOP_WORDS.items()}
_TOKEN = re.compile(r"[^\W_]+")


def has_content_words(text: str, *, language: str) -> bool:
    """Does the text have a word that is no stop word of this language?"""
    return any(word not in _STOP_WORD_SETS[language] for word in _TOKEN.findall(fold(text)))
