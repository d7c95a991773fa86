"""OpenSearch 2 and 3, by opensearch-py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import opensearchpy

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


class OpenSearch:
    def __init__(self, address: Address, *, ca_file: str = "") -> None:
        self.rest = Rest()
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
            pool_maxsize=CONNECTIONS,
            connection_class=_OpenSearchConnection,
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
        headers = {"content-type": "application/x-ndjson"} if isinstance(body, bytes) else None

        def send() -> Any:
            return self._client.transport.perform_request(
                method, path, params=dict(params or {}), body=body, timeout=seconds, headers=headers
            )

        try:
            return an_object(deadline.within(seconds, send))
        except TimeoutError as error:
            raise Unavailable(f"no answer within {seconds:g} s") from error
        except opensearchpy.exceptions.TransportError as error:
            raise refusal(error.status_code, error.error) from error
        except (opensearchpy.exceptions.OpenSearchException, UnicodeDecodeError) as error:
            raise Unavailable(str(error)[:300]) from error


class _OpenSearchConnection(opensearchpy.Urllib3HttpConnection):
    def _create_urllib3_pool(self) -> None:
        super()._create_urllib3_pool()
        deadline.make_known(self.pool)
