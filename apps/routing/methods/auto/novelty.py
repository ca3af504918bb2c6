"""How unlike the training prompts a new one is, and what may still be said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats

from .features import Blocks

REMEMBERED = 2_048
"""Training prompts that new ones are compared with."""

NEAREST = 10

FRINGE = (0.9, 0.98)
"""Shares of the training prompts: a prompt further out than the first begins to be strange, one
further out than the second is."""

CLUSTERS = 8
GROUP_FOLDS = 6
LEAST_GROUPS = 20
"""Groups below which nothing learnt across them is trusted: with ten of them, slopes four standard
errors from 0 have come out on the wrong side."""


@dataclass(frozen=True, eq=False)
class Novelty:
    """Whether a prompt is of a kind that was not trained on, by its ten nearest training prompts.

    A kind may be new in meaning, as a task held out is to the other tasks; or meaning and form
    (wording and surface) together lie further out than nearly all training prompts do. Of both, two
    losses are taken: how far the nearest ten are, by their mean cosine, and how much further that
    is than these are from theirs (as in Breunig et al., *LOF*, SIGMOD 2000).

    Attributes:
        seen: float32 [n_remembered, n_dimensions], meanings of training prompts.
        own: [n_remembered], the nearness of each to the others.
        forms, forms_own: the same of their wording and surface.
        curve: [3], a logistic regression on both losses in meaning; it tells prompts beside their
            own group from the same prompts with it taken away.
        middle, spread: [4], the usual losses of training prompts, in meaning and in form.
        fringe: [2], sums of losses, in spreads, at which a prompt begins to be strange, and is.
    """

    seen: NDArray[np.float32]
    own: Floats
    forms: NDArray[np.float32]
    forms_own: Floats
    curve: Floats
    middle: Floats
    spread: Floats
    fringe: Floats

    @classmethod
    def learn(
        cls, blocks: Blocks, groups: NDArray[np.intp], kin: NDArray[np.intp], seed: int
    ) -> tuple[Novelty, tuple[Floats, Floats]]:
        """And what `of` says of the training prompts, of each with itself not counted.

        Args: blocks of the training prompts, groups [n_prompts] their group's number, kin
        [n_prompts] a number that near-duplicates share: they do not count as neighbours.
        """
        kept = np.random.default_rng(seed).permutation(len(groups))[:REMEMBERED]
        seen, forms = blocks.vectors[kept], _forms(blocks)[kept]
        related = kin[:, None] == kin[kept]
        alike = np.where(related[kept], -1, seen @ seen.T)
        own = _nearness(alike)[0]
        forms_own = _nearness(np.where(related[kept], -1, forms @ forms.T))[0]
        foreign = groups[kept][:, None] != groups[kept]
        far = _losses(np.where(foreign, alike, -1)[foreign.any(axis=1)], own)
        curve = _logistic(_losses(alike, own), far)
        none = np.zeros(4)
        novelty = cls(seen, own, forms, forms_own, curve, none, none + 1, none[:2])
        losses = novelty._all_losses(blocks, related)
        middle = np.median(losses, axis=0)
        spread = np.maximum(1.4826 * np.median(np.abs(losses - middle), axis=0), 1e-6)
        begins, ends = np.quantile(((losses - middle) / spread).sum(axis=1), FRINGE)
        fringe = np.array([begins, max(ends, begins + 1e-6)])
        novelty = replace(novelty, middle=middle, spread=spread, fringe=fringe)
        return novelty, novelty._graded(losses)

    def of(self, blocks: Blocks) -> tuple[Floats, Floats]:
        """Of each prompt, [n_prompts], the probability that it is of a new kind, and how strange it is.

        Half of all prompts were of a new kind, before they were seen. Strange is, from 0 to 1, what
        lies further out than nearly all training prompts; it is always of a new kind.
        """
        return self._graded(self._all_losses(blocks, None))

    def _all_losses(self, blocks: Blocks, related: NDArray[np.bool_] | None) -> Floats:
        """[n_prompts, 4], in meaning and in form; `related` ones are not looked at."""
        alike, form = blocks.vectors @ self.seen.T, _forms(blocks) @ self.forms.T
        if related is not None:
            alike[related] = form[related] = -1
        return np.hstack([_losses(alike, self.own), _losses(form, self.forms_own)])

    def _graded(self, losses: Floats) -> tuple[Floats, Floats]:
        said = losses[:, :2] @ self.curve[1:] + self.curve[0]
        inside = 1 / (1 + np.exp(-np.clip(said, -50, 50)))
        out = ((losses - self.middle) / self.spread).sum(axis=1)
        begins, ends = self.fringe
        strange = np.clip((out - begins) / (ends - begins), 0, 1)
        return np.maximum(inside, strange), strange


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
