"""How good a choice could be, were the luck in each outcome taken away.

The oracle picks, prompt by prompt, a model that happened to be right. Of several models that are
each right by half, one nearly always is: much of the oracle's lead is luck, which no router can
foresee. What models do better or worse on a prompt *together* than was foretold is no luck but a
property of the prompt; factor analysis (Spearman 1904; Rubin and Thayer, *EM Algorithms for ML
Factor Analysis*, Psychometrika 47, 1982) parts the two. What one model does alone counts as luck:
with one outcome of each model on each prompt, the two cannot be told apart.
"""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats

_FACTORS = (1, 2, 4, 8)


def expected_scores(score: Floats, foretold: Floats) -> Floats:
    """The expected score of each model on each prompt given all outcomes on it, in 0..1.

    What was foretold, as far as it held, and the part of the surprises that the models share. The
    number of factors is the one under which prompts held out are likeliest; none, where the
    surprises share nothing.

    Args:
        score: [n_prompts, n_models], all known.
        foretold: the same shape, expected scores of these prompts by something that has not seen
            their outcomes.
    """
    from sklearn.decomposition import FactorAnalysis
    from sklearn.model_selection import cross_val_score

    known = foretold - foretold.mean(axis=0)
    strength = (known * score).sum() / max(float((known**2).sum()), 1e-12)
    foretold = score.mean(axis=0) + strength * known
    centred = score - foretold
    spread = centred.std(axis=0)
    alive = spread > 1e-9
    n_alive = int(alive.sum())
    if n_alive < 2 or len(score) < 10 * n_alive:
        return np.clip(foretold, 0.0, 1.0)
    standard = centred[:, alive] / spread[alive]
    independent = _likelihood_of_independence(n_alive)
    best, factors = independent, 0
    for count in _FACTORS:
        if count >= n_alive:
            break
        analysis = FactorAnalysis(n_components=count, random_state=0, max_iter=200)
        likelihood = float(np.mean(cross_val_score(analysis, standard, cv=3)))
        if likelihood > best:
            best, factors = likelihood, count
    shared = np.zeros_like(centred)
    if factors:
        analysis = FactorAnalysis(n_components=factors, random_state=0, max_iter=200)
        shared[:, alive] = analysis.fit_transform(standard) @ analysis.components_ * spread[alive]
    return np.clip(foretold + shared, 0.0, 1.0)


def _likelihood_of_independence(n_models: int) -> float:
    """The mean log-likelihood of standardised numbers that share nothing."""
    return -0.5 * n_models * (1.0 + float(np.log(2 * np.pi)))
