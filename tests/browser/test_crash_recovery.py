"""A city goes live while its processes are killed: nothing is lost, and nothing happens twice.

Killed processes are restarted. The people retry what did not work.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django_tasks_db.models import DBTaskResult
from django_tenants.utils import tenant_context
from playwright.sync_api import Error as BrowserError

from search.models import PendingIndexUpdate
from tenants.models import Affiliation, AuditEvent, Invitation, Jurisdiction
from tenants.plans.models import Action, ImportJob, PlanLogEntry
from tests.browser.process_supervisor import SupervisedPortal, supervised_portal
from tests.browser.sign_in import sign_in
from tests.browser.test_end_to_end import PHRASE, SHEET, prepare
from tests.databases import database_url, fingerprint

pytestmark = pytest.mark.xdist_group("test_end_to_end")  # see there
ADA = "ada@elm-ford.example"
PAGE_TIMEOUT_MS = 5_000  # then a person retries
SEARCH_TERMS = "scored interview questions"


@pytest.fixture
def portal(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Any, settings: Any
) -> Iterator[SupervisedPortal]:
    """The portal on its own database and search engine; the test's own queries go there too."""
    template = database_url(f"template_{fingerprint()}")
    with (
        supervised_portal(tmp_path, media=settings.MEDIA_ROOT, template=template) as portal,
        django_db_blocker.unblock(),
    ):
        before = dict(connection.settings_dict)
        address = portal.database.address
        settings.PORTAL_PORT = str(portal.site.port)
        settings.SEARCH_URL, settings.SEARCH_PREFIX = portal.engine.url, "crashtest"
        connection.close()
        connection.settings_dict.update(
            HOST=address.host,
            PORT=address.port,
            PASSWORD=address.password,
            NAME=address.database,
            USER=address.user,
        )
        try:
            yield portal
        finally:
            connection.close()
            connection.settings_dict.update(before)


def retry_until(is_done: Callable[[], bool], action: Callable[[], Any], *, within: float = 150) -> None:
    """Repeat `action` until `is_done`; AssertionError after `within` seconds."""
    end = time.monotonic() + within
    while True:
        with contextlib.suppress(BrowserError):
            action()
        with contextlib.suppress(BrowserError):
            if is_done():
                return
        assert time.monotonic() < end, f"It did not work within {within} s."
        time.sleep(0.3)


def wait_for(condition: Callable[[], Any], *, within: float) -> Any:
    """The first true value of `condition`; AssertionError after `within` seconds."""
    end = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < end, f"The condition was not met within {within} s."
        time.sleep(0.2)
    return value


def test_a_city_goes_live_once_whatever_is_killed(portal: SupervisedPortal, new_page: Any) -> None:
    site = portal.site
    prepare()

    def impatient_page() -> Any:
        page = new_page()
        page.set_default_timeout(PAGE_TIMEOUT_MS)
        return page

    # The server is killed while the city is created, and the worker while it writes the email.
    staff = impatient_page()
    sign_in(staff, site.url("portal", "/staff/"), "staff@alliance.example", PHRASE)
    portal.schedule(restart(portal.worker), when=lambda: any(site.email_dir.iterdir()))
    kills = [lambda: portal.schedule(restart(portal.web), after=0.4)]

    def open_city() -> None:
        staff.goto(site.url("portal", "/staff/jurisdictions/new/"))
        staff.get_by_label("Official name").fill("City of Elm Ford")
        staff.get_by_label("Site address").fill("elm-ford")
        staff.get_by_label("State").select_option("MN")
        staff.get_by_label("Coordinator’s email address").fill(ADA)
        if kills:
            kills.pop()()
        staff.get_by_role("button", name="Create site").click()

    def is_open() -> bool:
        return staff.goto(site.url("portal", "/staff/jurisdictions/elm-ford/")).status == 200

    retry_until(is_open, open_city)
    assert kills == []

    # The coordinator joins by the link in the email.
    link = re.search(r"http://\S+/accounts/invitation/\S+", site.emails(to=ADA)[0])
    assert link
    portal.join()
    ada = impatient_page()
    ada.goto(link.group())
    ada.get_by_label("Your name").fill("Ada Lovelace")
    ada.get_by_label("Choose a password").fill(PHRASE)
    ada.get_by_role("button", name="Join the team").click()
    ada.wait_for_url(site.url("elm-ford", "/workspace/"))

    # The database is killed while her sheet is imported; server and worker survive it without a restart.
    ada.goto(site.url("elm-ford", "/workspace/import/"))
    ada.locator("input[type=file]").set_input_files(SHEET)
    ada.get_by_role("button", name="Read the file").click()
    if ada.get_by_role("button", name="Check the sheet").count():
        ada.get_by_role("button", name="Check the sheet").click()
    ada.get_by_role("button", name=re.compile(r"Import \d+ actions")).wait_for()
    import_url, recovery_seconds = ada.url, []

    def kill_the_database() -> None:
        portal.database.kill()
        portal.database.start()
        recovery_seconds.append(portal.wait_until_ready(within=10))

    kills = [lambda: portal.schedule(kill_the_database, after=0.15)]

    def import_sheet() -> None:
        if not kills:
            ada.goto(import_url)
        button = ada.get_by_role("button", name=re.compile(r"Import \d+ actions"))
        if button.count():
            if kills:
                kills.pop()()
            button.click()

    retry_until(lambda: ada.get_by_role("button", name="Undo the import").count() > 0, import_sheet)
    portal.join()
    connection.close()  # the test's own
    assert recovery_seconds
    assert portal.web.is_alive
    assert portal.worker.is_alive

    # The search engine is down when she publishes, and the worker is killed meanwhile.
    portal.engine.kill()
    resident = impatient_page()
    portal.schedule(restart(portal.worker), after=0.5)

    def publish() -> None:
        ada.goto(site.url("elm-ford", "/workspace/plan/publish/"))
        ada.get_by_text("I have checked the preview").click()
        ada.get_by_role("button", name="Publish the plan and open the site").click()
        ada.wait_for_load_state()

    retry_until(lambda: resident.goto(site.url("elm-ford", "/")).status == 200, publish)
    member = impatient_page()
    sign_in(member, site.url("portal", "/accounts/"), "member@riverton.example", PHRASE)
    assert search_outcome(member, site.url) == "without the engine"
    portal.join()
    portal.engine.start()
    assert portal.engine.url

    # In the end everything exists exactly once, and all copies agree.
    wait_for(lambda: search_outcome(member, site.url) == "with the engine", within=150)
    wait_for(lambda: is_consistent("rebuild_search"), within=150)
    assert is_consistent("rebuild_projections")
    wait_for(lambda: not pending_work(), within=90)
    assert_everything_exists_once(len(site.emails(to=ADA)))


