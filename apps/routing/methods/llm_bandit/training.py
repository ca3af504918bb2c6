"""The three stages in which LLM Bandit learns, and how a new model joins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from .network import IDENTITY, Identities, Policy

_BATCH = 64  # prompts; each comes with all its models
_EPOCHS, _FEWEST = 10, 250  # epochs; steps
_RATE, _DECAY = 1e-3, 0.95
_IMITATED = 500  # steps; PPO makes a third as many
_POLICY_BATCH = 128
_MOST_WEIGHT = 2.0
_CLIP = 0.2
_MIXUP = 0.2
_JOINING = 200


@dataclass(frozen=True)
class Seen:
    """The training part as tensors: vectors [n, d], score, ran and wins [n, n_models]."""

    vectors: Tensor
    score: Tensor
    ran: Tensor
    wins: Tensor

    @classmethod
    def of(cls, vectors: np.ndarray, score: np.ndarray) -> Seen:
        """Wins are scores of at least eta*, the least threshold at which wins are as frequent as
        the mean score is high (Eq. B.2)."""
        known = score[~np.isnan(score)]
        rank = np.sort(known)[::-1]
        eta = rank[max(0, min(len(rank) - 1, round(float(known.mean()) * len(rank)) - 1))]
        eta = max(float(eta), np.nextafter(0.0, 1.0))
        filled = np.nan_to_num(score)
        return cls(
            torch.from_numpy(np.array(vectors, dtype=np.float32)),
            torch.from_numpy(filled.astype(np.float32)),
            torch.from_numpy((~np.isnan(score)).astype(np.float32)),
            torch.from_numpy(((filled >= eta) & ~np.isnan(score)).astype(np.float32)),
        )


def learn_identities(model: Identities, seen: Seen) -> None:
    """L_irt + L_pair + L_KL (Eqs. 2 to 4) over the model's own parameters."""
    n = len(seen.vectors)
    share = float(seen.ran.sum().clamp(min=1))
    # At least so many steps, or the identities of a small collection stay where they started.
    epochs = max(_EPOCHS, _FEWEST // -(-n // _BATCH))
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, _DECAY ** (_EPOCHS / epochs))
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(n), _BATCH):
            logits = model(seen.vectors[rows], model.drawn())
            loss = _irt(logits[..., 0], seen, rows) + _pairs(logits[..., 1], seen, rows)
            optimiser.zero_grad()
            (loss + model.divergence() / share).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        schedule.step()
    model.requires_grad_(False)


