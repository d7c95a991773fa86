"""A city's front page with 500 actions in Chromium: bytes of a first visit, first and largest paint, main-thread CPU.

The floor is a static page with the text that the front page shows, without a style sheet, script or picture, served by
the same server. Both are loaded in turn, each time in a new browser profile with nothing cached.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import html
import statistics
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import portal
from bench.measure import PairedTimes, Result

ACTIONS = 500
PAIRS = 11
LIMIT_KB = 250
HTML_LIMIT_KB = 40
WIDE = {"width": 1280, "height": 900}
FLOOR_FILE = "front-page-floor.html"
FLOOR = "a static page of the same text"
# Kinds of files, by the resource type that Chromium reports.
KINDS = {
    "document": "HTML",
    "stylesheet": "style sheets",
    "script": "scripts",
    "font": "fonts",
    "image": "images",
}
# Seconds of the main thread's CPU time, by their names in Performance.getMetrics.
CPU = {
    "cpu": "TaskDuration",
    "script": "ScriptDuration",
    "layout": "LayoutDuration",
    "style": "RecalcStyleDuration",
}
# Once loaded: the paints in seconds since the start of the navigation, and whether anything came out of a cache.
OBSERVE = """async () => {
  await document.fonts.ready;
  await new Promise(done => setTimeout(done, 300));
  const last = type => new Promise(done => {
    const observer = new PerformanceObserver(list => done(list.getEntries().at(-1).startTime / 1000));
    observer.observe({type, buffered: true});
  });
  const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime / 1000;
  const cached = performance.getEntriesByType("resource").filter(entry => !entry.transferSize).map(entry => entry.name);
  return {paint, largest: await last("largest-contentful-paint"), cached};
}"""


def run() -> list[Result]:
    jurisdiction = open_city()
    static_files = collect_static_files()
    with portal.running_server() as port, running_browser() as browser:
        address = f"http://{jurisdiction.host}:{port}/"
        files, text = first_view(browser, address)
    write_floor(static_files, text)
    with portal.running_server() as port, running_browser() as browser:
        address = f"http://{jurisdiction.host}:{port}/"
        ours, floor = load_in_turn(browser, address, f"{address}static/{FLOOR_FILE}")
    return [*byte_results(files), *time_results(ours, floor)]


def open_city() -> Any:
    """The city of the other benchmarks, with due dates, departments, reports and words that fill every block of the page."""
    from django_tenants.utils import tenant_context

    from bench.dashboard import open_city_with_actions
    from cms.models import HomePage
    from tenants.plans.models import Action, ActionParty, Department, ProgressNote

    jurisdiction: Any = open_city_with_actions(ACTIONS)
    with tenant_context(jurisdiction):
        departments = [Department.objects.create(name=f"Department of matter {n}") for n in range(12)]
        actions = list(Action.objects.order_by("position"))
        for n, action in enumerate(actions):
            action.due_date = dt.date(2025 + n % 5, 1 + n % 12, 28)
        Action.objects.bulk_update(actions, ["due_date"])
        ActionParty.objects.bulk_create(
            ActionParty(action=action, department=departments[n % 12]) for n, action in enumerate(actions)
        )
        undated = [action.pk for action in actions[3::10]]
        ProgressNote.objects.filter(action__in=undated).update(noted_on=None, label="Q3")
        HomePage.objects.update(
            intro="<p>We promised <b>this</b> together, and <i>this</i> is how it goes.</p>"
        )
    return jurisdiction


def collect_static_files() -> Path:
    """Compress and name the files in static/ as in production; public pages load no others."""
    from django.conf import settings
    from django.core.management import call_command
    from django.test import override_settings

    with override_settings(STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"]):
        call_command("collectstatic", interactive=False, verbosity=0)
    return Path(settings.STATIC_ROOT)


def write_floor(folder: Path, text: str) -> None:
    heading, *lines = [html.escape(line) for line in text.splitlines() if line.strip()]
    body = "\n".join(f"<p>{line}</p>" for line in lines)
    page = f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{heading}</title></head>"
    (folder / FLOOR_FILE).write_text(f"{page}<body><h1>{heading}</h1>\n{body}</body></html>")


@contextlib.contextmanager
def running_browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    from config.bootstrap import find_browser

    options = ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*options, "--no-sandbox"])
        yield browser
        browser.close()


def first_view(browser: Any, address: str) -> tuple[dict[str, dict[str, int]], str]:
    """Sizes of all files of a first visit, {kind: {path: bytes}}, and the text that the page shows."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    requested = []
    page.on("request", lambda request: requested.append((request.resource_type, request.url)))
    page.goto(address)
    page.evaluate(OBSERVE)
    text = page.locator("body").inner_text()
    context.close()
    files: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for kind, url in requested:
        if not url.startswith("data:"):
            files[kind if kind in KINDS else "image"][urlsplit(url).path] = wire_size(
                url
            )  # an icon is "other"
    return files, text


