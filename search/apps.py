from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "search"

    def ready(self) -> None:
        # Listeners are called in the order they were connected, and search reads the copies that cohort writes.
        from cohort import signal_handlers as _first  # noqa: F401
        from search import checks, signal_handlers  # noqa: F401
