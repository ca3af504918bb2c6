"""The room of routers: which prompt should go to which model."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    """Routers: trained, evaluated, deciding."""

    name = "apps.routing"

    def ready(self) -> None:
        from apps.routing import home, receivers  # noqa: F401
