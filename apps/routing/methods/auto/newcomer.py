"""A model that joins from a few prompts: which prompts to run it on, and what they tell of it.

A new model is taken to be a mixture of the known ones: its score on a prompt is its mean plus what
the known models' common deviation and four directions of their differences explain, by a Bayesian
linear regression. The known outcomes have mean 0 over all training prompts, so that the intercept
is the new model's mean over all of them (control variates), however the few were chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

DIRECTIONS = 4
PRIOR = 8.0
"""Prompts' worth of belief that a new model is an average one."""

CAUTION = 0.5
"""Standard errors taken from the mean of a model that few prompts speak for."""


@dataclass(frozen=True, eq=False)
class Basis:
    """The directions in which models differ, from the outcomes of the known ones.

    Attributes:
        axes: [n_models, 1 + n_directions]; residuals times axes are the explaining variables, each
            of mean square 1 over the training prompts.
    """

    axes: Floats

    @classmethod
    def of(cls, residual: Floats) -> Basis:
        """Args: residual [n_prompts, n_models], scores less each model's mean, none missing."""
        n_models = residual.shape[1]
        common = np.full((n_models, 1), 1 / n_models)
        rest = residual - residual.mean(axis=1, keepdims=True)
        _, vectors = np.linalg.eigh(rest.T @ rest)
        axes = np.hstack([common, vectors[:, ::-1][:, : min(DIRECTIONS, n_models - 1)]])
        size = np.sqrt(((residual @ axes) ** 2).mean(axis=0))
        return cls(axes[:, size > 1e-9] / size[size > 1e-9])

    def of_prompts(self, residual: Floats) -> Floats:
        """[n_prompts, 1 + n_axes], the first column 1."""
        return np.column_stack([np.ones(len(residual)), residual @ self.axes])


@dataclass(frozen=True)
class Choice:
    """A prompt worth running a new model on.

    Attributes:
        row: its index among the prompts that were offered.
        reason: one sentence.
    """

    row: int
    reason: str


def informative_prompts(known: OutcomeTable, k: int) -> list[Choice]:
    """The prompts that together tell most of a new model, the most telling first.

    Greedy I-optimal design: each takes away most of what is left of the mean squared uncertainty
    about the new model's score over all prompts.

    Args:
        known: outcomes of the models there are.
        k: how many prompts; 20 to 50 are usual.

    Raises:
        ValueError: fewer prompts than asked for, none asked for, or a model without outcomes.
    """
    if not 1 <= k <= known.n_prompts:
        raise ValueError(f"{k} prompts cannot be chosen out of {known.n_prompts}.")
    if not known.ran.any(axis=0).all():
        raise ValueError("A model without any outcome cannot help to choose prompts.")
    residual = known.score - np.nanmean(known.score, axis=0)
    x = Basis.of(np.nan_to_num(residual)).of_prompts(np.nan_to_num(residual))
    spread = x.T @ x / len(x)
    inverse = np.linalg.inv(np.diag(_prior(x.shape[1])))
    started = float(np.trace(inverse @ spread))
    left = np.ones(len(x), dtype=bool)
    chosen = []
    for _ in range(k):
        reach = x @ inverse
        gain = ((reach @ spread) * reach).sum(axis=1) / (1 + (reach * x).sum(axis=1))
        row = int(np.argmax(np.where(left, gain, -np.inf)))
        left[row] = False
        inverse -= np.outer(reach[row], reach[row]) / (1 + reach[row] @ x[row])
        right, ran = np.nansum(known.score[row]), int(known.ran[row].sum())
        remaining = float(np.trace(inverse @ spread)) / started
        chosen.append(
            Choice(
                row,
                f"The known models score {right:.3g} of {ran} here; with it {remaining:.1%} of the "
                "uncertainty at the start is left.",
            )
        )
    return chosen


def joined(x_known: Floats, basis: Basis, score: Floats) -> tuple[float, Floats]:
    """A new model's mean, and the known models' shares in its deviations, [n_models].

    Args:
        x_known: [n_few, n_models], the known models' residuals on the prompts it was run on.
        score: [n_few], its scores.
    """
    x = basis.of_prompts(x_known)
    gram = x.T @ x + np.diag(_prior(x.shape[1]))
    # The prior is an average model: it follows the common deviation one for one.
    average = np.zeros(x.shape[1])
    if x.shape[1] > 1:
        average[1] = 1 / float(basis.axes[:, 0].sum())
    weights = average + np.linalg.solve(gram, x.T @ (score - x @ average))
    left = score - x @ weights
    noise = float((left**2).sum() + 0.25) / max(len(score) - 1, 1)
    error = float(np.sqrt(noise * np.linalg.inv(gram)[0, 0]))
    return float(weights[0] - CAUTION * error), basis.axes @ weights[1:]


def remembered(prompts: tuple[str, ...]) -> NDArray[np.int64]:
    """A number for each prompt by which it is known again, [n_prompts]."""
    from hashlib import blake2b

    digests = [blake2b(prompt.encode(), digest_size=8).digest() for prompt in prompts]
    return np.frombuffer(b"".join(digests), dtype=np.int64)


def _prior(width: int) -> Floats:
    """Precisions: next to nothing is believed of the mean, which is there to be found."""
    return np.concatenate([[1e-2], np.full(width - 1, PRIOR)])
