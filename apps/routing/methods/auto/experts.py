"""The opinions that `auto` weighs: each foretells every model's deviation from its mean score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

from .features import Blocks

ALPHAS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
NEIGHBOURS = 160
CAUTIOUS_PENALTY = 0.3
TASK_PRIOR = 8.0
"""Prompts' worth of belief that a task is like all the others."""

_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Lesson:
    """What experts learn from.

    Attributes:
        blocks: features of the prompts.
        residual: [n_prompts, n_models], scores less each model's mean.
        weights: [n_models], how much each model matters for decisions.
        codes: [n_prompts], the number of each prompt's task; None where tasks are not known.
    """

    blocks: Blocks
    residual: Floats
    weights: Floats
    codes: NDArray[np.intp] | None

    def of(self, rows: NDArray[np.intp]) -> Lesson:
        """What some of the prompts teach."""
        return Lesson(
            self.blocks.of(rows),
            self.residual[rows],
            self.weights,
            None if self.codes is None else self.codes[rows],
        )


class Expert(Protocol):
    """A frozen dataclass of arrays that foretells."""

    @classmethod
    def learn(cls, lesson: Lesson) -> Self:
        """Learn from prompts with their outcomes."""

    def foretell(self, blocks: Blocks) -> Floats:
        """Each model's deviation from its mean score, [n_prompts, n_models]."""

    def through(self, by: Floats) -> Self:
        """The expert that says `foretell(blocks) @ by`, by [n_models, n_out]."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Ridge regression of all models at once, its penalty chosen by leaving one prompt out.

    Attributes:
        slopes: [n_features, n_models].
    """

    slopes: Floats

    @classmethod
    def learn(cls, lesson: Lesson) -> Self:
        """See `Expert`."""
        return cls(ridge(lesson.blocks.whole, lesson.residual, lesson.weights))

    def foretell(self, blocks: Blocks) -> Floats:
        """See `Expert`."""
        said: Floats = blocks.whole @ self.slopes
        return said

    def through(self, by: Floats) -> Self:
        """See `Expert`."""
        return replace(self, slopes=self.slopes @ by)


