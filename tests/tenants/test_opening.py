"""A jurisdiction is opened whole or not at all."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django_tenants.utils import tenant_context

from tenants.jurisdictions import services
from tenants.models import RESERVED_SLUGS, AuditEvent, Domain, Jurisdiction
from tenants.schemas import clone, inventory
from tenants.signals import jurisdiction_changed, jurisdiction_opened

pytestmark = pytest.mark.django_db

NAMES_LIKE_SQL = [
    "Robert'); DROP TABLE tenants_jurisdiction; --",
    '"; DROP SCHEMA public CASCADE; --',
    "%s %(name)s {0} {name}",
    "$$; SELECT pg_sleep(9); $$",
    "\\'; SELECT 1; --",
    "<script>alert(1)</script>",
    "Ville-d’Été, 市, עיר",
]


def open_city(slug="newtown", name="City of Newtown", **fields):
    return services.open_jurisdiction(name=name, slug=slug, by=None, **fields)


@pytest.fixture
def sent_signals():
    calls = []

    def listen(sender, jurisdiction, **kwargs):
        calls.append((jurisdiction.slug, connection.schema_name, kwargs.get("options")))

    jurisdiction_opened.connect(listen)
    jurisdiction_changed.connect(listen)
    yield calls
    jurisdiction_opened.disconnect(listen)
    jurisdiction_changed.disconnect(listen)


def test_what_opening_makes(sent_signals, alliance, make_user):
    staff = make_user(alliance, "staff_admin")
    jurisdiction = services.open_jurisdiction(
        name="City of Newtown",
        slug="newtown",
        by=staff,
        state="OR",
        timezone="America/Los_Angeles",
        options={"x": 1},
    )

    jurisdiction.refresh_from_db()
    assert (jurisdiction.schema_name, jurisdiction.short_name, jurisdiction.state) == (
        "c_newtown",
        "Newtown",
        "OR",
    )
    assert (jurisdiction.site_state, jurisdiction.entry_stage) == ("not_launched", "onboarding")
    assert Domain.objects.get(domain="newtown.localhost").tenant_id == jurisdiction.pk
    assert inventory.schema_exists("c_newtown")
    event = AuditEvent.objects.get(jurisdiction=jurisdiction, verb="opened")
    assert event.actor == staff
    assert sent_signals == [("newtown", "c_newtown", {"x": 1})]
    assert connection.schema_name == "public"


def test_opening_again_returns_the_existing_one(sent_signals):
    first = open_city(state="MN")
    second = open_city(name="Another name", state="WI")
    assert second.pk == first.pk
    assert (second.name, second.state) == ("City of Newtown", "MN")
    assert len(sent_signals) == 1
    assert AuditEvent.objects.filter(jurisdiction=first).count() == 1


def test_a_missing_host_is_created_again():
    jurisdiction = open_city()
    Domain.objects.filter(tenant=jurisdiction).delete()
    open_city()
    assert Domain.objects.get(domain="newtown.localhost").tenant_id == jurisdiction.pk


def test_a_lost_schema_is_created_again_only_for_a_repair(sent_signals):
    jurisdiction = open_city()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP SCHEMA c_newtown CASCADE")
    with pytest.raises(ValidationError, match="Restore them from a backup"):
        open_city()
    assert not inventory.schema_exists("c_newtown")
    open_city(repair=True)
    assert inventory.schema_exists("c_newtown")
    assert len(sent_signals) == 2
    verbs = AuditEvent.objects.filter(jurisdiction=jurisdiction).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["opened", "repaired"]


def test_a_host_of_another_jurisdiction_is_not_taken(riverton):
    Domain.objects.create(domain="newtown.localhost", tenant=riverton, is_primary=False)
    with pytest.raises(ValidationError, match="City of Riverton"):
        open_city()
    assert not Jurisdiction.objects.filter(slug="newtown").exists()


@pytest.mark.parametrize("name", NAMES_LIKE_SQL)
def test_a_name_with_sql_or_markup_is_stored_as_it_is(name):
    before = Jurisdiction.objects.count()
    jurisdiction = open_city(name=name, short_name=name[:60])
    jurisdiction.refresh_from_db()
    assert jurisdiction.name == name
    assert Jurisdiction.objects.count() == before + 1


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "a b",
        "Newtown",
        "new_town",
        "-newtown",
        "newtown-",
        "new--town",
        "1newtown",
        "newtown;drop",
        "newtown'",
        "newtown\n",
        "ñewtown",
        "n" * 41,
        "c.newtown",
        "../newtown",
        "newtown\0",
    ],
)
def test_an_invalid_slug_is_refused(slug):
    with pytest.raises(ValidationError) as refused:
        open_city(slug=slug)
    assert "slug" in refused.value.message_dict


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_a_reserved_slug_is_refused(slug):
    with pytest.raises(ValidationError) as refused:
        open_city(slug=slug)
    assert slug in refused.value.message_dict["slug"][0]


@pytest.mark.parametrize("slug", ["n", "n" * 40, "a-" * 19 + "bc", "pg-town", "information-schema"])
def test_these_slugs_are_allowed(slug):
    jurisdiction = open_city(slug=slug)
    with tenant_context(jurisdiction), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM wagtailcore_page")
        assert cursor.fetchone()[0] > 0


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("state", "XX", "“XX”"),
        ("geoid", "12a", "“12a”"),
        ("timezone", "Mars/Olympus", "“Mars/Olympus”"),
        ("languages", ["english!"], "“english!”"),
        ("brand_color", "red", "“red”"),
        ("kind", "kingdom", "kingdom"),
        ("short_name", "two\nlines", "line break"),
        ("name", "   ", "spaces"),
        ("name", "with\0nul", "can’t be shown"),
        ("fiscal_year_start_month", 13, "fiscal"),
    ],
)
def test_an_invalid_value_is_refused_and_named(field, value, expected):
    with pytest.raises(ValidationError) as refused:
        open_city(**{field: value})
    assert any(expected in message for message in refused.value.messages), refused.value.messages
    assert not inventory.schema_exists("c_newtown")


def test_an_unknown_field_is_a_type_error():
    with pytest.raises(TypeError, match="schema_name"):
        open_city(schema_name="public")


def test_a_signal_handler_that_fails_leaves_nothing(sent_signals):
    def fail(sender, **kwargs):
        raise RuntimeError("on purpose")

    jurisdiction_opened.connect(fail)
    try:
        with pytest.raises(RuntimeError, match="on purpose"):
            open_city()
    finally:
        jurisdiction_opened.disconnect(fail)
    assert not Jurisdiction.objects.filter(slug="newtown").exists()
    assert not Domain.objects.filter(domain="newtown.localhost").exists()
    assert not inventory.schema_exists("c_newtown")
    assert connection.schema_name == "public"


def test_the_number_of_queries_does_not_depend_on_the_number_of_cities(django_assert_max_num_queries):
    def count(slug):
        with django_assert_max_num_queries(10_000) as queries:
            open_city(slug=slug)
        return len(queries)

    open_city(slug="one")  # fills the caches
    before = count("two")
    for number in range(4):
        open_city(slug=f"more-{number}")
    assert count("three") == before


class TestChange:
    def test_a_change_is_logged_with_its_old_and_new_values(
        self, riverton, sent_signals, make_user, alliance
    ):
        staff = make_user(alliance, "staff_admin")
        services.change_jurisdiction(
            riverton, by=staff, entry_stage="planning", state="MN", short_name="River"
        )
        riverton.refresh_from_db()
        assert (riverton.entry_stage, riverton.short_name) == ("planning", "River")
        event = AuditEvent.objects.get(jurisdiction=riverton, verb="changed")
        assert event.detail == {
            "entry_stage": {"from": "onboarding", "to": "planning"},
            "short_name": {"from": "Riverton", "to": "River"},
        }
        assert sent_signals == [("riverton", "c_riverton", None)]

    def test_nothing_changed_leaves_no_trace(self, riverton, sent_signals):
        services.change_jurisdiction(riverton, by=None, state=riverton.state)
        assert not AuditEvent.objects.filter(jurisdiction=riverton, verb="changed").exists()
        assert sent_signals == []

    def test_an_invalid_value_changes_nothing(self, riverton):
        with pytest.raises(ValidationError):
            services.change_jurisdiction(riverton, by=None, state="XX")
        riverton.refresh_from_db()
        assert riverton.state == "MN"

    def test_slug_and_schema_cannot_change(self, riverton):
        with pytest.raises(TypeError, match="slug"):
            services.change_jurisdiction(riverton, by=None, slug="other")


def test_hosts_follow_the_domain_of_the_cities(riverton, settings):
    settings.CITY_DOMAIN = "equity.example"
    services.set_up_alliance()
    assert Domain.objects.get(domain="riverton.equity.example").tenant_id == riverton.pk
    assert Domain.objects.filter(domain="riverton.localhost").exists()


def test_the_longest_slug_fits_the_longest_schema_name():
    assert clone.validate_schema_name(services.schema_name_for("n" * 40))
