"""The filters of all lists: declared once, with one wording for one facet on every page."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from cohort.members.filters import MemberFilterSet
from cohort.progress.views import ProgressFilterSet
from resources.filters import LibraryFilterSet
from search.filters import SearchFilterSet
from search.types import FACETS
from tenants.dashboard.action_list import ActionFilterSet
from tenants.models import Sector, Topic

# facet of the results page -> the same facet of other lists
SHARED_FACETS = {
    "type": [(LibraryFilterSet, "type")],
    "topic": [(LibraryFilterSet, "topic")],
    "stage": [(LibraryFilterSet, "stage"), (ActionFilterSet, "stage")],
    "status": [(ActionFilterSet, "status")],
    "size": [(MemberFilterSet, "size")],
    "state": [(MemberFilterSet, "state")],
}


@pytest.mark.parametrize("name", SHARED_FACETS)
def test_a_facet_has_the_same_label_and_choices_on_every_page(db, name):
    Topic.objects.create(slug="libraries", label="Libraries", sector=Sector.objects.create(slug="arts"))
    search = SearchFilterSet(QueryDict())
    for filter_set, other in SHARED_FACETS[name]:
        assert str(filter_set.base_filters[other].label) == str(search.filters[name].label)
        if filter_set is not ActionFilterSet:  # its choices are those of the plan
            assert filter_set(QueryDict()).labels(other) == search.labels(name)


def test_the_results_page_declares_the_facets_that_the_backends_count():
    assert set(SearchFilterSet(QueryDict()).facet_names) == set(FACETS)


def test_malformed_values_are_dropped_and_text_is_cut():
    filters = MemberFilterSet(
        QueryDict("state=MN&state=MN&state=&state=%00&q=+a+%00b%20" + "c" * 200 + "&order=size")
    )
    assert filters.selected("state") == ["MN"]
    assert filters.values["q"] == "a b " + "c" * 96
    assert filters.values["order"] == "state"


def test_addresses_keep_the_other_filters_and_leave_out_defaults_and_the_page():
    filters = MemberFilterSet(QueryDict("kind=city&kind=county&q=river&order=state&page=3&utm=x"))
    assert filters.query_string() == "?kind=city&kind=county&q=river"
    assert filters.query_string(order="name", page=2) == "?kind=city&kind=county&q=river&order=name&page=2"
    assert [(chip["label"], chip["url"]) for chip in filters.chips()] == [
        ("City", "?kind=county&q=river"),
        ("County", "?kind=city&q=river"),
        ("“river”", "?kind=city&kind=county"),
    ]


def test_a_column_sorts_the_other_way_when_its_list_is_already_sorted_by_it():
    columns = {column["label"]: column for column in ProgressFilterSet(QueryDict("sort=done")).columns()}
    assert (columns["Actions done"]["direction"], columns["Actions done"]["url"]) == (
        "ascending",
        "?sort=-done",
    )
    assert (columns["Stage"]["direction"], columns["Stage"]["url"]) == ("", "?sort=stage")
