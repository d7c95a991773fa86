from django.apps import AppConfig


class CohortConfig(AppConfig):
    name = "cohort"

    def ready(self) -> None:
        from cohort import receivers  # noqa: F401  (connects them)
