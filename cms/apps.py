from django.apps import AppConfig


class CmsConfig(AppConfig):
    name = "cms"

    def ready(self) -> None:
        from cms import signal_handlers

        signal_handlers.connect_deletion_signals(
            [model for model in self.get_models() if hasattr(model, "get_search_text")]
        )
