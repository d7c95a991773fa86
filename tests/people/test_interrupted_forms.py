"""Forms that are sent without a session, or with the token of an earlier one: the text comes back, nothing is saved."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tenants.interrupted import KEPT_FIELD, PERSON_HEADER, TOKEN_HEADER
from tenants.models import Jurisdiction
from tenants.plans.models import Action, Goal
from tests.access.addresses import ALLIANCE, CITY, addresses
from tests.access.rollback_requests import FORM_DATA, rollback_requests
from tests.access.scenario import make_scenario

ADD_GOAL = "/workspace/plan/goals/add/"
TEXT = "Fair pay <in every department>\nand on time"


def origin(jurisdiction: Any) -> dict[str, str]:
    return {"origin": f"http://{jurisdiction.host}", "referer": f"http://{jurisdiction.host}{ADD_GOAL}"}


FORM = "application/x-www-form-urlencoded"  # field names of any length


def goals(in_city: Any, riverton: Any) -> int:
    with in_city(riverton):
        return Goal.objects.count()


def inputs(html: str) -> dict[str, list[str]]:
    """The hidden inputs of a page."""
    values: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden"\s+name="([^"]*)"\s+value="([^"]*)"', html):
        values.setdefault(name, []).append(value.replace("&lt;", "<").replace("&gt;", ">"))
    return values


@pytest.fixture
def coordinator(make_user, riverton):
    return make_user(riverton, "coordinator", first_name="Rosa", last_name="Delgado")


# ---- Without a session -----------------------------------------------------------------------------------
def test_the_text_comes_back_and_can_be_saved_after_signing_in(client_for, riverton, coordinator, in_city):
    before = goals(in_city, riverton)
    data = {"title": TEXT, "story": "Since 2024", "label": "Goal 9"}
    refused = client_for(riverton).post(ADD_GOAL, data, headers=origin(riverton))

    assert refused.status_code == 401
    assert "Not saved: you were signed out" in refused.text
    assert "Fair pay &lt;in every department&gt;<br>and on time" in refused.text
    assert "Since 2024" in refused.text
    assert 'href="/sign-in/?next=%2Fsign-in%2Fback-to-your-text%2F"' in refused.text
    assert "no-store" in refused["Cache-Control"]

    kept = inputs(refused.text)
    assert kept["title"] == [TEXT]
    again = client_for(riverton, coordinator).post(ADD_GOAL, kept, headers=origin(riverton))

    assert again.status_code == 200
    assert "You are signed in as Rosa Delgado. Your text is not saved yet" in again.text
    assert again.context["form"]["title"].value() == TEXT
    assert goals(in_city, riverton) == before
    saved = client_for(riverton, coordinator).post(ADD_GOAL, data)
    assert saved.status_code == 302
    assert goals(in_city, riverton) == before + 1


def test_kept_text_that_is_brought_back_too_early_is_kept_again(client_for, riverton):
    response = client_for(riverton).post(ADD_GOAL, {"title": TEXT, KEPT_FIELD: "1"}, headers=origin(riverton))
    assert response.status_code == 401
    assert inputs(response.text)["title"] == [TEXT]


def test_kept_text_of_another_site_is_refused(client_for, riverton, coordinator, in_city):
    before = goals(in_city, riverton)
    client = client_for(riverton, coordinator)
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {}):
        response = client.post(ADD_GOAL, {"title": TEXT, KEPT_FIELD: "1"}, headers=headers)
        assert response.status_code == 403
        assert "Fair pay" not in response.text
    assert goals(in_city, riverton) == before


def test_passwords_are_never_kept_and_files_are_named(client_for, riverton):
    response = client_for(riverton).post(
        "/workspace/settings/",
        {
            "tagline": "A fair city",
            "old_password": "hush hush",
            "newPassword2": "hush hush",
            "logo": SimpleUploadedFile("seal.png", b"PNG"),
        },
        headers=origin(riverton),
    )
    assert response.status_code == 401
    assert "A fair city" in response.text
    assert "hush" not in response.text
    assert "Files cannot be kept. Choose again:" in response.text
    assert "seal.png" in response.text


def test_text_that_is_too_long_is_not_kept(client_for, riverton):
    sent = {"title": '"' * 3_000_000, "story": "Since 2024", "x" * 200_000: "y", "_" * 200_000: "z"}
    response = client_for(riverton).post(ADD_GOAL, urlencode(sent), FORM, headers=origin(riverton))
    assert response.status_code == 401
    assert len(response.content) < 1_000_000
    assert "Your text is too long to keep." in response.text
    assert "Since 2024" in response.text
    assert "Continue with my text" not in response.text
    assert "continue with your text" not in response.text
    assert "Your text is on this page" not in response.text
    assert not inputs(response.text)


def test_many_long_texts_are_not_kept_either(client_for, riverton):
    sent = {f"row-{number}-text": '"' * 1000 for number in range(1000)}
    response = client_for(riverton).post(ADD_GOAL, sent, headers=origin(riverton))
    assert response.status_code == 401
    assert len(response.content) < 3_000_000
    assert "Your text is too long to keep." in response.text


def test_a_long_text_is_kept(client_for, riverton):
    text = "a b " * 70_000
    response = client_for(riverton).post(ADD_GOAL, {"title": text}, headers=origin(riverton))
    assert inputs(response.text)["title"] == [text]
    assert "too long" not in response.text


def test_a_field_may_have_any_name(client_for, riverton):
    name = "a-" + "9" * 5000 + "-b"
    response = client_for(riverton).post(ADD_GOAL, urlencode({name: TEXT}), FORM, headers=origin(riverton))
    assert response.status_code == 401
    assert inputs(response.text)[name] == [TEXT]


def test_choices_that_can_be_several_are_all_kept(client_for, riverton):
    data = {"roles": ["viewer", "contributor"], "email": "ava@city.example"}
    response = client_for(riverton).post(
        "/workspace/team/invite/",
        data,
        headers={
            "origin": f"http://{riverton.host}",
            "referer": f"http://{riverton.host}/workspace/team/invite/",
        },
    )
    assert inputs(response.text)["roles"] == ["viewer", "contributor"]


def test_a_button_without_text_leads_back_to_its_page(client_for, riverton, in_city):
    with in_city(riverton):
        action = Action.objects.first()
    editor = f"http://{riverton.host}/workspace/plan/?goal=1"
    response = client_for(riverton).post(
        f"/workspace/plan/action/{action.uuid}/move/", {"direction": "up"}, headers={"referer": editor}
    )
    assert response.status_code == 401
    assert 'href="/workspace/plan/?goal=1"' in response.text
    assert "What you wrote" not in response.text


def test_a_page_of_another_site_is_not_linked(client_for, riverton):
    response = client_for(riverton).post(
        ADD_GOAL, {"title": TEXT}, headers={"referer": "https://evil.example/x"}
    )
    assert "evil.example" not in response.text


def test_the_forms_of_the_alliance_keep_their_text_too(client_for, alliance, make_user):
    address, data = "/staff/jurisdictions/new/", {"name": "City of Elm Ford", "slug": "elm-ford"}
    headers = {"origin": f"http://{alliance.host}", "referer": f"http://{alliance.host}{address}"}
    refused = client_for(alliance).post(address, data, headers=headers)
    assert refused.status_code == 401
    assert "City of Elm Ford" in refused.text
    staff = client_for(alliance, make_user(alliance, "staff_admin"))
    again = staff.post(address, inputs(refused.text), headers=headers)
    assert again.context["form"]["name"].value() == "City of Elm Ford"
    assert not Jurisdiction.objects.filter(slug="elm-ford").exists()


def test_a_page_is_opened_by_signing_in_as_before(client_for, riverton):
    response = client_for(riverton).get(ADD_GOAL)
    assert response["Location"] == "/sign-in/?next=%2Fworkspace%2Fplan%2Fgoals%2Fadd%2F"


@pytest.mark.parametrize("method", ["get", "post"])
def test_htmx_without_a_session_gets_401_and_no_redirect(client_for, riverton, method):
    client = client_for(riverton)
    response = getattr(client, method)(ADD_GOAL, headers={"hx-request": "true"})
    assert (response.status_code, response.content) == (401, b"")


# ---- No view saves text that is brought back -------------------------------------------------------------
@pytest.mark.parametrize("urlconf", [CITY, ALLIANCE])
def test_no_view_writes_when_text_is_brought_back(
    riverton, ashford, alliance, make_user, client_for, keep_hosts_cached, urlconf
):
    scenario = make_scenario(
        riverton, other=ashford, alliance=alliance, make_user=make_user, client_for=client_for
    )
    keep_hosts_cached()
    host = riverton if urlconf == CITY else alliance
    client = client_for(host, make_user(host, "coordinator" if urlconf == CITY else "staff_admin"))
    marked = [address for address in addresses(urlconf) if getattr(address.view, "keeps_text", False)]
    assert len(marked) > 5
    data = FORM_DATA | {
        KEPT_FIELD: "1",
        "email": "new@city.example",
        "text": "Taken",
        "on": "2026-03-01",
        "status": "completed",
        "body": "Council",
        "visibility": "public",
        "confirmed": "on",
    }
    statuses = {}
    with rollback_requests() as request:
        for address in marked:
            path = address.path(scenario.values_for(address.name, host))
            client.defaults["HTTP_ORIGIN"] = f"http://{host.host}"
            with CaptureQueriesContext(connection) as queries:
                statuses[address.name] = request(client, "post", path, data).status_code
            writes = [q["sql"] for q in queries if re.match(r"(INSERT|UPDATE|DELETE)", q["sql"])]
            assert not writes, f"{address.name}: {writes}"
    assert set(statuses.values()) <= {200, 302, 404, 405, 422}, (
        statuses
    )  # 404: the alliance has no coordinator
    assert sum(status in (200, 422) for status in statuses.values()) > len(statuses) / 2, statuses


# ---- A token of an earlier session -----------------------------------------------------------------------
@pytest.fixture
def strict_client(client_for, riverton, coordinator):
    """A coordinator's browser whose CSRF tokens are checked."""
    client = client_for(riverton, coordinator)
    client.handler.enforce_csrf_checks = True
    return client


