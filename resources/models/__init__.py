"""The shared library: practices, tools, sample policies. Its tables are in the public schema alone."""

from resources.models.choices import DecisionKind, Strategy
from resources.models.extracted_texts import ExtractedText
from resources.models.library_items import (
    Attachment,
    LibraryItem,
    LibraryItemQuerySet,
    protect_in_public,
    set_null_in_public,
)
from resources.models.synonyms import SynonymGroup

__all__ = [
    "Attachment",
    "DecisionKind",
    "ExtractedText",
    "LibraryItem",
    "LibraryItemQuerySet",
    "Strategy",
    "SynonymGroup",
    "protect_in_public",
    "set_null_in_public",
]