def restart(program: Any) -> Callable[[], None]:
    def kill_and_start() -> None:
        program.kill()
        program.start()

    return kill_and_start


def search_outcome(member: Any, url: Callable[..., str]) -> str:
    """How the city's action is found: "with the engine", "without the engine", or not at all: ""."""
    page = member.goto(url("portal", f"/search/?q={SEARCH_TERMS.replace(' ', '+')}"))
    assert page.status == 200
    text = member.locator("main").inner_text()
    if "scored set of interview questions" not in text:
        return ""
    return "without the engine" if "is not available right now" in text else "with the engine"


def is_consistent(command: str) -> bool:
    """True if the command's `--check` finds no difference."""
    try:
        call_command(command, "--check", stdout=StringIO())
    except CommandError:
        return False
    return True


def pending_work() -> list[str]:
    """Unfinished jobs and pending updates of the index. Raises AssertionError if a job has failed."""
    assert list(DBTaskResult.objects.filter(status="FAILED").values_list("task_path", "traceback")) == []
    jobs = DBTaskResult.objects.exclude(status="SUCCESSFUL").values_list("task_path", flat=True)
    return [*jobs, *map(str, PendingIndexUpdate.objects.all())]


def assert_everything_exists_once(email_count: int) -> None:
    jurisdiction = Jurisdiction.objects.get(slug="elm-ford")
    assert Jurisdiction.objects.filter(name="City of Elm Ford").count() == 1
    assert AuditEvent.objects.filter(jurisdiction=jurisdiction, verb="opened").count() == 1
    assert list(Invitation.objects.filter(jurisdiction=jurisdiction).values_list("email", "state")) == [
        (ADA, "accepted")
    ]
    assert Affiliation.objects.filter(jurisdiction=jurisdiction, user__email=ADA).count() == 1
    # An email may be sent twice if the worker dies after sending it: see tenants.jobs.runner.
    assert 1 <= email_count <= 2
    delivered = DBTaskResult.objects.filter(
        task_path="tenants.notifications.mail.send_mail_task", args_kwargs__kwargs__to=ADA
    )
    assert [job.status for job in delivered] == ["SUCCESSFUL"]
    with tenant_context(jurisdiction):
        titles = list(Action.objects.current().values_list("number", "title"))
        assert (len(titles), len(set(titles))) == (31, 31)
        assert ImportJob.objects.filter(state="committed").count() == 1
        imported = list(PlanLogEntry.objects.filter(verb="imported").values_list("object_uuid", flat=True))
        assert len(imported) == len(set(imported)) >= 31
        assert PlanLogEntry.objects.filter(verb="published").count() == 1
