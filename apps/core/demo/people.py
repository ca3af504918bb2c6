"""The person and the team that a first local start finds."""

from django.db import transaction

from apps.catalog.models import Dataset
from apps.teams.models import AuditEntry, Membership, Role, Team, User
from apps.teams.services import create_team

ADMIN_EMAIL = "admin@localhost"
TEAM_NAME = "My team"


@transaction.atomic
def local_admin() -> User | None:
    """The local admin, made (without a usable password, admin of one team) where nobody is known yet.

    None where there are people but not this one: then the installation has its own accounts.
    """
    user = User.objects.filter(email=ADMIN_EMAIL).first()
    if user is None and not User.objects.exists():
        user = User.objects.create_user(ADMIN_EMAIL, is_staff=True, is_superuser=True)
        create_team(user=user, name=TEAM_NAME)
    return user


def local_team(user: User) -> Team | None:
    """The team that `user` joined first as an admin."""
    first = Membership.objects.filter(user=user, role=Role.ADMIN).order_by("created_at").first()
    return first.team if first else None


def demo_wanted() -> bool:
    """Whether nobody has used this installation yet: no other people, no dataset now or before."""
    return not (
        User.objects.exclude(email=ADMIN_EMAIL).exists()
        or Dataset.objects.exists()
        or AuditEntry.objects.filter(action="dataset.deleted").exists()
    )
