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
        """What `audience` may find. Raises ValueError for a word that is no audience."""
        return self.filter(audience__in=audiences_visible_to(audience))

    def of_plans(self) -> Self:
        return self.filter(kind__in=Document.PLAN_KINDS)


def audiences_visible_to(audience: str) -> tuple[str, ...]:
    """The audiences of documents a person of `audience` may find: "members" also what is public."""
    try:
        return AUDIENCES[audience]
    except KeyError:
        raise ValueError(f"No audience {audience!r}. Known: {', '.join(map(repr, AUDIENCES))}.") from None


class Document(models.Model):
    """One thing that may be found: for whom, in what words, and what its result shows.

    Stands in the public schema alone and holds nothing that is internal to a city. Written by `search.indexing.store`.
    """

    class Kind(models.TextChoices):
        LIBRARY = "library", _("Library item")
        PLAN = "plan", _("Plan")
        OUTCOME = "outcome", _("Outcome in a plan")
        ACTION = "action", _("Action in a plan")
        NARRATIVE = "narrative", _("Narrative")

    PLAN_KINDS = (Kind.PLAN, Kind.OUTCOME, Kind.ACTION)

    class Audience(models.TextChoices):
        PUBLIC = "public", _("Everybody")
        MEMBERS = "members", _("Members of the cohort")

    kind = models.CharField(max_length=12, choices=Kind.choices)
    uuid = models.UUIDField()
    key = models.CharField(max_length=80, blank=True)  # of a library item
    jurisdiction = models.ForeignKey(Jurisdiction, models.CASCADE, null=True, related_name="+")
    audience = models.CharField(max_length=8, choices=Audience.choices)
    language = models.CharField(max_length=2, choices=[("en", _("English")), ("es", _("Spanish"))])

    # The words. `hidden` is searched and never shown.
    title = models.TextField()
    title_key = models.TextField()  # folded, to know a title that was typed whole
    origin = models.CharField(max_length=200, blank=True)  # "Marrow Bend", "Hennepin County"
    summary = models.TextField(blank=True)
    body = models.TextField(blank=True)
    hidden = models.TextField(blank=True)
    words = ArrayField(
        models.TextField(), default=list
    )  # that are shown, once each: corrections come from them

    # Where it stands: the host of the jurisdiction with this slug, or "alliance".
    host = models.CharField(max_length=40)
    path = models.CharField(max_length=200)

    # What results are narrowed by.
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
    status = models.CharField(max_length=16, blank=True)
    year = models.PositiveSmallIntegerField(null=True)

    dated_on = models.DateField(null=True)  # what "newest" goes by
    data = models.JSONField(default=dict)  # more of what the result shows

    # What a search engine beside the database needs to keep step; see also `PendingIndexUpdate`.
    content_hash = models.CharField(max_length=64)
    version = models.BigIntegerField()  # from one sequence: later is higher, over all documents
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
            GinIndex(fields=["words"], name="document_words"),
            GinIndex(fields=["title_key"], opclasses=["gin_trgm_ops"], name="document_title_trigrams"),
            models.Index(fields=["jurisdiction", "kind"], name="document_place"),
            models.Index(fields=["version"], name="document_version"),
            # A comparison with the engine's index reads nothing else of the table.
            models.Index(fields=["id"], include=["version"], name="document_id_and_version"),
        ]

    def __str__(self) -> str:
        return self.title


class VocabularyTerm(models.Model):
    """A word that stands in some document, to correct spelling by.

    Words are only added as documents come, and tidied by `rebuild_search`. Whether a reader may be shown one is
    asked of the documents at that moment. Not unique: two writers at once need not wait for each other.
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
    """A document that was written or removed, and that a search engine beside the database has not confirmed yet.

    Written with the document, in its transaction. A table of its own because rows of `Document` are wide and in
    indexes of words: to note there what was sent would write all of that again.
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
