"""A PostgreSQL of the portal's own: found, created, started, stopped, and repaired after a crash.

`ensure(folder)` is all most callers need. Everything about one server lives in its folder:

    data/          PostgreSQL's own files; a link where they are kept elsewhere (see `data_directory`)
    access.json    {"port": 23456, "password": "..."}, readable by its owner only
    lock           held while a process starts or stops the server
    users          shared by the test runs that use the server
    alive          held by the server and its children (`locks.SERVER_LOCK`), so it answers "does it run?" after a
                   crash, a reboot, a reused process id or a moved folder, where postmaster.pid may be wrong

The server listens on 127.0.0.1 only and asks for a password (scram-sha-256). It has no Unix socket:
socket paths may not be longer than 107 bytes, and clones are often deeper than that.

PostgreSQL refuses to run as root. Started by root, it runs as the account that owns the folder, or
`postgres`, or `nobody`. No account is added and no mode of a parent folder is changed.
"""

from embedded.postgres.binaries import find_binaries
from embedded.postgres.server import (
    TEMPORARY_PREFIX,
    ensure,
    for_tests,
    remove_temporary,
    status,
    stop,
    temporary,
)
from embedded.postgres.settings import HOST, NON_DURABLE_SETTINGS, PORTS, Address, PostgresError

__all__ = [
    "HOST",
    "NON_DURABLE_SETTINGS",
    "PORTS",
    "TEMPORARY_PREFIX",
    "Address",
    "PostgresError",
    "ensure",
    "find_binaries",
    "for_tests",
    "remove_temporary",
    "status",
    "stop",
    "temporary",
]
