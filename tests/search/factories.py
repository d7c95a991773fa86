from __future__ import annotations

import datetime as dt
import uuid

import factory

from search.models import Document
from search.text import fold, vocabulary_terms


class DocumentFactory(factory.django.DjangoModelFactory):
    """A public practice of the library; DocumentFactory(members=True) is for members only."""

    class Meta:
        model = Document

    class Params:
        members = factory.Trait(audience="members")

    kind = Document.Kind.LIBRARY
    uuid = factory.LazyFunction(uuid.uuid4)
    key = factory.Sequence("item-{}".format)
    audience = Document.Audience.PUBLIC
    language = "en"
    title = factory.Sequence("Something number {}".format)
    title_key = factory.LazyAttribute(lambda d: fold(d.title))
    terms = factory.LazyAttribute(lambda d: vocabulary_terms([d.title, d.summary, d.body, d.origin]))
    summary = ""
    body = ""
    origin = ""
    hidden = ""
    host = "alliance"
    path = factory.LazyAttribute(lambda d: f"/library/{d.key}/")
    type = "practice"
    dated_on = dt.date(2026, 1, 1)
    content_hash = "0" * 64
    version = factory.Sequence(int)
