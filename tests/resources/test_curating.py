"""Curators at work in the alliance's editor; nobody at a city's."""

from __future__ import annotations

from typing import Any

import pytest
from wagtail.models import Revision
from wagtail.permissions import policy_registry
from wagtail.test.utils.form_data import inline_formset, nested_form_data, rich_text

from accounts.models import User
from resources.models import LibraryItem, SynonymGroup
from tenants.models import Sector, Topic
from tenants.signals import library_item_changed
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db
ITEMS = "/cms/snippets/resources/libraryitem/"


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser(email="operator@alliance.example", password="a long enough phrase")


@pytest.fixture
def topics(db: None) -> None:
    Sector.objects.create(slug="education", label="Education")
    Topic.objects.create(slug="libraries", label="Libraries", sector_id="education")


@pytest.fixture
def announced() -> Any:
    """The ids of the items that were announced."""
    item_ids: list[int] = []

    def record(*, item_id: int, **_kwargs: Any) -> None:
        item_ids.append(item_id)

    library_item_changed.connect(record)
    yield item_ids
    library_item_changed.disconnect(record)


def item_form(**changes: Any) -> dict[str, Any]:
    fields = {
        "title": "End overdue fines",
        "key": "end-overdue-fines",
        "type": "sample_policy",
        "summary": "A suburb stopped charging for late books.",
        "body": rich_text("<p></p>"),
        "attachments": inline_formset([]),
        "hidden_tags": "late fees, fine free",
        "origin": "City of Riverton",
        "origin_kind": "city",
        "origin_state": "MN",
        "population_band": "10k_50k",
        "year": "2025",
        "legal_form": "resolution",
        "evidence": "described",
        "effort": "low",
        "adapted_from": "",
        "language": "en",
        "license": "CC-BY",
        "attribution": "",
        "source_url": "",
        "visibility": "public",
        "contributed_by": "",
        "curator": "",
        "review_due": "",
        "go_live_at": "",
        "expire_at": "",
    }
    lists = {
        "sectors": ["education"],
        "topics": ["libraries"],
        "stage": ["operationalize"],
        "strategies": ["data-driven"],
        "decision_kinds": ["policy"],
    }
    changed_lists = {name: changes.pop(name) for name in lists if name in changes}
    return nested_form_data(fields | changes) | lists | changed_lists


def test_an_item_is_drafted_previewed_and_published(
    alliance: Any, client_for: Any, operator: User, topics: None, announced: Any
) -> None:
    editor = client_for(alliance, operator)

    editor.post(f"{ITEMS}preview/", item_form(title="Only a thought"))
    preview = editor.get(f"{ITEMS}preview/?mode=")
    assert preview.status_code == 200
    assert "Only a thought" in preview.text
    assert "unsafe-inline" not in preview["Content-Security-Policy"]

    assert editor.post(f"{ITEMS}add/", item_form()).status_code == 302
    item = LibraryItem.objects.get()
    assert not item.live
    assert client_for(alliance).get("/library/end-overdue-fines/").status_code == 404
    assert announced == []

    form = item_form(title="End late fees") | {"action-publish": "Publish"}
    assert editor.post(f"{ITEMS}edit/{item.pk}/", form).status_code == 302
    item.refresh_from_db()
    assert item.live
    assert (item.topics, item.hidden_tags) == (["libraries"], ["late fees", "fine free"])
    assert "End late fees" in client_for(alliance).get("/library/end-overdue-fines/").text
    assert announced == [item.pk]

    editor.post(f"{ITEMS}unpublish/{item.pk}/")
    assert client_for(alliance).get("/library/end-overdue-fines/").status_code == 404
    assert announced == [item.pk, item.pk]
    assert "End late fees" in editor.get(f"{ITEMS}history/{item.pk}/").text
    assert editor.get(f"{ITEMS}history/{item.pk}/revisions/compare/earliest...latest/").status_code == 200


def test_when_a_signal_handler_fails_nothing_is_saved(
    alliance: Any, client_for: Any, operator: User, topics: None
) -> None:
    def fail(**_kwargs: Any) -> None:
        raise RuntimeError("the search could not write")

    library_item_changed.connect(fail)
    client = client_for(alliance, operator)
    client.raise_request_exception = False
    try:
        response = client.post(f"{ITEMS}add/", item_form() | {"action-publish": "Publish"})
    finally:
        library_item_changed.disconnect(fail)

    assert response.status_code == 500
    assert not LibraryItem.objects.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topics": ["no-such-topic"]}, "no-such-topic is not one of the available choices"),
        ({"license": "link_only"}, "A link-only item needs the address of the original."),
        ({"key": "Bad Key"}, "slug"),
        ({"year": "20250"}, "2100"),
    ],
)
def test_an_error_is_shown_at_its_field(
    alliance: Any, client_for: Any, operator: User, topics: None, changes: dict[str, Any], message: str
) -> None:
    form = item_form(**changes) | {"action-publish": "Publish"}

    response = client_for(alliance, operator).post(f"{ITEMS}add/", form)

    assert response.status_code == 200
    assert message in response.text
    assert not LibraryItem.objects.exists()


