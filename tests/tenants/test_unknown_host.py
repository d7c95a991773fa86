"""A host that no site has."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client


@pytest.mark.django_db
def test_an_unknown_host_is_a_small_page_that_leads_to_the_members(alliance: Any) -> None:
    response = Client(headers={"host": "nowhere.localhost"}).get("/plan/")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")
    assert "<h1>There is no site at this address</h1>" in response.text
    assert f'href="{alliance.base_url}/jurisdictions/"' in response.text
    assert f'href="{alliance.base_url}/static/portal' in response.text
    policy = response["Content-Security-Policy"]
    assert f"style-src {alliance.base_url};" in policy
    assert "default-src 'none'" in policy
    assert "Set-Cookie" not in response
