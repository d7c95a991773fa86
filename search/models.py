from __future__ import annotations

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Case, Q, When
from django.db.models.expressions import CombinedExpression
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from resources.models import LibraryItem
from tenants.models import Jurisdiction

ENGLISH, SPANISH = "public.portal_english", "public.portal_spanish"  # text search configurations, see 0001
AUDIENCES: dict[str, tuple[str, ...]] = {"public": ("public",), "members": ("public", "members")}


def _search_vector(config: str) -> CombinedExpression:
    return (
        SearchVector("title", weight="A", config=config)
        + SearchVector("origin", "summary", weight="B", config=config)
        + SearchVector("body", weight="C", config=config)
        + SearchVector("hidden", weight="D", config=config)
    )


def _tag_list(length: int = 60) -> ArrayField:
    return ArrayField(models.CharField(max_length=length), default=list)


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, audience: str) -> Self:
        """The documents that `audience` may find. Raises ValueError for an unknown audience."""
        return self.filter(audience__in=audiences_visible_to(audience))

    def of_plans(self) -> Self:
        return self.filter(kind__in=Document.PLAN_KINDS)


def audiences_visible_to(audience: str) -> tuple[str, ...]:
    """The audiences whose documents `audience` may find: "members" also those of "public".

    Raises ValueError for an unknown audience.
    """
    try:
        return AUDIENCES[audience]
    except KeyError:
        raise ValueError(f"No audience {audience!r}. Known: {', '.join(map(repr, AUDIENCES))}.") from None


class Document(models.Model):
    """An object that can be found: its audience, the texts that are searched, and the data that its result shows.

    Exists only in the public schema and holds nothing internal to a city. Written by `search.indexing.store`.
    """

    class Kind(models.TextChoices):
        LIBRARY = "library", _("Library item")
        PLAN = "plan", _("Plan")
        OUTCOME = "outcome", _("Outcome in a plan")
        ACTION = "action", _("Action in a plan")
        NARRATIVE = "narrative", _("Narrative")

    PLAN_KINDS = (Kind.PLAN, Kind.OUTCOME, Kind.ACTION)

    Audience = LibraryItem.Audience

    kind = models.CharField(max_length=12, choices=Kind.choices)
    uuid = models.UUIDField()
    key = models.CharField(max_length=80, blank=True)  # of a library item
    jurisdiction = models.ForeignKey(Jurisdiction, models.CASCADE, null=True, related_name="+")
    audience = models.CharField(max_length=8, choices=Audience.choices)
    language = models.CharField(max_length=2, choices=LibraryItem.Language.choices)

    # Searched. `hidden` is never shown.
    title = models.TextField()
    title_key = models.TextField()  # see `search.text.title_key`
    origin = models.CharField(max_length=200, blank=True)  # "Marrow Bend", "Hennepin County"
    summary = models.TextField(blank=True)
    body = models.TextField(blank=True)
    hidden = models.TextField(blank=True)
    # The words of the texts that are shown, once each; spelling is corrected to them.
    terms = ArrayField(models.TextField(), default=list, db_column="words")

    # Address: `host` is the slug of a jurisdiction, or "alliance".
    host = models.CharField(max_length=40)
    path = models.CharField(max_length=200)

    # The facets, see `search.types.FACETS`.
    type = models.CharField(max_length=20, blank=True)
    topics = _tag_list()
    sectors = _tag_list(40)
    stages = _tag_list(16)
    decision_kinds = _tag_list(20)
    population_band = models.CharField(max_length=12, blank=True)
    state = models.CharField(max_length=2, blank=True)
    evidence = models.CharField(max_length=20, blank=True)
    legal_form = models.CharField(max_length=20, blank=True)
    licence = models.CharField(max_length=16, blank=True)
    status = models.CharField(
        max_length=16, blank=True
    )  # as reported; the facet is the standing, see overdue_at
    file = models.CharField(max_length=3, blank=True, default="", db_default="")  # "yes" if it has a file
    year = models.PositiveSmallIntegerField(null=True)

    # The facet of status is "overdue" from then on, without a write: see tenants.plans.standing.
    overdue_at = models.DateTimeField(null=True)

    dated_on = models.DateField(null=True)  # for the order "newest"
    data = models.JSONField(default=dict)  # what else the result shows

    # Compared with the index of a search engine; see also `PendingIndexUpdate`.
    content_hash = models.CharField(max_length=64)
    version = (
        models.BigIntegerField()
    )  # from one sequence for all documents: a later change has a higher version
    changed_at = models.DateTimeField(default=timezone.now)

    vector = models.GeneratedField(
        expression=Case(When(language="es", then=_search_vector(SPANISH)), default=_search_vector(ENGLISH)),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "uuid"], name="one_document_per_object"),
            models.CheckConstraint(
                name="document_has_a_known_audience", condition=Q(audience__in=["public", "members"])
            ),
        ]
        indexes = [
            GinIndex(fields=["vector"], name="document_vector"),
            GinIndex(fields=["terms"], name="document_words"),
            GinIndex(fields=["title_key"], opclasses=["gin_trgm_ops"], name="document_title_trigrams"),
            models.Index(fields=["jurisdiction", "kind"], name="document_place"),
            models.Index(fields=["version"], name="document_version"),
            # The comparison with the engine's index reads only this.
            models.Index(fields=["id"], include=["version"], name="document_id_and_version"),
        ]

    def __str__(self) -> str:
        return self.title


class VocabularyTerm(models.Model):
    """A word of some document; spelling is corrected to these.

    Writing a document only adds terms; `rebuild_search` removes unused ones. Whether a reader may be shown a term is
    checked against the documents at that moment. Not unique, so that concurrent writers need not wait.
    """

    word = models.TextField()

    class Meta:
        db_table = "search_word"
        indexes = [
            GinIndex(fields=["word"], opclasses=["gin_trgm_ops"], name="word_trigrams"),
            models.Index(fields=["word"], name="word_exact"),
        ]

    def __str__(self) -> str:
        return self.word


class PendingIndexUpdate(models.Model):
    """A document that was written or removed, which the search engine has not confirmed yet.

    Written in the document's transaction. A table of its own because rows of `Document` are wide and in full text
    indexes: recording there what was sent would rewrite all of that.
    """

    kind = models.CharField(max_length=12)
    uuid = models.UUIDField()
    version = models.BigIntegerField()  # the document's, or that of its removal

    class Meta:
        db_table = "search_unsent"
        constraints = [
            models.UniqueConstraint(fields=["kind", "uuid"], name="one_unsent_change_per_document"),
        ]
        indexes = [models.Index(fields=["version"], name="unsent_version")]

    def __str__(self) -> str:
        return f"{self.kind} {self.uuid}, version {self.version}"
