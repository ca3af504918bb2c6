"""CODA's two products of matrices against the paper's integral, word for word."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta

from apps.catalog.tables import PredictionTable
from apps.selection.methods.coda import Coda

from .pools import labels_for, pool, pools

Floats = NDArray[np.float64]
GRID = np.linspace(1e-6, 1 - 1e-6, 256)


def literal_alpha(table: PredictionTable, truth: list[int]) -> tuple[Floats, Floats]:
    """alpha after the labels, and the probabilities p_j(c | x) [n_models, n_items, n_classes]."""
    n_classes = len(table.class_names)
    p = np.zeros((table.n_models, table.n_items, n_classes))
    stated = table.probabilities
    for j, row in enumerate(table.predictions):
        for i, vote in enumerate(row):
            if vote >= 0:
                sure = 1.0 if stated is None or n_classes == 1 else float(stated[j, i])
                p[j, i] = (1 - sure) / max(n_classes - 1, 1)
                p[j, i, vote] = sure
    consensus = np.round(p.sum(axis=0), 9).argmax(axis=1)
    confusion = np.zeros((table.n_models, n_classes, n_classes))
    for i, c in enumerate(consensus):
        confusion[:, c] += p[:, i]
    confusion = np.maximum(confusion, 1e-6)
    confusion /= confusion.sum(axis=2, keepdims=True)
    base = np.where(np.eye(n_classes) == 1, 1.0, 1 / max(n_classes - 1, 1))
    alpha = 2 * (base + 0.1 * confusion)
    for i, label in enumerate(truth):
        for j in range(table.n_models):
            if label >= 0 and table.predictions[j, i] >= 0:
                alpha[j, label, table.predictions[j, i]] += 0.01
    return alpha, p


def literal_best(a: Floats, b: Floats) -> Floats:
    """Integral of f_j times the product of the other F_l, normalised."""
    density = np.array([beta.pdf(GRID, x, y) for x, y in zip(a, b, strict=True)])
    below = np.array([beta.cdf(GRID, x, y) for x, y in zip(a, b, strict=True)])
    found = np.array(
        [
            np.trapezoid(density[j] * np.delete(below, j, axis=0).prod(axis=0), GRID)
            for j in range(len(a))
        ]
    )
    return np.asarray(found / found.sum())


def literal_scores(table: PredictionTable, truth: list[int]) -> tuple[Floats, Floats]:
    """P(best), and the expected information of each item."""
    alpha, p = literal_alpha(table, truth)
    n_classes = alpha.shape[1]
    posterior = np.einsum("jcs,jis->ic", alpha, p)
    posterior[posterior.sum(axis=1) == 0] = 1
    posterior /= posterior.sum(axis=1, keepdims=True)
    marginal = posterior.mean(axis=0)
    a = np.diagonal(alpha, axis1=1, axis2=2)
    b = alpha.sum(axis=2) - a
    best = np.array([literal_best(a[:, c], b[:, c]) for c in range(n_classes)])
    mixed = marginal @ best

    def bits(q: Floats) -> float:
        return float(-sum(x * np.log2(x) for x in q if x > 1e-12))

    gains = []
    for i in range(table.n_items):
        after = 0.0
        for c in range(n_classes):
            votes = table.predictions[:, i]
            said, other = votes == c, (votes >= 0) & (votes != c)
            one = literal_best(a[:, c] + said, b[:, c] + other)
            after += posterior[i, c] * bits(mixed + marginal[c] * (one - best[c]))
        gains.append(bits(mixed) - after)
    return mixed, np.array(gains)


@settings(max_examples=30)
@given(
    data=st.data(),
    table=pools(max_models=4, max_items=5, max_classes=3).filter(lambda t: len(t.class_names) > 1),
    soft=st.booleans(),
)
def test_the_products_are_the_integrals(
    data: st.DataObject, table: PredictionTable, soft: bool
) -> None:
    truth = data.draw(labels_for(table))
    if soft:
        stated = np.random.default_rng(table.n_items).uniform(0.4, 1, table.predictions.shape)
        table = PredictionTable.of(
            item_ids=table.item_ids,
            model_names=table.model_names,
            class_names=table.class_names,
            predictions=table.predictions,
            probabilities=stated,
        )
    method = Coda(table)
    for item, label in enumerate(truth):
        if label >= 0:
            method.observe(item, label)
    best, gains = literal_scores(table, truth)
    assert method.p_best() == pytest.approx(best, abs=1e-6)
    assert method.scores() == pytest.approx(gains[method.votes.items], abs=1e-5)
    assert best[method.leader()] == pytest.approx(best.max(), abs=1e-6)


def test_a_pool_that_is_too_large_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="CODA keeps 128,000,000 numbers for 2 models and 8,000"):
        Coda(pool([[0], [1]], 8000))
