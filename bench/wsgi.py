"""Requests to the portal's WSGI application in this process, to measure their CPU time and count their queries.

Without a server or test client: only the middleware, the view, the database driver and the template are measured.
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
    """A client of one host of the portal, with the headers of a browser and without cookies."""

    host: str
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Response:
        """Send a GET request. Header names as in WSGI: HTTP_IF_NONE_MATCH."""
        path_info, _separator, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path_info,
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
        started: list[Any] = []
        chunks = application()(
            environ, lambda status, headers, _error=None: started.extend([status, headers])
        )
        try:
            body = b"".join(chunks)
        finally:
            chunks.close()
        return Response(int(started[0].split()[0]), dict(started[1]), body)

    def queries(self, path: str, before: Callable[[], object] = lambda: None, **headers: str) -> int:
        """Number of SQL statements of one GET, including `SET search_path` but not BEGIN and COMMIT; minimum of five.

        The minimum leaves out the registry of hosts, which is read again after its cache expires.
        """
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        counts = []
        for _round in range(5):
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
    """CPU seconds of one call, ours and the floor's alternately, each the mean of `times` calls in a row."""

    def cpu(work: Callable[[], object], calls: int) -> float:
        started = time.process_time()
        for _call in range(calls):
            work()
        return (time.process_time() - started) / calls

    pairs = PairedTimes([], [])
    for number in range(-1, count):
        if number % 2:
            our_seconds, floor_seconds = cpu(ours, times[0]), cpu(floor, times[1])
        else:
            floor_seconds, our_seconds = cpu(floor, times[1]), cpu(ours, times[0])
        if number >= 0:  # the first pair warms up
            pairs.ours.append(our_seconds)
            pairs.floor.append(floor_seconds)
    return pairs
