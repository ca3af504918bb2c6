"""How a candidate is run."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog.models import CandidateModel
from apps.catalog.services import create_model
from apps.inference.kinds import KINDS
from apps.inference.models import ModelSource
from apps.teams.models import Role, Team, User
from apps.teams.services import audit, require


@transaction.atomic
def add_source(
    *,
    user: User,
    model: CandidateModel,
    kind: str,
    location: str = "",
    revision: str = "",
    settings: dict[str, Any] | None = None,
) -> ModelSource:
    """Say where a candidate's answers come from; the same said twice is one source.

    Raises:
        PermissionDenied: below editor. ValidationError: no such kind, or nothing that it could run.
    """
    require(user=user, team=model.team, role=Role.EDITOR)
    if kind not in KINDS:
        raise ValidationError({"kind": f"There is no kind `{kind[:40]}` of models to run."})
    source = ModelSource(
        team=model.team,
        created_by=user,
        model=model,
        kind=kind,
        location=location.strip(),
        revision=revision.strip(),
        settings=KINDS[kind].clean(settings or {}),
    )
    KINDS[kind].check(source)
    source.full_clean()
    held: ModelSource
    for held in ModelSource.objects.filter(model=model, kind=kind, location=source.location):
        pinned = source.revision in ("", held.revision)
        if pinned and held.settings == source.settings:
            return held
    source.save()
    audit(user=user, team=model.team, action="source.added", target=source, location=location)
    return source


@transaction.atomic
def add_source_by_name(
    *,
    user: User,
    team: Team,
    name: str,
    kind: str,
    location: str = "",
    revision: str = "",
    settings: dict[str, Any] | None = None,
) -> ModelSource:
    """Like `add_source`, of the team's model of that name, in any case; a new one where there is none."""
    require(user=user, team=team, role=Role.EDITOR)
    model = CandidateModel.objects.filter(team=team, name__iexact=name.strip()).first()
    if model is None:
        model = create_model(user=user, team=team, name=name.strip())
    return add_source(
        user=user, model=model, kind=kind, location=location, revision=revision, settings=settings
    )
