"""`python -m bench [NAME …]`: run the benchmarks, keep what they found, end with 1 if one is over its limit.

A benchmark is a module of this folder with `run() -> list[Result]`. It starts with a database of its own that has
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
    there = sorted(file.stem for file in FOLDER.glob("*.py") if file.stem not in NOT_BENCHMARKS)
    if unknown := [name for name in names if name not in there]:
        print(f"There is no benchmark {unknown[0]!r}. There are: {', '.join(there)}.")
        return 2
    failed = []
    print("Starting PostgreSQL and migrating …", flush=True)
    with portal.running_portal():
        for name in names or there:
            print(f"{name} …", flush=True)
            began = time.monotonic()
            module = importlib.import_module(f"bench.{name}")
            with portal.fresh_database(f"bench_{name}"):
                found = module.run()
            save_results(name, found)
            failed += [result.name for result in found if not result.ok]
            for result in found:
                print("  " + summary_line(result.as_json()), flush=True)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"Over the limit: {', '.join(failed)}")
    return 1 if failed else 0


def save_results(name: str, found: list[Result]) -> None:
    """Put these results in place of the benchmark's earlier ones, in results.json and in the page's table."""
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    others = [result for result in before if result["name"].split(".")[0] != name]
    results = sorted([*others, *(result.as_json() for result in found)], key=natural_sort_key)
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    page = PAGE.read_text()
    head, _begin, rest = page.partition(BEGIN)
    _old, _end, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{markdown_table(results)}\n\n{END}{tail}")


def natural_sort_key(result: dict[str, Any]) -> list[tuple[int, str]]:
    """By name, with numbers in it by size."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in result["name"].split(".")]


def markdown_table(results: list[dict[str, Any]]) -> str:
    rows = ["| | Ratio | Spread | Seconds | Exponent | |", "|---|---|---|---|---|---|"]
    for found in results:
        cells = [
            found["what"],
            format_with_limit(found["ratio"], found["limit"]),
            "" if found["spread"] is None else f"{found['spread']:.2f}",
            format_with_limit(found["seconds"], found["seconds_limit"]),
            format_with_limit(found["exponent"], found["exponent_limit"]),
            "within" if found["ok"] else "**over**",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def format_with_limit(found: float | None, limit: float | None) -> str:
    if found is None:
        return ""
    return f"{found:.2f}" if limit is None else f"{found:.2f} (≤ {limit:g})"


def summary_line(found: dict[str, Any]) -> str:
    said = [f"{key} {format_with_limit(found[key], found[limit])}" for key, limit in
            (("ratio", "limit"), ("seconds", "seconds_limit"), ("exponent", "exponent_limit"))
            if found[key] is not None]  # fmt: skip
    return f"{found['name']}: {', '.join(said)}: {'within' if found['ok'] else 'OVER'}"


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(sys.argv[1:]))
