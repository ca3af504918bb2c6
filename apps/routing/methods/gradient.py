"""Training by gradient steps in small batches, stopped where held-out prompts say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import OutcomeTable

from .base import Embeddings

if TYPE_CHECKING:
    import torch

_HELD_OUT = 0.1
_BATCH = 128
_PATIENCE = 5


def train(
    start: Callable[[torch.Generator], list[torch.Tensor]],
    margin: Callable[[list[torch.Tensor], torch.Tensor], torch.Tensor],
    outcomes: OutcomeTable,
    embeddings: Embeddings,
    *,
    seed: int,
    rate: float,
    decay: float,
    epochs: int,
    noise: float = 0.0,
) -> list[NDArray[np.float32]]:
    """Parameters that minimise the cross-entropy of scores and sigmoid margins (Adam).

    A tenth of the prompts decides after which epoch the parameters were best; of fewer than 100
    prompts none is held out and all epochs are run.

    Args:
        start: gives the parameters at their start.
        margin: from the parameters and vectors [n, n_dimensions] to margins [n, n_models].
        rate, decay: Adam's step size and the weight decay.
        noise: how much Gaussian noise is added to the vectors, in lengths of a vector.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    random = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(np.ascontiguousarray(embeddings.vectors, dtype=np.float32))
    ran = torch.from_numpy(np.asarray(outcomes.ran, dtype=np.float32))
    wins = torch.from_numpy(np.nan_to_num(outcomes.score).astype(np.float32))
    order = torch.randperm(len(x), generator=random)
    n_held = int(_HELD_OUT * len(x)) if len(x) >= 100 else 0
    held, rest = order[:n_held], order[n_held:]
    parameters = [one.requires_grad_() for one in start(random)]
    optimiser = torch.optim.Adam(parameters, lr=rate, weight_decay=decay)

    def loss(rows: torch.Tensor, blur: float) -> torch.Tensor:
        vectors = x[rows]
        if blur:
            spread = blur / vectors.shape[1] ** 0.5
            vectors = vectors + spread * torch.randn(vectors.shape, generator=random)
        each = binary_cross_entropy_with_logits(
            margin(parameters, vectors), wins[rows], weight=ran[rows], reduction="sum"
        )
        return each / ran[rows].sum().clamp(min=1)

    best, found, since = float("inf"), [one.detach().clone() for one in parameters], 0
    for _ in range(epochs):
        shuffled = rest[torch.randperm(len(rest), generator=random)]
        for batch in torch.split(shuffled, _BATCH):
            optimiser.zero_grad()
            loss(batch, noise).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        if n_held:
            with torch.no_grad():
                now = float(loss(held, 0.0))
            since = since + 1
            if now < best:
                best, since = now, 0
        if not n_held or since == 0:
            found = [one.detach().clone() for one in parameters]
        if since >= _PATIENCE:
            break
    return [one.numpy() for one in found]