def test_the_list_has_filters_and_a_search(
    alliance: Any, client_for: Any, operator: User, topics: None
) -> None:
    LibraryItemFactory(title="About libraries", topics=["libraries"], type="tool")
    LibraryItemFactory(title="About hiring")
    editor = client_for(alliance, operator)

    assert "About hiring" not in editor.get(ITEMS, {"topic": "libraries"}).text
    assert "About libraries" in editor.get(ITEMS, {"topic": "libraries"}).text
    assert "About libraries" not in editor.get(ITEMS, {"type": "practice"}).text
    assert "About libraries" not in editor.get(ITEMS, {"q": "hiring"}).text


def test_nobody_not_even_the_operator_edits_the_library_in_a_citys_editor(
    riverton: Any, in_city: Any, client_for: Any, operator: User, topics: None
) -> None:
    item = LibraryItemFactory()
    editor = client_for(riverton, operator)
    with in_city(riverton):
        revisions = Revision.objects.count()

    for address in (ITEMS, f"{ITEMS}add/", f"{ITEMS}edit/{item.pk}/", f"{ITEMS}delete/{item.pk}/"):
        assert editor.get(address).status_code != 200, address
    editor.post(f"{ITEMS}add/", item_form())
    editor.post(f"{ITEMS}edit/{item.pk}/", item_form(title="Taken over"))
    editor.post(f"{ITEMS}delete/{item.pk}/")
    editor.post("/cms/snippets/resources/synonymgroup/add/", {"terms": "one, two", "theme": ""})

    assert LibraryItem.objects.get().title == item.title
    assert not SynonymGroup.objects.exists()
    with in_city(riverton):
        assert Revision.objects.count() == revisions
        policy = policy_registry.get_by_type(LibraryItem)
        assert not policy.user_has_permission(operator, "view")
        assert not policy.user_has_any_permission(operator, ["add", "change"])
        assert not policy.users_with_any_permission(["change"]).exists()
        assert not policy.instances_user_has_permission_for(operator, "change").exists()


def test_curators_edit_groups_of_synonyms(alliance: Any, client_for: Any, operator: User) -> None:
    editor = client_for(alliance, operator)
    address = "/cms/snippets/resources/synonymgroup/add/"

    refused = editor.post(address, {"terms": "alone", "theme": ""})
    editor.post(address, {"terms": "late fees, late fines", "theme": "Fines"})

    assert "two terms or more" in refused.text
    assert SynonymGroup.objects.get().terms == ["late fees", "late fines"]


def test_only_curators_see_a_link_from_an_item_to_its_form(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any
) -> None:
    item = LibraryItemFactory()
    address = f"{ITEMS}edit/{item.pk}/"

    assert (
        address
        in client_for(alliance, make_user(alliance, "library_curator")).get(item.get_absolute_url()).text
    )
    assert (
        address
        not in client_for(alliance, make_user(riverton, "coordinator")).get(item.get_absolute_url()).text
    )
    assert address not in client_for(alliance).get(item.get_absolute_url()).text


def test_an_item_submitted_by_one_curator_is_approved_by_another(
    alliance: Any, client_for: Any, make_user: Any, topics: None, announced: Any
) -> None:
    writer = client_for(alliance, make_user(alliance, "library_curator"))

    writer.post(f"{ITEMS}add/", item_form() | {"action-submit": "Submit"})
    item = LibraryItem.objects.get()
    assert not item.live
    task = item.current_workflow_task_state
    approver = client_for(alliance, make_user(alliance, "staff_admin"))
    answer = approver.post(f"{ITEMS}workflow/action/{item.pk}/approve/{task.pk}/", {"comment": "Good"})

    assert answer.status_code == 302
    item.refresh_from_db()
    assert item.live
    assert announced == [item.pk]


def test_a_coordinator_of_a_city_is_no_curator(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any
) -> None:
    item = LibraryItemFactory()
    coordinator = client_for(alliance, make_user(riverton, "coordinator"))

    for address in ("/cms/", ITEMS, f"{ITEMS}edit/{item.pk}/"):
        assert coordinator.get(address).status_code == 404, address


def test_a_curator_who_publishes_a_promise_without_its_document_is_warned(
    alliance: Any, client_for: Any, operator: User, topics: None
) -> None:
    editor, warning = client_for(alliance, operator), "has neither a file nor a link to the original"

    drafted = editor.post(f"{ITEMS}add/", item_form(), follow=True)
    assert warning not in drafted.text
    item = LibraryItem.objects.get()
    address = f"{ITEMS}edit/{item.pk}/"

    published = editor.post(address, item_form() | {"action-publish": "Publish"}, follow=True)
    assert warning in published.text
    assert "The document itself is not here yet." in published.text

    with_link = item_form(source_url="https://example.org/text") | {"action-publish": "Publish"}
    assert warning not in editor.post(address, with_link, follow=True).text
    practice = item_form(type="practice") | {"action-publish": "Publish"}
    assert warning not in editor.post(address, practice, follow=True).text
