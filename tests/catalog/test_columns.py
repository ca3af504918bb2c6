"""Columns looked into by position say what the tables say."""

import numpy as np
import pytest

from apps.catalog import queries, store
from apps.catalog.models import DatasetVersion, LabelBatch
from apps.catalog.services import create_dataset
from apps.catalog.store import Items
from apps.leaderboards.models import Board
from apps.teams.models import Team, User
from tests.leaderboards.conftest import bring, version  # noqa: F401


@pytest.mark.django_db
def test_columns_hold_what_the_tables_hold(version: DatasetVersion) -> None:  # noqa: F811
    columns, table = queries.columns_of(version), queries.predictions_of(version)
    state = queries.labels_of(version, table.class_names)
    assert columns.models == list(table.model_names)
    assert columns.classes == table.class_names
    for name, said in zip(table.model_names, table.predictions, strict=True):
        assert columns.answers(name).tolist() == said.tolist()
        assert columns.stated(name) is None
    assert columns.labels.tolist() == state.labels.tolist()
    assert columns.chosen_labels == state.chosen.sum() == 0
    LabelBatch.objects.filter(version=version).update(chosen=True)
    assert queries.columns_of(version).chosen_labels == 40
    LabelBatch.objects.filter(version=version).update(withdrawn_at="2026-01-01T00:00Z")
    assert (queries.columns_of(version).labels == -1).all()
    assert Board.objects.filter(version=version).exists()


@pytest.mark.django_db
def test_slices_are_codes_and_a_search_goes_on_where_it_stopped(
    team: Team, eddie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_ITEM_ROWS", 10)
    monkeypatch.setattr(store, "_SEARCHED_AT_ONCE", 2)
    items = Items(
        ids=[f"i{n}" for n in range(95)],
        texts=[None if n == 3 else f"Straße {n % 7}" for n in range(95)],
        slices={"site": [("", "b", "a")[n % 3] for n in range(95)]},
    )
    made = create_dataset(user=eddie, team=team, name="Streets", items=items)
    column = queries.columns_of(made).slice("site")
    assert column.values == ("a", "b")
    assert column.codes[:4].tolist() == [-1, 1, 0, -1]
    among = np.arange(0, 95, 2)
    whole, seen = queries.find_items(made, "STRASSE 4".replace("SS", "ß"), among=among, within=9)
    assert whole == [n for n in among if n % 7 == 4]
    assert seen == len(among)
    # With no time left it looks at one group of rows and says so.
    found, seen = queries.find_items(made, "straße 4", among=among, within=0)
    assert (found, seen) == ([4, 18], 10)
    assert queries.find_items(made, "i94", among=among[40:], within=0)[0] == [94]
    assert [view.text for view in queries.items_of(made, [94, 3], pictures=False)] == [
        "Straße 3",
        None,
    ]
