import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from accounts.models import User
from tenants.models import Affiliation, SignInCode
from tenants.people import affiliations
from tenants.signin import sign_in_codes

PASSWORD = "a long enough phrase"


@pytest.fixture
def way_in(alliance, riverton, client_for):
    """way_in(user) signs in at the alliance and returns (browser at the city, answer of the city, address asked)."""

    def go(user, *, next_path="/workspace/"):
        city, portal = client_for(riverton), client_for(alliance)
        out = city.get("/sign-in/", {"next": next_path})
        to_portal = urlsplit(out["Location"])
        assert to_portal.netloc == alliance.host
        portal.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        back = portal.get(to_portal.path + "?" + to_portal.query)
        return city, portal, back

    return go


def arrive(city, back):
    answer = urlsplit(back["Location"])
    return city.get(f"{answer.path}?{answer.query}")


def test_signing_in_at_the_alliance_opens_the_citys_own_session(riverton, make_user, way_in, in_city):
    user = make_user(riverton, "coordinator")
    city, _portal, back = way_in(user, next_path="/workspace/plan/")

    answer = arrive(city, back)

    assert answer["Location"] == "/workspace/plan/"
    assert Affiliation.objects.get(user=user).last_sign_in_at
    with in_city(riverton):
        assert Session.objects.count() == 1
    cookie = answer.cookies["portal"]
    assert cookie["domain"] == ""
    assert cookie["max-age"] == ""
    assert cookie["httponly"]


def test_a_code_works_once(riverton, make_user, way_in):
    city, _portal, back = way_in(make_user(riverton, "viewer"))
    arrive(city, back)
    city.post("/sign-out/")

    again = arrive(city, back)

    assert again.status_code == 403
    assert city.get("/workspace/team/").status_code == 302


def test_a_code_is_nothing_in_another_browser(riverton, make_user, way_in, client_for):
    _city, _portal, back = way_in(make_user(riverton, "viewer"))
    thief = client_for(riverton)
    thief.get("/sign-in/")

    assert arrive(thief, back).status_code == 403
    assert "_auth_user_id" not in thief.session


def test_a_code_is_nothing_at_another_city(riverton, ashford, make_user, way_in, client_for):
    city, _portal, back = way_in(make_user(riverton, "viewer"))
    other = client_for(ashford)
    other.cookies = city.cookies

    assert arrive(other, back).status_code == 403


def test_a_code_dies_after_a_minute(riverton, make_user, way_in):
    city, _portal, back = way_in(make_user(riverton, "viewer"))
    SignInCode.objects.update(expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))

    assert arrive(city, back).status_code == 403


def test_nobody_is_sent_to_another_site(riverton, make_user, way_in):
    for wanted in ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example"):
        city, _portal, back = way_in(make_user(riverton, "viewer"), next_path=wanted)
        assert arrive(city, back)["Location"] == "/workspace/"


def test_who_is_not_on_the_team_gets_no_code(riverton, ashford, make_user, way_in):
    _city, _portal, back = way_in(make_user(ashford, "coordinator"))

    assert back.status_code == 404
    assert not SignInCode.objects.exists()


def test_a_session_of_one_city_is_nothing_at_another(riverton, ashford, make_user, way_in, client_for):
    user = make_user(riverton, "coordinator")
    affiliations.affiliate(user, ashford, roles=["coordinator"], by=None)
    city, _portal, back = way_in(user)
    arrive(city, back)
    other = client_for(ashford)
    other.cookies = city.cookies

    assert city.get("/workspace/team/").status_code == 200
    assert other.get("/workspace/team/")["Location"].startswith("/sign-in/")


def test_signing_out_everywhere_ends_the_sessions_of_every_city(riverton, make_user, way_in):
    city, portal, back = way_in(make_user(riverton, "coordinator"))
    arrive(city, back)
    assert city.get("/workspace/team/").status_code == 200

    portal.post("/sign-out/", {"everywhere": "1"})

    assert city.get("/workspace/team/").status_code == 302
    assert portal.get("/accounts/").status_code == 302


def test_a_person_who_was_deactivated_is_nobody_at_once(riverton, make_user, client_for):
    user = make_user(riverton, "coordinator")
    browser = client_for(riverton, user)
    assert browser.get("/workspace/team/").status_code == 200

    User.objects.filter(pk=user.pk).update(is_active=False)

    assert browser.get("/workspace/team/").status_code == 302


def test_wagtails_own_way_in_leads_to_ours(riverton, alliance, client_for):
    assert client_for(riverton).get("/cms/login/")["Location"].startswith(alliance.base_url)
    assert client_for(alliance).get("/cms/login/")["Location"].startswith("/accounts/login/")
    assert client_for(alliance).get("/cms/password_reset/").status_code in (302, 404)


def test_nobody_signs_up_by_themselves(alliance, client_for):
    answer = client_for(alliance).post(
        "/accounts/signup/", {"email": "me@city.example", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert answer.status_code == 404
    assert not User.objects.filter(email="me@city.example").exists()


def test_old_codes_are_swept_when_new_ones_are_made(riverton, make_user):
    user = make_user(riverton, "viewer")
    sign_in_codes.create_code(user, host=riverton.host, nonce_hash="0" * 64, next_path="/")
    SignInCode.objects.update(expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    sign_in_codes.create_code(user, host=riverton.host, nonce_hash="0" * 64, next_path="/")
    assert SignInCode.objects.count() == 1
    assert connection.schema_name == "public"


def test_the_way_back_carries_no_secret_that_works_by_itself(riverton, make_user, way_in):
    _city, _portal, back = way_in(make_user(riverton, "viewer"))
    code = parse_qs(urlsplit(back["Location"]).query)["code"][0]
    assert not SignInCode.objects.filter(code_hash=code).exists()
