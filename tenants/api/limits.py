"""How often one address, or one person who is signed in, may ask."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import BaseThrottle


class PerMinute(BaseThrottle):
    """Count requests by the minute in the cache; API_REQUESTS_PER_MINUTE of 0 counts nothing.

    A cache of one process counts for that process alone, so the limit is that many times higher then.
    """

    left: float = 0

    def allow_request(self, request: Any, view: Any) -> bool:
        limit = settings.API_REQUESTS_PER_MINUTE
        if not limit:
            return True
        minute, second = divmod(time.time(), 60)
        self.left = 60 - second
        person = request.user.pk if request.user.is_authenticated else None
        who = f"person {person}" if person else f"address {self.get_ident(request)}"
        key = "api-" + hashlib.sha256(f"{minute} {who}".encode()).hexdigest()  # an address may be any text
        cache.add(key, 0, timeout=120)
        try:
            return cache.incr(key) <= limit
        except ValueError:  # dropped by the cache in between: nobody is refused for that
            return True

    def wait(self) -> float:
        return self.left
