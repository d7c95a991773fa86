"""The files of others are the ones we looked at, whole, and need nothing that is not here."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / "static" / "vendor", ROOT / "tests" / "browser" / "vendor"]
OURS = {"CHECKSUMS", "README.md"}


def vendored() -> dict[str, Path]:
    """Path from the root of the project -> file."""
    files = [file for folder in FOLDERS for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(ROOT)): file for file in files if file.name not in OURS}


def test_every_vendored_file_is_listed_with_its_checksum_and_no_other():
    lines = (ROOT / "static" / "vendor" / "CHECKSUMS").read_text().splitlines()
    listed = dict(reversed(line.split("  ", 1)) for line in lines)
    found = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in vendored().items()}
    assert found == listed


def test_each_package_has_its_license_beside_it():
    for folder in ["static/vendor/uswds", "static/vendor/htmx", "tests/browser/vendor"]:
        assert list((ROOT / folder).glob("*LICENSE*")), f"{folder} has no license."


def test_vendored_files_are_small_enough_to_be_tracked():
    assert [name for name, file in vendored().items() if file.stat().st_size > 1_000_000] == []


@pytest.mark.parametrize("name", ["vendor/uswds/css/uswds.min.css", "portal.css"])
def test_style_sheets_point_only_to_files_that_are_here(name):
    sheet = ROOT / "static" / name
    text = sheet.read_text()
    wanted = {address.strip("'\"") for address in re.findall(r"url\(([^)]+)\)", text)}
    local = {address for address in wanted if not address.startswith("data:")}
    assert local
    assert [address for address in local if not (sheet.parent / address).is_file()] == []
    assert "sourceMappingURL" not in text


def test_scripts_point_to_no_source_map():
    scripts = list((ROOT / "static").rglob("*.js"))
    assert [str(file) for file in scripts if "sourceMappingURL" in file.read_text()] == []


def test_the_strict_storage_finds_everything_that_style_sheets_and_scripts_ask_for(settings, tmp_path):
    """What production does at set-up: each file under a name with its hash, each reference rewritten."""
    from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
    from django.core.files.storage import FileSystemStorage

    source = FileSystemStorage(location=ROOT / "static")
    settings.DEBUG = False
    storage = ManifestStaticFilesStorage(location=tmp_path, base_url="/static/")
    paths = {}
    for file in (ROOT / "static").rglob("*"):
        if file.is_file():
            name = str(file.relative_to(ROOT / "static"))
            with source.open(name) as content:
                storage.save(name, content)
            paths[name] = (storage, name)

    refused = [
        (name, done) for name, _hashed, done in storage.post_process(paths) if isinstance(done, Exception)
    ]

    assert refused == []
    assert re.fullmatch(r"/static/portal\.[0-9a-f]{12}\.css", storage.url("portal.css"))
    assert "PublicSans-Regular." in (tmp_path / storage.stored_name("portal.css")).read_text()
