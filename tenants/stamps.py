"""Former name of tenants.web.page_versions, which migrations import."""

from tenants.web.page_versions import CREATE_FUNCTION as FUNCTION
from tenants.web.page_versions import CREATE_TABLE as TABLE
from tenants.web.page_versions import PEOPLE
from tenants.web.page_versions import track_updates as on_update_of
from tenants.web.page_versions import track_writes as on_every_write

__all__ = ["FUNCTION", "PEOPLE", "TABLE", "on_every_write", "on_update_of"]
