"""The coordinator of Riverton and their browser."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def coordinator(make_user: Any, riverton: Any) -> Any:
    return make_user(riverton, "coordinator", first_name="Rosa", last_name="Delgado")


@pytest.fixture
def coordinator_client(client_for: Any, riverton: Any, coordinator: Any) -> Any:
    """A coordinator's browser at Riverton."""
    return client_for(riverton, coordinator)
