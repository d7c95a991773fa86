"""Rows that anonymous visitors, users of other cities and members read: exactly those that the pages show."""

from __future__ import annotations

import pytest

from resources.models import LibraryItem
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Plan
from tenants.signals import library_item_changed, plan_published
from tests.resources.factories import LibraryItemFactory

PLAN_PATHS = ("plans", "goals", "outcomes", "actions")
ALL_PATHS = ("", "jurisdictions", *PLAN_PATHS, "library", "topics", "search")


@pytest.fixture
def three_cities(riverton, ashford, millbrook, publish):
    """One public, one shared with the cohort, one public and not launched; each with a canary in all texts."""
    publish(riverton, ["on_track"], word="Xqpublic")
    publish(ashford, ["on_track"], word="Xqcohort", visibility=Visibility.COHORT)
    publish(millbrook, ["on_track"], word="Xqunlaunched", launch=False)


def canaries_in(api, path, user=None, **parameters):
    text = api(path, user=user, **parameters).content.decode().casefold()
    return {
        word for word in ("xqpublic", "xqcohort", "xqunlaunched", "xqinternal", "xqdraft") if word in text
    }


def test_anonymous_visitors_read_only_public_plans_of_launched_cities(three_cities, api):
    for path in PLAN_PATHS:
        assert canaries_in(api, path) == {"xqpublic"}
        assert canaries_in(api, path, format="csv") == {"xqpublic"}
    assert canaries_in(api, "search", page_size=100) == {"xqpublic"}


def test_members_read_what_the_cohort_shares_too(three_cities, api, make_user, millbrook, alliance):
    for user in (make_user(millbrook, "viewer"), make_user(alliance, "staff_onboarding")):
        for path in PLAN_PATHS:
            assert canaries_in(api, path, user) == {"xqpublic", "xqcohort"}
        assert canaries_in(api, "search", user, page_size=100) == {"xqpublic", "xqcohort"}


def test_a_user_without_affiliation_reads_like_an_anonymous_visitor(three_cities, api, make_user):
    nobody = make_user()
    for path in PLAN_PATHS:
        assert canaries_in(api, path, nobody) == {"xqpublic"}


def test_a_deactivated_user_reads_like_an_anonymous_visitor(
    three_cities, alliance, client_for, make_user, ashford
):
    member = make_user(ashford, "viewer")
    client = client_for(alliance, member)
    assert "Xqcohort" in client.get("/api/v1/plans").text
    member.is_active = False
    member.save(update_fields=["is_active"])
    assert "Xqcohort" not in client.get("/api/v1/plans").text


def test_a_row_for_members_says_so_and_has_no_url(three_cities, api, make_user, ashford):
    rows = {
        row["jurisdiction"]: row for row in api("plans", user=make_user(ashford, "viewer")).json()["results"]
    }
    assert (rows["riverton"]["shared_with"], rows["ashford"]["shared_with"]) == ("public", "members")
    assert rows["riverton"]["url"] == "http://riverton.localhost/plan/"
    assert rows["ashford"]["url"] is None


@pytest.mark.parametrize("path", PLAN_PATHS)
def test_a_single_row_is_404_to_readers_whose_list_does_not_have_it(
    three_cities, api, make_user, ashford, path
):
    member = make_user(ashford, "viewer")
    shown = {row["jurisdiction"]: row["id"] for row in api(path, user=member).json()["results"]}
    assert api(f"{path}/{shown['riverton']}").status_code == 200
    assert api(f"{path}/{shown['ashford']}").status_code == 404
    assert api(f"{path}/{shown['ashford']}", user=member).status_code == 200


@pytest.mark.parametrize("path", [*PLAN_PATHS, "search"])
def test_a_closed_or_internal_city_disappears_at_once(riverton, publish, api, in_city, path):
    plan = publish(riverton, ["on_track"], word="Xqpublic")
    assert canaries_in(api, path) == {"xqpublic"}
    services.set_site_state(riverton, state=Jurisdiction.SiteState.NOT_LAUNCHED, by=None)
    assert canaries_in(api, path) == set()
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    assert canaries_in(api, path) == {"xqpublic"}
    with in_city(riverton):
        Plan.objects.update(visibility=Visibility.INTERNAL)
        plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
    assert canaries_in(api, path) == set()


def test_no_reader_sees_internal_rows_of_a_city(riverton, publish, api, make_user):
    publish(riverton, ["on_track"], word="Xqinternal", visibility=Visibility.INTERNAL)
    for user in (None, make_user(riverton, "coordinator"), make_user(riverton, "viewer", is_superuser=True)):
        for path in ALL_PATHS:
            assert canaries_in(api, path, user) == set()


def test_library_drafts_are_hidden_and_members_items_are_for_members(api, make_user, riverton):
    LibraryItemFactory(key="open", title="Xqpublic")
    LibraryItemFactory(key="members", title="Xqcohort", members=True)
    LibraryItemFactory(key="draft", title="Xqdraft", draft=True)
    member = make_user(riverton, "viewer")
    assert canaries_in(api, "library") == canaries_in(api, "library", format="csv") == {"xqpublic"}
    assert canaries_in(api, "library", member) == {"xqpublic", "xqcohort"}
    assert [api(f"library/{key}").status_code for key in ("open", "members", "draft")] == [200, 404, 404]
    answers = [api(f"library/{key}", user=member).status_code for key in ("open", "members", "draft")]
    assert answers == [200, 200, 404]


def test_an_adaptation_does_not_name_a_parent_the_reader_may_not_see(api, make_user, riverton):
    parent = LibraryItemFactory(key="the-parent", members=True)
    LibraryItemFactory(key="the-child", adapted_from=parent)
    assert api("library/the-child").json()["adapted_from"] is None
    assert api("library/the-child", user=make_user(riverton, "viewer")).json()["adapted_from"] == "the-parent"
    assert b"the-parent" not in api("library").content


def test_hidden_tags_and_curators_are_not_shown(api, make_user, riverton):
    curator = make_user(riverton, "viewer", first_name="Xqcurator")
    item = LibraryItemFactory(key="open", hidden_tags=["xqhidden"], curator=curator)
    library_item_changed.send(LibraryItem, item_id=item.pk)
    for user in (None, make_user(riverton, "viewer")):
        for path in ("library", "library/open", "search"):
            text = api(path, user=user).text.casefold()
            assert "open" in text
            assert "xqhidden" not in text
            assert "xqcurator" not in text


def test_jurisdictions_are_listed_before_their_sites_are_launched(riverton, api):
    rows = {row["slug"]: row for row in api("jurisdictions").json()["results"]}
    assert set(rows) == {"ashford", "millbrook", "riverton"}  # neither the alliance nor the template
    assert (rows["riverton"]["is_open"], rows["riverton"]["url"]) == (False, None)
    Jurisdiction.objects.filter(slug="riverton").update(entry_stage="offboarded")
    assert api("jurisdictions/riverton").status_code == 404


def test_a_city_has_no_api(riverton, publish, client_for):
    publish(riverton, ["on_track"])
    for path in ("/api/", "/api/v1/", "/api/v1/actions/"):
        assert client_for(riverton).get(path).status_code == 404
