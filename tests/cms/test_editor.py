"""Writing and publishing through Wagtail's own pages."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from wagtail.documents.models import Document
from wagtail.test.utils.form_data import inline_formset, nested_form_data, rich_text, streamfield

from accounts.models import User
from cms.models import AlliancePage, HomePage, NarrativePage, StandardPage
from tenants.models import Jurisdiction
from tenants.signals import page_changed

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser(email="operator@alliance.example", password="a long enough phrase")


@pytest.fixture
def launched(riverton: Any) -> Any:
    riverton.site_state = Jurisdiction.SiteState.LAUNCHED
    riverton.save(update_fields=["site_state"])
    return riverton


@pytest.fixture
def announced() -> Any:
    """The announced pages: [(slug of the jurisdiction, id of the page)]."""
    pages: list[tuple[str, int]] = []

    def record(*, jurisdiction: Any, page_id: int, **_kwargs: Any) -> None:
        pages.append((jurisdiction.slug, page_id))

    page_changed.connect(record)
    yield pages
    page_changed.disconnect(record)


def narrative_form(**changes: Any) -> dict[str, str]:
    fields = {
        "title": "Our narrative",
        "headline": "The river bends.",
        "lead": "",
        "body": streamfield(
            [
                (
                    "why_now",
                    {"heading": "Why now", "text": rich_text("<p>The distance has not changed.</p>")},
                ),
                (
                    "voice",
                    {
                        "quote": "A rule for everything.",
                        "who": "A resident",
                        "consent": "Quoted with consent.",
                    },
                ),
            ]
        ),
        "written_by": "",
        "next_review": "",
        "language": "en",
        "seo_title": "",
        "search_description": "",
        "go_live_at": "",
        "expire_at": "",
        "comments": inline_formset([]),
        "subscribe_to_comments": False,
    }
    return nested_form_data(fields | changes)


def narrative_id(jurisdiction: Any, in_city: Any) -> int:
    with in_city(jurisdiction):
        return NarrativePage.objects.get().pk


def test_a_narrative_is_drafted_and_then_published_in_the_editor(
    launched: Any, in_city: Any, client_for: Any, operator: User, announced: Any
) -> None:
    pk = narrative_id(launched, in_city)
    editor = client_for(launched, operator)

    drafted = editor.post(f"/cms/pages/{pk}/edit/", narrative_form())
    assert drafted.status_code == 302
    assert "The river bends." not in client_for(launched).get("/narrative/").text
    assert announced == []

    published = editor.post(f"/cms/pages/{pk}/edit/", narrative_form() | {"action-publish": "Publish"})
    assert published.status_code == 302
    assert "The river bends." in client_for(launched).get("/narrative/").text
    assert announced == [(launched.slug, pk)]

    editor.post(f"/cms/pages/{pk}/unpublish/")
    assert "The river bends." not in client_for(launched).get("/narrative/").text
    assert announced == [(launched.slug, pk)] * 2


def test_when_a_signal_handler_fails_nothing_is_published(
    launched: Any, in_city: Any, client_for: Any, operator: User
) -> None:
    pk = narrative_id(launched, in_city)

    def fail(**_kwargs: Any) -> None:
        raise RuntimeError("the search could not write")

    page_changed.connect(fail)
    client = client_for(launched, operator)
    client.raise_request_exception = False
    try:
        response = client.post(f"/cms/pages/{pk}/edit/", narrative_form() | {"action-publish": "Publish"})
    finally:
        page_changed.disconnect(fail)

    assert response.status_code == 500
    with in_city(launched):
        assert not NarrativePage.objects.get().live
        assert NarrativePage.objects.get().headline == ""


def test_a_page_is_published_and_withdrawn_on_schedule(
    launched: Any, ashford: Any, in_city: Any, client_for: Any, announced: Any
) -> None:
    now = timezone.now()
    with in_city(launched):
        narrative = NarrativePage.objects.get()
        narrative.headline = "At noon"
        narrative.go_live_at = now + dt.timedelta(hours=1)
        narrative.save_revision().publish()
        privacy = StandardPage.objects.get(slug="privacy")
        privacy.expire_at = now - dt.timedelta(minutes=1)
        privacy.save()
    assert "At noon" not in client_for(launched).get("/narrative/").text
    announced.clear()

    call_command("publish_all_scheduled", verbosity=0)
    assert "At noon" not in client_for(launched).get("/narrative/").text
    assert client_for(launched).get("/privacy/").status_code == 404

    with in_city(launched):
        revision = narrative.latest_revision
        revision.approved_go_live_at = now - dt.timedelta(minutes=1)
        revision.content["go_live_at"] = (now - dt.timedelta(minutes=1)).isoformat()
        revision.save()
    call_command("publish_scheduled", verbosity=0)

    assert "At noon" in client_for(launched).get("/narrative/").text
    assert announced == [(launched.slug, privacy.pk), (launched.slug, narrative.pk)]
    assert connection.schema_name == "public"


def test_scheduled_publishing_of_a_city_leaves_the_library_unchanged(riverton: Any, in_city: Any) -> None:
    from cms.scheduled_publishing import publish_due
    from tests.resources.factories import LibraryItemFactory

    item = LibraryItemFactory(expire_at=timezone.now() - dt.timedelta(days=1))

    assert publish_due(riverton) == 0
    item.refresh_from_db()
    assert item.live
    assert publish_due(Jurisdiction.objects.get(schema_name="public")) == 1
    item.refresh_from_db()
    assert not item.live


def test_a_contributor_submits_and_the_coordinator_approves(
    launched: Any, ashford: Any, in_city: Any, client_for: Any, make_user: Any, announced: Any
) -> None:
    pk = narrative_id(launched, in_city)
    writer, coordinator = make_user(launched, "contributor"), make_user(launched, "coordinator")
    outsider = make_user(ashford, "coordinator")
    address = f"/cms/pages/{pk}/edit/"

    refused = client_for(launched, writer).post(address, narrative_form() | {"action-publish": "Publish"})
    assert refused.status_code in (302, 403)
    assert "The river bends." not in client_for(launched).get("/narrative/").text

    submitted = client_for(launched, writer).post(address, narrative_form() | {"action-submit": "Submit"})
    assert submitted.status_code == 302
    assert "The river bends." not in client_for(launched).get("/narrative/").text
    with in_city(launched):
        task = NarrativePage.objects.get().current_workflow_task_state
        assert task.status == "in_progress"

    approve = f"/cms/pages/workflow/action/{pk}/approve/{task.pk}/"
    client_for(launched, writer).post(approve)
    assert client_for(launched, outsider).post(approve).status_code == 404
    assert "The river bends." not in client_for(launched).get("/narrative/").text

    assert "Our narrative" in client_for(launched, coordinator).get("/cms/").text
    assert client_for(launched, coordinator).post(approve).status_code == 302
    assert "The river bends." in client_for(launched).get("/narrative/").text
    assert announced == [(launched.slug, pk)]


@pytest.mark.parametrize("role", ["coordinator", "plan_editor", "contributor"])
def test_editing_roles_have_the_editor_without_people_or_hosts(
    riverton: Any, in_city: Any, client_for: Any, make_user: Any, role: str
) -> None:
    pk = narrative_id(riverton, in_city)
    editor = client_for(riverton, make_user(riverton, role))

    assert editor.get("/cms/").status_code == 200
    assert editor.get(f"/cms/pages/{pk}/edit/").status_code == 200
    for address in ("/cms/users/", "/cms/groups/", "/cms/sites/", "/cms/snippets/resources/libraryitem/"):
        assert editor.get(address).status_code != 200, address
        assert f'"{address}"' not in editor.get("/cms/").text


def test_the_history_of_a_page_lists_revisions_and_compares_them(
    launched: Any, in_city: Any, client_for: Any, operator: User
) -> None:
    pk = narrative_id(launched, in_city)
    editor = client_for(launched, operator)
    editor.post(f"/cms/pages/{pk}/edit/", narrative_form())
    editor.post(f"/cms/pages/{pk}/edit/", narrative_form(headline="The river turns."))

    history = editor.get(f"/cms/pages/{pk}/history/")
    compared = editor.get(f"/cms/pages/{pk}/revisions/compare/earliest...latest/")

    assert history.status_code == 200
    assert "Draft saved" in history.text
    assert compared.status_code == 200
    assert "turns" in compared.text


def test_a_preview_shows_the_draft_with_the_strict_policy_of_the_site(
    riverton: Any, in_city: Any, client_for: Any, operator: User
) -> None:
    pk = narrative_id(riverton, in_city)
    editor = client_for(riverton, operator)

    editor.post(f"/cms/pages/{pk}/edit/preview/", narrative_form(headline="Only a thought"))
    preview = editor.get(f"/cms/pages/{pk}/edit/preview/?mode=&in_preview_panel=true")

    assert preview.status_code == 200
    assert "Only a thought" in preview.text
    assert "unsafe-inline" not in preview["Content-Security-Policy"]
    assert "unsafe-inline" in editor.get(f"/cms/pages/{pk}/edit/")["Content-Security-Policy"]
    assert "unsafe-inline" not in editor.get("/contact/")["Content-Security-Policy"]


def test_a_preview_of_the_home_page_shows_the_dashboard(
    riverton: Any, in_city: Any, client_for: Any, operator: User
) -> None:
    with in_city(riverton):
        home = HomePage.objects.get()
    form = nested_form_data(
        {
            "title": home.title,
            "lead": "In our own words",
            "intro": rich_text(""),
            "seo_title": "",
            "search_description": "",
        }
        | {"go_live_at": "", "expire_at": "", "comments": inline_formset([]), "subscribe_to_comments": False}
    )
    editor = client_for(riverton, operator)

    editor.post(f"/cms/pages/{home.pk}/edit/preview/", form)
    preview = editor.get(f"/cms/pages/{home.pk}/edit/preview/?mode=")

    assert preview.status_code == 200
    assert "In our own words" in preview.text


def test_the_home_page_cannot_be_deleted_unpublished_or_moved(
    riverton: Any, in_city: Any, client_for: Any, operator: User
) -> None:
    with in_city(riverton):
        home = HomePage.objects.get()
    editor = client_for(riverton, operator)

    for address in (f"/cms/pages/{home.pk}/delete/", f"/cms/pages/{home.pk}/unpublish/"):
        assert "can’t be moved or removed" in editor.post(address, follow=True).text
    editor.post(f"/cms/bulk/wagtailcore/page/delete/?next=%2Fcms%2F&id={home.pk}")
    editor.post(f"/cms/bulk/wagtailcore/page/unpublish/?next=%2Fcms%2F&id={home.pk}")

    with in_city(riverton):
        assert HomePage.objects.get().live


def test_only_editors_of_the_site_reach_the_editor(
    riverton: Any, ashford: Any, client_for: Any, make_user: Any
) -> None:
    anonymous = client_for(riverton).get("/cms/")
    assert anonymous.status_code == 302
    assert anonymous["Location"].startswith("/sign-in/?next=")
    for user in (make_user(), make_user(ashford, "coordinator"), make_user(riverton, "viewer")):
        assert client_for(riverton, user).get("/cms/").status_code == 404
        assert client_for(riverton, user).get("/cms/pages/").status_code == 404


def test_wagtails_own_login_forms_are_404(riverton: Any, client_for: Any) -> None:
    for address in (
        "/_util/login/",
        "/_util/authenticate_with_password/1/1/",
        "/documents/authenticate_with_password/1/",
    ):
        assert client_for(riverton).get(address).status_code == 404


def test_a_citys_editor_has_no_screens_for_people_hosts_or_the_library(
    riverton: Any, alliance: Any, client_for: Any, operator: User
) -> None:
    at_city = client_for(riverton, operator).get("/cms/").text
    at_alliance = client_for(alliance, operator).get("/cms/").text

    for address in ("/cms/users/", "/cms/groups/", "/cms/sites/", "/cms/snippets/resources/libraryitem/"):
        assert f'"{address}"' not in at_city
    assert '"/cms/snippets/resources/libraryitem/"' in at_alliance


def test_documents_are_downloads_on_their_own_host_and_closed_before_launch(
    riverton: Any, ashford: Any, in_city: Any, client_for: Any, make_user: Any, operator: User
) -> None:
    editor = client_for(riverton, operator)
    upload = {
        "title": "Minutes",
        "file": SimpleUploadedFile("minutes.pdf", b"%PDF-1.7 <script>", "application/pdf"),
    }
    upload["collection"] = 1  # the root collection
    assert editor.post("/cms/documents/add/", upload).status_code == 302
    with in_city(riverton):
        address = Document.objects.get().url

    assert client_for(riverton).get(address).status_code == 404
    team = client_for(riverton, make_user(riverton, "viewer")).get(address)
    assert team.status_code == 200
    assert team["Content-Disposition"].startswith("attachment")
    assert team["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in team["Content-Security-Policy"]

    Jurisdiction.objects.filter(pk__in=[riverton.pk, ashford.pk]).update(site_state="launched")
    assert client_for(riverton).get(address).status_code == 200
    assert client_for(ashford).get(address).status_code == 404


def test_a_web_page_cannot_be_uploaded_as_a_document(
    riverton: Any, in_city: Any, client_for: Any, operator: User
) -> None:
    upload = {
        "title": "Page",
        "file": SimpleUploadedFile("page.html", b"<script>alert(1)</script>", "text/html"),
        "collection": 1,
    }

    assert client_for(riverton, operator).post("/cms/documents/add/", upload).status_code == 200

    with in_city(riverton):
        assert not Document.objects.exists()


def test_rich_text_is_stripped_of_scripts(
    launched: Any, in_city: Any, client_for: Any, operator: User
) -> None:
    pk = narrative_id(launched, in_city)
    text = "Before <script>alert(1)</script> a link"
    block = {"key": "a", "text": text, "type": "unstyled", "depth": 0, "inlineStyleRanges": [], "data": {}}
    block["entityRanges"] = [{"offset": len(text) - 4, "length": 4, "key": 0}]
    link = {"type": "LINK", "mutability": "MUTABLE", "data": {"url": "javascript:alert(1)"}}
    bad = json.dumps({"blocks": [block], "entityMap": {"0": link}})
    body = streamfield([("why_now", {"heading": "Why <b>now</b>", "text": bad})])

    client_for(launched, operator).post(
        f"/cms/pages/{pk}/edit/", narrative_form(body=body) | {"action-publish": "Publish"}
    )
    text = client_for(launched).get("/narrative/").text

    assert "Why &lt;b&gt;now&lt;/b&gt;" in text
    assert "Before &lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert "javascript:" not in text


def test_the_alliances_pages_are_edited_at_the_alliance(
    alliance: Any, client_for: Any, operator: User
) -> None:
    front = AlliancePage.objects.get()

    assert client_for(alliance, operator).get(f"/cms/pages/{front.pk}/edit/").status_code == 200
