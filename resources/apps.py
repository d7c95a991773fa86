from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    name = "resources"

    def ready(self) -> None:
        from wagtail.permissions import register_permission_policy

        from resources import models, presentation, signal_handlers  # noqa: F401
        from resources.permissions import PublicSchemaPolicy

        models.LibraryItem.page_context = staticmethod(presentation.item_context)
        for model in (models.LibraryItem, models.SynonymGroup):
            register_permission_policy(model, PublicSchemaPolicy(model))
