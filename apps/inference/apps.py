"""The room that runs candidates."""

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    """Runs: candidates answer a dataset's items, and what they say is scored."""

    name = "apps.inference"

    def ready(self) -> None:
        from apps.inference import home  # noqa: F401
