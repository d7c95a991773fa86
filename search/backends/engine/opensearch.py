"""OpenSearch 2 and 3, by opensearch-py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import opensearchpy

from search.backends.engine import deadline
from search.backends.engine.client import (
    MAX_CONNECTIONS,
    BaseClient,
    EngineError,
    EngineUrl,
    Unavailable,
    error_for_status,
)


class OpenSearch(BaseClient):
    trouble = (opensearchpy.exceptions.OpenSearchException, UnicodeDecodeError)

    def __init__(self, address: EngineUrl, *, ca_file: str = "") -> None:
        super().__init__()
        self._client = opensearchpy.OpenSearch(
            hosts=[
                {
                    "host": address.host,
                    "port": address.port,
                    "use_ssl": address.scheme == "https",
                    "url_prefix": address.path,
                }
            ],
            http_auth=address.login,
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

    def _meaning(self, error: Exception) -> EngineError:
        if isinstance(error, opensearchpy.exceptions.TransportError):
            return error_for_status(error.status_code, error.error)
        return Unavailable(str(error)[:300])


class _OpenSearchConnection(opensearchpy.Urllib3HttpConnection):
    def _create_urllib3_pool(self) -> None:
        super()._create_urllib3_pool()
        deadline.use_abortable_connections(self.pool)
