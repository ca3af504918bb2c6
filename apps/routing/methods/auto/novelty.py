"""How unlike the training prompts a new one is, and what may still be said of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

from .features import Blocks

REMEMBERED = 2_048
"""Training prompts that new ones are compared with."""

NEAREST = 10
STRANGE = 3.0
"""Spreads from the usual at which a form begins to be strange; at twice that it is."""

CLUSTERS = 8
GROUP_FOLDS = 6
LEAST_GROUPS = 4
"""Groups below which nothing learnt across them is trusted."""


@dataclass(frozen=True, eq=False)
class Novelty:
    """Whether a prompt is of a kind that was not trained on, by its ten nearest training prompts.

    A kind may be new in meaning, as a task held out is to the other tasks, or in form, further from
    all training prompts than those are from one another. Nearness is the mean cosine to the nearest
    ten, and how much less that is than their own (as in Breunig et al., *LOF*, SIGMOD 2000).

    Attributes:
        seen: float32 [n_remembered, n_dimensions], meanings of training prompts.
        own: [n_remembered], the nearness of each to the others.
        forms, forms_own: the same of their wording and surface.
        curve: [3], a logistic regression on both parts of the nearness in meaning; it tells prompts
            beside their own group from the same prompts with it taken away.
        usual: [2], median and spread over training prompts of the loss of nearness in form.
    """

    seen: NDArray[np.float32]
    own: Floats
    forms: NDArray[np.float32]
    forms_own: Floats
    curve: Floats
    usual: Floats

    @classmethod
    def learn(cls, blocks: Blocks, groups: NDArray[np.intp], seed: int) -> tuple[Novelty, Floats]:
        """And the probability of each training prompt, itself not counted, [n_prompts].

        Args: blocks of the training prompts, groups [n_prompts] their group's number.
        """
        kept = np.random.default_rng(seed).permutation(len(groups))[:REMEMBERED]
        seen, forms = blocks.vectors[kept], _forms(blocks)[kept]
        alike, form = seen @ seen.T, forms @ forms.T
        np.fill_diagonal(alike, -1)
        np.fill_diagonal(form, -1)
        own, forms_own = _nearness(alike)[0], _nearness(form)[0]
        near = _losses(alike, own)
        foreign = groups[kept][:, None] != groups[kept][None, :]
        far = _losses(np.where(foreign, alike, -1)[foreign.any(axis=1)], own)
        loss = _losses(form, forms_own)[:, 1]
        middle = float(np.median(loss))
        usual = np.array([middle, max(1.4826 * float(np.median(np.abs(loss - middle))), 1e-6)])
        novelty = cls(seen, own, forms, forms_own, _logistic(near, far), usual)
        return novelty, novelty._probability(blocks, kept)

    def probability(self, blocks: Blocks) -> Floats:
        """Of each prompt, [n_prompts], that it is of a new kind; half of all were, before they were seen."""
        return self._probability(blocks, None)

    def _probability(self, blocks: Blocks, kept: NDArray[np.intp] | None) -> Floats:
        alike, form = blocks.vectors @ self.seen.T, _forms(blocks) @ self.forms.T
        if kept is not None:
            alike[kept, np.arange(len(kept))] = form[kept, np.arange(len(kept))] = -1
        said = _losses(alike, self.own) @ self.curve[1:] + self.curve[0]
        strange = (_losses(form, self.forms_own)[:, 1] - self.usual[0]) / self.usual[1]
        outside = np.clip((strange - STRANGE) / STRANGE, 0, 1)
        inside = 1 / (1 + np.exp(-np.clip(said, -50, 50)))
        return np.asarray(np.maximum(inside, outside), dtype=float)


def groups_of(
    codes: NDArray[np.intp] | None, vectors: NDArray[np.float32], seed: int
) -> NDArray[np.intp]:
    """Each prompt's group: its task, or where tasks are not known its cluster of meaning."""
    if codes is not None:
        return codes
    random = np.random.default_rng(seed)
    centres = vectors[random.permutation(len(vectors))[:CLUSTERS]]
    for _ in range(10):
        nearest = np.argmax(vectors @ centres.T, axis=1)
        sums = np.eye(len(centres), dtype=np.float32)[nearest].T @ vectors
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return np.asarray(np.argmax(vectors @ centres.T, axis=1))


def group_folds(groups: NDArray[np.intp], seed: int) -> NDArray[np.intp]:
    """[n_prompts], folds of whole groups, at most six."""
    _, groups = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    return np.asarray(order[groups] % GROUP_FOLDS)


def _forms(blocks: Blocks) -> NDArray[np.float32]:
    """Wording and surface, each row of length 1."""
    form = blocks.whole[:, blocks.vectors.shape[1] :]
    length = np.maximum(np.linalg.norm(form, axis=1, keepdims=True), 1e-9)
    return np.asarray(form / length, dtype=np.float32)


def _nearness(alike: NDArray[np.float32]) -> tuple[Floats, NDArray[np.intp]]:
    """The mean of the ten largest cosines of each row, and where they are."""
    k = min(NEAREST, alike.shape[1])
    places = np.argpartition(-alike, k - 1, axis=1)[:, :k]
    nearest = np.take_along_axis(alike, places, axis=1)
    return np.asarray(nearest.mean(axis=1), dtype=float), places


def _losses(alike: NDArray[np.float32], own: Floats) -> Floats:
    """[n_rows, 2]: how far from the nearest ten, and how much further than these from theirs."""
    nearness, places = _nearness(alike)
    return np.stack([-nearness, own[places].mean(axis=1) - nearness], axis=1)


def _logistic(near: Floats, far: Floats) -> Floats:
    """Intercept and slopes [3] that tell far from near, each as likely as the other, by Newton."""
    if len(far) < 2 * NEAREST:
        return np.zeros(3)
    x = np.concatenate([near, far])
    x = np.column_stack([np.ones(len(x)), x])
    new = np.arange(len(x)) >= len(near)
    share = np.where(new, 0.5 / len(far), 0.5 / len(near))
    curve = np.zeros(3)
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(x @ curve, -30, 30)))
        slope = x.T @ (share * (new - p)) - 1e-5 * curve
        curvature = (x * (share * p * (1 - p))[:, None]).T @ x + 1e-5 * np.eye(3)
        curve = curve + np.linalg.solve(curvature, slope)
    return curve
