"""Audit events and log entries of plans are each made in one function."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_house import ROOT, modules

MAKERS = {
    r"\bAuditEvent\(|\bAuditEvent\.objects\.(?!log\(|filter\()": "tenants/models/audit.py",
    r"\bPlanLogEntry\(|\bPlanLogEntry\.objects\.(create|update)": "tenants/plans/change_log.py",
    r"\bjurisdiction_changed\.send\(": "tenants/jurisdictions/services.py",
}


@pytest.mark.parametrize("pattern", MAKERS)
def test_rows_of_the_log_are_made_in_one_module(pattern: str) -> None:
    using = {
        path
        for path in modules()
        if not path.startswith(("tests/", "bench/"))
        and re.search(pattern, re.sub(r"class \w+\(.*", "", Path(ROOT / path).read_text()))
    }
    assert using <= {MAKERS[pattern]}
