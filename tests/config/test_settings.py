import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_docs_list_exactly_the_variables_that_settings_read():
    source = (ROOT / "config" / "settings" / "base.py").read_text()
    read_variables = set(re.findall(r"\benv(?:_bool|_int)?\(\s*\"([A-Z_]+)\"", source))
    documented = set(
        re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    )
    assert read_variables == documented


def test_the_environment_is_read_only_in_settings():
    allowed = {"config/settings", "config/environment.py", "config/bootstrap.py", "config/demo", "embedded", "manage.py",
               "config/wsgi.py", "tests", "bench"}  # fmt: skip
    readers = [
        str(file.relative_to(ROOT))
        for folder in ["accounts", "tenants", "resources", "cohort", "cms", "search", "config"]
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.(environ|getenv)", file.read_text())
    ]
    assert [name for name in readers if not any(name.startswith(prefix) for prefix in allowed)] == []


def test_psycopg_3_is_not_installed():
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    assert not is_psycopg3
