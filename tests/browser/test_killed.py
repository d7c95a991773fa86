"""The walk of a city going live while everything under it is killed: nothing is lost, and nothing happens twice.

A supervisor starts again what was killed. The people do what people do: what did not work they try once more.
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
from tests.browser.people import sign_in
from tests.browser.supervised import SupervisedPortal, supervised_portal
from tests.browser.test_the_walk import PHRASE, SHEET, prepare
from tests.databases import database_url, fingerprint

ADA = "ada@elm-ford.example"
SOON = 5_000  # milliseconds a person waits before trying again
WORDS = "scored interview questions"


@pytest.fixture
def portal(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Any, settings: Any
) -> Iterator[SupervisedPortal]:
    """The portal on its own database and engine; this test's own queries go there too."""
    template = database_url(f"template_{fingerprint()}")
    with (
        supervised_portal(tmp_path, media=settings.MEDIA_ROOT, template=template) as found,
        django_db_blocker.unblock(),
    ):
        before = dict(connection.settings_dict)
        own = found.database.address
        settings.PORTAL_PORT = str(found.site.port)
        settings.SEARCH_URL, settings.SEARCH_PREFIX = found.engine.url, "walk"
        connection.close()
        connection.settings_dict.update(
            HOST=own.host, PORT=own.port, PASSWORD=own.password, NAME=own.database, USER=own.user
        )
        try:
            yield found
        finally:
            connection.close()
            connection.settings_dict.update(before)


def until_done(act: Callable[[], Any], done: Callable[[], bool], *, within: float = 150) -> None:
    """Try, and try again what did not work."""
    end = time.monotonic() + within
    while True:
        with contextlib.suppress(BrowserError):
            act()
        with contextlib.suppress(BrowserError):
            if done():
                return
        assert time.monotonic() < end, f"It did not work within {within} s."
        time.sleep(0.3)


def until(found: Callable[[], Any], *, within: float) -> Any:
    end = time.monotonic() + within
    while not (value := found()):
        assert time.monotonic() < end, f"This did not come about within {within} s."
        time.sleep(0.2)
    return value


