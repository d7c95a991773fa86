"""Addresses of a city's public pages, and what tests read from a response."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

PAGES = ["/", "/plan/", "/plan/actions/t5/", "/data/"]
DOWNLOADS = ["/data/actions.csv", "/data/actions.json", "/data/plan.json", "/data/numbers.csv"]


def visible_text(response):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.text)).split())


def csv_rows(response):
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def action_codes(response):
    return re.findall(r'<th scope="row"><a href="/plan/actions/(\w+)/', response.text)
