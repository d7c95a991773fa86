"""robots.txt, sitemap.xml, favicon.ico and security.txt, on each kind of host."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from PIL import Image

from tenants.jurisdictions import logos, services
from tenants.models import Jurisdiction
from tenants.web.checks import check_security_contact

pytestmark = pytest.mark.django_db

FILES = ("/robots.txt", "/sitemap.xml", "/favicon.ico", "/.well-known/security.txt")


@pytest.fixture
def city(riverton: Any) -> Any:
    services.set_site_state(riverton, state=Jurisdiction.SiteState.LAUNCHED, by=None)
    return Jurisdiction.objects.get(pk=riverton.pk)


@pytest.fixture
def get(client_for: Any) -> Callable[..., Any]:
    return lambda jurisdiction, path, user=None: client_for(jurisdiction, user).get(path)


# ---- Four files on four hosts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "statuses"),
    [
        ("alliance", (200, 200, 200, 200)),
        ("city", (200, 200, 200, 200)),
        ("riverton", (200, 404, 200, 200)),  # before its launch
        ("unknown", (404, 404, 404, 404)),
    ],
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_four_files_on_four_hosts(
    request: Any, client_for: Any, host: str, statuses: tuple[int, ...], method: str
) -> None:
    client = Client(headers={"host": "nowhere.localhost"})
    if host != "unknown":
        client = client_for(request.getfixturevalue(host))
    responses = [getattr(client, method)(path) for path in FILES]
    assert tuple(response.status_code for response in responses) == statuses
    if host == "unknown":
        assert method == "head" or all(
            "<h1>There is no site at this address</h1>" in response.text for response in responses
        )
    elif statuses[1] == 200:
        types = [response["Content-Type"] for response in responses]
        assert types == [
            "text/plain; charset=utf-8", "application/xml", "image/x-icon", "text/plain; charset=utf-8",
        ]  # fmt: skip
    if method == "head":
        assert [response.content for response in responses] == [b""] * 4


@pytest.mark.parametrize("path", FILES)
def test_nobody_writes_to_them(city: Any, client_for: Any, path: str) -> None:
    assert client_for(city).post(path).status_code == 405


# ---- robots.txt --------------------------------------------------------------------------------------------


def crawler(response: Any) -> RobotFileParser:
    parser = RobotFileParser()
    parser.parse(response.text.splitlines())
    return parser


def test_a_launched_city_lets_crawlers_read_its_public_pages(city: Any, get: Any) -> None:
    response = get(city, "/robots.txt")
    robots = crawler(response)
    for path in ("/", "/plan/", "/plan/actions/t1/", "/data/", "/narrative/", "/contact/", "/sitemap.xml"):
        assert robots.can_fetch("*", path), path
    for path in ("/workspace/", "/workspace/plan/", "/cms/", "/sign-in/?next=/"):
        assert not robots.can_fetch("*", path), path
    assert robots.site_maps() == [f"{city.base_url}/sitemap.xml"]
    assert response["Cache-Control"] == "public, max-age=600"
    assert "/staff/" not in response.text  # names what this host has


def test_the_alliance_keeps_crawlers_out_of_search_results(alliance: Any, get: Any) -> None:
    robots = crawler(get(alliance, "/robots.txt"))
    for path in ("/", "/jurisdictions/", "/progress/", "/library/", "/library/a-key/", "/api/v1/docs"):
        assert robots.can_fetch("*", path), path
    for path in (
        "/search?q=fines",
        "/search/?q=fines",
        "/search/suggest/?q=fi",
        "/accounts/",
        "/cms/",
        "/staff/",
    ):
        assert not robots.can_fetch("*", path), path
    assert robots.site_maps() == [f"{alliance.base_url}/sitemap.xml"]


def test_addresses_are_those_that_visitors_use(city: Any, get: Any, settings: Any) -> None:
    settings.PORTAL_SCHEME, settings.PORTAL_PORT = "https", "8443"
    address = "https://riverton.localhost:8443"
    assert f"\nSitemap: {address}/sitemap.xml\n" in get(city, "/robots.txt").text
    assert f"<loc>{address}/privacy/</loc>" in get(city, "/sitemap.xml").text
    assert f"\nCanonical: {address}/.well-known/security.txt\n" in get(city, FILES[3]).text


def assert_closed_to_crawlers(response: Any) -> None:
    robots = crawler(response)
    assert not robots.can_fetch("*", "/")
    assert not robots.can_fetch("*", "/plan/")
    assert robots.site_maps() is None


@pytest.mark.parametrize("state", ["not_launched", "scheduled"])
def test_before_the_launch_crawlers_stay_out_and_there_is_no_sitemap_even_for_the_team(
    riverton: Any, get: Any, make_user: Any, state: str
) -> None:
    services.set_site_state(riverton, state=state, by=None)
    for user in (None, make_user(riverton, "coordinator")):
        assert_closed_to_crawlers(get(riverton, "/robots.txt", user))
        assert get(riverton, "/sitemap.xml", user).status_code == 404


def test_a_sample_city_is_not_indexed(city: Any, ashford: Any, get: Any) -> None:
    assert 'name="robots"' not in get(city, "/").text
    Jurisdiction.objects.filter(pk=city.pk).update(is_sample=True)
    services.set_site_state(ashford, state="launched", by=None)
    assert_closed_to_crawlers(get(city, "/robots.txt"))
    assert '<meta name="robots" content="noindex">' in get(city, "/").text
    assert crawler(get(ashford, "/robots.txt")).can_fetch("*", "/")


def test_a_demo_is_not_indexed(city: Any, alliance: Any, get: Any, settings: Any) -> None:
    settings.DEMO = True
    for host in (city, alliance):
        assert_closed_to_crawlers(get(host, "/robots.txt"))
        assert '<meta name="robots" content="noindex">' in get(host, "/").text


# ---- favicon.ico -------------------------------------------------------------------------------------------


@pytest.fixture
def with_logo(city: Any, media_folder: Any) -> Any:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    return logos.change_logo(city, content=ContentFile(picture.getvalue()).read(), by=None)


def test_the_icon_is_the_portals_mark(city: Any, riverton: Any, alliance: Any, get: Any) -> None:
    response = get(alliance, "/favicon.ico")
    assert response["Cache-Control"] == "public, max-age=600"
    assert len(response.content) < 8_000
    assert Image.open(io.BytesIO(response.content)).format == "ICO"
    assert get(city, "/favicon.ico").content == response.content


def test_the_icon_of_a_city_is_its_logo_from_the_launch_on(
    with_logo: Any, alliance: Any, get: Any, in_city: Any
) -> None:
    with in_city(with_logo):
        url = with_logo.logo.url
    response = get(with_logo, "/favicon.ico")
    assert (response.status_code, response["Location"]) == (302, url)
    assert response["Cache-Control"] == "public, max-age=600"
    logo = get(with_logo, url)
    assert (logo.status_code, logo["Content-Type"]) == (200, "image/png")
    assert f'<link rel="icon" href="{url}">' in get(with_logo, "/").text

    services.set_site_state(with_logo, state="not_launched", by=None)
    assert get(with_logo, "/favicon.ico").content == get(alliance, "/favicon.ico").content
    page = get(with_logo, "/")
    assert (page.status_code, url in page.text) == (404, False)
    assert get(with_logo, url).status_code == 404


# ---- security.txt ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["alliance", "city", "riverton"])
def test_security_txt_says_where_to_report_a_weakness(
    request: Any, get: Any, settings: Any, host: str
) -> None:
    jurisdiction = request.getfixturevalue(host)
    settings.SECURITY_CONTACT = ["mailto:security@alliance.example", "https://alliance.example/report"]
    settings.SECURITY_POLICY = ["https://alliance.example/security"]
    with time_machine.travel(dt.datetime(2027, 4, 8, 3, tzinfo=dt.UTC), tick=False):
        response = get(jurisdiction, "/.well-known/security.txt")
    assert response.text == (
        "Contact: mailto:security@alliance.example\n"
        "Contact: https://alliance.example/report\n"
        "Expires: 2027-10-05T00:00:00Z\n"
        "Preferred-Languages: en\n"
        f"Canonical: {jurisdiction.base_url}/.well-known/security.txt\n"
        "Policy: https://alliance.example/security\n"
    )
    assert response["Cache-Control"] == "public, max-age=600"


def test_security_txt_expires_within_a_year(alliance: Any, get: Any) -> None:
    text = get(alliance, "/.well-known/security.txt").text
    expires = dt.datetime.fromisoformat(re.search("^Expires: (.*)$", text, re.MULTILINE)[1])
    left = expires - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=90) < left < dt.timedelta(days=365)
    assert "Policy" not in text


def test_without_a_contact_there_is_no_security_txt_and_the_check_says_so(
    alliance: Any, get: Any, settings: Any
) -> None:
    assert check_security_contact(None) == []
    settings.SECURITY_CONTACT = []
    assert get(alliance, "/.well-known/security.txt").status_code == 404
    output = io.StringIO()
    call_command("check", "--deploy", "--tag", "security", stderr=output, stdout=output)
    assert "tenants.W001" in output.getvalue()
    assert "HINT: Set SECURITY_CONTACT" in output.getvalue()
    plain = io.StringIO()
    call_command("check", stderr=plain, stdout=plain)
    assert "tenants.W001" not in plain.getvalue()
