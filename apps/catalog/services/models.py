"""Verbs on candidate models and their price book."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, RestrictedError

from apps.catalog.models import CandidateModel, DatasetVersion, Price
from apps.catalog.readers.problems import name_fault
from apps.catalog.signals import version_changed
from apps.core.models import new_slug
from apps.teams.models import Role, Team, User
from apps.teams.services import audit, require

EDITABLE = ("name", "provider", "parameters", "released_on", "licence", "tags", "notes")


def create_model(*, user: User, team: Team, name: str, **fields: Any) -> CandidateModel:
    """Add a model to a team's list.

    Args:
        fields: any of provider, parameters, released_on, licence, tags (list of str), notes.

    Raises:
        PermissionDenied: below editor. ValidationError: a field is wrong, or the name is taken.
    """
    require(user=user, team=team, role=Role.EDITOR)
    model = CandidateModel(team=team, created_by=user, slug=new_slug(name))
    with transaction.atomic():
        _save(model, {"name": name, **fields})
        audit(user=user, team=team, action="model.created", target=model)
    return model


def update_model(*, user: User, model: CandidateModel, **fields: Any) -> CandidateModel:
    """Change a model's facts (any of `EDITABLE`); a new name keeps its predictions.

    Raises:
        PermissionDenied: below editor. ValidationError: a field is wrong, or the name is taken.
    """
    require(user=user, team=model.team, role=Role.EDITOR)
    with transaction.atomic():
        before = model.name
        _save(model, fields)
        audit(user=user, team=model.team, action="model.changed", target=model)
        if model.name != before:
            announce(versions_with([model]), user=user)
    return model


def _save(model: CandidateModel, fields: dict[str, Any]) -> None:
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise TypeError(f"A model has no field {min(unknown)!r} to set.")
    for name, value in fields.items():
        setattr(model, name, value)
    model.name = model.name.strip()
    if model.name and (fault := name_fault(model.name)):
        raise ValidationError({"name": f"The name {fault}."})
    model.tags = list(dict.fromkeys(tag.strip() for tag in model.tags if tag.strip()))
    model.full_clean(validate_constraints=False)
    try:
        with transaction.atomic():
            model.save()
    except IntegrityError as error:
        raise ValidationError(
            {"name": f"This team has a model called “{model.name}” already."}
        ) from error


def delete_model(*, user: User, model: CandidateModel) -> None:
    """Remove a model and its prices.

    Raises:
        PermissionDenied: below editor. ValidationError: results rest on its predictions or outcomes.
    """
    require(user=user, team=model.team, role=Role.EDITOR)
    with transaction.atomic():
        audit(user=user, team=model.team, action="model.deleted", target=model)
        try:
            model.delete()
        except RestrictedError as error:
            where = ", ".join(str(version) for version in versions_with([model])[:5])
            raise ValidationError(
                f"{model.name} has predictions or outcomes on {where}; delete those first."
            ) from error


def set_price(
    *,
    user: User,
    model: CandidateModel,
    valid_from: date,
    input_per_million: Decimal | None = None,
    output_per_million: Decimal | None = None,
    per_call: Decimal | None = None,
    source: str = "",
) -> Price:
    """Say what a model costs from a day on, in US dollars; a price of the same day is replaced.

    Raises:
        PermissionDenied: below editor. ValidationError: no whole price, or a negative one.
    """
    require(user=user, team=model.team, role=Role.EDITOR)
    with transaction.atomic():
        figures = {
            "input_per_million": input_per_million,
            "output_per_million": output_per_million,
            "per_call": per_call,
        }
        price, changed = put_price(model=model, valid_from=valid_from, source=source, **figures)
        if changed:
            details = {
                name: None if value is None else str(value) for name, value in figures.items()
            }
            audit(
                user=user,
                team=model.team,
                action="price.set",
                target=model,
                valid_from=valid_from.isoformat(),
                **details,
            )
            announce(versions_with([model]), user=user)
    return price


def put_price(
    *, model: CandidateModel, valid_from: date, source: str, **figures: Decimal | None
) -> tuple[Price, bool]:
    """Write one price inside the caller's transaction; returns it and whether anything changed."""
    stored = Price.objects.filter(model=model, valid_from=valid_from).first()
    price = stored or Price(model=model, valid_from=valid_from)
    same = stored is not None and all(getattr(price, key) == figures[key] for key in figures)
    if same and price.source == source:
        return price, False
    for name, value in figures.items():
        setattr(price, name, value)
    price.source = source
    if price.per_call is None and (
        price.input_per_million is None or price.output_per_million is None
    ):
        raise ValidationError(
            "Give the price per call, or both the price of input and of output tokens."
        )
    price.full_clean(validate_unique=False)
    price.save()
    return price, True


def delete_price(*, user: User, price: Price) -> None:
    """Take one entry out of a model's price book.

    Raises:
        PermissionDenied: below editor.
    """
    model = price.model
    require(user=user, team=model.team, role=Role.EDITOR)
    with transaction.atomic():
        audit(
            user=user,
            team=model.team,
            action="price.deleted",
            target=model,
            valid_from=price.valid_from.isoformat(),
        )
        price.delete()
        announce(versions_with([model]), user=user)


def versions_with(models: Iterable[CandidateModel]) -> list[DatasetVersion]:
    """The dataset versions on which any of these models was run."""
    chosen = list(models)
    return list(
        DatasetVersion.objects.filter(Q(outputs__model__in=chosen) | Q(outcomes__model__in=chosen))
        .select_related("dataset", "team")
        .distinct()
    )


def announce(versions: Iterable[DatasetVersion], *, user: User | None) -> None:
    """Tell other rooms that these versions' predictions, labels, outcomes or prices have changed."""
    for version in versions:
        version_changed.send(sender=DatasetVersion, version=version, user=user)
