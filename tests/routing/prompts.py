"""Small worlds of prompts and outcomes for tests."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import OutcomeTable
from apps.routing.methods.base import Embeddings

TOPICS = ("sums", "dates", "code")


def world(
    n_prompts: int = 120,
    n_models: int = 3,
    *,
    seed: int = 0,
    missing: float = 0.0,
    priced: bool = True,
) -> tuple[OutcomeTable, Embeddings]:
    """Prompts on three topics; model j is good at topic j and dearer than model j - 1."""
    random = np.random.default_rng(seed)
    topic = random.integers(0, len(TOPICS), n_prompts)
    skill = np.where(topic[:, None] == np.arange(n_models) % len(TOPICS), 0.9, 0.3)
    score = (random.random((n_prompts, n_models)) < skill).astype(float)
    score[random.random(score.shape) < missing] = np.nan
    cost = np.tile(10.0 ** np.arange(-5, n_models - 5), (n_prompts, 1))
    prompts = tuple(
        f"{TOPICS[t]} question {i} of length {'x' * int(n)}"
        for i, (t, n) in enumerate(zip(topic, random.integers(0, 40, n_prompts), strict=True))
    )
    tasks = tuple(TOPICS[t] for t in topic)
    table = OutcomeTable.of(
        prompt_ids=map(str, range(n_prompts)),
        prompts=prompts,
        model_names=[f"model-{j}" for j in range(n_models)],
        score=score,
        cost=cost if priced else None,
        groups={"task": tasks},
    )
    middles = np.eye(len(TOPICS), 8)[topic]
    vectors = middles + 0.3 * random.standard_normal((n_prompts, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return table, Embeddings(prompts, vectors.astype(np.float32), "test-8", tasks)


def halves(
    table: OutcomeTable, embeddings: Embeddings
) -> tuple[OutcomeTable, Embeddings, OutcomeTable, Embeddings]:
    """The even prompts to learn from, the odd ones to foretell."""
    even, odd = np.arange(0, table.n_prompts, 2), np.arange(1, table.n_prompts, 2)
    return (
        table.subset(prompts=even),
        embeddings.subset(even),
        table.subset(prompts=odd),
        embeddings.subset(odd),
    )
