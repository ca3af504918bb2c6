"""The demo is really trained and comes in like any upload."""

import io
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from apps.catalog.models import CandidateModel, Dataset, Price
from apps.catalog.queries import items_of, labels_of, outcomes_of, predictions_of
from apps.core.demo.people import ADMIN_EMAIL, demo_wanted, local_admin
from apps.core.demo.routing import making
from apps.leaderboards.models import Board
from apps.routing.models import Evaluation, Router
from apps.teams.models import User


@pytest.fixture(autouse=True, scope="module")
def _trained_once() -> Iterator[None]:
    """The example of routing takes seconds to make: once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "make", cache(making.make))
        yield


@pytest.fixture
def dataset(db: None) -> Dataset:
    call_command("demo", stdout=io.StringIO())
    return Dataset.objects.get(name="Handwritten digits")


def test_it_makes_a_whole_board(dataset: Dataset) -> None:
    version = dataset.versions.get()
    table = predictions_of(version)
    assert len(table.model_names) >= 30
    assert len(table.item_ids) >= 900
    state = labels_of(version, table.class_names)
    assert state.count == 60
    accuracy = (table.predictions == state.labels)[:, state.labels >= 0].mean(axis=1)
    assert np.ptp(accuracy) > 0.5, "a varied pool has good and bad models"
    board = Board.objects.get()
    summary = board.snapshots.get().summary
    assert summary["labels"] == 60
    assert summary["models"] == len(table.model_names)


@pytest.mark.embedded_only
def test_its_items_are_pictures(dataset: Dataset) -> None:
    (item,) = items_of(dataset.versions.get(), [0])
    assert item.image is not None
    assert item.image.startswith(b"\x89PNG")
    assert item.slices["ink"] in ("light", "medium", "heavy")


@pytest.mark.embedded_only
def test_it_shows_where_routing_helps(dataset: Dataset) -> None:
    version = Dataset.objects.get(name="Short questions").versions.get()
    table = outcomes_of(version)
    assert table.n_models == 6
    assert table.n_prompts >= 2000
    assert table.priced
    assert table.cost.mean(axis=0).max() > 100 * table.cost.mean(axis=0).min()
    best = table.score.mean(axis=0).max()
    assert table.score.max(axis=1).mean() > best + 0.05, "no model is best at everything"
    assert Evaluation.objects.filter(version=version).exists()
    assert Router.objects.filter(version=version).exists()


@pytest.mark.embedded_only
def test_its_prices_are_measured_and_say_how(dataset: Dataset) -> None:
    assert Price.objects.count() == CandidateModel.objects.count()
    for price in Price.objects.all():
        assert price.per_call
        assert "measured" in price.source


def test_it_comes_once(dataset: Dataset) -> None:
    assert not demo_wanted()
    with pytest.raises(CommandError, match="already"):
        call_command("demo", stdout=io.StringIO())


def test_an_installation_with_people_gets_no_demo(db: None) -> None:
    assert demo_wanted()
    User.objects.create_user("somebody@example.org")
    assert not demo_wanted()
    assert local_admin() is None
    with pytest.raises(CommandError, match=ADMIN_EMAIL):
        call_command("demo", stdout=io.StringIO())


def test_the_local_admin_has_no_password(db: None) -> None:
    admin = local_admin()
    assert admin is not None
    assert not admin.has_usable_password()
    assert local_admin() == admin
