"""How a candidate is run."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog.models import CandidateModel
from apps.inference.kinds import KINDS
from apps.inference.models import ModelSource
from apps.teams.models import Role, User
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
