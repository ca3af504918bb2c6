"""CODA: consensus-driven active model selection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_RUN, Floats, PredictionTable

from .device import AUTO, NUMPY, fetched, namespace, placed, resolved
from .ranked import Ranked

_PRIOR_STRENGTH, _PRIOR_SCALE, _RATE = 0.1, 2.0, 0.01
_GRID = np.linspace(1e-6, 1 - 1e-6, 256)
_MOST_CELLS = 50_000_000

Tables = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class _State:
    """What follows from the labels: alpha, pi(c | x) as [n_items, n_classes], pi(c), and P(best | c)
    as [n_models, n_classes]."""

    n_labelled: int
    alpha: Floats
    posterior: Floats
    marginal: Floats
    by_class: Floats


class Coda(Ranked):
    """The item whose label is expected to tell most about which model is best, from the consensus.

    Each model j has a Dirichlet for each true class c, alpha_jc. Its prior is
    2 (B + 0.1 C_j): B is 1 on the diagonal and 1 / (C - 1) off it, C_j the model's soft confusion
    with the consensus (the argmax of the mean probabilities), rows normalised. A label y adds 0.01
    to alpha_j[y, h_j(x)]. pi(c | x) is proportional to sum_j sum_s alpha_j[c, s] p_j(s | x), pi(c)
    its mean over the pool. With f, F the density and distribution of model j's Beta(alpha_j[c, c],
    rest of the row), P(best = j | c) = integral f_j prod_{l != j} F_l on 256 points, normalised, and
    P(best) = sum_c pi(c) P(best | c). The next item maximises H(P(best)) - sum_c pi(c | x)
    H(P(best) once c were its label, counted in full); the leader is the mode of P(best).

    *Two products of matrices.* For a fixed c a model's distribution has one of three versions: it
    said c (a_jc + 1), it said another class (b_jc + 1), or it was not run (as it is). So the log of
    the product of all F at item i is sum_j log F_j + A (log F+ - log F) + D (log F- - log F), with
    A, D the items' 0/1 matrices of who said c and who something else, and P(best = j) for all items
    follows from one more product with f / F. The result is the formula's.

    * Where probabilities of the predicted classes are known, the rest is spread evenly over the
      other classes; where they are not, a model is sure of its prediction.
    * A model that was not run on an item has no part in its consensus, and learns nothing there.
    * Its P(best) moves by at most 0.01 a label and is not calibrated: none is stated.

    Args:
        table: the predictions of the candidates.
        seed: for ties and fillings.
        device: where to compute; see `device.resolved`.

    Raises:
        ValueError: n_models x n_classes^2 is above 50 million numbers, or no such device.

    Source: J. Kay, G. Van Horn, S. Maji, D. Sheldon, S. Beery, "Consensus-driven active model
    selection", ICCV 2025, arXiv 2507.23771. The two-matmul form is this project's.
    """

    def __init__(self, table: PredictionTable, *, seed: int = 0, device: str = AUTO) -> None:
        n_classes = len(table.class_names)
        cells = table.n_models * n_classes**2
        if cells > _MOST_CELLS:
            raise ValueError(
                f"CODA keeps {cells:,} numbers for {table.n_models:,} models and {n_classes:,} "
                f"classes; at most {_MOST_CELLS:,} are taken."
            )
        super().__init__(table, seed=seed)
        self._device = resolved(device, table.predictions.size)
        self._answers = placed(
            np.ascontiguousarray(table.predictions[:, self.votes.items].T), self._device
        )
        self._sure, self._spread = _stated(table)
        self._alpha = self._prior()
        self._held: _State | None = None

    def observe(self, item: int, label: int) -> None:
        """See `SelectionMethod.observe`."""
        before = self.n_labelled
        super().observe(item, label)
        if self.n_labelled > before:
            votes = self.table.predictions[:, item]
            run = np.flatnonzero(votes != NOT_RUN)
            self._counts[run, label, votes[run]] += 1

    def leader(self) -> int:
        """See `SelectionMethod.leader`: the mode of P(best)."""
        return self.drawn_best(self.p_best())

    def p_best(self) -> Floats:
        """[n_models], CODA's own P(best): not calibrated."""
        state = self._present()
        return np.asarray(state.by_class @ state.marginal)

    def scores(self) -> Floats:
        """See `Ranked.scores`: the expected information about the best model, in bits."""
        xp = namespace(self._device)
        state = self._present()
        best = state.by_class @ state.marginal
        now, was = placed(best, self._device), placed(state.by_class, self._device)
        posterior = placed(state.posterior[self.votes.items], self._device)
        said, run = self._answers, self._answers != NOT_RUN
        expected = 0.0
        for c, weight in enumerate(state.marginal.tolist()):
            agree = xp.asarray(said == c, dtype=xp.float64)
            differ = xp.asarray((said != c) & run, dtype=xp.float64)
            after = _after(state.alpha, c, agree, differ, self._device)
            mixed = now + weight * (after - was[:, c])
            expected = expected + posterior[:, c] * _entropy(mixed, self._device)
        return fetched(_entropy(now[None], self._device)[0] - expected)

    def _prior(self) -> Floats:
        """[n_models, n_classes, n_classes], alpha before any label."""
        n_models, n_classes = self.table.n_models, len(self.table.class_names)
        self._counts = np.zeros((n_models, n_classes, n_classes))
        consensus = self._consensus()
        confusion = np.zeros((n_models, n_classes, n_classes))
        for j, answers in enumerate(self.table.predictions):
            run = answers != NOT_RUN
            said, seen = answers[run], consensus[run]
            np.add.at(confusion[j], (seen, said), (self._sure - self._spread)[j, run])
            rest = np.bincount(seen, self._spread[j, run], minlength=n_classes)
            confusion[j] += rest[:, None]
        confusion = np.maximum(confusion, 1e-6)
        confusion /= confusion.sum(axis=2, keepdims=True)
        base = np.full((n_classes, n_classes), 1 / max(n_classes - 1, 1))
        np.fill_diagonal(base, 1.0)
        return np.asarray(_PRIOR_SCALE * (base + _PRIOR_STRENGTH * confusion))

    def _consensus(self) -> NDArray[np.intp]:
        """[n_items], the class of the highest mean probability; the lowest class of equals."""
        n_items, n_classes = self.table.n_items, len(self.table.class_names)
        mean = np.zeros((n_items, n_classes))
        for j, answers in enumerate(self.table.predictions):
            run = np.flatnonzero(answers != NOT_RUN)
            mean[run] += self._spread[j, run, None]
            mean[run, answers[run]] += (self._sure - self._spread)[j, run]
        return np.asarray(np.round(mean, 9).argmax(axis=1))

    def _present(self) -> _State:
        """The state after the labels so far, made once for each number of labels."""
        if self._held is None or self._held.n_labelled != self.n_labelled:
            self._held = self._made()
        return self._held

    def _made(self) -> _State:
        alpha = self._alpha + _RATE * self._counts
        posterior = np.zeros((self.table.n_items, alpha.shape[1]))
        rows = alpha.sum(axis=2)
        for j, answers in enumerate(self.table.predictions):
            run = np.flatnonzero(answers != NOT_RUN)
            extra = (self._sure - self._spread)[j, run, None]
            posterior[run] += alpha[j][:, answers[run]].T * extra
            posterior[run] += rows[j] * self._spread[j, run, None]
        none = posterior.sum(axis=1) == 0
        posterior[none] = 1.0
        posterior /= posterior.sum(axis=1, keepdims=True)
        nobody = np.zeros((1, len(alpha)))
        by_class = [_after(alpha, c, nobody, nobody, NUMPY)[0] for c in range(alpha.shape[1])]
        return _State(
            self.n_labelled, alpha, posterior, posterior.mean(axis=0), np.stack(by_class, axis=1)
        )


