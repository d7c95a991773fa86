"""Stops requests to an engine that has just failed, so that an outage does not slow down every search."""

from __future__ import annotations

import threading
import time


class CircuitBreaker:
    """State of one engine in one process. After a pause one caller may try; the others wait for the outcome."""

    MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 3.0, 15.0  # each consecutive failure doubles the pause

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures, self._open_until = 0, 0.0

    def allows_request(self) -> bool:
        """May the engine be asked? If so, the caller has to call `record_failure` or `record_success` afterwards."""
        with self._lock:
            now = time.monotonic()
            if now < self._open_until:
                return False
            if self._failures:
                self._open_until = now + self.MIN_PAUSE_SECONDS
            return True

    def record_failure(self) -> None:
        with self._lock:
            self._failures += 1
            pause = min(self.MIN_PAUSE_SECONDS * 2 ** (self._failures - 1), self.MAX_PAUSE_SECONDS)
            self._open_until = time.monotonic() + pause

    def record_success(self) -> None:
        with self._lock:
            self._failures, self._open_until = 0, 0.0
