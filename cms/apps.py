from django.apps import AppConfig


class CmsConfig(AppConfig):
    name = "cms"

    def ready(self) -> None:
        from cms import editor_mail, signal_handlers

        editor_mail.connect()
        signal_handlers.connect_deletion_signals(
            [model for model in self.get_models() if hasattr(model, "get_search_text")]
        )
