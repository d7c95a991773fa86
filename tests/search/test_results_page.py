"""The results page: its state is in its URL, and it works without scripts."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from search.indexing.store import add_terms
from tenants.models import Sector, Topic
from tests.search.factories import DocumentFactory

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


@pytest.fixture
def documents(riverton):
    Sector.objects.create(slug="education", label="Education")
    Topic.objects.create(slug="libraries", label="Libraries", sector_id="education")
    DocumentFactory(
        title="End overdue fines", summary="No <em>fines</em> since May.", topics=["libraries"], year=2025,
        type="sample_policy", evidence="described", licence="CC-BY", origin="Quill Lake",
    )  # fmt: skip
    DocumentFactory(
        title="Stop charging fines", kind="action", status="at_risk", jurisdiction=riverton, host="riverton",
        path="/plan/actions/a3/", origin="City of Riverton",
        data={"number": "3.1", "due": "2027-06-30", "due_precision": "month", "accountable": "Library"},
    )  # fmt: skip
    add_terms(["fines", "overdue"])


def test_results_show_their_kind_and_link_to_their_host(alliance, riverton, client_for, documents):
    page = client_for(alliance).get("/search/?q=fines")

    assert page.status_code == 200
    text = text_of(page)
    assert "2 results" in text
    assert "Sample policy, in the library" in text
    assert "Action in a plan" in text
    assert "At risk" in text
    assert "Due June 2027" in text
    assert f'href="{riverton.base_url}/plan/actions/a3/"' in page.text
    assert "<mark>fines</mark>" in page.text
    assert "<em>" not in page.text


def test_filters_are_in_the_url_and_can_be_removed(alliance, client_for, documents):
    page = client_for(alliance).get("/search/?q=fines&topic=libraries&kind=plan")

    text = text_of(page)
    assert "Topic: Libraries" in text
    assert "0 results" in text
    assert "Search without the filters" in text
    assert re.search(r'name="topic"\s+value="libraries"\s+checked', page.text)
    assert re.search(r'name="kind"\s+value="plan"\s+checked', page.text)
    assert 'href="?q=fines&amp;kind=plan"' in page.text


def test_without_a_result_there_is_nothing_to_narrow(alliance, client_for, documents):
    client = client_for(alliance)
    assert 'id="narrow"' not in client.get("/search/?q=zzqqx").text
    assert "Apply filters" not in client.get("/search/?q=zzqqx").text
    assert 'id="narrow"' in client.get("/search/?q=fines").text
    assert (
        'id="narrow"' in client.get("/search/?q=fines&topic=libraries&kind=plan").text
    )  # a filter to remove


def test_a_correction_is_shown_and_can_be_refused(alliance, client_for, documents):
    page = client_for(alliance).get("/search/?q=fimes")

    assert "Showing results for fines ." in text_of(page)
    assert "Search for “fimes” instead" in text_of(page)
    assert "Showing results for" not in text_of(client_for(alliance).get("/search/?q=fimes&exact=1"))


@pytest.mark.parametrize(
    "query",
    ["q=%3Cscript%3Ealert(1)%3C/script%3E", "topic=%3Cscript%3Ealert(1)%3C/script%3E", "q=%00&kind=%00a",
     "page=0", "page=-3", "page=99999999999999999999", "page=x", "page=²", "sort=<script>alert(1)", "exact=",
     "q=" + "a" * 3000,
     "&".join(f"topic=t{n}" for n in range(200))],
)  # fmt: skip
def test_any_parameters_are_accepted_and_no_script_in_them_runs(alliance, client_for, documents, query):
    page = client_for(alliance).get(f"/search/?{query}")

    assert page.status_code == 200
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("number", ["3", "50", "99999", "9" * 5000])
def test_a_page_past_the_last_shows_the_last(alliance, client_for, documents, number):
    for position in range(12):
        DocumentFactory(title=f"Fines {position}")

    page = client_for(alliance).get(f"/search/?q=fines&page={number}")

    assert "11 to 14 of 14" in text_of(page)


def test_documents_for_members_are_shown_after_signing_in(
    alliance, riverton, client_for, make_user, documents
):
    DocumentFactory(members=True, title="Cohort fines")
    member = make_user(riverton, "member")

    text = client_for(alliance).get("/search/?q=fines").text.replace("<mark>", "").replace("</mark>", "")
    assert "Cohort fines" not in text
    assert "For members of the cohort" in client_for(alliance, member).get("/search/?q=fines").text
    assert "Cohort fines" in client_for(alliance, member).get("/search/suggest/?q=cohort").text
    assert "Cohort fines" not in client_for(alliance).get("/search/suggest/?q=cohort").text


def test_a_page_needs_as_many_queries_for_ten_results_as_for_two(alliance, client_for, documents):
    def count_queries():
        with CaptureQueriesContext(connection) as captured:
            client_for(alliance).get("/search/?q=fines&topic=libraries")
        return len(captured)

    count_queries()
    queries_for_two = count_queries()
    DocumentFactory.create_batch(20, title="Fines", topics=["libraries"])

    assert count_queries() == queries_for_two


def test_a_city_has_no_search_page(riverton, client_for):
    assert client_for(riverton).get("/search/").status_code == 404


def test_results_can_be_narrowed_to_items_with_a_file(alliance, client_for, documents):
    DocumentFactory(
        title="Fines policy, full text", type="sample_policy", file="yes", data={"files": ["DOCX", "PDF"]}
    )

    text = text_of(client_for(alliance).get("/search/?q=fines"))
    assert "With a file" in text
    assert "Files DOCX, PDF" in text or "Files: DOCX, PDF" in text

    narrowed = text_of(client_for(alliance).get("/search/?q=fines&file=yes"))
    assert "1 result" in narrowed
    assert "Files: With a file" in narrowed