@dataclass(frozen=True, eq=False)
class Cautious(Linear):
    """Ridge regression penalised as if each prompt told little.

    Close to a plain covariance, it says least and keeps most of it on tasks never seen.
    """

    @classmethod
    def learn(cls, lesson: Lesson) -> Self:
        """See `Expert`."""
        z = lesson.blocks.whole
        return cls(penalised(z, lesson.residual, CAUTIOUS_PENALTY * len(z)))


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The mean over the 160 training prompts most alike by cosine.

    Attributes:
        vectors: float32 [n_seen, n_dimensions]; none seen where nothing is to be said.
        residual: [n_seen, n_models].
    """

    vectors: NDArray[np.float32]
    residual: Floats

    @classmethod
    def learn(cls, lesson: Lesson) -> Self:
        """See `Expert`."""
        return cls(lesson.blocks.vectors, lesson.residual)

    def foretell(self, blocks: Blocks) -> Floats:
        """See `Expert`."""
        mean: Floats = np.zeros((len(blocks.vectors), self.residual.shape[1]))
        k = min(NEIGHBOURS, len(self.vectors))
        if not k:
            return mean
        for start in range(0, len(mean), _CHUNK):
            alike = blocks.vectors[start : start + _CHUNK] @ self.vectors.T
            near = np.argpartition(-alike, k - 1, axis=1)[:, :k]
            mean[start : start + _CHUNK] = self.residual[near].mean(axis=1)
        return mean

    def through(self, by: Floats) -> Self:
        """See `Expert`; where nothing is left to say, the prompts are forgotten."""
        residual = self.residual @ by
        kept = slice(None) if np.abs(by).max() > 1e-9 else slice(0)
        return replace(self, vectors=self.vectors[kept], residual=residual[kept])


@dataclass(frozen=True, eq=False)
class Tasks:
    """Which task a prompt looks like, and how the models do on each.

    Attributes:
        slopes, base: [n_features, n_tasks] and [n_tasks], a regression of the task's indicator.
        table: [n_tasks, n_models], each model's mean deviation, drawn towards none.
    """

    slopes: Floats
    base: Floats
    table: Floats

    @classmethod
    def learn(cls, lesson: Lesson) -> Self:
        """See `Expert`; without tasks it says nothing."""
        z, n_models = lesson.blocks.whole, lesson.residual.shape[1]
        if lesson.codes is None:
            return cls(np.zeros((z.shape[1], 0)), np.zeros(0), np.zeros((0, n_models)))
        of = np.eye(int(lesson.codes.max()) + 1)[lesson.codes]
        base = of.mean(axis=0)
        slopes = penalised(z, of - base, 1.0)
        table = (of.T @ lesson.residual) / (of.sum(axis=0)[:, None] + TASK_PRIOR)
        return cls(slopes, base, table)

    def posterior(self, blocks: Blocks) -> Floats:
        """[n_prompts, n_tasks], squared so that a clear case counts as one."""
        share = np.clip(blocks.whole @ self.slopes + self.base, 0, None) ** 2
        posterior: Floats = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12)
        return posterior

    def foretell(self, blocks: Blocks) -> Floats:
        """See `Expert`."""
        return self.posterior(blocks) @ self.table

    def through(self, by: Floats) -> Self:
        """See `Expert`."""
        return replace(self, table=self.table @ by)


EXPERTS: dict[str, type[Linear] | type[Neighbours] | type[Tasks]] = {
    "linear": Linear,
    "cautious": Cautious,
    "near": Neighbours,
    "task": Tasks,
}

FAR = ("cautious",)
"""Those that are heard on prompts of a new kind."""


def ridge(
    z: Floats, targets: Floats, weights: Floats, alphas: tuple[float, ...] = ALPHAS
) -> Floats:
    """Slopes [n_features, n_targets] with the penalty that errs least on prompts left out.

    The error is that of the relevant differences: each row is centred by the weights, and counted
    by them. Leaving one out is exact, by the leverage of each row.
    """
    if len(z) < z.shape[1]:
        values, left = np.linalg.eigh(z @ z.T)
        values = np.maximum(values, 1e-9)
        axes = z.T @ (left / np.sqrt(values))
    else:
        values, axes = np.linalg.eigh(z.T @ z)
        values = np.maximum(values, 0.0)
    turned = z @ axes
    products, squares = turned.T @ targets, turned**2
    best = np.inf
    slopes: Floats = np.zeros_like(products)
    for alpha in alphas:
        coefficients = products / (values + alpha)[:, None]
        leverage = np.minimum(squares @ (1 / (values + alpha)), 0.99)
        left_out = (targets - turned @ coefficients) / (1 - leverage)[:, None]
        error = float((weights * centred(left_out, weights) ** 2).sum())
        if error < best:
            best, slopes = error, axes @ coefficients
    return slopes


def penalised(z: Floats, targets: Floats, penalty: float) -> Floats:
    """Slopes [n_features, n_targets] of ridge regression, by whichever of rows and features is fewer."""
    if len(z) < z.shape[1]:
        said = np.linalg.solve(z @ z.T + penalty * np.eye(len(z)), targets)
        return np.asarray(z.T @ said)
    gram = z.T @ z + penalty * np.eye(z.shape[1])
    return np.asarray(np.linalg.solve(gram, z.T @ targets))


def centred(values: Floats, weights: Floats) -> Floats:
    """Rows less their weighted mean: what is left says which model, not how hard the prompt."""
    return np.asarray(values - (values @ weights)[:, None])


def cross_fitted(expert: type[Expert], lesson: Lesson, fold: NDArray[np.intp]) -> Floats:
    """[n_prompts, n_models]: each fold foretold by what was learnt from the others."""
    said = np.zeros(lesson.residual.shape)
    for number in np.unique(fold):
        own, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        said[own] = expert.learn(lesson.of(rest)).foretell(lesson.blocks.of(own))
    return said
