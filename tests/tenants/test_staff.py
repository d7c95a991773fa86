"""Alliance staff open and manage jurisdictions, on pages and with the command."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from tenants.jurisdictions import services
from tenants.models import Affiliation, AuditEvent, Invitation, Jurisdiction
from tenants.people import affiliations, invitations
from tenants.staff.forms import NewJurisdictionForm
from tenants.staff.selectors import recent_events
from tenants.web.filters import field_label

pytestmark = pytest.mark.django_db

NEW = {
    "name": "City of Newtown",
    "slug": "newtown",
    "kind": "city",
    "state": "OR",
    "timezone": "America/Los_Angeles",
    "languages": "en",
    "other_languages": ["es"],
    "fiscal_year_start_month": "7",
    "entry_stage": "onboarding",
}


@pytest.fixture
def staff(alliance, make_user, client_for):
    return client_for(alliance, make_user(alliance, "staff_onboarding"))


class TestList:
    def test_every_jurisdiction_is_listed_with_its_stage_and_coordinator(self, staff, riverton, make_user):
        Jurisdiction.objects.filter(pk=riverton.pk).update(entry_stage="planning", site_state="launched")
        coordinator = make_user(riverton, "coordinator", first_name="Ines", last_name="Okafor")
        Affiliation.objects.filter(user=coordinator).update(
            last_sign_in_at=dt.datetime(2026, 3, 4, 18, tzinfo=dt.UTC)
        )
        page = staff.get("/staff/").content.decode()
        for text in ("City of Riverton", "City of Ashford", "Millbrook County", "Planning", "Launched"):
            assert text in page
        assert "Ines Okafor" in page
        assert "March 4, 2026" in page
        assert "Template of a new city" not in page

    @pytest.mark.parametrize(
        ("query", "slugs"),
        [("river", {"riverton"}), ("RIVER", {"riverton"}), ("mn", {"riverton", "ashford", "millbrook"}),
         ("%", set()), ("'; DROP", set()), ("\0river", {"riverton"})],
    )  # fmt: skip
    def test_search(self, staff, query, slugs):
        lines = staff.get("/staff/", {"q": query}).context["rows"]
        assert {line["jurisdiction"].slug for line in lines} == slugs

    @pytest.mark.parametrize(
        ("query", "slugs"),
        [
            ({"stage": "planning"}, {"riverton"}),
            ({"site": "launched"}, {"riverton", "ashford"}),
            ({"site": "launched", "stage": "onboarding"}, {"ashford"}),
            ({"stage": "planning", "q": "ash"}, set()),
            ({"stage": "king", "site": "\0"}, {"riverton", "ashford", "millbrook"}),
        ],
    )
    def test_the_list_is_filtered_by_stage_and_site(self, staff, riverton, ashford, query, slugs):
        Jurisdiction.objects.filter(pk__in=[riverton.pk, ashford.pk]).update(site_state="launched")
        Jurisdiction.objects.filter(pk=riverton.pk).update(entry_stage="planning")
        response = staff.get("/staff/", query)
        assert {line["jurisdiction"].slug for line in response.context["rows"]} == slugs
        assert ("No jurisdiction matches." in response.text) == (not slugs)

    def test_open_invitations_and_the_day_of_adding_are_listed(self, staff, riverton, ashford, make_user):
        make_user(riverton, "coordinator", first_name="Ines", last_name="Okafor")
        invitations.invite(riverton, email="bo@river.example", roles=["coordinator"], by=None)
        invitations.invite(ashford, email="al@ash.example", roles=["coordinator"], by=None)
        Jurisdiction.objects.update(created_at=dt.datetime(2026, 2, 3, 18, tzinfo=dt.UTC))
        page = staff.get("/staff/").text
        for text in (
            "Ines Okafor",
            "bo@river.example, invited on",
            "al@ash.example, invited on",
            "February 3, 2026",
        ):
            assert text in page

    def test_a_stage_that_is_behind_is_shown(self, staff, riverton, ashford):
        Jurisdiction.objects.filter(pk__in=[riverton.pk, ashford.pk]).update(site_state="launched")
        Jurisdiction.objects.filter(pk=ashford.pk).update(entry_stage="planning")
        assert staff.get("/staff/").text.count("Out of date: the site is public") == 1

    def test_the_number_of_queries_does_not_grow_with_the_list(self, staff, django_assert_max_num_queries):
        def count():
            staff.get("/staff/")  # reads the hosts again
            with django_assert_max_num_queries(60) as queries:
                staff.get("/staff/")
            return len(queries)

        before = count()
        Jurisdiction.objects.bulk_create(
            Jurisdiction(name=f"Town {n}", short_name=f"T{n}", slug=f"town-{n}", schema_name=f"c_town_{n}")
            for n in range(60)
        )
        assert count() == before

    def test_the_list_is_paginated(self, staff):
        Jurisdiction.objects.bulk_create(
            Jurisdiction(name=f"Town {n:03}", short_name=f"T{n}", slug=f"town-{n}", schema_name=f"c_town_{n}")
            for n in range(60)
        )
        first, second = staff.get("/staff/"), staff.get("/staff/?page=2")
        assert len(first.context["rows"]) == 50
        assert len(second.context["rows"]) == 13
        assert "1 to 50 of 63" in first.content.decode()

    @pytest.mark.parametrize("role", ["library_curator"])
    def test_other_roles_of_the_alliance_get_404(self, alliance, make_user, client_for, role):
        client = client_for(alliance, make_user(alliance, role))
        for path in ("/staff/", "/staff/jurisdictions/new/", "/staff/jurisdictions/riverton/"):
            assert client.get(path).status_code == 404

    def test_a_coordinator_gets_404(self, alliance, riverton, make_user, client_for):
        assert client_for(alliance, make_user(riverton, "coordinator")).get("/staff/").status_code == 404

    def test_an_anonymous_visitor_is_redirected_to_sign_in(self, alliance, client_for):
        assert client_for(alliance).get("/staff/").status_code == 302

    def test_a_city_s_host_has_no_staff_pages(self, riverton, alliance, make_user, client_for):
        Jurisdiction.objects.filter(pk=riverton.pk).update(site_state="launched")
        assert client_for(riverton, make_user(alliance, "staff_admin")).get("/staff/").status_code == 404


class TestNew:
    def test_the_form_opens_a_jurisdiction(self, staff):
        page = staff.get("/staff/jurisdictions/new/").content.decode()
        assert '<option value="America/Chicago" selected>' in page
        assert '<option value="7" selected>' in page
        response = staff.post("/staff/jurisdictions/new/", NEW, follow=True)
        assert response.redirect_chain == [("/staff/jurisdictions/newtown/", 302)]
        page = response.content.decode()
        assert "City of Newtown has been set up." in page
        assert "Invite the coordinator" in page
        jurisdiction = Jurisdiction.objects.get(slug="newtown")
        assert (jurisdiction.short_name, jurisdiction.state, jurisdiction.languages) == (
            "Newtown",
            "OR",
            ["en", "es"],
        )
        assert AuditEvent.objects.get(jurisdiction=jurisdiction, verb="opened").actor is not None

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("slug", "riverton", "Another jurisdiction has this address"),
            ("slug", "admin", "reserved for the portal"),
            ("slug", "New Town", "small letters"),
            ("name", "", "required"),
            ("state", "XX", "XX"),
            ("geoid", "abc", "abc"),
            ("languages", "spanish!", "spanish!"),
            ("coordinator", "nobody", "mail"),
        ],
    )
    def test_an_invalid_value_is_reported_and_nothing_is_created(self, staff, field, value, message):
        response = staff.post("/staff/jurisdictions/new/", NEW | {field: value})
        assert response.status_code == 422
        assert message.lower() in response.content.decode().lower()
        assert not Jurisdiction.objects.filter(slug="newtown").exists()

    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("City of O'Fallon d’Été", "ofallon-dete"),
            ("Tallow County", "tallow-county"),
            ("City of 29 Palms", "palms"),
            ("Town of " + "Long " * 10, "long-long-long-long-long-long-long-long"),
        ],
    )
    def test_an_empty_address_is_made_from_the_name(self, staff, name, slug):
        response = staff.post("/staff/jurisdictions/new/", NEW | {"name": name, "slug": ""})
        assert response["Location"] == f"/staff/jurisdictions/{slug}/"

    def test_an_address_made_from_the_name_that_is_taken_is_refused(self, staff):
        taken = staff.post("/staff/jurisdictions/new/", NEW | {"name": "City of Riverton", "slug": ""})
        assert taken.status_code == 422
        assert "Another jurisdiction has this address" in taken.text
        nothing = staff.post("/staff/jurisdictions/new/", NEW | {"name": "市", "slug": ""})
        assert "No address can be made from this name." in nothing.text

    def test_a_name_that_is_markup_is_shown_as_text(self, staff):
        name = "<script>alert(1)</script>"
        response = staff.post("/staff/jurisdictions/new/", NEW | {"name": name}, follow=True)
        assert name not in response.content.decode()
        assert "&lt;script&gt;" in response.content.decode()


class TestDetail:
    def form_data(self, jurisdiction, **changes):
        return {
            "name": jurisdiction.name, "short_name": jurisdiction.short_name, "kind": jurisdiction.kind,
            "state": jurisdiction.state, "timezone": jurisdiction.timezone,
            "fiscal_year_start_month": jurisdiction.fiscal_year_start_month,
            "entry_stage": jurisdiction.entry_stage, "languages": "en",
        } | changes  # fmt: skip

    def test_fields_are_changed_and_the_change_is_logged(self, staff, riverton):
        response = staff.post(
            "/staff/jurisdictions/riverton/",
            self.form_data(riverton, entry_stage="planning", population_band="50k_100k"),
            follow=True,
        )
        page = response.content.decode()
        assert "Your changes were saved." in page
        assert "Stage: Onboarding → Planning" in page
        riverton.refresh_from_db()
        assert (riverton.entry_stage, riverton.population_band) == ("planning", "50k_100k")

    def test_the_activity_names_the_people(self, staff, riverton, make_user):
        ben = make_user(riverton, "coordinator", first_name="Ben", last_name="Okafor")
        ava = make_user(first_name="Ava", last_name="Ortiz")
        affiliation = affiliations.affiliate(ava, riverton, roles=["viewer"], by=ben)
        affiliations.change_roles(affiliation, roles=["plan_editor"], by=ben)
        affiliations.transfer_coordinator(Affiliation.objects.get(user=ben), to=affiliation, by=ben)
        affiliations.end_affiliation(Affiliation.objects.get(user=ben), by=ava)
        events = [(event["text"], event["by"]) for event in recent_events(riverton, limit=5)]
        assert events == [
            ("Ben Okafor left the team", "by Ava Ortiz"),
            ("Ava Ortiz became coordinator after Ben Okafor", "by Ben Okafor"),
            ("Roles of Ava Ortiz changed", "by Ben Okafor"),
            ("Ava Ortiz joined the team", "invited by Ben Okafor"),
            ("Ben Okafor joined the team", "by command"),
        ]
        page = staff.get("/staff/jurisdictions/riverton/").text
        assert "Ava Ortiz joined the team" in page
        assert "c_riverton" not in page

    def test_an_invalid_value_changes_nothing(self, staff, riverton):
        response = staff.post(
            "/staff/jurisdictions/riverton/", self.form_data(riverton, name="", geoid="abc")
        )
        assert response.status_code == 422
        assert "<h1>City of Riverton</h1>" in response.content.decode()
        riverton.refresh_from_db()
        assert riverton.name == "City of Riverton"

    def test_address_and_schema_cannot_be_posted(self, staff, riverton):
        staff.post(
            "/staff/jurisdictions/riverton/", self.form_data(riverton, slug="other", schema_name="public")
        )
        riverton.refresh_from_db()
        assert (riverton.slug, riverton.schema_name) == ("riverton", "c_riverton")

    @pytest.mark.parametrize("slug", ["nowhere", "template", "alliance"])
    def test_what_is_no_member_is_404(self, staff, slug):
        assert staff.get(f"/staff/jurisdictions/{slug}/").status_code == 404

    def test_the_next_step_depends_on_the_state_of_the_jurisdiction(self, staff, riverton, make_user):
        def page():
            return staff.get("/staff/jurisdictions/riverton/").content.decode()

        assert "Invite the coordinator" in page()
        Invitation.objects.create(
            jurisdiction=riverton, email="ines@river.example", roles=["coordinator"], token_hash="x",
            expires_at=timezone.now() + dt.timedelta(days=7),
        )  # fmt: skip
        assert "ines@river.example" in page()
        assert "has not accepted yet" in page()
        make_user(riverton, "coordinator")
        assert "imports the plan" in page()
        services.set_site_state(riverton, state="launched", by=None)
        assert "the stage is still “Onboarding”" in page()
        services.change_jurisdiction(riverton, entry_stage="planning", by=None)
        assert "Nothing to do" in page()


class TestInvitation:
    PATH = "/staff/jurisdictions/riverton/invite/"

    def test_the_coordinator_is_invited_and_invited_again(self, staff, riverton):
        page = staff.post(self.PATH, {"email": "Ines@River.example"}, follow=True).content.decode()
        assert "The invitation is on its way to ines@river.example." in page
        first = Invitation.objects.get(jurisdiction=riverton)
        assert (first.roles, first.state) == (["coordinator"], "sent")

        page = staff.post(self.PATH, {"email": "ines@river.example"}, follow=True).content.decode()
        second = Invitation.objects.get(jurisdiction=riverton)
        assert second.sent_count == 2
        assert second.token_hash != first.token_hash
        assert "Invited ines@river.example again" in page

    @pytest.mark.parametrize("email", ["", "nobody", "a@b"])
    def test_an_invalid_email_address_is_refused(self, staff, email):
        response = staff.post(self.PATH, {"email": email})
        assert response.status_code == 422
        assert not Invitation.objects.exists()

    def test_a_member_of_the_team_is_not_invited(self, staff, riverton, make_user):
        make_user(riverton, "viewer", email="ines@river.example")
        response = staff.post(self.PATH, {"email": "ines@river.example"})
        assert "is already on the team" in response.content.decode()

    def test_it_needs_a_post(self, staff):
        assert staff.get(self.PATH).status_code == 405

    def test_opening_invites_in_the_same_step(self, staff):
        page = staff.post(
            "/staff/jurisdictions/new/", NEW | {"coordinator": "ines@new.example"}, follow=True
        ).content.decode()
        assert "has not accepted yet" in page
        assert Invitation.objects.get(jurisdiction__slug="newtown").email == "ines@new.example"


class TestCommand:
    def test_it_invites_the_coordinator_once(self, capsys):
        for _attempt in range(2):
            call_command("open_jurisdiction", name="Newtown", slug="newtown", coordinator="ines@new.example")
        out = capsys.readouterr().out
        assert "An invitation is on its way to ines@new.example." in out
        assert Invitation.objects.get(jurisdiction__slug="newtown").sent_count == 1

    def test_it_invites_to_an_existing_city_where_nobody_is_invited_yet(self, capsys, riverton):
        call_command("open_jurisdiction", name="Riverton", slug="riverton", coordinator="ines@river.example")
        assert "An invitation is on its way" in capsys.readouterr().out
        assert Invitation.objects.get(jurisdiction=riverton).email == "ines@river.example"

    def test_an_invalid_email_address_is_named_and_nothing_is_opened(self):
        with pytest.raises(CommandError, match="--coordinator: “nobody”"):
            call_command("open_jurisdiction", name="Newtown", slug="newtown", coordinator="nobody")
        assert not Jurisdiction.objects.filter(slug="newtown").exists()

    def test_it_opens_with_every_field(self, capsys):
        call_command(
            "open_jurisdiction", "--name", "City of Newtown", "--slug", "newtown", "--kind", "county", "--state", "MN",
            "--geoid", "2758000", "--population-band", "50k_100k", "--timezone", "America/Denver",
            "--languages", "en,es", "--entry-stage", "planning", "--is-sample", "--brand-color", "#0d5257",
        )  # fmt: skip
        assert "City of Newtown has been set up at http://newtown.localhost" in capsys.readouterr().out
        jurisdiction = Jurisdiction.objects.get(slug="newtown")
        assert (jurisdiction.kind, jurisdiction.geoid, jurisdiction.languages, jurisdiction.is_sample) == (
            "county",
            "2758000",
            ["en", "es"],
            True,
        )

    def test_it_does_not_change_an_existing_city(self, capsys, riverton):
        call_command("open_jurisdiction", name="Another name", slug="riverton")
        assert "City of Riverton exists already" in capsys.readouterr().out

    def test_every_mistake_is_named_with_its_option(self):
        with pytest.raises(CommandError) as refused:
            call_command("open_jurisdiction", name="City of Newtown", slug="newtown", state="XX", geoid="a")
        assert "--state: “XX”" in str(refused.value)
        assert "--geoid: “a”" in str(refused.value)
        assert not Jurisdiction.objects.filter(slug="newtown").exists()

    @pytest.mark.parametrize("slug", ["Robert'); DROP TABLE x;--", "admin", ""])
    def test_an_invalid_slug_is_named(self, slug):
        with pytest.raises(CommandError, match="--slug"):
            call_command("open_jurisdiction", name="City of Newtown", slug=slug)

    def test_an_invalid_choice_is_named(self):
        with pytest.raises(CommandError, match="kingdom"):
            call_command("open_jurisdiction", "--name", "X", "--slug", "x-town", "--kind", "kingdom")


def test_fields_are_labeled_as_the_model_names_them():
    fields = NewJurisdictionForm().fields
    own = {"slug", "coordinator", "fiscal_year_start_month", "languages", "other_languages"}
    labels = {name: field.label for name, field in fields.items() if name not in own}
    assert labels == {name: field_label(Jurisdiction, name) for name in labels}
    assert labels["name"] == "Official name"
