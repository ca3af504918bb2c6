"""Weighing the experts, and shrinking what they say together to what held up on prompts held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

from .experts import centred

TEMPERATURE = 0.05
"""Expected score within which a model still counts as a rival of the best."""

CAUTION = 2.0
"""Standard errors between groups that a slope must be above 0 to count on new groups."""

_DIALS = 40

KNOTS = 20
DOUBT = 50.0
"""Outcomes' worth of belief, at each knot, that a forecast is calibrated as it stands."""


def relevance(score: Floats, cost: Floats) -> Floats:
    """[n_models], how much each model matters for decisions: its share of a soft best, over dials.

    Args:
        score, cost: [n_models] means; costs NaN where unknown.
    """
    known = ~np.isnan(cost)
    spread = np.ptp(cost[known]) if known.any() else 0.0
    price = np.where(known, cost, cost[known].max() if known.any() else 0.0)
    lambdas = np.zeros(1)
    if spread > 0:
        gaps = np.diff(np.unique(cost[known]))
        last = 3 / max(float(gaps.min()), spread / 1e3)
        lambdas = np.concatenate([[0.0], np.geomspace(1e-2 / spread, last, _DIALS)])
    worth = (score - lambdas[:, None] * price) / TEMPERATURE
    soft = np.exp(worth - worth.max(axis=1, keepdims=True))
    weights: Floats = (soft / soft.sum(axis=1, keepdims=True)).mean(axis=0)
    return weights


def expert_weights(opinions: list[Floats], residual: Floats, weights: Floats) -> Floats:
    """One weight of at least 0 for each expert, by least squares of the relevant differences.

    Stacking (Wolpert 1992; Breiman 1996): all 0 is the router that looks at no prompt.

    Args:
        opinions: held-out forecasts, [n, n_models] each.
        residual: outcomes less their means, [n, n_models].
        weights: [n_models], of relevance.
    """
    root = np.sqrt(weights)
    columns = np.stack([(centred(one, weights) * root).ravel() for one in opinions], axis=1)
    target = (centred(residual, weights) * root).ravel()
    return _non_negative(columns, target)


def level_weights(opinions: list[Floats], residual: Floats) -> Floats:
    """As `expert_weights`, of each prompt's level: how hard it is for all models together."""
    columns = np.stack([one.mean(axis=1) for one in opinions], axis=1)
    return _non_negative(columns, residual.mean(axis=1))


def _non_negative(columns: Floats, target: Floats) -> Floats:
    """Least squares with weights of at least 0 and a trace of ridge, from the normal equations."""
    from scipy.optimize import nnls

    gram = columns.T @ columns
    size = float(np.trace(gram)) / len(gram)
    if size <= 1e-12:
        return np.zeros(len(gram))
    root = np.linalg.cholesky(gram + 1e-3 * size * np.eye(len(gram)))
    weights: Floats = nnls(root.T, np.linalg.solve(root, columns.T @ target))[0]
    return weights


def factor_shrinkage(
    opinion: Floats,
    residual: Floats,
    weights: Floats,
    groups: NDArray[np.intp] | None = None,
) -> Floats:
    """A matrix [n_models, n_models] that shrinks forecasts (from the right) to what held up.

    In the axes of the forecasts' own second moment each factor keeps the slope with which outcomes
    followed it on prompts held out, within 0..1. It takes away most of the winner's curse.

    Args:
        groups: [n_prompts], where whole groups were held out: each slope is then lessened by two
            standard errors between groups.
    """
    root = np.sqrt(weights)
    said, came = centred(opinion, weights) * root, centred(residual, weights) * root
    _, axes = np.linalg.eigh(said.T @ said)
    said, came = said @ axes, came @ axes
    total = np.maximum((said**2).sum(axis=0), 1e-12)
    slope = (said * came).sum(axis=0) / total
    if groups is not None:
        of = np.eye(int(groups.max()) + 1)[groups]
        left = of.T @ (said * came - slope * said**2)
        slope -= (
            CAUTION * np.sqrt((left**2).sum(axis=0) * len(left) / max(len(left) - 1, 1)) / total
        )
    centring = np.eye(len(weights)) - weights[:, None]
    shrink: Floats = (
        (centring * root) @ (axes * np.clip(slope, 0, 1)) @ axes.T / np.maximum(root, 1e-6)
    )
    return shrink


def differences(
    said: list[Floats],
    residual: Floats,
    weights: Floats,
    groups: NDArray[np.intp] | None = None,
) -> list[Floats]:
    """A matrix [n_models, n_models] for each expert, to be applied to what it says from the right.

    It leaves which model is better, weighed and shrunk; rows of what comes out have the mean 0.

    Args:
        said: held-out forecasts, [n_prompts, n_models] each.
        residual: outcomes less their means, [n_prompts, n_models].
        weights: [n_models], of relevance.
        groups: as for `factor_shrinkage`.
    """
    share = expert_weights(said, residual, weights)
    together = np.sum([part * one for part, one in zip(share, said, strict=True)], axis=0)
    centring = np.eye(len(weights)) - 1 / len(weights)
    shrink = factor_shrinkage(together, residual, weights, groups) @ centring
    return [part * shrink for part in share]


def levels(said: list[Floats], residual: Floats) -> list[Floats]:
    """As `differences`, of how hard a prompt is for all models together; it changes no decision."""
    n_models = residual.shape[1]
    everyone = np.full((n_models, n_models), 1 / n_models)
    return [height * everyone for height in level_weights(said, residual)]


@dataclass(frozen=True, eq=False)
class Curve:
    """From what was foretold to what came of it on prompts held out, for all models alike.

    Isotonic regression (Zadrozny and Elkan, KDD 2002) of equally large bins, straight between their
    means. Sums of linear experts run past 0 and 1 and err in the middle; ranks are kept, but for ties.

    Attributes:
        said, came: [n_knots], both ascending.
    """

    said: Floats
    came: Floats

    @classmethod
    def learn(cls, said: Floats, score: Floats) -> Curve:
        """Args: said, score [n_prompts, n_models], forecasts of prompts held out; NaN not run."""
        from sklearn.isotonic import isotonic_regression

        ran = ~np.isnan(score)
        said, score = said[ran], score[ran]
        bins = np.array_split(np.argsort(said, kind="stable"), min(KNOTS, len(said)))
        means = np.array([said[one].mean() for one in bins])
        came = np.array(
            [
                (score[one].sum() + DOUBT * middle) / (len(one) + DOUBT)
                for one, middle in zip(bins, means, strict=True)
            ]
        )
        return cls(means, np.asarray(isotonic_regression(came)))

    def at(self, said: Floats) -> Floats:
        """Expected scores in 0..1, of the shape of the forecasts."""
        return np.clip(np.interp(said, self.said, self.came), 0.0, 1.0)
