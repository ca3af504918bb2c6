from django.apps import AppConfig


class LeaderboardsConfig(AppConfig):
    name = "apps.leaderboards"

    def ready(self) -> None:
        from apps.leaderboards import home, receivers  # noqa: F401
