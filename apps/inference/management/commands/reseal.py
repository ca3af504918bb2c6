"""`manage.py reseal`: seals the keys of all endpoints with the first of ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.inference.endpoints.services import reseal_all


class Command(BaseCommand):
    help = "Seal every endpoint's key with the first of ENCRYPTION_KEYS; then the others can go."

    def handle(self, **options: Any) -> None:
        done, lost = reseal_all()
        self.stdout.write(f"{_keys(done)} sealed anew.")
        if lost:
            self.stdout.write(
                f"{_keys(lost)} cannot be read with any of ENCRYPTION_KEYS: enter "
                f"{'it' if lost == 1 else 'them'} again."
            )


def _keys(count: int) -> str:
    return "1 key" if count == 1 else f"{count:,} keys"