def _stated(table: PredictionTable) -> tuple[Floats, Floats]:
    """[n_models, n_items] twice: the probability of the predicted class, and of each other class."""
    n_classes = len(table.class_names)
    sure = np.ones(table.predictions.shape)
    if table.probabilities is not None and n_classes > 1:
        known = ~np.isnan(table.probabilities)
        sure[known] = table.probabilities[known]
    return sure, (1 - sure) / max(n_classes - 1, 1)


def _after(alpha: Floats, c: int, agree: Any, differ: Any, device: str) -> Any:
    """[n, n_models], P(best | c) after c is the label of each of n items.

    Args:
        alpha: [n_models, n_classes, n_classes].
        agree, differ: [n, n_models], 1 for who said c, and for who something else, on the device.
        device: where to compute.
    """
    xp = namespace(device)
    a = alpha[:, c, c]
    b = np.maximum(alpha[:, c].sum(axis=1) - a, 1e-6)
    versions = (_tables(a, b), _tables(a + 1, b), _tables(a, b + 1))
    (base, ratio), (up, up_ratio), (down, down_ratio) = (
        [placed(part, device) for part in version] for version in versions
    )
    log_product = base.sum(0)[None] + agree @ (up - base) + differ @ (down - base)
    product = xp.exp(log_product - xp.amax(log_product, 1)[:, None])
    product[:, [0, -1]] /= 2  # the trapezoid's ends
    found = agree * (product @ up_ratio.T) + differ * (product @ down_ratio.T)
    neither = 1 - agree - differ
    if neither.any():
        found = found + neither * (product @ ratio.T)
    total = found.sum(1)[:, None]
    return xp.where(total > 0, found / xp.where(total > 0, total, 1.0), 1 / len(a))


def _tables(a: Floats, b: Floats) -> Tables:
    """Of each Beta(a, b), on the grid: log distribution, and density over distribution."""
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.special import betainc, betaln

    log_density = (
        (a - 1)[:, None] * np.log(_GRID)
        + (b - 1)[:, None] * np.log1p(-_GRID)
        - betaln(a, b)[:, None]
    )
    below = np.log(np.maximum(betainc(a[:, None], b[:, None], _GRID), 1e-30))
    return below, np.exp(np.clip(log_density - below, -80, 80))


def _entropy(p: Any, device: str) -> Any:
    """In bits, of each row; tiny negative numbers, which rounding makes, count as none."""
    xp = namespace(device)
    clipped = xp.clip(p, 1e-12, None)
    return -(clipped * xp.log2(clipped)).sum(1)