def test_a_form_with_an_old_token_gives_its_text_back(strict_client, riverton, in_city):
    before = goals(in_city, riverton)
    response = strict_client.post(ADD_GOAL, {"title": TEXT}, headers=origin(riverton))
    assert response.status_code == 403
    assert "Not saved: this form is out of date" in response.text
    kept = inputs(response.text)
    assert kept["title"] == [TEXT]
    again = strict_client.post(ADD_GOAL, kept, headers=origin(riverton))
    assert again.status_code == 200
    assert again.context["form"]["title"].value() == TEXT
    assert goals(in_city, riverton) == before


def test_a_form_with_an_old_token_and_no_session_says_that_it_is_signed_out(client_for, riverton):
    client = client_for(riverton)
    client.handler.enforce_csrf_checks = True
    response = client.post(ADD_GOAL, {"title": TEXT}, headers=origin(riverton))
    assert response.status_code == 401
    assert "Not saved: you were signed out" in response.text


def test_a_form_of_another_site_puts_no_words_on_the_page(strict_client):
    for headers in ({"origin": "https://evil.example"}, {}):
        response = strict_client.post(ADD_GOAL, {"title": TEXT}, headers=headers)
        assert response.status_code == 403
        assert "Fair pay" not in response.text


def test_a_form_of_allauth_with_an_old_token_keeps_no_password(client_for, alliance):
    client = client_for(alliance)
    client.handler.enforce_csrf_checks = True
    response = client.post(
        "/accounts/login/",
        {"login": "rosa@city.example", "password": "hush hush hush"},
        headers={"origin": f"http://{alliance.host}"},
    )
    assert response.status_code == 403
    assert "rosa@city.example" in response.text
    assert "hush" not in response.text
    assert "Continue with my text" not in response.text


