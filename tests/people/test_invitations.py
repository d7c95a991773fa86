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

MAILS = DBTaskResult.objects.filter(task_path="tenants.notifications.mail.send_mail_task")
PHRASE = "seven quiet green rivers"


def link():
    """The token in the newest mail that waits to be sent."""
    body = MAILS.order_by("-enqueued_at").first().args_kwargs["kwargs"]["body"]
    return re.search(r"/accounts/invitation/([\w-]+)/", body).group(1)


def held(jurisdiction, user, in_city):
    with in_city(jurisdiction):
        return sorted(GroupMembership.objects.filter(user=user).values_list("group__name", flat=True))


def test_an_invited_person_joins_with_a_name_and_a_password(riverton, alliance, client_for, in_city):
    invitations.invite(riverton, email="Ada@City.example", roles=["coordinator"], by=None, title="Analyst")
    browser, token = client_for(alliance), link()
    assert browser.get(f"/accounts/invitation/{token}/").status_code == 200

    answer = browser.post(f"/accounts/invitation/{token}/", {"name": "Ada Lovelace", "password": PHRASE})

    assert answer["Location"].startswith(riverton.base_url)
    ada = User.objects.get(email="ada@city.example")
    assert (ada.first_name, ada.last_name) == ("Ada", "Lovelace")
    assert Affiliation.objects.get(user=ada).roles == ["coordinator"]
    assert held(riverton, ada, in_city) == ["coordinator"]
    assert Invitation.objects.get().state == Invitation.State.ACCEPTED


def test_a_link_works_once(riverton, alliance, client_for):
    invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    token = link()
    client_for(alliance).post(f"/accounts/invitation/{token}/", {"name": "Ada", "password": PHRASE})

    again = client_for(alliance).post(f"/accounts/invitation/{token}/", {"name": "Eve", "password": PHRASE})

    assert again.status_code == 404
    assert User.objects.count() == 1


def test_a_weak_password_is_refused_and_makes_nobody(riverton, alliance, client_for):
    invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)

    answer = client_for(alliance).post(
        f"/accounts/invitation/{link()}/", {"name": "Ada", "password": "password"}
    )

    assert answer.status_code == 422
    assert "too short" in answer.text
    assert not User.objects.exists()
    assert Invitation.objects.get().state != Invitation.State.ACCEPTED


def test_sending_again_makes_a_new_link_and_the_old_one_dies(riverton, make_user):
    invitation = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    old = link()

    invitations.resend(invitation, by=make_user())

    assert invitations.find_by_token(old) is None
    assert invitations.find_by_token(link()) == invitation
    assert Invitation.objects.count() == 1