def wire_size(url: str) -> int:
    """Bytes of the response's body with gzip. The proxy in front of the portal compresses what the portal does not."""
    parts = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", parts.port, timeout=60)
    connection.request("GET", parts.path, headers={"Host": parts.netloc, "Accept-Encoding": "gzip"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{url}: {response.status}")
    is_text = "text/" in response.headers["Content-Type"] or "svg" in response.headers["Content-Type"]
    if is_text and response.headers["Content-Encoding"] is None:
        body = gzip.compress(body, compresslevel=6)
    connection.close()
    return len(body)


def load(browser: Any, address: str) -> dict[str, float]:
    """Load a page in a new profile: {"paint", "largest" and the names in CPU: seconds}."""
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address)
    seen = page.evaluate(OBSERVE)
    if seen["cached"]:
        raise RuntimeError(f"{address}: {seen['cached']} came out of a cache")
    metrics = {
        metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]
    }
    context.close()
    return {name: metrics[CPU[name]] for name in CPU} | {name: seen[name] for name in ("paint", "largest")}


def load_in_turn(
    browser: Any, address: str, floor_address: str
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    ours, floor = [], []
    for number in range(-1, PAIRS):
        pair = {url: load(browser, url) for url in (address, floor_address)[:: 1 if number % 2 else -1]}
        if number >= 0:  # the first pair warms up the server and its cache of pages
            ours.append(pair[address])
            floor.append(pair[floor_address])
    return ours, floor


def byte_results(files: dict[str, dict[str, int]]) -> list[Result]:
    kilobytes = {kind: sum(sizes.values()) / 1000 for kind, sizes in files.items()}
    for kind, sizes in files.items():
        for path, size in sizes.items():
            print(f"  {KINDS[kind]}: {path} {size / 1000:.1f} KB")
    total = sum(kilobytes.values())
    limits = {"document": HTML_LIMIT_KB}
    return [
        Result(
            name="front_page.bytes",
            what=f"First view of the front page of {ACTIONS} actions: KB with gzip",
            ratio=total,
            limit=LIMIT_KB,
        ),
        *(
            Result(
                name=f"front_page.bytes.{kind}",
                what=f"First view of the front page: KB of {KINDS[kind]}",
                ratio=kilobytes[kind],
                limit=limits.get(kind),
            )
            for kind in KINDS
        ),
    ]


def time_results(ours: list[dict[str, float]], floor: list[dict[str, float]]) -> list[Result]:
    names = {
        "paint": ("first contentful paint", 5),
        "largest": ("largest contentful paint", 5),
        "cpu": ("CPU of the main thread", 10),
        "layout": ("CPU of layout", None),
        "style": ("CPU of style", None),
    }
    results = []
    for name, (what, limit) in names.items():
        times = PairedTimes([pair[name] for pair in ours], [pair[name] for pair in floor])
        print(
            f"  {name}: {times.seconds * 1000:.1f} ms, floor {statistics.median(times.floor) * 1000:.1f} ms"
        )
        results.append(
            Result(
                name=f"front_page.{name}",
                what=f"Front page of {ACTIONS} actions: {what} (floor: {FLOOR})",
                ratio=times.ratio,
                spread=times.spread,
                limit=limit,
                seconds=times.seconds,
            )
        )
    script = statistics.median(pair["script"] for pair in ours)
    return [
        *results,
        Result(
            name="front_page.script", what=f"Front page of {ACTIONS} actions: CPU of scripts", seconds=script
        ),
    ]
