"""`python -m bench [NAME …]`: run the benchmarks, save their results, exit with 1 if one is over its limit.

A benchmark is a module of this folder with `run() -> list[Result]`. It gets its own database with
the alliance, the template city and no jurisdictions.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench import portal
from bench.measure import Result

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
PAGE = FOLDER / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"
NOT_BENCHMARKS = {"__init__", "__main__", "bare_alliance", "bare_city", "corpus", "measure", "portal", "wsgi"}


def main(names: list[str]) -> int:
    available = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem not in NOT_BENCHMARKS)
    if unknown := [name for name in names if name not in available]:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(available)}.")
        return 2
    failed = []
    print("Starting PostgreSQL and migrating …", flush=True)
    with portal.running_portal():
        for name in names or available:
            print(f"{name} …", flush=True)
            started = time.monotonic()
            module = importlib.import_module(f"bench.{name}")
            with portal.fresh_database(f"bench_{name}"):
                results = module.run()
            save_results(name, results)
            failed += [result.name for result in results if not result.ok]
            for result in results:
                print("  " + summary_line(result.as_json()), flush=True)
            print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    if failed:
        print(f"Over the limit: {', '.join(failed)}")
    return 1 if failed else 0


def save_results(name: str, new: list[Result]) -> None:
    """Replace the benchmark's earlier results by these, in results.json and in the table of README.md."""
    previous = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    others = [result for result in previous if result["name"].split(".")[0] != name]
    results = sorted([*others, *(result.as_json() for result in new)], key=natural_sort_key)
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    page = PAGE.read_text()
    head, _begin, rest = page.partition(BEGIN)
    _old, _end, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{markdown_table(results)}\n\n{END}{tail}")


def natural_sort_key(result: dict[str, Any]) -> list[tuple[int, str]]:
    """Sort key of a result: its name, with the numbers in it sorted by value."""
    return [
        (int(segment), "") if segment.isdigit() else (-1, segment) for segment in result["name"].split(".")
    ]


def markdown_table(results: list[dict[str, Any]]) -> str:
    rows = ["| | Ratio | Spread | Seconds | Exponent | |", "|---|---|---|---|---|---|"]
    for result in results:
        cells = [
            result["what"],
            format_with_limit(result["ratio"], result["limit"]),
            "" if result["spread"] is None else f"{result['spread']:.2f}",
            format_with_limit(result["seconds"], result["seconds_limit"]),
            format_with_limit(result["exponent"], result["exponent_limit"]),
            "within" if result["ok"] else "**over**",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def format_with_limit(value: float | None, limit: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if limit is None else f"{value:.2f} (≤ {limit:g})"


def summary_line(result: dict[str, Any]) -> str:
    values = [f"{key} {format_with_limit(result[key], result[limit])}" for key, limit in
            (("ratio", "limit"), ("seconds", "seconds_limit"), ("exponent", "exponent_limit"))
            if result[key] is not None]  # fmt: skip
    return f"{result['name']}: {', '.join(values)}: {'within' if result['ok'] else 'OVER'}"


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(sys.argv[1:]))
