"""Where the server listens, as whom it is used, and the settings it is started with."""

from __future__ import annotations

from dataclasses import dataclass, field

HOST = "127.0.0.1"
USER = "postgres"
DATABASE = "portal"

# Below the range where Linux puts the local end of outgoing connections: a port that is free today stays free.
PORTS = range(20_000, 30_000)

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # A full pg_dump locks every table of every city in one transaction.
    "max_locks_per_transaction": "1024",
}
# For tests: fast, and the data may be lost in a crash.
NON_DURABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "autovacuum": "off",
    "track_counts": "off",
    "jit": "off",
}


class PostgresError(RuntimeError):
    """The server cannot do what the caller needs. The message names the folder or port and a remedy."""


@dataclass(frozen=True)
class Address:
    """Address and login of a running server."""

    port: int
    password: str = field(repr=False)
    host: str = HOST
    user: str = USER
    database: str = DATABASE

    @property
    def url(self) -> str:
        """For DATABASE_URL and psycopg2: "postgres://postgres:...@127.0.0.1:23456/portal"."""
        return f"postgres://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"
