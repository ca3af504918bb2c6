"""Sign-in addresses that work once: made on the server's own command line, for a known person."""

from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.teams.models import SignInLink, User
from apps.teams.services.base import hash_secret, new_secret

VALID_FOR = timedelta(hours=24)


@transaction.atomic
def make_sign_in_link(user: User) -> str:
    """The path of an address at which `user` can sign in once within 24 hours, without a password.

    It replaces the password alone: who has a second factor is asked for it. Only the command line
    makes such links, so whoever can has the database already.
    """
    secret, digest = new_secret()
    SignInLink.objects.create(user=user, token_hash=digest, expires_at=timezone.now() + VALID_FOR)
    return reverse("signin_link", args=[secret])


def use_sign_in_link(token: str) -> User | None:
    """Use up the link with this secret and return its person; None where it cannot be used (again).

    One conditional update decides, so of two who open it at once one gets in.
    """
    now = timezone.now()
    used = SignInLink.objects.filter(
        token_hash=hash_secret(token),
        used_at__isnull=True,
        expires_at__gt=now,
        user__is_active=True,
    ).update(used_at=now)
    if not used:
        return None
    return SignInLink.objects.select_related("user").get(token_hash=hash_secret(token)).user
