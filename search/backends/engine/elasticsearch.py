"""Elasticsearch 8 and 9, by elasticsearch-py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import elastic_transport
import elasticsearch

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


class Elasticsearch(BaseClient):
    library_errors = (elasticsearch.ApiError, elasticsearch.TransportError, OSError)

    def __init__(self, url: EngineUrl, *, ca_file: str = "") -> None:
        super().__init__()
        options: dict[str, Any] = {"ca_certs": ca_file} if ca_file else {}
        host = f"[{url.host}]" if ":" in url.host else url.host
        self._client = elasticsearch.Elasticsearch(
            f"{url.scheme}://{host}:{url.port}{url.path}",
            basic_auth=url.login,
            max_retries=0,
            retry_on_status=(),
            connections_per_node=MAX_CONNECTIONS,
            node_class=_ElasticsearchNode,
            **options,
        )

    def _send(
        self, method: str, path: str, body: Any, params: Mapping[str, Any] | None, seconds: float
    ) -> Any:
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = f"application/{'x-nd' if isinstance(body, bytes) else ''}json"
        client = self._client.options(request_timeout=seconds)
        return client.perform_request(method, path, params=params, headers=headers, body=body).body

    def _translate_error(self, error: Exception) -> EngineError:
        if isinstance(error, elasticsearch.ApiError):
            return error_for_status(error.meta.status, error.message)
        return Unavailable(str(error)[:MAX_REASON_LENGTH])


class _ElasticsearchNode(elastic_transport.Urllib3HttpNode):
    def __init__(self, config: elastic_transport.NodeConfig) -> None:
        super().__init__(config)
        deadline.use_abortable_connections(self.pool)
