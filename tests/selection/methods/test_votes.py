import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.tables import PredictionTable
from apps.selection.methods import votes as votes_module
from apps.selection.methods.votes import Votes

from .pools import pool, pools


@given(table=pools(max_models=7), data=st.data())
def test_groups_are_the_models_that_say_the_same_of_a_disputed_item(
    table: PredictionTable, data: st.DataObject
) -> None:
    weights = np.array(data.draw(st.lists(st.integers(0, 9), min_size=7, max_size=7)), dtype=float)
    votes = Votes.of(table.predictions)
    found = [
        (
            int(votes.items[owner]),
            int(votes.choice[group]),
            votes.models[votes.start[group] :][: votes.size[group]].tolist(),
        )
        for group, owner in enumerate(votes.owner)
    ]
    expected = []
    for item, column in enumerate(table.predictions.T.tolist()):
        classes = sorted(set(column) - {-1}, key=lambda c: (-column.count(c), c))
        if len(classes) > 1:
            expected += [
                (item, c, [j for j, vote in enumerate(column) if vote == c]) for c in classes
            ]
    assert found == expected
    weights = weights[: table.n_models]
    sums = votes.sums(weights)
    assert sums.tolist() == [weights[members].sum() for _, _, members in expected]
    winners = votes.winners(sums).tolist()
    for item, winner in zip(votes.items.tolist(), winners, strict=True):
        held = [(c, weights[members].sum()) for i, c, members in expected if i == item]
        assert winner == max(held, key=lambda pair: pair[1])[0]


def test_many_items_are_grouped_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    table = pool(random.integers(-1, 3, (6, 40)), 3)
    whole = Votes.of(table.predictions)
    monkeypatch.setattr(votes_module, "_BLOCK", 30)
    parts = Votes.of(table.predictions)
    for name in ("items", "models", "start", "first", "owner", "size", "choice"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
