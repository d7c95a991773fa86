from __future__ import annotations

import hashlib
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import BaseThrottle


class PerMinuteThrottle(BaseThrottle):
    """Limit the requests per minute of each IP address or signed-in user; API_REQUESTS_PER_MINUTE = 0 means no limit.

    The counts are in the cache. A cache that is local to a process counts for that process only, which multiplies the
    limit by their number.
    """

    seconds_left: float = 0

    def allow_request(self, request: Any, view: Any) -> bool:
        limit = settings.API_REQUESTS_PER_MINUTE
        if not limit:
            return True
        minute, second = divmod(time.time(), 60)
        self.seconds_left = 60 - second
        user = request.user.pk if request.user.is_authenticated else None
        client = f"person {user}" if user else f"address {self.get_ident(request)}"
        key = (
            "api-" + hashlib.sha256(f"{minute} {client}".encode()).hexdigest()
        )  # get_ident may return any text
        cache.add(key, 0, timeout=120)
        try:
            return cache.incr(key) <= limit
        except ValueError:  # evicted from the cache in between
            return True

    def wait(self) -> float:
        return self.seconds_left