def learn_policy(
    policy: Policy, model: Identities, seen: Seen, calibrated: Tensor, cost: Tensor
) -> None:
    """Imitate the best choice by calibrated forecasts, then improve by rewards (PPO).

    Args:
        calibrated: [n, n_models], expected scores.
        cost: [n_models], the dearest has 1.
    """
    success = model(seen.vectors, model.mean)[..., 0].sigmoid()
    best = calibrated / calibrated.max(1, keepdim=True).values.clamp(min=1e-6)
    optimiser = torch.optim.Adam(policy.parameters(), lr=_RATE)
    steps = min(_IMITATED, 50 + len(seen.vectors) // 8)
    for _ in range(steps):
        rows = torch.randint(len(seen.vectors), (_POLICY_BATCH,))
        weight = _MOST_WEIGHT * torch.rand(_POLICY_BATCH)
        target = (best[rows] - weight[:, None] * cost).argmax(1)
        log_p, _ = policy(seen.vectors[rows], model.mean, success[rows], cost, weight)
        optimiser.zero_grad()
        (-log_p.gather(1, target[:, None]).mean()).backward()
        optimiser.step()
    whole = torch.nonzero(seen.ran.all(1)).squeeze(1)
    if len(whole) >= 2:
        _improve(policy, model, seen, success, cost, whole, steps // 3)


def _improve(
    policy: Policy,
    model: Identities,
    seen: Seen,
    success: Tensor,
    cost: Tensor,
    whole: Tensor,
    steps: int,
) -> None:
    """Rewards [score, -cost] of single steps, weighed by the preference only in the advantage."""
    optimiser = torch.optim.Adam(policy.parameters(), lr=_RATE / 3)
    beta = torch.distributions.Beta(torch.tensor(_MIXUP), torch.tensor(_MIXUP))
    for _ in range(steps):
        rows = whole[torch.randint(len(whole), (_POLICY_BATCH,))]
        some = whole[torch.randint(len(whole), (min(len(whole), 512),))]
        near = some[_nearest(seen.vectors[rows], seen.vectors[some], rows, some)]
        share = beta.sample((_POLICY_BATCH, 1))
        vectors = share * seen.vectors[rows] + (1 - share) * seen.vectors[near]
        expected = share * success[rows] + (1 - share) * success[near]
        score = share * seen.score[rows] + (1 - share) * seen.score[near]
        weight = _MOST_WEIGHT * torch.rand(_POLICY_BATCH)
        omega = torch.stack([torch.ones_like(weight), weight], dim=1)
        with torch.no_grad():
            before, value = policy(vectors, model.mean, expected, cost, weight)
            chosen = torch.multinomial(before.exp(), 1)
            reward = torch.cat([score.gather(1, chosen), -cost[chosen]], dim=1)
            gain = (omega * (reward - value)).sum(1)
            gain = (gain - gain.mean()) / (gain.std() + 1e-6)
        for _ in range(2):
            log_p, value = policy(vectors, model.mean, expected, cost, weight)
            ratio = (log_p.gather(1, chosen) - before.gather(1, chosen)).exp().squeeze(1)
            clipped = ratio.clamp(1 - _CLIP, 1 + _CLIP)
            loss = -torch.minimum(ratio * gain, clipped * gain).mean()
            loss = loss + 0.5 * ((value - reward) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def join(model: Identities, seen: Seen) -> None:
    """Fit the identity of one more model by L_irt; everything else stays as it is."""
    mean = model.mean.mean(0, keepdim=True).clone().requires_grad_()
    log_sigma = torch.full((1, IDENTITY), -2.0, requires_grad=True)
    optimiser = torch.optim.Adam([mean, log_sigma], lr=0.03)
    rows = torch.arange(len(seen.vectors))
    share = float(seen.ran.sum().clamp(min=1))
    for _ in range(_JOINING):
        drawn = mean + log_sigma.exp() * torch.randn_like(mean)
        variance = (2 * log_sigma).exp()
        divergence = 0.5 * (mean**2 + variance - 1 - 2 * log_sigma).sum()
        loss = _irt(model(seen.vectors, drawn)[..., 0], seen, rows) + divergence / share
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    model.mean = torch.nn.Parameter(torch.cat([model.mean, mean.detach()]), requires_grad=False)
    model.log_sigma = torch.nn.Parameter(
        torch.cat([model.log_sigma, log_sigma.detach()]), requires_grad=False
    )


def _irt(logits: Tensor, seen: Seen, rows: Tensor) -> Tensor:
    loss = binary_cross_entropy_with_logits(
        logits, seen.wins[rows], weight=seen.ran[rows], reduction="sum"
    )
    return loss / seen.ran[rows].sum().clamp(min=1)


def _pairs(logits: Tensor, seen: Seen, rows: Tensor) -> Tensor:
    """Over the pairs of models of which one was better on the prompt."""
    score, ran = seen.score[rows], seen.ran[rows]
    better = (score[:, :, None] > score[:, None, :]) * ran[:, :, None] * ran[:, None, :]
    margin = logits[:, :, None] - logits[:, None, :]
    return -(better * logsigmoid(margin)).sum() / better.sum().clamp(min=1)


def _nearest(vectors: Tensor, others: Tensor, rows: Tensor, some: Tensor) -> Tensor:
    alike = vectors @ others.T
    return alike.masked_fill(rows[:, None] == some[None], -2.0).argmax(1)
