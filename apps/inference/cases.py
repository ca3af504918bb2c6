"""Cases for judges: the answers of runs as items of a dataset, for models and people to judge."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.catalog.services import create_dataset
from apps.catalog.store import Items
from apps.inference import answers, queries
from apps.inference.endpoints.judging import GRADE_CLASSES, PAIR_CLASSES
from apps.inference.kinds import KINDS, Gives
from apps.inference.models import Run
from apps.inference.scorers.judge import MAX_PART, Case
from apps.teams.models import Role, User
from apps.teams.services import audit, require

MOST_CASES = 20_000
"""Answers that one dataset of cases is made from: they are read, paired and written while somebody waits."""


@dataclass(frozen=True)
class Made:
    """The dataset that was made, and how many items of the runs had no answer to judge."""

    version: DatasetVersion
    left_out: int


def make_pairs(*, user: User, first: Run, second: Run, name: str = "") -> Made:
    """A dataset with a case for each item that both runs have answered: which answer is better?

    The model of `first` is A everywhere; judges are asked in both orders.

    Raises:
        PermissionDenied: below editor. ValidationError: runs that cannot be compared, or a taken name.
    """
    require(user=user, team=first.team, role=Role.EDITOR)
    if first.version_id != second.version_id or first.team_id != second.team_id:
        raise ValidationError({"second": "Choose two runs over the same version of a dataset."})
    if first.pk == second.pk:
        raise ValidationError({"second": "Choose another run to compare with."})
    said = [_texts(run) for run in (first, second)]
    cases = {
        place: Case(question, said[0][place][:MAX_PART], said[1][place][:MAX_PART])
        for place, question in _questions(first).items()
        if place in said[0] and place in said[1]
    }
    names = [run.source.model.name for run in (first, second)]
    description = f"Answers to {first.version}: A is {names[0]}, B is {names[1]}."
    title = name.strip() or f"{names[0]} or {names[1]} on {first.version}"
    return _dataset(user, first, cases, title, description, PAIR_CLASSES)


def make_grades(*, user: User, run: Run, name: str = "") -> Made:
    """A dataset with a case for each answer of a run whose item has a reference: is it right?

    Raises:
        PermissionDenied: below editor. ValidationError: there is nothing to judge, or a taken name.
    """
    require(user=user, team=run.team, role=Role.EDITOR)
    said, references = _texts(run), queries.references_of(run.version, run.reference)
    cases = {
        place: Case(question, said[place][:MAX_PART], reference=references[place][:MAX_PART])
        for place, question in _questions(run).items()
        if place in said and place in references
    }
    description = f"Answers of {run.source.model.name} to {run.version}, beside their references."
    title = name.strip() or f"Answers of {run.source.model.name} on {run.version}"
    return _dataset(user, run, cases, title, description, GRADE_CLASSES)


def _dataset(
    user: User,
    run: Run,
    cases: dict[int, Case],
    name: str,
    description: str,
    classes: tuple[str, ...],
) -> Made:
    if not cases:
        raise ValidationError("There is no item with all that a judge has to see.")
    ids = catalog.item_ids_of(run.version)
    places = sorted(cases)
    items = Items(
        [ids[place] for place in places], texts=[cases[place].as_text() for place in places]
    )
    version = create_dataset(
        user=user,
        team=run.team,
        name=name[:200],
        items=items,
        class_names=classes,
        description=description,
    )
    audit(user=user, team=run.team, action="cases.made", target=version, run=str(run.pk))
    return Made(version, run.total - len(cases))


def _texts(run: Run) -> dict[int, str]:
    """What a finished run has answered in words, by the item's place."""
    kind = KINDS.get(run.source.kind)
    if kind is None or kind.gives != Gives.TEXT or not run.answers_blob:
        raise ValidationError(
            f"{run} has no answers in words: choose a run that has ended with some."
        )
    if run.answered > MOST_CASES:
        raise ValidationError(
            f"{run} has {run.answered:,} answers, and cases are made from at most {MOST_CASES:,}: "
            "run the model on a sample of the items."
        )
    kept = answers.read(run.answers_blob)
    return {one.position: one.text for one in kept if not one.failure}


def _questions(run: Run) -> dict[int, str]:
    places = [int(place) for place in queries.order_of(run.version, run.sample)]
    items = catalog.items_of(run.version, sorted(places))
    return {
        place: (item.text or "")[:MAX_PART]
        for place, item in zip(sorted(places), items, strict=True)
    }