def test_a_link_dies_after_fourteen_days_and_when_taken_back(riverton):
    invitation = invitations.invite(riverton, email="ada@city.example", roles=["viewer"], by=None)
    Invitation.objects.update(expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert invitations.find_by_token(link()) is None
    assert invitations.expire_overdue() == 1
    invitations.resend(invitation, by=None)
    assert invitations.find_by_token(link())
    invitations.revoke(invitation, by=None)
    assert invitations.find_by_token(link()) is None


def test_somebody_with_an_account_joins_with_one_click(
    riverton, ashford, alliance, client_for, make_user, in_city
):
    user = make_user(riverton, "coordinator")
    invitations.invite(ashford, email=user.email, roles=["viewer"], by=None)
    token = link()
    assert "Sign in, and you can join" in client_for(alliance).get(f"/accounts/invitation/{token}/").text

    answer = client_for(alliance, user).post(f"/accounts/invitation/{token}/")

    assert answer["Location"].startswith(ashford.base_url)
    assert held(ashford, user, in_city) == ["viewer"]
    assert held(riverton, user, in_city) == ["coordinator"]


def test_another_persons_invitation_is_refused_and_changes_nothing(riverton, alliance, client_for, make_user):
    stranger = make_user()
    invitations.invite(riverton, email="ada@city.example", roles=["coordinator"], by=None)

    answer = client_for(alliance, stranger).post(f"/accounts/invitation/{link()}/")

    assert answer.status_code == 422
    assert not Affiliation.objects.exists()


def test_an_existing_account_is_not_taken_over_by_a_new_password(
    riverton, ashford, alliance, client_for, make_user
):
    user = make_user(riverton, "viewer")
    invitations.invite(ashford, email=user.email, roles=["viewer"], by=None)

    answer = client_for(alliance).post(f"/accounts/invitation/{link()}/", {"name": "Eve", "password": PHRASE})

    assert answer.status_code == 422
    assert not User.objects.get(pk=user.pk).check_password(PHRASE)
    assert not Affiliation.objects.filter(jurisdiction=ashford).exists()


@pytest.mark.parametrize("roles", [[], ["staff_admin"], ["coordinator", "library_curator"], ["king"]])
def test_a_city_gives_city_roles_only(riverton, roles):
    with pytest.raises(ValidationError):
        invitations.invite(riverton, email="ada@city.example", roles=roles, by=None)
    assert not Invitation.objects.exists()
    assert not MAILS.exists()


def test_a_role_is_a_group_in_that_schema_only(riverton, ashford, make_user, in_city):
    user = make_user(riverton, "coordinator")
    with in_city(riverton):
        assert User.objects.get(pk=user.pk).has_perm("wagtailadmin.access_admin")
    with in_city(ashford):
        assert not User.objects.get(pk=user.pk).has_perm("wagtailadmin.access_admin")
    assert not User.objects.get(pk=user.pk).has_perm("wagtailadmin.access_admin")


def test_no_city_role_may_touch_people_or_groups(db):
    for group in Group.objects.filter(name__in=[role.value for role in Role]):
        apps = set(group.permissions.values_list("content_type__app_label", flat=True))
        assert apps <= {"wagtailadmin", "resources"}, group.name


def test_the_last_coordinator_stays(riverton, make_user):
    user = make_user(riverton, "coordinator")
    only = Affiliation.objects.get(user=user)
    with pytest.raises(ValidationError, match="only one"):
        affiliations.end_affiliation(only, by=user)
    with pytest.raises(ValidationError, match="only one"):
        affiliations.change_roles(only, roles=["viewer"], by=user)
    assert Affiliation.objects.active().get(user=user).roles == ["coordinator"]


def test_handing_over_makes_one_coordinator_of_another(riverton, make_user, in_city):
    giver, taker = make_user(riverton, "coordinator"), make_user(riverton, "viewer")
    affiliations.transfer_coordinator(
        Affiliation.objects.get(user=giver), to=Affiliation.objects.get(user=taker), by=giver
    )
    assert held(riverton, giver, in_city) == ["plan_editor"]
    assert held(riverton, taker, in_city) == ["coordinator", "viewer"]


def test_ending_somebodys_time_signs_them_out_here_and_keeps_them(riverton, make_user, client_for, in_city):
    boss, user = make_user(riverton, "coordinator"), make_user(riverton, "plan_editor")
    browser = client_for(riverton, user)
    assert browser.get("/workspace/team/").status_code == 200

    affiliations.end_affiliation(Affiliation.objects.get(user=user), by=boss)

    assert browser.get("/workspace/team/").status_code == 302
    assert held(riverton, user, in_city) == []
    assert User.objects.get(pk=user.pk).is_active
    assert AuditEvent.objects.filter(verb="affiliation_ended", actor=boss).exists()


def test_syncing_repairs_groups_that_were_changed_by_hand(riverton, make_user, in_city):
    user, stranger = make_user(riverton, "plan_editor"), make_user()
    with in_city(riverton):
        GroupMembership.objects.all().delete()
        GroupMembership.objects.create(user=stranger, group=Group.objects.get(name="coordinator"))

    permission_groups.resync(riverton)

    assert held(riverton, user, in_city) == ["plan_editor"]
    assert held(riverton, stranger, in_city) == []


def test_a_coordinator_looks_after_the_team_on_its_page(riverton, make_user, client_for):
    boss, other = make_user(riverton, "coordinator"), make_user(riverton, "viewer")
    browser = client_for(riverton, boss)
    browser.post("/workspace/team/invite/", {"email": "new@city.example", "roles": ["contributor"]})
    invitation = Invitation.objects.get()
    theirs = Affiliation.objects.get(user=other)
    browser.post(
        f"/workspace/team/people/{theirs.uuid}/", {"roles": ["department_lead"], "department": "Library"}
    )
    page = browser.get("/workspace/team/").text
    assert "new@city.example" in page
    assert "Department lead" in page
    browser.post(f"/workspace/team/invitations/{invitation.uuid}/resend/")
    browser.post(f"/workspace/team/invitations/{invitation.uuid}/revoke/")
    invitation.refresh_from_db()
    assert (invitation.sent_count, invitation.state) == (2, Invitation.State.REVOKED)


def test_others_on_the_team_change_nothing(riverton, make_user, client_for):
    boss, viewer = make_user(riverton, "coordinator"), make_user(riverton, "viewer")
    theirs = Affiliation.objects.get(user=boss)
    browser = client_for(riverton, viewer)
    assert browser.get("/workspace/team/").status_code == 200
    for path in ("invite/", "hand-over/", f"people/{theirs.uuid}/", f"people/{theirs.uuid}/end/"):
        assert browser.post(f"/workspace/team/{path}", {"roles": ["viewer"]}).status_code == 404
    assert Affiliation.objects.get(user=boss).roles == ["coordinator"]
    assert not Invitation.objects.exists()


def test_a_coordinator_reaches_nobody_of_another_city(riverton, ashford, make_user, client_for):
    boss, stranger = make_user(riverton, "coordinator"), make_user(ashford, "coordinator")
    theirs = Affiliation.objects.get(user=stranger)
    invitation = invitations.invite(ashford, email="ada@city.example", roles=["viewer"], by=None)
    browser = client_for(riverton, boss)
    paths = [f"people/{theirs.uuid}/", f"people/{theirs.uuid}/end/"]
    paths += [f"invitations/{invitation.uuid}/{verb}/" for verb in ("resend", "revoke")]
    for path in paths:
        assert browser.post(f"/workspace/team/{path}", {"roles": ["viewer"]}).status_code == 404
    invitation.refresh_from_db()
    assert invitation.state == Invitation.State.SENT
    assert Affiliation.objects.active().filter(user=stranger).exists()


def test_the_command_repairs_one_place_or_all(riverton, make_user, in_city, capsys):
    user = make_user(riverton, "coordinator")
    with in_city(riverton):
        GroupMembership.objects.all().delete()
    call_command("sync_roles", "riverton")
    assert "1 people at 1 jurisdictions" in capsys.readouterr().out
    assert held(riverton, user, in_city) == ["coordinator"]
    with pytest.raises(CommandError, match="No jurisdiction 'nowhere'"):
        call_command("sync_roles", "nowhere")
