"""`manage.py signin EMAIL`: print an address at which this person can sign in once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.teams.models import User
from apps.teams.services import make_sign_in_link


class Command(BaseCommand):
    help = "Print an address at which a known person can sign in once, within 24 hours."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"], is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody active has the address {options['email']}.")
        self.stdout.write(settings.SITE_URL.rstrip("/") + make_sign_in_link(user))