def test_htmx_gets_a_new_token_only_for_the_person_of_its_page(
    strict_client, client_for, riverton, coordinator, in_city
):
    before = goals(in_city, riverton)
    own = origin(riverton) | {"hx-request": "true", PERSON_HEADER: str(coordinator.pk)}
    response = strict_client.post(ADD_GOAL, {"title": TEXT}, headers=own)
    assert response.status_code == 403
    token = response[TOKEN_HEADER]
    for wrong in ({PERSON_HEADER: str(coordinator.pk + 1)}, {"origin": "https://evil.example"}):
        refused = strict_client.post(ADD_GOAL, {"title": TEXT}, headers=own | wrong)
        assert refused.status_code == 403
        assert TOKEN_HEADER not in refused
    assert goals(in_city, riverton) == before
    assert (
        strict_client.post(ADD_GOAL, {"title": TEXT, "csrfmiddlewaretoken": token}, headers=own).status_code
        == 302
    )
    anonymous = client_for(riverton)
    anonymous.handler.enforce_csrf_checks = True
    assert anonymous.post(ADD_GOAL, {"title": TEXT}, headers=own).status_code == 401


# ---- Gone, or an error of the portal ---------------------------------------------------------------------
def test_text_for_a_page_that_has_closed_comes_back_and_tells_nothing_else(client_for, riverton, make_user):
    client = client_for(riverton, make_user(riverton, "viewer"))
    texts = []
    for path in (ADD_GOAL, "/workspace/no-such-page/"):
        response = client.post(path, {"title": TEXT}, headers=origin(riverton))
        assert response.status_code == 404
        assert "Not saved: this page was removed, or you no longer have access" in response.text
        assert "Fair pay" in response.text
        texts.append(response.text)
    assert texts[0] == texts[1]
    foreign = client.post(ADD_GOAL, {"title": TEXT}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 404
    assert "Fair pay" not in foreign.text
    assert "We could not find that page" in client.get(ADD_GOAL).text


def test_text_comes_back_after_an_error_of_the_portal(
    client_for, riverton, coordinator, in_city, monkeypatch
):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("tenants.plans.services.add_goal", fail)
    client = client_for(riverton, coordinator)
    client.raise_request_exception = False
    response = client.post(ADD_GOAL, {"title": TEXT}, headers=origin(riverton))
    assert response.status_code == 500
    assert "Not saved: something went wrong on our side" in response.text
    again = client.post(ADD_GOAL, inputs(response.text), headers=origin(riverton))
    assert again.context["form"]["title"].value() == TEXT
    foreign = client.post(ADD_GOAL, {"title": TEXT}, headers={"origin": "https://evil.example"})
    assert foreign.status_code == 500
    assert "Fair pay" not in foreign.text


# ---- The sign-in says why --------------------------------------------------------------------------------
def test_the_sign_in_says_why_somebody_is_there(client_for, alliance):
    login = reverse("account_login", urlconf=ALLIANCE)
    client = client_for(alliance)
    assert "has ended" not in client.get(login).text
    assert "has ended" not in client.get("/sign-in/", follow=True).text
    assert "that session has ended" in client.get(login, {"next": "/staff/"}).text
    waiting = client.get(
        login, {"next": "/sign-in/for/riverton/?next=%2Fsign-in%2Fback-to-your-text%2F"}
    ).text
    assert "Sign in to finish saving" in waiting


def test_signing_in_leaves_no_message_behind(client_for, alliance, make_user):
    user, client = make_user(alliance, "staff_admin"), client_for(alliance)
    response = client.post(
        "/accounts/login/", {"login": user.email, "password": "a long enough phrase"}, follow=True
    )
    assert response.status_code == 200
    assert "Successfully signed in" not in response.text
    assert not list(response.context["messages"])


def test_the_page_after_signing_in_sends_back_to_the_other_tab(client_for, riverton, alliance, make_user):
    for host in (riverton, alliance):
        role = "viewer" if host == riverton else "staff_admin"
        text = client_for(host, make_user(host, role)).get("/sign-in/back-to-your-text/").text
        assert "Go back to the tab with your text" in text
