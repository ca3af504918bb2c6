"""`manage.py worker_alive`: for health checks of a machine or container that runs workers."""

import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.jobs import presence


class Command(BaseCommand):
    help = "Succeed where a worker of this machine said lately that it lives."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        here = socket.gethostname()
        living = presence.alive().filter(name__startswith=f"{here}:").order_by("-seen_at").first()
        if living is None:
            raise CommandError(
                f"No worker of {here} has said anything for {presence.SEEN_SECONDS} seconds."
            )
        if living.holds_back:
            # It lives and waits to be exchanged: starting the same version again would change nothing.
            self.stdout.write(living.holds_back)
