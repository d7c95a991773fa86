"""What a full run says about coverage: the table in var/coverage.txt, and two results next to those of the tests.

Every module that tests cover by less than 90 % is in `coverage_below_90.toml`, with the reason; and every view of both
URLconfs is entered, beyond its decorators. Both are judged only if coverage ran and the whole suite was asked for:

    make test-full
    .venv/bin/python -m tests.coverage_of_the_suite     # judge the last run again, after a change of the list
"""

from __future__ import annotations

import inspect
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.full import is_full

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).parent / "coverage_below_90.toml"
TABLE, DATA = ROOT / "var" / "coverage.txt", ROOT / "var" / "coverage" / "report.json"
THRESHOLD = 90
OFF_THE_LIST = 95  # a listed module may be a little above the threshold by chance

Functions = Mapping[tuple[str, str], bool]  # (path, qualified name): was a line of it executed?


def problems_of_modules(
    percents: Mapping[str, float], listed: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Modules that the list does not describe as they are, each as a line of text."""
    for path, percent in sorted(percents.items()):
        if path not in listed:
            if percent < THRESHOLD:
                yield f'{percent:.1f} %, not listed: "{path}" = {{ percent = {int(percent)}, why = "…" }}'
        elif percent < listed[path]["percent"]:
            yield f"{percent:.1f} %, listed with {listed[path]['percent']} %: {path}"
        elif percent >= OFF_THE_LIST:
            yield f"{percent:.1f} %, take it off the list: {path}"
    for path in sorted(listed.keys() - percents.keys()):
        yield f"listed, but no module: {path}"


def handlers(view: Any) -> list[Any]:
    """The functions of ours that answer a view's requests; of a class without any, its other methods."""
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    if view_class is None:
        return [inspect.unwrap(view)]
    names = getattr(view, "actions", None) or {name: name for name in view_class.http_method_names}
    methods = [getattr(view_class, name) for name in set(names.values()) if hasattr(view_class, name)]
    own = [inspect.unwrap(function) for function in methods if _is_ours(function)]
    return own or [function for function in vars(view_class).values() if inspect.isfunction(function)]


def _is_ours(function: Any) -> bool:
    file = Path(inspect.getfile(inspect.unwrap(function))).resolve()
    return ROOT in file.parents and "site-packages" not in file.parts


def views_never_entered(views: Mapping[str, Any], functions: Functions) -> Iterator[str]:
    """Views of ours of which no line was executed; `views` by the name of their address."""
    for name, view in views.items():
        own = [function for function in handlers(view) if _is_ours(function)]
        keys = [
            (
                str(Path(inspect.getfile(function)).resolve().relative_to(ROOT)),
                function.__qualname__.replace("<locals>.", ""),
            )
            for function in own
        ]
        if keys and not any(functions.get(key) for key in keys):
            yield f"{name}: {keys[0][1]} in {keys[0][0]}"


def all_views() -> dict[str, Any]:
    from tests.access.addresses import ALLIANCE, CITY, addresses

    return {
        f"{urlconf} {address.name}": address.view
        for urlconf in (CITY, ALLIANCE)
        for address in addresses(urlconf)
    }


# --- At the end of a run ------------------------------------------------------------------------------------------


def _current() -> Any:
    """The coverage of this process, if it is measured."""
    from coverage import Coverage

    return Coverage.current()


def pytest_sessionfinish(session: pytest.Session) -> None:
    current = _current()
    if current is None:
        return
    current.stop()
    current.save()
    if hasattr(session.config, "workerinput"):  # the run's first process combines what the workers saved
        return
    report = _write_reports()
    option = session.config.option
    is_whole = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if is_full() and is_whole and not option.keyword and not option.markexpr:
        for name, problems in judge(report).items():
            _add_result(session, name, problems)


def judge(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """The problems of a whole run, by the name of the result."""
    percents = {path: file["summary"]["percent_covered"] for path, file in report["files"].items()}
    functions = {
        (path, name): bool(function["executed_lines"])
        for path, file in report["files"].items()
        for name, function in file["functions"].items()
    }
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return {
        "modules below 90 % are listed": list(problems_of_modules(percents, listed)),
        "every view is entered": list(views_never_entered(all_views(), functions)),
    }


def _write_reports() -> dict[str, Any]:
    """Combine the data of all processes; write the table and the details."""
    from coverage import Coverage

    combined = Coverage(data_suffix=False)
    combined.combine()
    combined.save()
    with TABLE.open("w", encoding="utf-8") as table:
        combined.report(file=table, show_missing=True, sort="cover", ignore_errors=True)
    combined.json_report(outfile=str(DATA), ignore_errors=True)
    report: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return report


def _add_result(session: pytest.Session, name: str, problems: list[str]) -> None:
    """Report a passed or failed test, which the summary then counts."""
    nodeid = f"{LIST.parent.name}/{Path(__file__).name}::{name}"
    report = pytest.TestReport(
        nodeid=nodeid,
        location=(nodeid.partition("::")[0], None, name),
        keywords={},
        outcome="failed" if problems else "passed",
        longrepr="\n".join([f"{name}: {len(problems)} problems. The table is in {TABLE}.", *problems]) if problems else None,
        when="call",
    )  # fmt: skip
    session.config.hook.pytest_runtest_logreport(report=report)
    if problems and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


if __name__ == "__main__":
    import os
    import sys

    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    django.setup()
    complaints = [
        line for lines in judge(json.loads(DATA.read_text(encoding="utf-8"))).values() for line in lines
    ]
    sys.exit("\n".join(complaints) or 0)
