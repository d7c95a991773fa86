"""Sign-in: a code from the alliance opens a session at a city."""

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connection

from accounts.models import User
from tenants.models import Affiliation, SignInCode
from tenants.people import affiliations
from tenants.signin import sign_in_codes

PASSWORD = "a long enough phrase"


@pytest.fixture
def sign_in(alliance, riverton, client_for):
    """sign_in(user): (client at the city, client at the alliance, the alliance's redirect with a code)."""

    def go(user, *, next_path="/workspace/"):
        city, portal = client_for(riverton), client_for(alliance)
        response = city.get("/sign-in/", {"next": next_path})
        authorize_url = urlsplit(response["Location"])
        assert authorize_url.netloc == alliance.host
        portal.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        authorization = portal.get(authorize_url.path + "?" + authorize_url.query)
        return city, portal, authorization

    return go


def follow_redirect(city, authorization):
    target = urlsplit(authorization["Location"])
    return city.get(f"{target.path}?{target.query}")


def test_signing_in_at_the_alliance_opens_the_citys_own_session(riverton, make_user, sign_in, in_city):
    user = make_user(riverton, "coordinator")
    city, _portal, authorization = sign_in(user, next_path="/workspace/plan/")

    response = follow_redirect(city, authorization)

    assert response["Location"] == "/workspace/plan/"
    assert Affiliation.objects.get(user=user).last_sign_in_at
    with in_city(riverton):
        assert Session.objects.count() == 1
    cookie = response.cookies["portal"]
    assert cookie["domain"] == ""
    assert cookie["max-age"] == ""
    assert cookie["httponly"]


def test_a_code_works_once(riverton, make_user, sign_in):
    city, _portal, authorization = sign_in(make_user(riverton, "viewer"))
    follow_redirect(city, authorization)
    city.post("/sign-out/")

    second = follow_redirect(city, authorization)

    assert second.status_code == 403
    assert city.get("/workspace/team/").status_code == 302


def test_a_code_does_not_work_in_another_browser(riverton, make_user, sign_in, client_for):
    _city, _portal, authorization = sign_in(make_user(riverton, "viewer"))
    other_client = client_for(riverton)
    other_client.get("/sign-in/")

    assert follow_redirect(other_client, authorization).status_code == 403
    assert SESSION_KEY not in other_client.session


def test_a_code_does_not_work_at_another_city(riverton, ashford, make_user, sign_in, client_for):
    city, _portal, authorization = sign_in(make_user(riverton, "viewer"))
    other = client_for(ashford)
    other.cookies = city.cookies

    assert follow_redirect(other, authorization).status_code == 403


def test_a_code_expires_after_a_minute(riverton, make_user, sign_in):
    city, _portal, authorization = sign_in(make_user(riverton, "viewer"))
    SignInCode.objects.update(expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))

    assert follow_redirect(city, authorization).status_code == 403


def test_no_sign_in_redirects_to_another_site(riverton, make_user, sign_in):
    for next_path in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        city, _portal, authorization = sign_in(make_user(riverton, "viewer"), next_path=next_path)
        assert follow_redirect(city, authorization)["Location"] == "/workspace/"


def test_a_user_who_is_not_on_the_team_gets_no_code(riverton, ashford, make_user, sign_in):
    _city, _portal, authorization = sign_in(make_user(ashford, "coordinator"))

    assert authorization.status_code == 404
    assert not SignInCode.objects.exists()


def test_a_session_of_one_city_does_not_work_at_another(riverton, ashford, make_user, sign_in, client_for):
    user = make_user(riverton, "coordinator")
    affiliations.affiliate(user, ashford, roles=["coordinator"], by=None)
    city, _portal, authorization = sign_in(user)
    follow_redirect(city, authorization)
    other = client_for(ashford)
    other.cookies = city.cookies

    assert city.get("/workspace/team/").status_code == 200
    assert other.get("/workspace/team/")["Location"].startswith("/sign-in/")


def test_signing_out_everywhere_ends_the_sessions_of_every_city(riverton, make_user, sign_in):
    city, portal, authorization = sign_in(make_user(riverton, "coordinator"))
    follow_redirect(city, authorization)
    assert city.get("/workspace/team/").status_code == 200

    portal.post("/sign-out/", {"everywhere": "1"})

    assert city.get("/workspace/team/").status_code == 302
    assert portal.get("/accounts/").status_code == 302


def test_a_deactivated_user_loses_access_at_once(riverton, make_user, client_for):
    user = make_user(riverton, "coordinator")
    client = client_for(riverton, user)
    assert client.get("/workspace/team/").status_code == 200

    User.objects.filter(pk=user.pk).update(is_active=False)

    assert client.get("/workspace/team/").status_code == 302


def test_wagtails_login_redirects_to_the_sign_in(riverton, alliance, client_for):
    assert client_for(riverton).get("/cms/login/")["Location"].startswith(alliance.base_url)
    assert client_for(alliance).get("/cms/login/")["Location"].startswith("/accounts/login/")
    assert client_for(alliance).get("/cms/password_reset/").status_code in (302, 404)


def test_there_is_no_sign_up_without_an_invitation(alliance, client_for):
    response = client_for(alliance).post(
        "/accounts/signup/", {"email": "me@city.example", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert response.status_code == 404
    assert not User.objects.filter(email="me@city.example").exists()


def test_old_codes_are_deleted_when_a_new_one_is_created(riverton, make_user):
    user = make_user(riverton, "viewer")
    sign_in_codes.create_code(user, host=riverton.host, nonce_hash="0" * 64, next_path="/")
    SignInCode.objects.update(expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    sign_in_codes.create_code(user, host=riverton.host, nonce_hash="0" * 64, next_path="/")
    assert SignInCode.objects.count() == 1
    assert connection.schema_name == "public"


def test_only_the_hash_of_a_code_is_stored(riverton, make_user, sign_in):
    _city, _portal, authorization = sign_in(make_user(riverton, "viewer"))
    code = parse_qs(urlsplit(authorization["Location"]).query)["code"][0]
    assert not SignInCode.objects.filter(code_hash=code).exists()
