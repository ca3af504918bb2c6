"""What other rooms ask of the selection methods."""

import numpy as np
import pytest

from apps.catalog.tables import PredictionTable
from apps.selection.methods.model_selector import ModelSelector
from apps.selection.methods.registry import METHODS
from apps.selection.services import METHOD_NAMES, certificate_summary, certify, suggest_items


@pytest.fixture
def table() -> PredictionTable:
    random = np.random.default_rng(3)
    return PredictionTable.of(
        item_ids=[f"i{n}" for n in range(30)],
        model_names=["x", "y", "z"],
        class_names=["0", "1"],
        predictions=random.integers(0, 2, (3, 30)),
    )


def test_it_suggests_what_the_method_suggests_after_the_same_labels(
    table: PredictionTable,
) -> None:
    labels = np.full(30, -1)
    labels[:4] = table.predictions[0, :4]
    chooser = ModelSelector(table, seed=5)
    for item in range(4):
        chooser.observe(item, int(labels[item]))
    found = suggest_items(table, labels, k=7, seed=5)
    assert found.indices == tuple(chooser.suggest(7).items)
    assert found.method == "MODEL SELECTOR"


def test_it_suggests_only_unlabelled_items_and_none_when_all_are_labelled(
    table: PredictionTable,
) -> None:
    labels = np.zeros(30, int)
    assert suggest_items(table, labels).indices == ()
    labels[[4, 9]] = -1
    assert sorted(suggest_items(table, labels, k=20).indices) == [4, 9]


def test_every_method_has_a_name_for_pages() -> None:
    assert set(METHOD_NAMES) == set(METHODS)


def test_the_certificate_speaks_of_the_preferred_model_only_where_it_leads() -> None:
    table = PredictionTable.of(
        item_ids=["a", "b", "c"],
        model_names=["x", "y", "z"],
        class_names=["0", "1"],
        predictions=[[0, 0, 1], [0, 1, 1], [1, 1, 1]],
    )
    labels = [0, -1, -1]
    assert certify(table, labels, delta=0.0, prefer="y").leader == "y"
    assert certify(table, labels, delta=0.0, prefer="z").leader in {"x", "y"}


def test_a_summary_names_the_hardest_rivals_and_counts_all(table: PredictionTable) -> None:
    proof = certify(table, np.full(30, -1), delta=0.0)
    summary = certificate_summary(proof, rivals=1)
    assert len(summary["rivals"]) == 1
    assert summary["rival_count"] == len(proof.rivals) == 2
