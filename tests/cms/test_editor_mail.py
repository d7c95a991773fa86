"""Emails about texts in the editor: their links open at the site they come from, though ids are the same elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django_tasks_db.models import DBTaskResult
from wagtail.models import Comment, Page
from wagtail.test.utils.form_data import inline_formset
from wagtail.users.models import UserProfile

from cms.models import NarrativePage
from cms.site_setup import set_up_alliance_site
from resources.models import LibraryItem
from tenants.jobs.runner import run_due_jobs
from tenants.models import Jurisdiction
from tests.cms.test_editor import narrative_form, narrative_id
from tests.resources.factories import LibraryItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def launched(riverton: Any) -> Any:
    riverton.site_state = Jurisdiction.SiteState.LAUNCHED
    riverton.save(update_fields=["site_state"])
    return riverton


@pytest.fixture(autouse=True)
def empty_queue(db: None) -> None:
    DBTaskResult.objects.all().delete()


@pytest.fixture
def delivered(mailoutbox: list[Any]) -> Any:
    """delivered() runs the jobs and returns the emails sent since it was last called."""

    def deliver() -> list[Any]:
        mailoutbox.clear()
        run_due_jobs()
        return sorted(mailoutbox, key=lambda email: email.to)

    return deliver


def paths(email: Any, base_url: str) -> set[str]:
    """The paths of all links of an email, each of which is on that host."""
    urls = set(re.findall(r"https?://[^\s<>”]+", email.body))
    assert urls
    assert all(url.startswith(f"{base_url}/") for url in urls), urls
    html, kind = email.alternatives[0]
    assert kind == "text/html"
    assert set(re.findall(r'href="(http[^"]+)"', html)) == urls
    return {url.removeprefix(base_url).partition("#")[0] for url in urls}


def test_a_text_goes_back_and_forth_between_writer_and_coordinator(
    launched: Any, alliance: Any, in_city: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    pk = narrative_id(launched, in_city)
    set_up_alliance_site()
    assert Page.objects.filter(pk=pk).exists()  # another page, at the alliance
    writer = make_user(launched, "contributor", first_name="Dana", last_name="Okoye")
    coordinator = make_user(launched, "coordinator", first_name="Rosa", last_name="Delgado")
    curator_too = make_user(alliance, "library_curator")
    address = f"/cms/pages/{pk}/edit/"

    client_for(launched, writer).post(address, narrative_form() | {"action-submit": "Submit"})
    (request_to_review,) = delivered()
    assert request_to_review.to == [coordinator.email]
    assert request_to_review.reply_to == [writer.email]
    assert request_to_review.from_email.startswith("City of Riverton <")
    assert request_to_review.subject == "Dana Okoye asks you to review “Our narrative”"
    reached = paths(request_to_review, launched.base_url)
    assert address in reached
    for path in reached:
        assert client_for(launched, coordinator).get(path).status_code == 200, path
    # The address of fault: a page of the same id, at another site.
    assert "Editing" in client_for(alliance, curator_too).get(address).text

    with in_city(launched):
        task = NarrativePage.objects.get().current_workflow_task_state
    action = f"/cms/pages/workflow/action/{pk}/{{}}/{{}}/"
    client_for(launched, coordinator).post(
        action.format("reject", task.pk), {"comment": "Who says so?\nAnd when?"}
    )
    (returned,) = delivered()
    assert (returned.to, returned.reply_to) == ([writer.email], [coordinator.email])
    assert returned.subject == "Rosa Delgado asks for changes in “Our narrative”"
    assert "“Who says so?\nAnd when?”" in returned.body
    assert address in paths(returned, launched.base_url)

    client_for(launched, writer).post(address, narrative_form() | {"action-submit": "Submit"})
    delivered()
    with in_city(launched):
        task = NarrativePage.objects.get().current_workflow_task_state
    client_for(launched, coordinator).post(action.format("approve", task.pk))
    (approved,) = delivered()
    assert approved.to == [writer.email]
    assert approved.subject == "“Our narrative” is approved and published"
    assert "/narrative/" in paths(approved, launched.base_url)
    assert "The river bends." in client_for(launched).get("/narrative/").text


def test_when_the_request_fails_no_email_is_sent(
    launched: Any, in_city: Any, client_for: Any, make_user: Any, delivered: Any, monkeypatch: Any
) -> None:
    pk = narrative_id(launched, in_city)
    make_user(launched, "coordinator")
    client = client_for(launched, make_user(launched, "contributor"))
    client.raise_request_exception = False

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("after the email was queued")

    monkeypatch.setattr("wagtail.admin.views.pages.edit.EditView.run_hook", fail)
    response = client.post(f"/cms/pages/{pk}/edit/", narrative_form() | {"action-submit": "Submit"})
    assert response.status_code == 500
    assert delivered() == []


def test_comments_are_told_to_those_who_follow_them(
    launched: Any, in_city: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    pk = narrative_id(launched, in_city)
    rosa = make_user(launched, "coordinator", first_name="Rosa", last_name="Delgado")
    dana = make_user(launched, "contributor", first_name="Dana", last_name="Okoye")
    address = f"/cms/pages/{pk}/edit/"

    def comment(user: Any, rows: list[dict[str, Any]], initial: int = 0, **fields: Any) -> None:
        form = narrative_form(comments=inline_formset(rows, initial=initial), **fields)
        assert client_for(launched, user).post(address, form).status_code == 302

    def row(text: str, **fields: Any) -> dict[str, Any]:
        return {
            "text": text,
            "contentpath": "headline",
            "position": "",
            "replies": inline_formset([]),
            "resolved": "",
            "DELETE": "",
        } | fields

    comment(rosa, [row("Which river?")], comment_notifications=True)
    assert delivered() == []
    with in_city(launched):
        first = Comment.objects.get()
    replies = inline_formset([{"text": "The Bend."}])
    kept = row("Which river?", id=first.pk, replies=replies)
    comment(dana, [kept, row("A & B?")], initial=1)
    (notice,) = delivered()
    assert (notice.to, notice.reply_to) == ([rosa.email], [dana.email])
    assert notice.subject == "Dana Okoye commented on “Our narrative”"
    assert "Replies to “Which river?”:\n– “The Bend.”" in notice.body
    assert "New comments:\n– “A & B?”" in notice.body
    assert address in paths(notice, launched.base_url)


def test_a_person_who_wants_no_such_email_gets_none(
    launched: Any, in_city: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    pk = narrative_id(launched, in_city)
    coordinator, other = make_user(launched, "coordinator"), make_user(launched, "coordinator")
    with in_city(launched):
        profile = UserProfile.get_for_user(coordinator)
        profile.submitted_notifications = False
        profile.save()
    client_for(launched, make_user(launched, "contributor")).post(
        f"/cms/pages/{pk}/edit/", narrative_form() | {"action-submit": "Submit"}
    )
    assert [email.to for email in delivered()] == [[other.email]]


def test_an_item_of_the_library_is_reviewed_at_the_alliance(
    alliance: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    set_up_alliance_site()
    item = LibraryItemFactory(live=False)
    author, curator = make_user(alliance, "library_curator"), make_user(alliance, "staff_admin")
    item.save_revision(user=author)
    item.get_workflow().start(item, author)
    (request_to_review,) = delivered()
    assert request_to_review.to == [curator.email]
    for path in paths(request_to_review, alliance.base_url):
        assert client_for(alliance, curator).get(path).status_code == 200, path
    task = LibraryItem.objects.get().current_workflow_task_state
    client_for(alliance, curator).post(
        f"/cms/snippets/resources/libraryitem/workflow/action/{item.pk}/approve/{task.pk}/"
    )
    (approved,) = delivered()
    assert approved.to == [author.email]
    assert item.get_absolute_url() in paths(approved, alliance.base_url)
