"""`manage.py reseal`: seals keys and secrets anew, with the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.hooks.services import reseal_all as reseal_webhooks
from apps.inference.endpoints.services import reseal_all


class Command(BaseCommand):
    help = "Seal every key and secret that is kept with the first of ENCRYPTION_KEYS; then the others can go."

    def handle(self, **options: Any) -> None:
        (done, lost), (more_done, more_lost) = reseal_all(), reseal_webhooks()
        done, lost = done + more_done, lost + more_lost
        self.stdout.write(f"{_keys(done)} sealed anew.")
        if lost:
            self.stdout.write(
                f"{_keys(lost)} cannot be read with any of ENCRYPTION_KEYS: enter "
                f"{'it' if lost == 1 else 'them'} again."
            )


def _keys(count: int) -> str:
    return "1 key" if count == 1 else f"{count:,} keys"
