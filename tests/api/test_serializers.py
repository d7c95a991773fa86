"""Serializers check what is written as they describe what is read; lists are sorted and tagged by what is true of a row."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from cohort import api as cohort
from resources import api as resources
from tests.resources.factories import LibraryItemFactory

VIEWSETS = {
    "jurisdictions": cohort.JurisdictionViewSet,
    "plans": cohort.PlanViewSet,
    "goals": cohort.GoalViewSet,
    "outcomes": cohort.OutcomeViewSet,
    "actions": cohort.ActionViewSet,
    "library": resources.LibraryViewSet,
    "topics": resources.TopicViewSet,
}


def view_of(name):
    """The viewset of a resource, as it is when it answers a list."""
    view = VIEWSETS[name](action="list", format_kwarg=None)
    view.request = Request(APIRequestFactory().get(f"/api/v1/{name}"))
    view.request.user = AnonymousUser()
    return view


@pytest.fixture
def rows(riverton, publish, library):
    """A row of each resource."""
    publish(riverton, ["on_track"])
    LibraryItemFactory()


@pytest.mark.parametrize("name", VIEWSETS)
def test_what_is_read_may_be_written(rows, name):
    view = view_of(name)
    for row in view.get_queryset()[:5]:
        serializer = view.get_serializer(row)
        writing = view.get_serializer(row, data=serializer.data)
        assert writing.is_valid(), writing.errors
        required = {field.name for field in row._meta.concrete_fields if not field.null}
        assert not {
            name for name in required & writing.validated_data.keys() if writing.validated_data[name] is None
        }


def test_what_does_not_fit_is_refused_by_name(rows):
    view = view_of("actions")
    row = view.get_queryset().get()
    data = view.get_serializer(row).data
    wrong = {
        "status": "finished",
        "due_date": "soon",
        "code": "x" * 13,
        "goal": "7",
        "position": -1,
        "topics": "parks",
    }
    serializer = view.get_serializer(row, data=data | wrong)
    assert not serializer.is_valid()
    assert set(serializer.errors) == set(wrong)
    del data["title"]
    serializer = view.get_serializer(row, data=data)
    assert not serializer.is_valid()
    assert set(serializer.errors) == {"title"}


@pytest.mark.parametrize("name", VIEWSETS)
def test_a_list_is_sorted_by_a_unique_field_that_is_never_null(name):
    view = view_of(name)
    field = view.get_queryset().model._meta.get_field(view.lookup_field)
    assert field.unique
    assert not field.null


@pytest.mark.parametrize("name", VIEWSETS)
def test_the_etag_of_a_list_depends_on_all_that_its_rows_say(name):
    """The row itself has a version; what comes from other tables must be an annotation."""
    view = view_of(name)
    queryset = view.get_queryset()
    columns = {field.attname for field in queryset.model._meta.concrete_fields} | {
        field.name for field in queryset.model._meta.concrete_fields
    }
    # A method counts as the annotation that it reads beside the row's own columns.
    read_by = {"count_by_standing": "overdue_by_status"}
    for field in view.get_serializer().fields.values():
        method, is_dotted, _key = field.source.partition(".")
        source = read_by[method] if is_dotted else field.source
        assert source in columns | set(queryset.query.annotations), field.field_name
