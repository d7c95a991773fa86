"""`python -m embedded start|stop|status`: the development database, by hand."""

import argparse
import sys
from pathlib import Path

from embedded import postgres

FOLDER = Path(__file__).resolve().parent.parent / "var" / "postgres"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded", description="The portal's own PostgreSQL.")
    parser.add_argument("verb", choices=["start", "stop", "status"])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="default: var/postgres")
    parser.add_argument("--port", type=int, help="default: the last one, or any that is free")
    arguments = parser.parse_args(argv)
    folder = arguments.folder.resolve()
    try:
        if arguments.verb == "stop":
            ran = postgres.stop(folder)
            print(
                f"PostgreSQL in {folder} has stopped." if ran else f"PostgreSQL in {folder} was not running."
            )
            return 0
        starting = arguments.verb == "start"
        address = postgres.ensure(folder, port=arguments.port) if starting else postgres.status(folder)
    except postgres.PostgresError as error:
        print(error, file=sys.stderr)
        return 1
    if address is None:
        print(f"PostgreSQL in {folder} is not running.")
        return 3  # as pg_ctl and service scripts answer
    print(f"PostgreSQL in {folder} runs at {address.host}, port {address.port}, database {address.database}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
