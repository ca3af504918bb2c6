"""Numpy and torch: the same picks, over whole sessions."""

import numpy as np
import pytest

from apps.catalog.tables import PredictionTable
from apps.selection.methods import device as device_module
from apps.selection.methods.auto import Auto
from apps.selection.methods.coda import Coda
from apps.selection.methods.device import LARGE, NUMPY, resolved
from apps.selection.methods.model_selector import ModelSelector

from .pools import pool

on_devices = pytest.mark.parametrize("method", [Auto, ModelSelector, Coda])


def mixed_pool(*, missing: bool) -> tuple[PredictionTable, list[int]]:
    random = np.random.default_rng(4)
    truth = random.integers(0, 4, 40)
    right = random.random((12, 40)) < random.uniform(0.4, 0.9, (12, 1))
    answers = np.where(right, truth, random.integers(0, 4, (12, 40)))
    if missing:
        answers[random.random(answers.shape) < 0.1] = -1
    plain = pool(answers, 4)
    stated = PredictionTable.of(
        item_ids=plain.item_ids,
        model_names=plain.model_names,
        class_names=plain.class_names,
        predictions=plain.predictions,
        probabilities=random.uniform(0.3, 1, answers.shape),
    )
    return stated, truth.tolist()


@on_devices
@pytest.mark.parametrize("missing", [False, True], ids=["all run", "some not run"])
def test_torch_and_numpy_pick_the_same_items_and_name_the_same_models(
    method: type[Auto | ModelSelector | Coda], missing: bool
) -> None:
    table, truth = mixed_pool(missing=missing)
    one, other = method(table, seed=7, device="numpy"), method(table, seed=7, device="cpu")
    for _ in range(table.n_items):
        picked, same = one.suggest(3), other.suggest(3)
        assert picked.items.tolist() == same.items.tolist()
        np.testing.assert_allclose(picked.probabilities, same.probabilities)
        item = int(picked.items[0])
        for each in (one, other):
            each.observe(item, truth[item])
        assert one.leader() == other.leader()


@on_devices
def test_an_unknown_device_is_refused(method: type[Auto | ModelSelector | Coda]) -> None:
    with pytest.raises(ValueError, match="There is no device `abacus` here to compute on"):
        method(pool([[0, 1], [1, 1]], 2), device="abacus")


def test_a_gpu_is_taken_where_there_is_one_and_the_pool_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolved("auto", LARGE) == "cuda"
    assert resolved("auto", LARGE - 1) == NUMPY
    assert resolved("numpy", LARGE) == NUMPY
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolved("auto", LARGE) == NUMPY == device_module.NUMPY
