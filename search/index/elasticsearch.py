"""Elasticsearch 8 and 9, by elasticsearch-py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import elastic_transport
import elasticsearch

from search.index import deadline
from search.index.transports import (
    CONNECTIONS,
    PATIENCE,
    Address,
    Json,
    Rest,
    Unavailable,
    an_object,
    refusal,
)


class Elasticsearch:
    def __init__(self, address: Address, *, ca_file: str = "") -> None:
        self.rest = Rest()
        options: dict[str, Any] = {"ca_certs": ca_file} if ca_file else {}
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._client = elasticsearch.Elasticsearch(
            f"{address.scheme}://{host}:{address.port}{address.path}",
            basic_auth=address.login,
            max_retries=0,
            retry_on_status=(),
            connections_per_node=CONNECTIONS,
            node_class=_ElasticsearchNode,
            **options,
        )

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> Json:
        seconds = timeout or PATIENCE
        headers = {"accept": "application/json"}
        if body is not None:
            headers["content-type"] = f"application/{'x-nd' if isinstance(body, bytes) else ''}json"
        client = self._client.options(request_timeout=seconds)

        def send() -> Any:
            return client.perform_request(method, path, params=params, headers=headers, body=body).body

        try:
            return an_object(deadline.within(seconds, send))
        except TimeoutError as error:
            raise Unavailable(f"no answer within {seconds:g} s") from error
        except elasticsearch.ApiError as error:
            raise refusal(error.meta.status, error.message) from error
        except (elasticsearch.TransportError, OSError) as error:
            raise Unavailable(str(error)[:300]) from error


class _ElasticsearchNode(elastic_transport.Urllib3HttpNode):
    def __init__(self, config: elastic_transport.NodeConfig) -> None:
        super().__init__(config)
        deadline.make_known(self.pool)
