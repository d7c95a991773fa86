"""Every write changes the page version, and no writer waits for another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, transaction
from django_tenants.utils import tenant_context

from tenants.models import Jurisdiction
from tenants.people import affiliations
from tenants.plans.models import Action, Department
from tenants.web import page_versions
from tests.tenants.conftest import committed  # noqa: F401  (a fixture)

# Tables that no cached page reads. A new table belongs here or gets its trigger by `page_versions.track_writes`.
UNTRACKED = {
    "imports and exports of the workspace": {"plans_importjob", "plans_export"},
    "who may do what in the editor": {
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "roles_groupmembership",
        "roles_userpermission",
        "wagtailcore_collection",
        "wagtailcore_collectionviewrestriction",
        "wagtailcore_collectionviewrestriction_groups",
        "wagtailcore_groupcollectionpermission",
        "wagtailcore_grouppagepermission",
        "wagtailcore_groupsitepermission",
        "wagtailcore_pageviewrestriction_groups",
        "wagtailusers_userprofile",
    },
    "tables of the editor": {
        "wagtailadmin_admin",
        "wagtailadmin_editingsession",
        "wagtailadmin_formstate",
        "wagtailcore_apitoken",
        "wagtailcore_comment",
        "wagtailcore_commentreply",
        "wagtailcore_groupapprovaltask",
        "wagtailcore_groupapprovaltask_groups",
        "wagtailcore_modellogentry",
        "wagtailcore_pagelogentry",
        "wagtailcore_pagesubscription",
        "wagtailcore_referenceindex",
        "wagtailcore_revision",
        "wagtailcore_task",
        "wagtailcore_taskstate",
        "wagtailcore_uploadedfile",
        "wagtailcore_workflow",
        "wagtailcore_workflowcontenttype",
        "wagtailcore_workflowpage",
        "wagtailcore_workflowstate",
        "wagtailcore_workflowtask",
        "wagtailforms_formsubmission",
        "wagtailredirects_redirect",
    },
    "derived from tracked tables": {"wagtailimages_rendition", "wagtailembeds_embed"},
    "search, whose pages are not cached": {
        "wagtailsearch_indexentry",
        "resources_filetext",
        "resources_synonymgroup",
    },
    "labels in the editor, not on cached pages": {"taggit_tag", "taggit_taggeditem"},
    "accounts, signing in and infrastructure": {
        "account_emailaddress",
        "account_emailconfirmation",
        "django_content_type",
        "django_migrations",
        "django_session",
        "django_tasks_database_dbtaskresult",
        "tenants_auditevent",
        "tenants_domain",
        "tenants_handoff",
        "tenants_invitation",
        "tenants_pagestamp",
        "tenants_periodicrun",
        "tenants_worker",
    },
}


def tables(schema: str, *, with_trigger: bool) -> set[str]:
    condition = "EXISTS" if with_trigger else "NOT EXISTS"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = %s::regnamespace
                AND {condition} (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND tgname = %s)""",
            [schema, page_versions.TRIGGER],
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
@pytest.mark.parametrize("schema", ["public", settings.TEMPLATE_SCHEMA, "c_riverton"])
def test_every_table_is_tracked_or_listed_here_as_untracked(schema):
    listed = set().union(*UNTRACKED.values())
    tracked, untracked = tables(schema, with_trigger=True), tables(schema, with_trigger=False)
    untracked = {name for name in untracked if not name.startswith("search_")}  # its pages are not cached
    assert untracked - listed == set()
    assert tracked & listed == set()
    assert len(tracked) > 15


@pytest.mark.django_db
def test_a_transaction_that_has_written_has_no_version(riverton, ashford):
    before = page_versions.get_page_version("c_ashford")
    assert before
    with tenant_context(riverton):
        Department.objects.create(name="Clerk")
        assert page_versions.get_page_version("c_riverton") is None
    assert page_versions.get_page_version("c_ashford") == before


@pytest.mark.django_db
def test_where_nothing_was_ever_written_there_is_no_version():
    assert page_versions.get_page_version("c_nowhere") is None


@pytest.mark.usefixtures("committed")
class TestCommitted:
    @pytest.fixture
    def jurisdiction(self):
        return Jurisdiction.objects.get(slug="riverton")

    def has_changed(self, schema: str, before: str | None) -> bool:
        version = page_versions.get_page_version(schema)
        assert version
        return version != before

    @pytest.mark.parametrize(
        "write",
        [
            lambda: Department.objects.create(name="Clerk"),
            lambda: Department.objects.bulk_create([Department(name="Parks")]),
            lambda: Action.objects.update(status="on_track"),
            lambda: Department.objects.filter(name="To go").delete(),
        ],
        ids=["insert", "bulk", "update", "delete"],
    )
    def test_each_way_of_writing_makes_a_new_version(self, jurisdiction, write):
        with tenant_context(jurisdiction):
            Department.objects.get_or_create(name="To go")
        before, other = (
            page_versions.get_page_version("c_riverton"),
            page_versions.get_page_version("c_ashford"),
        )
        with tenant_context(jurisdiction):
            write()
        assert self.has_changed("c_riverton", before)
        assert not self.has_changed("c_ashford", other)

    def test_what_is_rolled_back_changes_no_version(self, jurisdiction):
        before = page_versions.get_page_version("c_riverton")
        with tenant_context(jurisdiction), transaction.atomic():
            Department.objects.create(name="Gone")
            transaction.set_rollback(True)
        assert not self.has_changed("c_riverton", before)

    def test_writers_do_not_wait_and_each_commit_is_a_new_version(self, jurisdiction):
        versions = [page_versions.get_page_version("c_riverton")]

        def write(name: str) -> None:
            try:
                with tenant_context(jurisdiction):
                    Department.objects.create(name=name)
            finally:
                connection.close()

        def read_version() -> str | None:
            try:
                return page_versions.get_page_version("c_riverton")
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as pool:
            with tenant_context(jurisdiction), transaction.atomic():
                Department.objects.create(name="Slow")  # locks the present row
                pool.submit(write, "Quick").result(timeout=20)
                versions.append(pool.submit(read_version).result(timeout=20))
            versions.append(page_versions.get_page_version("c_riverton"))
            pool.submit(write, "Third").result(timeout=20)
            versions.append(page_versions.get_page_version("c_riverton"))
        assert len(set(versions)) == 4
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM tenants_pagestamp WHERE subject = 'c_riverton'")
            assert cursor.fetchone()[0] == 1  # the older ones are deleted

    def test_a_person_s_name_changes_the_version_of_all_sites_and_a_login_of_none(self, jurisdiction):
        from accounts.models import User

        user = User.objects.create_user(email="owner@city.example", password="a long enough phrase")
        affiliations.affiliate(user, jurisdiction, roles=["viewer"], by=None)
        before = page_versions.get_page_version("c_ashford")
        user.affiliations.update(last_sign_in_at="2027-01-01T00:00Z")
        User.objects.update(last_login="2027-01-01T00:00Z")
        assert not self.has_changed("c_ashford", before)
        User.objects.filter(pk=user.pk).update(first_name="Ada")
        assert self.has_changed("c_ashford", before)
        before = page_versions.get_page_version("c_ashford")
        user.affiliations.update(is_public=True)
        assert self.has_changed("c_ashford", before)
