"""The networks of LLM Bandit: what models are, who wins, and who is chosen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

IDENTITY = 16
HIDDEN = 64


class Identities(nn.Module):
    """q(I_k) = N(mu_k, diag sigma_k^2) for each model, with a success and a pairwise head that
    share all but their last layer."""

    def __init__(self, dimensions: int, n_models: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(0.1 * torch.randn(n_models, IDENTITY))
        self.log_sigma = nn.Parameter(torch.full((n_models, IDENTITY), -2.0))
        self.of_prompt = nn.Linear(dimensions, HIDDEN)
        self.of_model = nn.Linear(IDENTITY, HIDDEN, bias=False)
        self.inner = nn.Linear(HIDDEN, HIDDEN)
        self.heads = nn.Linear(HIDDEN, 2)  # success f, pairwise g

    def forward(self, vectors: Tensor, identities: Tensor) -> Tensor:
        """Logits [n_prompts, n_models, 2] from vectors [n_prompts, d] and [n_models, IDENTITY]."""
        hidden = (self.of_prompt(vectors)[:, None] + self.of_model(identities)[None]).relu()
        return self.heads(self.inner(hidden).relu())  # type: ignore[no-any-return]

    def drawn(self) -> Tensor:
        """Identities [n_models, IDENTITY] drawn from q."""
        return self.mean + self.log_sigma.exp() * torch.randn_like(self.mean)

    def divergence(self) -> Tensor:
        """KL(q || N(0, I)), summed over models."""
        variance = (2 * self.log_sigma).exp()
        return 0.5 * (self.mean**2 + variance - 1 - 2 * self.log_sigma).sum()


class Policy(nn.Module):
    """pi(k | x, C, omega) = softmax_k(I_k . h(x, C, omega)); h reads the candidates as a set, so
    their order and number do not matter. The value [score, -cost] is not told the preference."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.of_prompt = nn.Linear(dimensions, HIDDEN)
        self.of_candidate = nn.Linear(IDENTITY + 2, HIDDEN)
        self.of_preference = nn.Linear(2, HIDDEN)
        self.attention = nn.MultiheadAttention(HIDDEN, 4, batch_first=True)
        self.norm = nn.LayerNorm(HIDDEN)
        self.inner = nn.Sequential(nn.Linear(2 * HIDDEN, HIDDEN), nn.ReLU())
        self.direction = nn.Linear(HIDDEN, IDENTITY + 2)
        self.value = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2))

    def forward(
        self, vectors: Tensor, identities: Tensor, success: Tensor, cost: Tensor, weight: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Log-probabilities [n, n_models] and values [n, 2].

        Args:
            vectors: [n, dimensions].
            identities: [n_models, IDENTITY].
            success: [n, n_models], uncalibrated.
            cost: [n_models], the dearest has 1.
            weight: [n], of cost against a score of weight 1.
        """
        n = len(success)
        context = torch.cat(
            [
                identities.expand(n, -1, -1),
                cost.expand(n, -1)[..., None],
                success[..., None],
            ],
            dim=-1,
        )
        candidates = self.of_candidate(context)
        seen, _ = self.attention(candidates, candidates, candidates, need_weights=False)
        pooled = self.norm(candidates + seen).mean(1)
        prompt = self.of_prompt(vectors)
        preference = self.of_preference(torch.stack([torch.ones_like(weight), weight], dim=1))
        hidden = self.inner(torch.cat([pooled, prompt + preference], dim=1))
        logits = (context @ self.direction(hidden)[..., None]).squeeze(-1)
        return logits.log_softmax(1), self.value(prompt + pooled)
