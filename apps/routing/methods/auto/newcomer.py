"""A model that joins from a few prompts: what these tell of it.

A new model is taken to be a mixture of the known ones, and on each task itself: its score on a prompt
is its mean, plus what the known models' common deviation and four directions of their differences
explain, plus an effect of its own of the task, by a Bayesian linear regression. How far a model may be
from the others is learnt from the known ones, each in turn taken for new (empirical Bayes; Morris,
JASA 1983). All that explains has mean 0 over the training prompts, so that the intercept is the new
model's mean over all of them (control variates), whichever few it was run on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

DIRECTIONS = 4
BELIEF = 8.0
"""Prompts' worth of belief, as of one more known model, that a model is an average one."""

UNKNOWN = 1e-2
"""Prompts' worth of belief that its mean is 0: next to none, the mean is there to be found."""

CAUTION = 0.5
"""Standard errors taken from the mean of a model that few prompts speak for."""


@dataclass(frozen=True, eq=False)
class Newcomer:
    """What is believed of a model before it is run.

    Nothing is believed of its mean: new models are often better than all known ones.

    Attributes:
        axes: [n_models, n_axes]; residuals times axes explain, each with mean square 1.
        expected: [n_axes], the slopes of an average model.
        precision: [n_axes + 1], in prompts' worth: of each of these, and of an effect of a task.
        share: [n_tasks], of the training prompts; none where tasks are not known.
    """

    axes: Floats
    expected: Floats
    precision: Floats
    share: Floats

    @classmethod
    def learn(cls, residual: Floats, codes: NDArray[np.intp] | None) -> Newcomer:
        """From the known models.

        Args: residual [n_prompts, n_models], scores less each model's mean, none missing; codes
        [n_prompts], the number of each prompt's task.
        """
        of = np.ones((len(residual), 1)) if codes is None else np.eye(int(codes.max()) + 1)[codes]
        count = of.sum(axis=0)
        axes = _axes(residual)
        n_models, n_axes = axes.shape
        slopes = np.full((n_models, n_axes), np.nan)
        noise, own = [], []
        for model in range(n_models if n_models > 1 else 0):
            rest, came = np.delete(residual, model, axis=1), residual[:, model]
            x = rest @ _axes(rest)
            slope = np.linalg.solve(x.T @ x + 1e-3 * np.eye(x.shape[1]), x.T @ came)
            slopes[model, : len(slope)] = slope[:n_axes]
            left = came - x @ slope
            effect = of.T @ left / count
            noise.append(((left - of @ effect) ** 2).sum() / max(len(left) - len(count), 1))
            own.append(max((count * effect**2).sum() - len(count) * noise[-1], 0.0) / len(left))
        spread = max(float(np.mean(noise) if noise else residual.var()), 1e-6)
        expected = np.zeros(n_axes)
        if n_axes:
            average = 1 / float(axes[:, 0].sum())
            expected[0] = np.append(slopes[~np.isnan(slopes[:, 0]), 0], average).mean()
        squares = np.append(np.nansum((slopes - expected) ** 2, axis=0), sum(own))
        known = np.append((~np.isnan(slopes)).sum(axis=0), len(own))
        precision = (known + 1) / (squares / spread + 1 / BELIEF)
        return cls(axes, expected, precision, np.zeros(0) if codes is None else count / len(of))

    def joined(self, known: Floats, tasks: Floats, score: Floats) -> tuple[float, Floats, Floats]:
        """A model's mean, the known models' shares in its deviations, and its effects of tasks.

        Args:
            known: [n_few, n_models], the known models' residuals on the prompts it was run on.
            tasks: [n_few, n_tasks], the tasks that these prompts look like.
            score: [n_few], its scores.
        """
        n_tasks, n_axes = len(self.share), self.axes.shape[1]
        x = np.column_stack([np.ones(len(known)), known @ self.axes, tasks - self.share])
        expected = np.concatenate([[0.0], self.expected, np.zeros(n_tasks)])
        precision = np.concatenate(
            [[UNKNOWN], self.precision[:-1], np.full(n_tasks, self.precision[-1])]
        )
        gram = x.T @ x + np.diag(precision)
        found = expected + np.linalg.solve(gram, x.T @ (score - x @ expected))
        noise = float(((score - x @ found) ** 2).sum() + 0.25) / max(len(score) - 1, 1)
        error = float(np.sqrt(noise * np.linalg.inv(gram)[0, 0]))
        effects = found[1 + n_axes :]
        return (
            float(found[0] - CAUTION * error),
            self.axes @ found[1 : 1 + n_axes],
            effects - self.share @ effects,
        )


def _axes(residual: Floats) -> Floats:
    """[n_models, n_axes]: the mean of all, and the directions in which models differ most."""
    n_models = residual.shape[1]
    common = np.full((n_models, 1), 1 / n_models)
    rest = residual - residual.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(rest.T @ rest)
    axes = np.hstack([common, vectors[:, ::-1][:, : min(DIRECTIONS, n_models - 1)]])
    size = np.sqrt(((residual @ axes) ** 2).mean(axis=0))
    return np.asarray(axes[:, size > 1e-9] / size[size > 1e-9])


def remembered(prompts: tuple[str, ...]) -> NDArray[np.int64]:
    """A number for each prompt by which it is known again, [n_prompts]."""
    from hashlib import blake2b

    digests = [blake2b(prompt.encode(), digest_size=8).digest() for prompt in prompts]
    return np.frombuffer(b"".join(digests), dtype=np.int64)
