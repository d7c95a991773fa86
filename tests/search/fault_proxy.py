"""A search engine that fails as a test chooses: a proxy before the real one, or a server of its own."""

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
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each response waits for the receipt of its headers
    server: FaultProxy

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.server.requests.append(request)
        try:
            self.server.respond(self, request)
        except (OSError, http.client.HTTPException):  # also if the real engine is gone
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


class FaultProxy(ThreadingHTTPServer):
    """Listens on 127.0.0.1. `fault` names how it responds (see FAULTS) to paths that contain `only`.

    With an `upstream` ("127.0.0.1:9200") other requests are passed on.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream: str = "", *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.upstream = upstream
        self.fault: str | Callable[[_Handler, Request], None] = "none"
        self.only = ""
        self.requests: list[Request] = []
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def respond(self, handler: _Handler, request: Request) -> None:
        fault = self.fault if self.only in request.path else "none"
        (fault if callable(fault) else FAULTS[fault])(handler, request)

    def handle_error(self, *_args: Any) -> None:
        pass


def _pass_on(handler: _Handler, request: Request, **more_headers: str) -> None:
    connection = http.client.HTTPConnection(handler.server.upstream, timeout=60)
    try:
        headers = {k: v for k, v in request.headers.items() if k in {"content-type", "accept"}}
        connection.request(request.method, request.path, request.body, headers)
        response = connection.getresponse()
        kind = response.headers.get("content-type", "text/plain")
        handler.reply(response.read(), status=response.status, kind=kind, headers=more_headers)
    finally:
        connection.close()


def _as_elasticsearch(handler: _Handler, request: Request) -> None:
    """Translate the content types of Elasticsearch's client, and name the product as Elasticsearch does."""
    headers = {
        name: request.headers[name].replace("vnd.elasticsearch+", "").partition(";")[0]
        for name in {"content-type", "accept"} & request.headers.keys()
    }
    _pass_on(handler, replace(request, headers=headers), **{"x-elastic-product": "Elasticsearch"})


def _hang(handler: _Handler, _request: Request) -> None:
    handler.server.stopped.wait(30)
    handler.close_connection = True


def _drip(handler: _Handler, _request: Request) -> None:
    """A byte of the body from time to time, so that no single wait is long."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "100000")
    handler.end_headers()
    while not handler.server.stopped.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def _drip_headers(handler: _Handler, _request: Request) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    while not handler.server.stopped.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def _drip_without_length(handler: _Handler, _request: Request) -> None:
    """As an old server responds: no length, and the connection closes after the body."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{")
    while not handler.server.stopped.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def _truncated(handler: _Handler, _request: Request) -> None:
    handler.close_connection = True
    handler.reply(b'{"took": 1, "timed_out": fal', length=5000)


def _reset(handler: _Handler, _request: Request) -> None:
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _reply_with(body: Any, **kwargs: Any) -> Callable[[_Handler, Request], None]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda handler, _request: handler.reply(raw, **kwargs)


FAULTS: dict[str, Callable[[_Handler, Request], None]] = {
    "none": _pass_on,
    "as elasticsearch": _as_elasticsearch,
    "hang": _hang,
    "drip": _drip,
    "drip headers": _drip_headers,
    "drip without length": _drip_without_length,
    "truncated": _truncated,
    "reset": _reset,
    "failed shard": _reply_with(
        {"took": 1, "timed_out": False, "_shards": {"total": 2, "successful": 1, "failed": 1},
         "hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}, "aggregations": {}}
    ),
    "500": _reply_with({"error": {"type": "boom", "reason": "boom"}, "status": 500}, status=500),
    "503 page": _reply_with(b"<h1>Bad gateway</h1>", status=503, kind="text/html"),
    "429": _reply_with({"error": {"type": "circuit_breaking_exception"}, "status": 429}, status=429),
    "page": _reply_with(b"<h1>Welcome to nginx!</h1>", kind="text/html"),
    "no JSON": _reply_with(b'{"hits": '),
    "no bytes": _reply_with(b""),
    "not UTF-8": _reply_with(b'{"hits": "\xff\xfe"}'),
    "a list": _reply_with([1, 2, 3]),
    "null": _reply_with(None),
    "other JSON": _reply_with({"hello": "world"}),
    "malformed hits": _reply_with({"took": 1, "timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": 7}}),
    "timed out": _reply_with({"took": 1, "timed_out": True, "_shards": {"failed": 0}, "hits": {"hits": []}}),
}  # fmt: skip


@contextlib.contextmanager
def fault_proxy(upstream: str = "") -> Iterator[FaultProxy]:
    server = FaultProxy(upstream.removeprefix("http://"))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
