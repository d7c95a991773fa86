from django.apps import AppConfig


class CohortConfig(AppConfig):
    name = "cohort"

    def ready(self) -> None:
        from cohort import signal_handlers  # noqa: F401  (connects them)
