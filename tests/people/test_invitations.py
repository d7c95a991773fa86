"""Invitations, roles as groups, and the team page."""

import datetime as dt
import re

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django_tasks_db.models import DBTaskResult

from accounts.models import User
from tenants.models import Affiliation, AuditEvent, Invitation, Role
from tenants.people import affiliations, invitations, permission_groups
from tenants.roles.models import GroupMembership

EMAIL_JOBS = DBTaskResult.objects.filter(task_path="tenants.notifications.mail.send_mail_task")
PASSWORD = "seven quiet green rivers"


def newest_token():
    """The token in the newest queued email."""
    body = EMAIL_JOBS.order_by("-enqueued_at").first().args_kwargs["kwargs"]["body"]
    return re.search(r"/accounts/invitation/([\w-]+)/", body).group(1)


def group_names(jurisdiction, user, in_city):
    """Names of the user's groups at a jurisdiction, sorted."""
    with in_city(jurisdiction):
        return sorted(GroupMembership.objects.filter(user=user).values_list("group__name", flat=True))


def test_an_invited_person_joins_with_a_name_and_a_password(riverton, alliance, client_for, in_city):
    invitations.invite(riverton, email="Ada@City.example", roles=["coordinator"], by=None, title="Analyst")
    client, token = client_for(alliance), newest_token()
    assert client.get(f"/accounts/invitation/{token}/").status_code == 200

    response = client.post(f"/accounts/invitation/{token}/", {"name": "Ada Lovelace", "password": PASSWORD})

    assert response["Location"].startswith(riverton.base_url)
    ada = User.objects.get(email="ada@city.example")
    assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
    assert Affiliation.objects.get(user=ada).roles == ["coordinator"]
    assert group_names(riverton, ada, in_city) == ["coordinator"]
    assert Invitation.objects.get().state == Invitation.State.ACCEPTED


def test_a_link_works_once(riverton, alliance, client_for):
    invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    token = newest_token()
    client_for(alliance).post(f"/accounts/invitation/{token}/", {"name": "Ada", "password": PASSWORD})

    second = client_for(alliance).post(
        f"/accounts/invitation/{token}/", {"name": "Eve", "password": PASSWORD}
    )

    assert second.status_code == 404
    assert User.objects.count() == 1


def test_a_weak_password_is_refused_and_creates_no_user(riverton, alliance, client_for):
    invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)

    response = client_for(alliance).post(
        f"/accounts/invitation/{newest_token()}/", {"name": "Ada", "password": "password"}
    )

    assert response.status_code == 422
    assert "too short" in response.text
    assert "too common" not in response.text  # one thing at a time
    assert not User.objects.exists()
    assert Invitation.objects.get().state != Invitation.State.ACCEPTED


def test_sending_again_makes_a_new_link_and_the_old_one_stops_working(riverton, make_user):
    invitation = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    old = newest_token()

    invitations.resend(invitation, by=make_user())

    assert invitations.find_by_token(old) is None
    assert invitations.find_by_token(newest_token()) == invitation
    assert Invitation.objects.count() == 1


