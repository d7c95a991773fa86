"""`python -m embedded start|stop|status` for the development database, `search` for an OpenSearch until Ctrl-C."""

import argparse
import signal
import sys
import time
from pathlib import Path

from embedded import jars, locks, opensearch, postgres

VAR = Path(__file__).resolve().parent.parent / "var"
FOLDER = VAR / "postgres"
NOT_RUNNING = 3  # exit code, as of pg_ctl and service scripts


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded", description="The portal's own servers.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in ("start", "stop", "status"):
        subparser = commands.add_parser(command, help=f"{command} PostgreSQL")
        subparser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="default: var/postgres")
        subparser.add_argument("--port", type=int, help="default: the last one, or any that is free")
    search = commands.add_parser("search", help="run OpenSearch until Ctrl-C")
    search.add_argument("folder", nargs="?", type=Path, help="default: var/opensearch/VERSION")
    search.add_argument("--port", type=int, default=0, help="default: any that is free")
    search.add_argument(
        "--version", choices=jars.VERSIONS, help="default: the newest that a JDK found here runs"
    )
    arguments = parser.parse_args(argv)
    try:
        return run_search(arguments) if arguments.command == "search" else run_postgres(arguments)
    except (postgres.PostgresError, opensearch.OpenSearchError) as error:
        print(error, file=sys.stderr)
        return 1


def run_search(arguments: argparse.Namespace) -> int:
    version = arguments.version or opensearch.newest_runnable_version()
    folder = arguments.folder or VAR / "opensearch" / version
    # `kill` ends it in the same way as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with opensearch.running(folder, version=version, port=arguments.port, log=log) as server:
            log(f"OpenSearch {version} in {folder} runs at {server.url}. Ctrl-C stops it.")
            while locks.is_held(server.home / locks.SERVER_LOCK):
                time.sleep(0.5)
            raise opensearch.OpenSearchError(
                f"The server ended by itself; its log is {server.home}/server.log."
            )
    except KeyboardInterrupt:
        return 0


def log(text: str) -> None:
    print(text, flush=True)


def run_postgres(arguments: argparse.Namespace) -> int:
    folder = arguments.folder.resolve()
    if arguments.command == "stop":
        was_running = postgres.stop(folder)
        print(
            f"PostgreSQL in {folder} has stopped."
            if was_running
            else f"PostgreSQL in {folder} was not running."
        )
        return 0
    is_start = arguments.command == "start"
    address = postgres.ensure(folder, port=arguments.port) if is_start else postgres.status(folder)
    if address is None:
        print(f"PostgreSQL in {folder} is not running.")
        return NOT_RUNNING
    print(f"PostgreSQL in {folder} runs at {address.host}, port {address.port}, database {address.database}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
