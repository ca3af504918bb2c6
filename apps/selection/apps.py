from django.apps import AppConfig


class SelectionConfig(AppConfig):
    name = "apps.selection"

    def ready(self) -> None:
        from apps.selection import home  # noqa: F401
