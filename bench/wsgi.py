"""Requests through the portal's own WSGI application in this process, for counting their CPU time and their queries.

No server, no test client: what is measured is the middleware, the view, the database driver and the template.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.measure import PairedTimes


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """One host of the portal, asked as a browser without cookies asks it."""

    host: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Response:
        """One GET. Header names as WSGI has them: HTTP_IF_NONE_MATCH."""
        jurisdiction, _mark, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": jurisdiction,
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "SERVER_NAME": self.host,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self.host,
            "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8",
            "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        environ |= self.headers | headers
        told: list[Any] = []
        chunks = application()(environ, lambda status, found, _error=None: told.extend([status, found]))
        try:
            body = b"".join(chunks)
        finally:
            chunks.close()
        return Response(int(told[0].split()[0]), dict(told[1]), body)

    def queries(self, path: str, before: Callable[[], object] = lambda: None, **headers: str) -> int:
        """How many statements one GET sends, `SET search_path` among them, BEGIN and COMMIT not; the least of five.

        Every other second the hosts are asked for again, which is nobody's request.
        """
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        counts = []
        for _turn in range(5):
            before()
            with CaptureQueriesContext(connection) as queries:
                self.get(path, **headers)
            counts.append(sum(query["sql"] not in ("BEGIN", "COMMIT") for query in queries))
        return min(counts)


_application: Any = None


def application() -> Any:
    global _application
    if _application is None:
        from django.core.wsgi import get_wsgi_application

        _application = get_wsgi_application()
    return _application


def time_cpu_pairs(
    ours: Callable[[], object], floor: Callable[[], object], *, times: tuple[int, int], count: int = 9
) -> PairedTimes:
    """CPU seconds of one call, ours and the floor's in turns, each the mean of so many calls in a row."""

    def cpu(work: Callable[[], object], calls: int) -> float:
        started = time.process_time()
        for _call in range(calls):
            work()
        return (time.process_time() - started) / calls

    found = PairedTimes([], [])
    for number in range(-1, count):
        if number % 2:
            mine, other = cpu(ours, times[0]), cpu(floor, times[1])
        else:
            other, mine = cpu(floor, times[1]), cpu(ours, times[0])
        if number >= 0:  # the first pair warms up
            found.ours.append(mine)
            found.floor.append(other)
    return found
