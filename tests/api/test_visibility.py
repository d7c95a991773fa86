"""Who reads what: exactly what the pages show, to strangers, to people of other places and to members."""

from __future__ import annotations

import pytest

from resources.models import LibraryItem
from tenants.jurisdictions import services
from tenants.models import Jurisdiction, Visibility
from tenants.plans.models import Plan
from tenants.signals import library_item_changed, plan_published
from tests.resources.factories import LibraryItemFactory

IN_PLANS = ("plans", "goals", "outcomes", "actions")
EVERYWHERE = ("", "jurisdictions", *IN_PLANS, "library", "topics", "search")


@pytest.fixture
def three_cities(riverton, ashford, millbrook, publish):
    """One public, one shared with the cohort, one public and not launched; a word in every text of each."""
    publish(riverton, ["on_track"], word="Xqpublic")
    publish(ashford, ["on_track"], word="Xqcohort", visibility=Visibility.COHORT)
    publish(millbrook, ["on_track"], word="Xqunlaunched", launch=False)


def words_in(api, path, user=None, **parameters):
    heard = api(path, user=user, **parameters).content.decode().casefold()
    return {
        word for word in ("xqpublic", "xqcohort", "xqunlaunched", "xqinternal", "xqdraft") if word in heard
    }


def test_strangers_read_public_plans_of_launched_cities_alone(three_cities, api):
    for path in IN_PLANS:
        assert words_in(api, path) == {"xqpublic"}
        assert words_in(api, path, format="csv") == {"xqpublic"}
    assert words_in(api, "search", page_size=100) == {"xqpublic"}


def test_members_read_what_the_cohort_shares_too(three_cities, api, make_user, millbrook, alliance):
    for user in (make_user(millbrook, "viewer"), make_user(alliance, "staff_onboarding")):
        for path in IN_PLANS:
            assert words_in(api, path, user) == {"xqpublic", "xqcohort"}
        assert words_in(api, "search", user, page_size=100) == {"xqpublic", "xqcohort"}


def test_a_person_of_no_member_reads_as_a_stranger(three_cities, api, make_user):
    nobody = make_user()
    for path in IN_PLANS:
        assert words_in(api, path, nobody) == {"xqpublic"}


def test_somebody_who_was_deactivated_reads_as_a_stranger(
    three_cities, alliance, client_for, make_user, ashford
):
    member = make_user(ashford, "viewer")
    client = client_for(alliance, member)
    assert "Xqcohort" in client.get("/api/v1/plans").text
    member.is_active = False
    member.save(update_fields=["is_active"])
    assert "Xqcohort" not in client.get("/api/v1/plans").text


def test_what_is_for_members_says_so_and_has_no_address(three_cities, api, make_user, ashford):
    rows = {
        row["jurisdiction"]: row for row in api("plans", user=make_user(ashford, "viewer")).json()["results"]
    }
    assert (rows["riverton"]["shared_with"], rows["ashford"]["shared_with"]) == ("public", "members")
    assert rows["riverton"]["url"] == "http://riverton.localhost/plan/"
    assert rows["ashford"]["url"] is None


@pytest.mark.parametrize("path", IN_PLANS)
def test_a_single_row_is_404_to_whom_the_list_does_not_show_it(three_cities, api, make_user, ashford, path):
    member = make_user(ashford, "viewer")
    shown = {row["jurisdiction"]: row["id"] for row in api(path, user=member).json()["results"]}
    assert api(f"{path}/{shown['riverton']}").status_code == 200
    assert api(f"{path}/{shown['ashford']}").status_code == 404
    assert api(f"{path}/{shown['ashford']}", user=member).status_code == 200


@pytest.mark.parametrize("path", [*IN_PLANS, "search"])
def test_a_city_that_goes_back_is_gone_at_once(riverton, publish, api, in_city, path):
    plan = publish(riverton, ["on_track"], word="Xqpublic")
    assert words_in(api, path) == {"xqpublic"}
    services.set_site_state(riverton, state=Jurisdiction.SiteState.NOT_LAUNCHED, by=None)
    assert words_in(api, path) == set()
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    assert words_in(api, path) == {"xqpublic"}
    with in_city(riverton):
        Plan.objects.update(visibility=Visibility.INTERNAL)
        plan_published.send(Plan, jurisdiction=riverton, plan_id=plan.pk)
    assert words_in(api, path) == set()


def test_nobody_reads_what_is_internal_to_a_city(riverton, publish, api, make_user):
    publish(riverton, ["on_track"], word="Xqinternal", visibility=Visibility.INTERNAL)
    for user in (None, make_user(riverton, "coordinator"), make_user(riverton, "viewer", is_superuser=True)):
        for path in EVERYWHERE:
            assert words_in(api, path, user) == set()


def test_the_library_shows_drafts_to_nobody_and_members_items_to_members(api, make_user, riverton):
    LibraryItemFactory(key="open", title="Xqpublic")
    LibraryItemFactory(key="members", title="Xqcohort", members=True)
    LibraryItemFactory(key="draft", title="Xqdraft", draft=True)
    member = make_user(riverton, "viewer")
    assert words_in(api, "library") == words_in(api, "library", format="csv") == {"xqpublic"}
    assert words_in(api, "library", member) == {"xqpublic", "xqcohort"}
    assert [api(f"library/{key}").status_code for key in ("open", "members", "draft")] == [200, 404, 404]
    answers = [api(f"library/{key}", user=member).status_code for key in ("open", "members", "draft")]
    assert answers == [200, 200, 404]


def test_an_adaptation_does_not_name_a_parent_the_reader_may_not_see(api, make_user, riverton):
    parent = LibraryItemFactory(key="the-parent", members=True)
    LibraryItemFactory(key="the-child", adapted_from=parent)
    assert api("library/the-child").json()["adapted_from"] is None
    assert api("library/the-child", user=make_user(riverton, "viewer")).json()["adapted_from"] == "the-parent"
    assert b"the-parent" not in api("library").content


def test_search_words_and_curators_are_told_to_nobody(api, make_user, riverton):
    curator = make_user(riverton, "viewer", first_name="Xqcurator")
    item = LibraryItemFactory(key="open", hidden_tags=["xqhidden"], curator=curator)
    library_item_changed.send(LibraryItem, item_id=item.pk)
    for user in (None, make_user(riverton, "viewer")):
        for path in ("library", "library/open", "search"):
            heard = api(path, user=user).text.casefold()
            assert "open" in heard
            assert "xqhidden" not in heard
            assert "xqcurator" not in heard


def test_members_of_the_alliance_are_public_before_their_sites_are(riverton, api):
    found = {row["slug"]: row for row in api("jurisdictions").json()["results"]}
    assert set(found) == {"ashford", "millbrook", "riverton"}  # neither the alliance nor the template
    assert (found["riverton"]["is_open"], found["riverton"]["url"]) == (False, None)
    Jurisdiction.objects.filter(slug="riverton").update(entry_stage="offboarded")
    assert api("jurisdictions/riverton").status_code == 404


def test_a_city_has_no_api(riverton, publish, client_for):
    publish(riverton, ["on_track"])
    for path in ("/api/", "/api/v1/", "/api/v1/actions/"):
        assert client_for(riverton).get(path).status_code == 404