def test_whatever_is_killed_a_city_goes_live_once(portal: SupervisedPortal, new_person: Any) -> None:
    site = portal.site
    prepare()

    def somebody() -> Any:
        page = new_person()
        page.set_default_timeout(SOON)
        return page

    # While the city is made, the server is killed. Its mail is just being written when the worker is.
    staff = somebody()
    sign_in(staff, site.url("portal", "/staff/"), "staff@alliance.example", PHRASE)
    portal.soon(restart(portal.worker), when=lambda: any(site.mail_dir.iterdir()))
    kills = [lambda: portal.soon(restart(portal.web), after=0.4)]

    def open_city() -> None:
        staff.goto(site.url("portal", "/staff/jurisdictions/new/"))
        staff.get_by_label("Legal name").fill("City of Elm Ford")
        staff.get_by_label("Address of its site").fill("elm-ford")
        staff.get_by_label("State").select_option("MN")
        staff.get_by_label("Coordinator’s mail address").fill(ADA)
        if kills:
            kills.pop()()
        staff.get_by_role("button", name="Open it").click()

    def is_open() -> bool:
        return staff.goto(site.url("portal", "/staff/jurisdictions/elm-ford/")).status == 200

    until_done(open_city, is_open)
    assert kills == []

    # She joins by the link in the mail.
    link = re.search(r"http://\S+/accounts/invitation/\S+", site.mails(to=ADA)[0])
    assert link
    portal.settle()
    ada = somebody()
    ada.goto(link.group())
    ada.get_by_label("Your name").fill("Ada Lovelace")
    ada.get_by_label("Choose a password").fill(PHRASE)
    ada.get_by_role("button", name="Join the team").click()
    ada.wait_for_url(site.url("elm-ford", "/workspace/"))

    # While her sheet is written, the database is killed; neither server nor worker is started again for it.
    ada.goto(site.url("elm-ford", "/workspace/import/"))
    ada.locator("input[type=file]").set_input_files(SHEET)
    ada.get_by_role("button", name="Read the file").click()
    if ada.get_by_role("button", name="Check the sheet").count():
        ada.get_by_role("button", name="Check the sheet").click()
    ada.get_by_role("button", name=re.compile(r"Import \d+ actions")).wait_for()
    address, back = ada.url, []

    def kill_the_database() -> None:
        portal.database.kill()
        portal.database.start()
        back.append(portal.answers(within=10))

    kills = [lambda: portal.soon(kill_the_database, after=0.15)]

    def bring_in() -> None:
        if not kills:
            ada.goto(address)
        button = ada.get_by_role("button", name=re.compile(r"Import \d+ actions"))
        if button.count():
            if kills:
                kills.pop()()
            button.click()

    until_done(bring_in, lambda: ada.get_by_role("button", name="Undo the import").count() > 0)
    portal.settle()
    connection.close()  # this test's own
    assert back
    assert portal.web.is_alive
    assert portal.worker.is_alive

    # The search engine is gone when she publishes, and the worker dies over it.
    portal.engine.kill()
    resident = somebody()
    portal.soon(restart(portal.worker), after=0.5)

    def publish() -> None:
        ada.goto(site.url("elm-ford", "/workspace/plan/publish/"))
        ada.get_by_text("I have looked at the preview").click()
        ada.get_by_role("button", name="Publish the plan and open the site").click()
        ada.wait_for_load_state()

    until_done(publish, lambda: resident.goto(site.url("elm-ford", "/")).status == 200)
    member = somebody()
    sign_in(member, site.url("portal", "/accounts/"), "member@riverton.example", PHRASE)
    assert found_by_search(member, site.url) == "without the engine"
    portal.settle()
    portal.engine.start()
    assert portal.engine.url

    # Afterwards everything is there once, and every copy of it says the same.
    until(lambda: found_by_search(member, site.url) == "with the engine", within=150)
    until(lambda: agrees("rebuild_search"), within=150)
    assert agrees("rebuild_projections")
    until(lambda: not waiting(), within=90)
    assert_once(len(site.mails(to=ADA)))


def restart(program: Any) -> Callable[[], None]:
    def killed_and_started() -> None:
        program.kill()
        program.start()

    return killed_and_started


def found_by_search(member: Any, url: Callable[..., str]) -> str:
    """Whether the city's action is found, and by whom."""
    page = member.goto(url("portal", f"/search/?q={WORDS.replace(' ', '+')}"))
    assert page.status == 200
    words = member.locator("main").inner_text()
    if "scored set of interview questions" not in words:
        return ""
    return "without the engine" if "does not answer right now" in words else "with the engine"


def agrees(command: str) -> bool:
    """What the command's comparison says."""
    try:
        call_command(command, "--check", stdout=StringIO())
    except CommandError:
        return False
    return True


def waiting() -> list[str]:
    """Jobs that are still to be done, and what the engine was not told; none has failed."""
    assert list(DBTaskResult.objects.filter(status="FAILED").values_list("task_path", "traceback")) == []
    jobs = DBTaskResult.objects.exclude(status="SUCCESSFUL").values_list("task_path", flat=True)
    return [*jobs, *map(str, PendingIndexUpdate.objects.all())]


def assert_once(mails: int) -> None:
    jurisdiction = Jurisdiction.objects.get(slug="elm-ford")
    assert Jurisdiction.objects.filter(name="City of Elm Ford").count() == 1
    assert AuditEvent.objects.filter(jurisdiction=jurisdiction, verb="opened").count() == 1
    assert list(Invitation.objects.filter(jurisdiction=jurisdiction).values_list("email", "state")) == [
        (ADA, "accepted")
    ]
    assert Affiliation.objects.filter(jurisdiction=jurisdiction, user__email=ADA).count() == 1
    assert (
        1 <= mails <= 2
    )  # a mail may leave twice if the worker dies after sending it: see tenants.jobs.runner
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
