"""A search engine that misbehaves as a test says: a proxy before the real one, or a server of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits for the receipt of its head
    server: Breakable

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        seen = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.server.seen.append(seen)
        try:
            self.server.answer(self, seen)
        except (OSError, http.client.HTTPException):  # also where the real one is gone
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def log_message(self, *_args: Any) -> None:
        pass

    def reply(
        self, body: bytes, *, status: int = 200, kind: str = "application/json", length: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Breakable(ThreadingHTTPServer):
    """Listens on 127.0.0.1; `way` names how it answers (see WAYS), `only` which paths that concerns.

    With an `upstream` ("127.0.0.1:9200") everything else is passed on.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream: str = "", *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.upstream = upstream
        self.way: str | Callable[[_Handler, Seen], None] = "through"
        self.only = ""
        self.seen: list[Seen] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, handler: _Handler, seen: Seen) -> None:
        way = self.way if self.only in seen.path else "through"
        (way if callable(way) else WAYS[way])(handler, seen)

    def handle_error(self, *_args: Any) -> None:
        pass


def _through(handler: _Handler, seen: Seen, **more: str) -> None:
    connection = http.client.HTTPConnection(handler.server.upstream, timeout=60)
    try:
        headers = {k: v for k, v in seen.headers.items() if k in {"content-type", "accept"}}
        connection.request(seen.method, seen.path, seen.body, headers)
        answer = connection.getresponse()
        kind = answer.headers.get("content-type", "text/plain")
        handler.reply(answer.read(), status=answer.status, kind=kind, headers=more)
    finally:
        connection.close()


def _as_elasticsearch(handler: _Handler, seen: Seen) -> None:
    """Pass on what Elasticsearch's client says in its own dialect, and name the product as Elasticsearch does."""
    plain = {
        name: seen.headers[name].replace("vnd.elasticsearch+", "").partition(";")[0]
        for name in {"content-type", "accept"} & seen.headers.keys()
    }
    _through(handler, replace(seen, headers=plain), **{"x-elastic-product": "Elasticsearch"})


def _hang(handler: _Handler, _seen: Seen) -> None:
    handler.server.over.wait(30)
    handler.close_connection = True


def _drip(handler: _Handler, _seen: Seen) -> None:
    """A byte of the body from time to time, so that no single wait is long."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "100000")
    handler.end_headers()
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def _drip_head(handler: _Handler, _seen: Seen) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def _drip_to_the_end(handler: _Handler, _seen: Seen) -> None:
    """As an old server answers: no length, and the connection closes after the body."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{")
    while not handler.server.over.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def _truncated(handler: _Handler, _seen: Seen) -> None:
    handler.close_connection = True
    handler.reply(b'{"took": 1, "timed_out": fal', length=5000)


def _reset(handler: _Handler, _seen: Seen) -> None:
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _says(body: Any, **kwargs: Any) -> Callable[[_Handler, Seen], None]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda handler, _seen: handler.reply(raw, **kwargs)


def _a_part(handler: _Handler, _seen: Seen) -> None:
    handler.reply(
        json.dumps(
            {"took": 1, "timed_out": False, "_shards": {"total": 2, "successful": 1, "failed": 1},
             "hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}, "aggregations": {}}
        ).encode()
    )  # fmt: skip


WAYS: dict[str, Callable[[_Handler, Seen], None]] = {
    "through": _through,
    "as elasticsearch": _as_elasticsearch,
    "hang": _hang,
    "drip": _drip,
    "drip head": _drip_head,
    "drip to the end": _drip_to_the_end,
    "truncated": _truncated,
    "reset": _reset,
    "a part": _a_part,
    "500": _says({"error": {"type": "boom", "reason": "boom"}, "status": 500}, status=500),
    "503 page": _says(b"<h1>Bad gateway</h1>", status=503, kind="text/html"),
    "429": _says({"error": {"type": "circuit_breaking_exception"}, "status": 429}, status=429),
    "page": _says(b"<h1>Welcome to nginx!</h1>", kind="text/html"),
    "no JSON": _says(b'{"hits": '),
    "no bytes": _says(b""),
    "not UTF-8": _says(b'{"hits": "\xff\xfe"}'),
    "a list": _says([1, 2, 3]),
    "null": _says(None),
    "other JSON": _says({"hello": "world"}),
    "odd hits": _says({"took": 1, "timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": 7}}),
    "timed out": _says({"took": 1, "timed_out": True, "_shards": {"failed": 0}, "hits": {"hits": []}}),
}


@contextlib.contextmanager
def breakable(upstream: str = "") -> Iterator[Breakable]:
    server = Breakable(upstream.removeprefix("http://"))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
