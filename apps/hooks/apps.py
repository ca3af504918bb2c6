from django.apps import AppConfig


class HooksConfig(AppConfig):
    name = "apps.hooks"

    def ready(self) -> None:
        from apps.hooks import receivers  # noqa: F401 - connects them
