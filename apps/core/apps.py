from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self) -> None:
        from apps.core import connections  # noqa: F401 - it waits for connections to be made

        autodiscover_modules(
            "home", "health", "search", "metrics", "doctor", "personal", "explanations"
        )
