"""OpenSearch 2 and 3, by opensearch-py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import opensearchpy

from search.backends.engine import deadline
from search.backends.engine.client import (
    MAX_CONNECTIONS,
    MAX_REASON_LENGTH,
    BaseClient,
    EngineError,
    EngineUrl,
    Unavailable,
    error_for_status,
)


class OpenSearch(BaseClient):
    library_errors = (opensearchpy.exceptions.OpenSearchException, UnicodeDecodeError)

    def __init__(self, url: EngineUrl, *, ca_file: str = "") -> None:
        super().__init__()
        self._client = opensearchpy.OpenSearch(
            hosts=[
                {
                    "host": url.host,
                    "port": url.port,
                    "use_ssl": url.scheme == "https",
                    "url_prefix": url.path,
                }
            ],
            http_auth=url.login,
            verify_certs=True,
            ca_certs=ca_file or None,
            max_retries=0,
            pool_maxsize=MAX_CONNECTIONS,
            connection_class=_OpenSearchConnection,
        )

    def _send(
        self, method: str, path: str, body: Any, params: Mapping[str, Any] | None, seconds: float
    ) -> Any:
        headers = {"content-type": "application/x-ndjson"} if isinstance(body, bytes) else None
        return self._client.transport.perform_request(
            method, path, params=dict(params or {}), body=body, timeout=seconds, headers=headers
        )

    def _translate_error(self, error: Exception) -> EngineError:
        if isinstance(error, opensearchpy.exceptions.TransportError):
            return error_for_status(error.status_code, error.error)
        return Unavailable(str(error)[:MAX_REASON_LENGTH])


class _OpenSearchConnection(opensearchpy.Urllib3HttpConnection):
    # The only point where the client lets its pool be changed, also after a retry has made another one.
    def _create_urllib3_pool(self) -> None:
        super()._create_urllib3_pool()
        deadline.use_abortable_connections(self.pool)
