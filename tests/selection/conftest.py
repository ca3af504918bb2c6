"""A dataset with predictions, as the tests of sessions need it."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from apps.catalog.models import DatasetVersion
from apps.catalog.services import create_dataset
from apps.catalog.services.records import record_predictions, stored_predictions
from apps.catalog.store import Items
from apps.selection import choosers
from apps.selection.models import SelectionSession
from apps.selection.services import start_session
from apps.teams.models import Team, User

CLASSES = ("cat", "dog", "bird")


def predicted(
    owner: User,
    team: Team,
    predictions: Sequence[Sequence[int]],
    *,
    name: str = "Pets",
    classes: Sequence[str] = CLASSES,
) -> DatasetVersion:
    """A version with these class indices [n_models, n_items]; items p0, p1..., models m0, m1..."""
    matrix = np.asarray(predictions)
    items = Items(
        ids=[f"p{index}" for index in range(matrix.shape[1])],
        texts=[f"pet number {index}" for index in range(matrix.shape[1])],
    )
    version = create_dataset(user=owner, team=team, name=name, items=items)
    stored = stored_predictions(
        model_names=[f"m{index}" for index in range(len(matrix))],
        class_names=classes,
        predictions=matrix,
        probabilities=None,
    )
    record_predictions(user=owner, version=version, stored=stored)
    return version


@pytest.fixture(autouse=True)
def _no_held_choosers() -> None:
    choosers._held.clear()


@pytest.fixture
def truth() -> list[int]:
    """The classes of 40 items; m0 knows them best."""
    return [int(one) for one in np.random.default_rng(4).integers(0, 3, 40)]


@pytest.fixture
def version(alice: User, team: Team, truth: list[int]) -> DatasetVersion:
    random = np.random.default_rng(5)
    rows = [
        np.where(random.random(40) < skill, truth, random.integers(0, 3, 40))
        for skill in (0.95, 0.7, 0.5, 0.2)
    ]
    return predicted(alice, team, np.array(rows).tolist())


@pytest.fixture
def begin(alice: User, version: DatasetVersion) -> Callable[..., SelectionSession]:
    """Start a session on the version; keywords go to `start_session`."""

    def start(**settings: object) -> SelectionSession:
        return start_session(user=alice, version=version, **settings)  # type: ignore[arg-type]

    return start
