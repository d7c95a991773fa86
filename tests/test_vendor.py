"""Vendored files match their checksums and refer only to files in the repository."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / "static" / "vendor", ROOT / "tests" / "browser" / "vendor"]
OWN_FILES = {"CHECKSUMS", "README.md"}


def vendored_files() -> dict[str, Path]:
    """{path from the root of the project: file}."""
    files = [file for folder in FOLDERS for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(ROOT)): file for file in files if file.name not in OWN_FILES}


def test_checksums_list_exactly_the_vendored_files():
    lines = (ROOT / "static" / "vendor" / "CHECKSUMS").read_text().splitlines()
    listed = dict(reversed(line.split("  ", 1)) for line in lines)
    actual = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in vendored_files().items()}
    assert actual == listed


def test_each_package_has_its_license_beside_it():
    for folder in ["static/vendor/uswds", "static/vendor/htmx", "tests/browser/vendor"]:
        assert list((ROOT / folder).glob("*LICENSE*")), f"{folder} has no license."


def test_vendored_files_are_small_enough_to_be_tracked():
    assert [name for name, file in vendored_files().items() if file.stat().st_size > 1_000_000] == []


@pytest.mark.parametrize("name", ["vendor/uswds/css/uswds.min.css", "portal.css"])
def test_stylesheets_refer_only_to_existing_files(name):
    sheet = ROOT / "static" / name
    text = sheet.read_text()
    urls = {address.strip("'\"") for address in re.findall(r"url\(([^)]+)\)", text)}
    local = {address for address in urls if not address.startswith("data:")}
    assert local
    assert [address for address in local if not (sheet.parent / address).is_file()] == []
    assert "sourceMappingURL" not in text


def test_scripts_have_no_source_map():
    scripts = list((ROOT / "static").rglob("*.js"))
    assert [str(file) for file in scripts if "sourceMappingURL" in file.read_text()] == []


def test_manifest_storage_finds_every_reference_of_stylesheets_and_scripts(settings, tmp_path):
    """Run `collectstatic` as in production: each file is renamed with its hash, each reference rewritten."""
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

    errors = [
        (name, result)
        for name, _hashed, result in storage.post_process(paths)
        if isinstance(result, Exception)
    ]

    assert errors == []
    assert re.fullmatch(r"/static/portal\.[0-9a-f]{12}\.css", storage.url("portal.css"))
    assert "PublicSans-Regular." in (tmp_path / storage.stored_name("portal.css")).read_text()