def test_a_link_stops_working_after_fourteen_days_and_when_revoked(riverton):
    invitation = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    Invitation.objects.update(expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert invitations.find_by_token(newest_token()) is None
    assert invitations.expire_overdue() == 1
    invitations.resend(invitation, by=None)
    assert invitations.find_by_token(newest_token())
    invitations.revoke(invitation, by=None)
    assert invitations.find_by_token(newest_token()) is None


def test_a_user_with_an_account_joins_with_one_click(
    riverton, ashford, alliance, client_for, make_user, in_city
):
    user = make_user(riverton, "coordinator")
    invitations.invite(ashford, email=user.email, roles=["viewer"], by=None)
    token = newest_token()
    assert "Sign in to join" in client_for(alliance).get(f"/accounts/invitation/{token}/").text

    response = client_for(alliance, user).post(f"/accounts/invitation/{token}/")

    assert response["Location"].startswith(ashford.base_url)
    assert group_names(ashford, user, in_city) == ["viewer"]
    assert group_names(riverton, user, in_city) == ["coordinator"]


def test_another_persons_invitation_is_refused_and_changes_nothing(riverton, alliance, client_for, make_user):
    other_user = make_user()
    invitations.invite(riverton, email="ada@city.example", roles=["coordinator"], by=None)

    response = client_for(alliance, other_user).post(f"/accounts/invitation/{newest_token()}/")

    assert response.status_code == 422
    assert not Affiliation.objects.exists()


def test_an_existing_account_is_not_taken_over_by_a_new_password(
    riverton, ashford, alliance, client_for, make_user
):
    user = make_user(riverton, "viewer")
    invitations.invite(ashford, email=user.email, roles=["viewer"], by=None)

    response = client_for(alliance).post(
        f"/accounts/invitation/{newest_token()}/", {"name": "Eve", "password": PASSWORD}
    )

    assert response.status_code == 422
    assert not User.objects.get(pk=user.pk).check_password(PASSWORD)
    assert not Affiliation.objects.filter(jurisdiction=ashford).exists()


@pytest.mark.parametrize("roles", [[], ["staff_admin"], ["coordinator", "library_curator"], ["king"]])
def test_a_city_gives_city_roles_only(riverton, roles):
    with pytest.raises(ValidationError):
        invitations.invite(riverton, email="ada@city.example", roles=roles, by=None)
    assert not Invitation.objects.exists()
    assert not EMAIL_JOBS.exists()


def test_a_role_is_a_group_in_the_citys_schema_only(riverton, ashford, make_user, in_city):
    user = make_user(riverton, "coordinator")
    with in_city(riverton):
        assert User.objects.get(pk=user.pk).has_perm("wagtailadmin.access_admin")
    with in_city(ashford):
        assert not User.objects.get(pk=user.pk).has_perm("wagtailadmin.access_admin")
    assert not User.objects.get(pk=user.pk).has_perm("wagtailadmin.access_admin")


def test_no_role_may_edit_users_or_groups(db):
    for group in Group.objects.filter(name__in=[role.value for role in Role]):
        apps = set(group.permissions.values_list("content_type__app_label", flat=True))
        assert apps <= {"wagtailadmin", "resources"}, group.name


def test_the_last_coordinator_stays(riverton, make_user):
    user = make_user(riverton, "coordinator")
    affiliation = Affiliation.objects.get(user=user)
    with pytest.raises(ValidationError, match="only one"):
        affiliations.end_affiliation(affiliation, by=user)
    with pytest.raises(ValidationError, match="only one"):
        affiliations.change_roles(affiliation, roles=["viewer"], by=user)
    assert Affiliation.objects.active().get(user=user).roles == ["coordinator"]


def test_the_coordinator_role_is_transferred_to_another_person(riverton, make_user, in_city):
    former, successor = make_user(riverton, "coordinator"), make_user(riverton, "viewer")
    affiliations.transfer_coordinator(
        Affiliation.objects.get(user=former), to=Affiliation.objects.get(user=successor), by=former
    )
    assert group_names(riverton, former, in_city) == ["plan_editor"]
    assert group_names(riverton, successor, in_city) == ["coordinator", "viewer"]


def test_ending_an_affiliation_signs_the_user_out_here_and_keeps_the_account(
    riverton, make_user, client_for, in_city
):
    coordinator, user = make_user(riverton, "coordinator"), make_user(riverton, "plan_editor")
    client = client_for(riverton, user)
    assert client.get("/workspace/team/").status_code == 200

    affiliations.end_affiliation(Affiliation.objects.get(user=user), by=coordinator)

    assert client.get("/workspace/team/").status_code == 302
    assert group_names(riverton, user, in_city) == []
    assert User.objects.get(pk=user.pk).is_active
    assert AuditEvent.objects.filter(verb="affiliation_ended", actor=coordinator).exists()


def test_resync_repairs_groups_that_were_changed_by_hand(riverton, make_user, in_city):
    user, other_user = make_user(riverton, "plan_editor"), make_user()
    with in_city(riverton):
        GroupMembership.objects.all().delete()
        GroupMembership.objects.create(user=other_user, group=Group.objects.get(name="coordinator"))

    permission_groups.resync(riverton)

    assert group_names(riverton, user, in_city) == ["plan_editor"]
    assert group_names(riverton, other_user, in_city) == []


def test_a_coordinator_manages_the_team_on_its_page(riverton, make_user, client_for):
    coordinator, other = make_user(riverton, "coordinator"), make_user(riverton, "viewer")
    client = client_for(riverton, coordinator)
    client.post("/workspace/team/invite/", {"email": "new@city.example", "roles": ["contributor"]})
    invitation = Invitation.objects.get()
    affiliation = Affiliation.objects.get(user=other)
    client.post(
        f"/workspace/team/people/{affiliation.uuid}/", {"roles": ["department_lead"], "department": "Library"}
    )
    page = client.get("/workspace/team/").text
    assert "new@city.example" in page
    assert "Department lead" in page
    client.post(f"/workspace/team/invitations/{invitation.uuid}/resend/")
    client.post(f"/workspace/team/invitations/{invitation.uuid}/revoke/")
    invitation.refresh_from_db()
    assert (invitation.sent_count, invitation.state) == (2, Invitation.State.REVOKED)


def test_others_on_the_team_change_nothing(riverton, make_user, client_for):
    coordinator, viewer = make_user(riverton, "coordinator"), make_user(riverton, "viewer")
    affiliation = Affiliation.objects.get(user=coordinator)
    client = client_for(riverton, viewer)
    assert client.get("/workspace/team/").status_code == 200
    for path in ("invite/", "hand-over/", f"people/{affiliation.uuid}/", f"people/{affiliation.uuid}/end/"):
        assert client.post(f"/workspace/team/{path}", {"roles": ["viewer"]}).status_code == 404
    assert Affiliation.objects.get(user=coordinator).roles == ["coordinator"]
    assert not Invitation.objects.exists()


def test_a_coordinator_reaches_no_user_of_another_city(riverton, ashford, make_user, client_for):
    coordinator, other_user = make_user(riverton, "coordinator"), make_user(ashford, "coordinator")
    affiliation = Affiliation.objects.get(user=other_user)
    invitation = invitations.invite(ashford, email="ada@city.example", roles=["viewer"], by=None)
    client = client_for(riverton, coordinator)
    paths = [f"people/{affiliation.uuid}/", f"people/{affiliation.uuid}/end/"]
    paths += [f"invitations/{invitation.uuid}/{verb}/" for verb in ("resend", "revoke")]
    for path in paths:
        assert client.post(f"/workspace/team/{path}", {"roles": ["viewer"]}).status_code == 404
    invitation.refresh_from_db()
    assert invitation.state == Invitation.State.SENT
    assert Affiliation.objects.active().filter(user=other_user).exists()


def test_the_command_repairs_one_jurisdiction(riverton, make_user, in_city, capsys):
    user = make_user(riverton, "coordinator")
    with in_city(riverton):
        GroupMembership.objects.all().delete()
    call_command("sync_roles", "riverton")
    assert "1 people at 1 jurisdictions" in capsys.readouterr().out
    assert group_names(riverton, user, in_city) == ["coordinator"]
    with pytest.raises(CommandError, match="No jurisdiction 'nowhere'"):
        call_command("sync_roles", "nowhere")
