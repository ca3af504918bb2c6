"""Models with identities, and a policy that is told how much money counts.

Li, *LLM Bandit: Cost-Efficient LLM Generation via Preference-Conditioned Dynamic Routing*, 2025
(arXiv 2502.02743). Variational item response theory gives each model an identity and forecasts its
success (Eqs. 2 to 4); a policy chooses among a set of candidates for a preference omega = [1, w],
first by imitating the best choice by forecasts, then by PPO with rewards [score, -cost] (Eq. 5). A
new model joins by fitting its identity to 20 to 50 prompts.

As a router it gives the calibrated forecast of its success head, and decisions are made from that.
The policy has a dial of its own, w, and no forecast: `LlmBanditPolicy` is evaluated beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.methods.base import Embeddings
from apps.routing.methods.fitted import logit, sigmoid
from apps.routing.methods.networked import Networked
from apps.routing.methods.replayed import Replayed

if TYPE_CHECKING:
    import torch

_CALIBRATED_ON = 0.15
_WEIGHTS = np.concatenate([np.linspace(0, 2, 21), [3.0, 5.0]])


class LlmBandit(Networked):
    """See the module. Of the prompts 15% are held out to calibrate the forecast (Platt)."""

    NAME = "llm-bandit"
    VALUES = ("slope", "offset")

    slope: float
    offset: float

    def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """See `Router.fit`."""
        if outcomes.n_prompts < 20:
            raise ValueError(
                "`llm-bandit` needs at least 20 prompts to learn from; there are "
                f"{outcomes.n_prompts}."
            )
        super().fit(outcomes, embeddings)

    def prefer(self, embeddings: Embeddings, weight: float) -> NDArray[np.intp]:
        """The policy's model for each prompt, [n_prompts], where a cost as high as that of the
        dearest model weighs as much as `weight` of the score.

        Raises:
            ValueError: a negative weight, a cost that is not known, or what `forecast` raises.
        """
        import torch

        self._check_encoder(embeddings)
        if not 0 <= weight < np.inf:
            raise ValueError(f"A weight of {weight} for the cost: at least 0 is needed.")
        model, policy = self._network["identities"], self._network["policy"]
        vectors = torch.from_numpy(embeddings.vectors.astype(np.float32))
        with torch.inference_mode():
            success = model(vectors, model.mean)[..., 0].sigmoid()
            told = torch.full((len(vectors),), float(weight))
            log_p, _ = policy(vectors, model.mean, success, self._relative_cost(), told)
        return np.asarray(log_p.argmax(1).numpy(), dtype=np.intp)

    def choose_prompts(self, embeddings: Embeddings, n: int) -> NDArray[np.intp]:
        """The prompts to run a new model on: those on which the known models are expected to
        differ most, [min(n, n_prompts)], most telling first."""
        spread = self.forecast(embeddings).score.std(axis=1)
        return np.argsort(-spread, kind="stable")[:n]

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        import torch

        from .training import Seen, learn_identities, learn_policy

        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self._network = self._built()
            model = self._network["identities"]
            order = np.random.default_rng(self.seed).permutation(outcomes.n_prompts)
            held, rest = np.split(order, [max(5, int(_CALIBRATED_ON * len(order)))])
            learn_identities(model, Seen.of(embeddings.vectors[rest], outcomes.score[rest]))
            self._calibrate(self._margins(embeddings.subset(held)), outcomes.score[held])
            if not np.isnan(self.mean_cost).any():
                seen = Seen.of(embeddings.vectors, outcomes.score)
                calibrated = torch.from_numpy(self._scores(embeddings).astype(np.float32))
                learn_policy(
                    self._network["policy"], model, seen, calibrated, self._relative_cost()
                )
        self._network.eval()

    def _calibrate(self, margins: Floats, score: Floats) -> None:
        """a and b of sigmoid(a f + b), pulled to 1 and 0 by as much as ten outcomes weigh."""
        from scipy.optimize import minimize

        known = ~np.isnan(score)
        f, s = margins[known], score[known]

        def loss(at: Floats) -> float:
            z = at[0] * f + at[1]
            return float((np.logaddexp(0, z) - s * z).sum() + 5 * ((at[0] - 1) ** 2 + at[1] ** 2))

        found = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
        self.slope, self.offset = float(max(found[0], 0.0)), float(found[1])

    def _scores(self, embeddings: Embeddings) -> Floats:
        return sigmoid(self.slope * self._margins(embeddings) + self.offset)

    def _margins(self, embeddings: Embeddings) -> Floats:
        """The success head's logits [n_prompts, n_models] at the identities' means."""
        import torch

        model = self._network["identities"]
        with torch.inference_mode():
            vectors = torch.from_numpy(embeddings.vectors.astype(np.float32))
            margins: Floats = model(vectors, model.mean)[..., 0].numpy().astype(np.float64)
        return margins

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        import torch

        from .training import Seen, join

        ran = np.flatnonzero(outcomes.ran[:, 0])
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            seen = Seen.of(embeddings.vectors[ran], outcomes.score[ran])
            join(self._network["identities"], seen)

    def _built(self) -> Any:
        import torch

        from .network import Identities, Policy

        identities = Identities(self.dimensions, len(self.model_names))
        with torch.no_grad():
            identities.heads.bias[0] = float(logit(np.array([self.mean_score.mean()]))[0])
        return torch.nn.ModuleDict({"identities": identities, "policy": Policy(self.dimensions)})

    def _relative_cost(self) -> torch.Tensor:
        import torch

        if np.isnan(self.mean_cost).any():
            raise ValueError("The policy of `llm-bandit` needs the cost of every model.")
        cost = self.mean_cost / max(float(self.mean_cost.max()), 1e-12)
        return torch.from_numpy(cost.astype(np.float32))


class LlmBanditPolicy:
    """The policy of `llm-bandit`, played at preferences from quality alone to price above all."""

    def __init__(self, *, seed: int = 0) -> None:
        """See `Replay`."""
        self._router = LlmBandit(seed=seed)

    def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """See `Replay.fit`."""
        self._router.fit(outcomes, embeddings)

    def replay(self, outcomes: OutcomeTable, embeddings: Embeddings) -> Replayed:
        """See `Replay.replay`; only the chosen models' outcomes are looked at."""
        rows = np.arange(outcomes.n_prompts)
        chosen = [self._router.prefer(embeddings, float(weight)) for weight in _WEIGHTS]
        return Replayed(
            score=np.array([outcomes.score[rows, one] for one in chosen]),
            cost=np.array([outcomes.cost[rows, one] for one in chosen]),
        )
