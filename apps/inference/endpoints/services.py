"""Verbs on endpoints. Only admins write: a key is money, and an address is where prompts go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.core.models import new_slug
from apps.core.outbound import OutboundError, check_url
from apps.core.vault import Unreadable, seal
from apps.inference.endpoints.asking import Access
from apps.inference.endpoints.models import MAX_CONCURRENCY, MAX_TIMEOUT_SECONDS, Endpoint
from apps.inference.endpoints.protocol import PATH
from apps.teams.models import Role, Team, User
from apps.teams.services import audit, require
from apps.teams.services.base import one_line

EDITABLE = ("name", "base_url", "concurrency", "requests_per_minute", "timeout_seconds")
MAX_KEY = 4_000


@sensitive_variables("key")
def create_endpoint(
    *, user: User, team: Team, name: str, base_url: str, key: str = "", **fields: Any
) -> Endpoint:
    """Add an endpoint to a team.

    Args:
        key: what it is opened with, empty where it needs none; it is never shown again.
        fields: any of concurrency, requests_per_minute, timeout_seconds.

    Raises:
        PermissionDenied: below admin. ValidationError: a field is wrong, or the address may not be called.
    """
    require(user=user, team=team, role=Role.ADMIN)
    endpoint = Endpoint(team=team, created_by=user, slug=new_slug(name))
    with transaction.atomic():
        _save(endpoint, {"name": name, "base_url": base_url, **fields}, key=key or None)
        audit(
            user=user,
            team=team,
            action="endpoint.created",
            target=endpoint,
            base_url=endpoint.base_url,
            with_key=endpoint.has_key,
        )
    return endpoint


@sensitive_variables("key")
def update_endpoint(
    *, user: User, endpoint: Endpoint, key: str | None = None, **fields: Any
) -> Endpoint:
    """Change an endpoint (any of `EDITABLE`). Another address drops the key, unless a new one comes along.

    Args:
        key: a new one; empty takes the key away; None leaves it.

    Raises:
        PermissionDenied: below admin. ValidationError: a field is wrong, or the address may not be called.
    """
    require(user=user, team=endpoint.team, role=Role.ADMIN)
    with transaction.atomic():
        held: Endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
        before = {name: getattr(held, name) for name in EDITABLE}
        had_key = held.has_key
        _save(held, fields, key=key)
        changed = [name for name in EDITABLE if getattr(held, name) != before[name]]
        audit(
            user=user,
            team=held.team,
            action="endpoint.changed",
            target=held,
            changed=changed,
            base_url=held.base_url,
            key="dropped" if had_key and not held.has_key else "set" if key else "as it was",
        )
    return held


def delete_endpoint(*, user: User, endpoint: Endpoint) -> None:
    """Delete an endpoint and its key. Models that are run through it stay, and cannot be run.

    Raises:
        PermissionDenied: below admin.
    """
    require(user=user, team=endpoint.team, role=Role.ADMIN)
    with transaction.atomic():
        audit(
            user=user,
            team=endpoint.team,
            action="endpoint.deleted",
            target=endpoint,
            base_url=endpoint.base_url,
        )
        endpoint.delete()


@sensitive_variables("key")
def access_to(endpoint: Endpoint) -> Access:
    """How to reach it, with the key in plain.

    Raises:
        ValidationError: this installation cannot open the key.
    """
    try:
        key = endpoint.open_key()
    except Unreadable as error:
        raise ValidationError(
            f"The key of {endpoint.name} cannot be read by this installation: an admin enters it again."
        ) from error
    return Access(
        base_url=endpoint.base_url,
        key=key,
        concurrency=endpoint.concurrency,
        timeout_seconds=endpoint.timeout_seconds,
    )


def reseal_all() -> tuple[int, int]:
    """Seal every key anew with the first of ENCRYPTION_KEYS; how many were, and how many cannot be read."""
    done = lost = 0
    for endpoint in Endpoint.objects.exclude(sealed_key="").order_by("pk"):
        with transaction.atomic():
            held: Endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
            try:
                held.sealed_key = seal(held.open_key(), bound_to=held.base_url)
            except Unreadable:
                lost += 1
                continue
            held.save(update_fields=["sealed_key"])
            done += 1
    return done, lost


@sensitive_variables("key")
def _save(endpoint: Endpoint, fields: Mapping[str, Any], *, key: str | None) -> None:
    if unknown := fields.keys() - set(EDITABLE):
        raise TypeError(f"An endpoint has no field {min(unknown)!r} to set.")
    address = endpoint.base_url
    for name, value in fields.items():
        setattr(endpoint, name, value)
    endpoint.name = one_line(endpoint.name)
    if not endpoint.name:
        raise ValidationError({"name": "Give the endpoint a name."})
    endpoint.base_url = address if endpoint.base_url == address else _checked(endpoint.base_url)
    _check_numbers(endpoint)
    if key is None and endpoint.base_url != address:
        key = ""  # a key is not carried to another address
    if key is not None:
        _set_key(endpoint, key.strip())
    endpoint.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError as error:
        raise ValidationError(
            {"name": f"This team has an endpoint called “{endpoint.name}” already."}
        ) from error


@sensitive_variables("key")
def _set_key(endpoint: Endpoint, key: str) -> None:
    if len(key) > MAX_KEY or not key.isascii() or not all(map(str.isprintable, key)):
        raise ValidationError({"key": "A key has printable ASCII characters, in one line."})
    endpoint.sealed_key = seal(key, bound_to=endpoint.base_url) if key else ""
    endpoint.key_set_at = timezone.now() if key else None


def _checked(url: str) -> str:
    """A base address as it is kept: checked by the guard, without what is added at each call."""
    try:
        address = check_url(url).rstrip("/")
    except OutboundError as error:
        raise ValidationError({"base_url": str(error)}) from error
    return address.removesuffix(PATH).rstrip("/")


def _check_numbers(endpoint: Endpoint) -> None:
    ranges = {
        "concurrency": (1, MAX_CONCURRENCY, "Between 1 and {:,} questions at once."),
        "timeout_seconds": (1, MAX_TIMEOUT_SECONDS, "Between 1 and {:,} seconds."),
        "requests_per_minute": (1, 1_000_000, "Between 1 and {:,} requests a minute."),
    }
    faults = {}
    for name, (least, most, sentence) in ranges.items():
        value = getattr(endpoint, name)
        if value is None and name == "requests_per_minute":
            continue
        if not isinstance(value, int) or not least <= value <= most:
            faults[name] = sentence.format(most)
    if faults:
        raise ValidationError(faults)
