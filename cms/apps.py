from django.apps import AppConfig


class CmsConfig(AppConfig):
    name = "cms"

    def ready(self) -> None:
        from cms import receivers

        receivers.connect_deletions([model for model in self.get_models() if hasattr(model, "words")])
