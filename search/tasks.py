"""Periodic task of search."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django_tasks import task

from search.backends.engine.client import EngineError
from tenants.jobs.schedule import periodic_task

log = logging.getLogger(__name__)

RECONCILE_INTERVAL = dt.timedelta(seconds=30)  # an index that was lost is rebuilt within a minute


@task()
def reconcile_search() -> str:
    """Make the search engine's index equal to the table. If the engine fails, the next run tries again."""
    from search.indexing import rebuild  # loads the libraries of search engines

    try:
        return rebuild.reconcile_index()
    except EngineError as error:
        log.warning("The search index could not be compared: %s", error)
        return f"The search engine is not available: {error}"


if settings.SEARCH_URL:
    periodic_task(every=RECONCILE_INTERVAL)(reconcile_search)
