"""The library's pages: who may read an item, its lineage, related items, and its files."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext
from wagtail.documents.models import Document
from wagtail.models import Page, Revision

from cms.models import NarrativePage
from resources import services
from resources.models import Attachment, LibraryItem
from search.models import Document as SearchDocument
from tenants.models import Jurisdiction, Sector, Topic, Visibility
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def topics(db: None) -> None:
    Sector.objects.create(slug="education", label="Education")
    for slug in ("libraries", "fines-fees", "hiring"):
        Topic.objects.create(slug=slug, label=slug.replace("-", " ").capitalize(), sector_id="education")


def test_an_item_shows_its_content_its_source_and_its_evidence(
    alliance: Any, client_for: Any, topics: None
) -> None:
    item = LibraryItemFactory(topics=["fines-fees"], is_sample=True, legal_form="resolution")

    page = client_for(alliance).get(f"/library/{item.key}/")

    assert page.status_code == 200
    for text in (
        item.title,
        item.summary,
        "City of Riverton",
        "Resolution",
        "10,000 to 49,999",
        "Fines fees",
    ):
        assert text in page.text
    assert "Results are reported by the people who did the work." in page.text
    assert "Adapted from City of Riverton, 2025, CC BY" in page.text
    assert "SAMPLE" in page.text
    assert "<p>The council saw the map before the budget.</p>" in page.text
    json_ld = json.loads(re.search(r'ld\+json">(.*?)</script>', page.text).group(1))
    assert json_ld["name"] == item.title
    assert json_ld["license"].endswith("/by/4.0/")


def test_no_text_of_an_item_can_end_the_json_ld_script(alliance: Any, client_for: Any) -> None:
    LibraryItemFactory(key="malicious", title="</script><script>alert(1)</script>")

    text = client_for(alliance).get("/library/malicious/").text

    assert "<script>alert" not in text


def test_items_for_members_and_drafts_are_404_to_those_who_may_not_read_them(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any
) -> None:
    LibraryItemFactory(key="ours", title="Only for members", members=True)
    LibraryItemFactory(key="draft", draft=True)
    member = make_user(riverton, "viewer")

    def statuses(user: Any) -> list[int]:
        client = client_for(alliance, user)
        return [client.get(f"/library/{key}/").status_code for key in ("ours", "draft", "nobody")]

    assert statuses(None) == [404, 404, 404]
    assert statuses(make_user()) == [404, 404, 404]
    assert statuses(member) == [200, 404, 404]
    assert "Only for members" not in client_for(alliance).get("/library/").text
    assert "Only for members" in client_for(alliance, member).get("/library/").text


def test_a_city_has_no_library(riverton: Any, client_for: Any) -> None:
    item = LibraryItemFactory()
    assert client_for(riverton).get(f"/library/{item.key}/").status_code == 404
    assert client_for(riverton).get("/library/").status_code == 404


def test_the_lineage_shows_ancestors_and_adaptations_that_the_reader_may_see(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any
) -> None:
    root = LibraryItemFactory(title="The toolkit")
    between = LibraryItemFactory(title="A worksheet for members", adapted_from=root, members=True)
    item = LibraryItemFactory(title="A short form", adapted_from=between)
    LibraryItemFactory(title="A one-page form", adapted_from=item)
    LibraryItemFactory(title="A draft form", adapted_from=item, draft=True)

    anonymous = client_for(alliance).get(f"/library/{item.key}/").text
    member = client_for(alliance, make_user(riverton, "viewer")).get(f"/library/{item.key}/").text

    tree = anonymous[anonymous.index('class="tree"') :]
    assert tree.index("The toolkit") < tree.index("A short form") < tree.index("A one-page form")
    assert "A worksheet for members" not in anonymous
    assert "A draft form" not in member
    assert "A worksheet for members" in member


def test_an_item_without_ancestors_and_adaptations_shows_no_lineage(alliance: Any, client_for: Any) -> None:
    assert 'class="tree"' not in client_for(alliance).get(f"/library/{LibraryItemFactory().key}/").text


def test_related_items_are_sorted_by_the_number_of_shared_topics(
    alliance: Any, client_for: Any, topics: None
) -> None:
    item = LibraryItemFactory(topics=["libraries", "fines-fees"])
    LibraryItemFactory(title="About fines", topics=["fines-fees"], year=2026)
    LibraryItemFactory(title="About both", topics=["fines-fees", "libraries"])
    LibraryItemFactory(title="About hiring", topics=["hiring"])

    text = client_for(alliance).get(f"/library/{item.key}/").text

    assert text.index("About both") < text.index("About fines")
    assert "About hiring" not in text


def test_the_list_is_filtered_by_type_topic_and_step_with_correct_counts(
    alliance: Any, client_for: Any, topics: None
) -> None:
    LibraryItemFactory(title="A tool for fines", type="tool", topics=["fines-fees"])
    LibraryItemFactory(title="A tool for hiring", type="tool", topics=["hiring"])
    LibraryItemFactory(title="A practice", topics=["fines-fees"], stage=["normalize"])

    page = client_for(alliance).get("/library/", {"type": "tool", "topic": "fines-fees"})

    assert [item.title for item in page.context["page"]] == ["A tool for fines"]
    counts = {
        facet["name"]: {choice["value"]: choice["count"] for choice in facet["choices"]}
        for facet in page.context["facets"]
    }
    assert counts["type"] == {"tool": 1, "practice": 1}
    assert counts["topic"] == {"fines-fees": 1, "hiring": 1}
    assert counts["stage"] == {"operationalize": 1}
    assert "No items match" in client_for(alliance).get("/library/", {"type": "video"}).text


def test_several_values_of_a_facet_widen_the_list_and_an_unknown_one_can_be_removed(
    alliance: Any, client_for: Any, topics: None
) -> None:
    LibraryItemFactory(title="A tool", type="tool", topics=["fines-fees"])
    LibraryItemFactory(title="A practice", topics=["hiring"], stage=["normalize"])

    page = client_for(alliance).get(
        "/library/?topic=fines-fees&topic=hiring&stage=normalize&stage=operationalize"
    )
    assert len(page.context["page"]) == 2
    unknown = client_for(alliance).get("/library/?type=nonsense&topic=hiring&page=2")
    assert "No items match" in unknown.text
    assert unknown.context["chips"][0] == {"label": "nonsense", "url": "?topic=hiring"}


def test_list_and_item_need_as_many_queries_for_forty_items_as_for_two(
    alliance: Any, client_for: Any, topics: None
) -> None:
    item = LibraryItemFactory(topics=["libraries"])
    LibraryItemFactory(topics=["libraries"], adapted_from=item)

    def query_counts() -> list[int]:
        counts = []
        for path in ("/library/", f"/library/{item.key}/"):
            with CaptureQueriesContext(connection) as captured:
                assert client_for(alliance).get(path).status_code == 200
            counts.append(len(captured))
        return counts

    query_counts()
    few = query_counts()
    LibraryItemFactory.create_batch(38, topics=["libraries"], adapted_from=item)
    assert query_counts() == few


def test_the_list_is_paged(alliance: Any, client_for: Any) -> None:
    LibraryItemFactory.create_batch(25)

    assert len(client_for(alliance).get("/library/").context["page"]) == 20
    assert len(client_for(alliance).get("/library/?page=2").context["page"]) == 5
    assert client_for(alliance).get("/library/?page=two").status_code == 200


@pytest.fixture
def document(db: None, settings: Any) -> Document:
    return Document.objects.create(
        title="Resolution", file=SimpleUploadedFile("resolution.pdf", b"%PDF-1.7 text", "application/pdf")
    )


def test_a_file_is_a_download_on_the_alliances_host_for_readers_of_its_item(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any, document: Document
) -> None:
    item = LibraryItemFactory(members=True)
    Attachment.objects.create(item=item, title="Resolution", document=document)
    member = make_user(riverton, "coordinator")

    assert client_for(alliance).get(document.url).status_code == 404
    assert client_for(riverton, member).get(document.url).status_code == 404
    response = client_for(alliance, member).get(document.url)
    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert document.url in client_for(alliance, member).get(f"/library/{item.key}/").text


def test_a_file_of_a_draft_is_for_curators(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any, document: Document
) -> None:
    item = services.publish(LibraryItemFactory.build(), by=None)
    item.attachments.add(Attachment(item=item, title="Resolution", document=document))
    item.save_revision()
    curator, member = make_user(alliance, "library_curator"), make_user(riverton, "coordinator")

    def statuses() -> list[int]:
        return [client_for(alliance, user).get(document.url).status_code for user in (None, member, curator)]

    assert statuses() == [404, 404, 200]
    services.publish(item, by=None)
    assert statuses() == [200, 200, 200]


def test_withdrawing_an_item_hides_and_announces_it(alliance: Any, client_for: Any) -> None:
    from tenants.signals import library_item_changed

    item = services.publish(LibraryItemFactory.build(), by=None)
    announced: list[tuple[int, bool]] = []
    library_item_changed.connect(
        lambda item_id, **_: announced.append((item_id, connection.in_atomic_block)),
        weak=False,
        dispatch_uid="announced",
    )
    try:
        services.withdraw(item, by=None)
    finally:
        library_item_changed.disconnect(dispatch_uid="announced")

    assert announced == [(item.pk, True)]
    assert client_for(alliance).get(f"/library/{item.key}/").status_code == 404


def test_deleting_a_citys_revision_leaves_the_item_with_the_same_revision_id_unchanged(
    riverton: Any, in_city: Any
) -> None:
    item = services.publish(LibraryItemFactory.build(), by=None)
    with in_city(riverton):
        page = NarrativePage.objects.get()
        revision = page.save_revision()
        Page.objects.update(latest_revision=None)
        Revision.objects.filter(pk=revision.pk).update(id=item.latest_revision_id)
        Revision.objects.get(pk=item.latest_revision_id).delete()

    revision_id = item.latest_revision_id
    item.refresh_from_db()
    assert (item.latest_revision_id, item.live_revision_id) == (revision_id, revision_id)


def test_deleting_a_citys_document_leaves_the_library_file_with_the_same_id(
    riverton: Any, in_city: Any, document: Document
) -> None:
    Attachment.objects.create(item=LibraryItemFactory(), title="Resolution", document=document)
    with in_city(riverton):
        Document.objects.create(
            pk=document.pk, title="Minutes", file=SimpleUploadedFile("minutes.pdf", b"%PDF")
        )
        Document.objects.get(pk=document.pk).delete()
        assert not Document.objects.exists()

    with pytest.raises(ProtectedError):
        document.delete()
    assert Attachment.objects.get().document == document


@pytest.mark.parametrize(("type_", "words"), [("sample_policy", "document"), ("video", "video")])
def test_an_item_that_promises_a_document_and_has_none_says_so_first(
    alliance: Any, riverton: Any, client_for: Any, type_: str, words: str
) -> None:
    item = LibraryItemFactory(type=type_, origin="Quill Lake")
    address = f"/library/{item.key}/"

    text = client_for(alliance).get(address).text
    assert f"The {words} itself is not here yet." in text
    assert "Ask Quill Lake for it." in text
    assert text.index("itself is not here yet") < text.index("counted blocked cards")

    riverton.site_state, riverton.contact_phone = "launched", "(651) 555-0142"
    riverton.save()
    item.contributed_by = riverton
    item.save()
    link = f'<a href="{riverton.base_url}/contact/">Ask City of Riverton</a>'
    assert link in client_for(alliance).get(address).text

    item.contributed_by, item.origin = None, riverton.name
    item.save()
    riverton.contact_email = "equity@riverton.example"
    riverton.save()
    assert 'href="mailto:equity@riverton.example?subject=' in client_for(alliance).get(address).text

    item.source_url = "https://example.org/text"
    item.save()
    assert "is not here yet" not in client_for(alliance).get(address).text


def test_an_item_with_a_file_or_of_another_type_promises_nothing_more(
    alliance: Any, client_for: Any, document: Document
) -> None:
    practice, policy = LibraryItemFactory(type="practice"), LibraryItemFactory(type="sample_policy")
    Attachment.objects.create(item=policy, title="Text", document=document)
    for item in (practice, policy):
        assert "is not here yet" not in client_for(alliance).get(f"/library/{item.key}/").text


def test_the_list_can_be_narrowed_to_items_with_a_file(
    alliance: Any, client_for: Any, document: Document
) -> None:
    with_file = LibraryItemFactory(title="With text")
    LibraryItemFactory(title="Only told of")
    for _number in range(2):
        Attachment.objects.create(item=with_file, title="Text", document=document)

    everything = client_for(alliance).get("/library/").text
    chip = re.search(r'aria-label="Files">\s*<li class="label">.*?</svg>\s*(\w+)</li>', everything, re.DOTALL)
    assert chip is not None
    assert chip[1] == document.file_extension.upper()
    assert "Evidence: results reported." in everything
    assert re.search(
        r'href="/library/\?file=yes"[^>]*>With a file</a>\s*<span class="soft">1</span>', everything
    )

    narrowed = client_for(alliance).get("/library/?file=yes").text
    assert "With text" in narrowed
    assert "Only told of" not in narrowed


def test_a_library_without_files_offers_no_such_filter(alliance: Any, client_for: Any) -> None:
    LibraryItemFactory()
    assert "With a file" not in client_for(alliance).get("/library/").text


def test_an_item_may_come_from_each_kind_of_jurisdiction_and_calls_it_the_same(alliance, client_for):
    origins = dict(LibraryItem.OriginKind.choices)
    for kind, label in Jurisdiction.Kind.choices:
        assert origins[kind] == label
        item = services.publish(LibraryItemFactory.build(origin_kind=kind, title=f"From a {label}"), by=None)
        page = client_for(alliance).get(item.get_absolute_url()).text
        assert re.search(rf">\s*{label}\s*<", page)


def test_who_may_see_something_has_one_wording():
    assert (
        LibraryItem.Audience.PUBLIC.label == SearchDocument.Audience.PUBLIC.label == Visibility.PUBLIC.label
    )
    assert (
        LibraryItem.Audience.MEMBERS.label == SearchDocument.Audience.MEMBERS.label == Visibility.COHORT.label
    )
