"""People, teams, what each may do, and who did what."""

from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.core.models import Base


class Role(models.IntegerChoices):
    """What a member may do; each role may do all that the ones below it may."""

    VIEWER = 10, "viewer"
    ANNOTATOR = 20, "annotator"
    EDITOR = 30, "editor"
    ADMIN = 40, "admin"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person, known by an e-mail address."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)
    name = models.CharField(max_length=100, blank=True)
    # Put away the guide of the first page.
    guide_hidden = models.BooleanField(default=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case_unique")]

    # Set by token authentication: the one team the token reaches and the highest role it lends.
    token: "ApiToken | None" = None
    _roles: dict[UUID, Role] | None = None

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def roles(self) -> dict[UUID, Role]:
        """The role held in each team, narrowed by a token to its team and scope; one query."""
        if self._roles is None:
            held = dict(self.memberships.values_list("team_id", "role"))
            if self.token is not None:
                held = {
                    team: min(role, self.token.scope)
                    for team, role in held.items()
                    if team == self.token.team_id
                }
            self._roles = {team: Role(role) for team, role in held.items()}
        return self._roles

    def forget_roles(self) -> None:
        """Read the roles anew at the next question: a service has just changed them."""
        self._roles = None


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: Any) -> Self:
        """The teams that `user` belongs to."""
        return self.filter(pk__in=list(user.roles)) if user.is_authenticated else self.none()


class Team(Base):
    """A group of people who share models, datasets and boards."""

    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TeamOwnedQuerySet(models.QuerySet[Any]):
    """The one door through which a person's reads pass."""

    def visible_to(self, user: Any) -> Self:
        """Rows of the teams that `user` belongs to; none for someone signed out."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(team__in=list(user.roles))


class Membership(Base):
    """One person's role in one team."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=Role.choices, default=Role.VIEWER)

    objects = TeamOwnedQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_once_a_team"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_known_role"
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class TeamOwned(Base):
    """A row that belongs to a team and is seen by its members alone."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = TeamOwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class Secret(models.Model):
    """Something that opens a door: only its hash is kept, and it ends."""

    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def expired(self, now: datetime | None = None) -> bool:
        return self.expires_at is not None and self.expires_at <= (now or timezone.now())


class InvitationQuerySet(TeamOwnedQuerySet):
    def open(self) -> Self:
        """Those that can still be accepted."""
        return self.filter(
            accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now()
        )


class Invitation(TeamOwned, Secret):
    """An offer, sent to one address, to join a team with a role."""

    email = models.EmailField()
    role = models.PositiveSmallIntegerField(choices=Role.choices, default=Role.VIEWER)
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="invitation_known_role"
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__isnull=False), name="invitation_always_ends"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def ended(self) -> bool:
        """Whether it was accepted or revoked, or has expired."""
        return self.accepted_at is not None or self.revoked_at is not None or self.expired()


class SignInLink(Base, Secret):
    """A sign-in address that works once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__isnull=False), name="sign_in_link_always_ends"
            )
        ]


class BrowserSession(Base):
    """A browser in which somebody is signed in: `agent` is what it says of itself."""

    user = models.ForeignKey(User, models.CASCADE, related_name="browser_sessions")
    session_key = models.CharField(max_length=40, unique=True)
    agent = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return "browser session"


class ApiTokenQuerySet(TeamOwnedQuerySet):
    def visible_to(self, user: Any) -> Self:
        """One's own tokens, and as an admin all of the team's."""
        if not user.is_authenticated:
            return self.none()
        administered = [team for team, role in user.roles.items() if role >= Role.ADMIN]
        return self.filter(
            models.Q(team__in=administered) | models.Q(team__in=list(user.roles), user=user)
        )


class ApiToken(TeamOwned, Secret):
    """A key to the API: one user's, for one team, never above one role."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    scope = models.PositiveSmallIntegerField(choices=Role.choices, default=Role.VIEWER)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope__in=Role.values), name="api_token_known_scope"
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__isnull=False), name="api_token_always_ends"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AuditEntry(TeamOwned):
    """Who did what to which object; written beside the change itself, never altered."""

    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=60)
    object_name = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["team", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.action} {self.object_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An audit entry is never altered.")
        super().save(*args, **kwargs)


class KeyedRequest(Base):
    """A POST to the API that carried an `Idempotency-Key`, for a day; see `idempotency.py`.

    `owner` names the token or the person; `fingerprint` is a hash of what was asked; `answer` is sealed,
    since it may hold what is shown only once, and empty until the request has ended.
    """

    owner = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    answer = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"])]
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="keyed_request_once_an_owner")
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def purpose(self) -> str:
        """What its answer is sealed for."""
        return f"keyed request {self.pk}"
