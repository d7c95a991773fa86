"""Emails about an account, and the pages that send them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django_tasks_db.models import DBTaskResult

from tenants.jobs.runner import run_due_jobs
from tests.people.test_sign_in import PASSWORD

NEW_PASSWORD = "seven quiet green rivers"
RULE = "At least 12 characters."


@pytest.fixture
def delivered(db: None, mailoutbox: list[Any]) -> Any:
    """delivered() runs the jobs and returns the emails sent since it was last called."""
    DBTaskResult.objects.all().delete()

    def deliver() -> list[Any]:
        mailoutbox.clear()
        run_due_jobs()
        return list(mailoutbox)

    return deliver


def links(email: Any) -> list[str]:
    return re.findall(r"https?://[^\s<>]+", email.body)


def test_a_forgotten_password_is_replaced_by_the_link_of_an_email(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    user = make_user(riverton, "coordinator", first_name="Tom", last_name="Alvarez")
    elsewhere = client_for(riverton, user)
    client = client_for(alliance)

    form = client.get("/accounts/password/reset/").text
    assert "placeholder" not in form.partition("<form")[2]
    answer = client.post("/accounts/password/reset/", {"email": user.email.upper()})
    assert answer["Location"] == "/accounts/password/reset/done/"
    assert "one hour" in client.get(answer["Location"]).text

    (email,) = delivered()
    assert email.subject == f"Set a new password for {settings.ALLIANCE_NAME}"
    assert email.from_email == f"{settings.ALLIANCE_NAME} <{settings.DEFAULT_FROM_EMAIL}>"
    assert "Hello Tom," in email.body
    assert "The link expires at" in email.body
    link, home = links(email)
    assert home == f"{alliance.base_url}/"
    path = link.removeprefix(alliance.base_url)

    page = client.get(path, follow=True)
    assert page.text.count(RULE) == 1
    assert page.text.count('type="password"') == 1
    refused = client.post(page.redirect_chain[-1][0], {"password1": "password"})
    assert "too short" in refused.text
    assert "too common" not in refused.text  # one thing at a time
    done = client.post(page.redirect_chain[-1][0], {"password1": NEW_PASSWORD}, follow=True)
    assert "Your new password is set" in done.text

    (notice,) = delivered()
    assert notice.to == [user.email]
    assert notice.subject == f"Your new password for {settings.ALLIANCE_NAME} is set"
    user.refresh_from_db()
    assert user.check_password(NEW_PASSWORD)
    elsewhere.get("/workspace/")
    assert SESSION_KEY not in elsewhere.session
    assert "expired or was already used" in client_for(alliance).get(path, follow=True).text


def test_a_link_to_a_new_password_works_for_one_hour(
    alliance: Any, client_for: Any, make_user: Any, delivered: Any, monkeypatch: Any
) -> None:
    client_for(alliance).post("/accounts/password/reset/", {"email": make_user().email})
    path = links(delivered()[0])[0].removeprefix(alliance.base_url)
    now = dt.datetime.now()  # noqa: DTZ005  like the token generator
    for minutes, works in [(59, True), (61, False)]:
        later = now + dt.timedelta(minutes=minutes)
        monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda _self, later=later: later)
        text = client_for(alliance).get(path, follow=True).text
        assert ("Save my new password" in text) == works, minutes


def test_an_unknown_address_is_told_so_by_email_alone(
    alliance: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    make_user(email="known@city.example")
    answers = []
    for address in ("known@city.example", "unknown@city.example"):
        client = client_for(alliance)
        client.post("/accounts/password/reset/", {"email": address})
        answers.append(client.get("/accounts/password/reset/done/").text)
    assert answers[0] == answers[1]
    known, unknown = delivered()
    assert unknown.to == ["unknown@city.example"]
    assert "no account uses this address" in unknown.body
    assert links(unknown) == [f"{alliance.base_url}/"]
    assert len(links(known)) == 2


def test_a_changed_password_is_told_and_ends_the_other_sessions(
    alliance: Any, riverton: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    user = make_user(riverton, "coordinator")
    here, elsewhere = client_for(alliance, user), client_for(riverton, user)
    page = here.get("/accounts/password/change/")
    assert page.text.count(RULE) == 1
    assert page.text.count('type="password"') == 2

    here.post("/accounts/password/change/", {"oldpassword": "wrong", "password1": NEW_PASSWORD})
    assert delivered() == []

    here.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW_PASSWORD})
    (email,) = delivered()
    assert email.to == [user.email]
    assert email.subject == f"Your password for {settings.ALLIANCE_NAME} was changed"
    assert links(email)[0] == alliance.build_url("account_reset_password")
    assert here.get("/accounts/").status_code == 200
    elsewhere.get("/workspace/")
    assert SESSION_KEY not in elsewhere.session


def test_a_first_password_is_told(alliance: Any, client_for: Any, make_user: Any, delivered: Any) -> None:
    user = make_user()
    user.set_unusable_password()
    user.save()
    client = client_for(alliance, user)
    assert client.get("/accounts/password/set/").text.count(RULE) == 1
    client.post("/accounts/password/set/", {"password1": NEW_PASSWORD})
    (email,) = delivered()
    assert email.subject == f"Your account at {settings.ALLIANCE_NAME} now has a password"


def test_who_asks_too_often_is_told_so_in_a_page_of_the_portal(
    alliance: Any, client_for: Any, make_user: Any, delivered: Any
) -> None:
    client, email = client_for(alliance), make_user().email
    for _number in range(5):
        assert client.post("/accounts/password/reset/", {"email": email}).status_code == 302
    refused = client.post("/accounts/password/reset/", {"email": email})
    assert refused.status_code == 429
    assert "Too many attempts" in refused.text
    assert "Skip to main content" in refused.text
    assert len(delivered()) == 5
