"""What routing is worth: `manage.py bench routing OUTCOMES ...`; and how fast a decision is:
`manage.py bench decisions`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pydoc_data.topics import topics

import numpy as np

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing import study

TRAINED_ON, MODELS, ASKED, IN_BATCHES = 2_000, 9, 300, 600
MIDDLE_MS, SLOWEST_MS, A_SECOND = 15.0, 40.0, 150.0
SHORT = 17
"""Words of a short prompt."""


def decisions(say: Callable[[str], None], trained_on: int = TRAINED_ON, asked: int = ASKED) -> bool:
    """Ask `auto` one prompt after another, and short ones in batches; say the times, encoder included.

    Times are those of the processor, on one thread: on a machine shared with others a clock on the
    wall measures the others. Prompts are English, of lengths as in recorded collections.

    Returns whether half and 95% of the decisions, and batches, are as fast as the product promises.
    """
    import torch

    from apps.routing.bundle import Bundle
    from apps.routing.decision import choose, explain
    from apps.routing.encoders import available, encoder
    from apps.routing.methods.base import Embeddings

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        reader = encoder(available()[0])
        random = np.random.default_rng(0)
        known = _prompts(random, random.lognormal(3.7, 0.7, trained_on))
        seen = Embeddings(known, reader.encode(known), reader.name)
        bundle, _ = Bundle.fit("auto", _outcomes(random, known), seen, seed=0)

        def one(prompt: str) -> None:
            vectors = reader.encode([prompt])
            forecast = bundle.router.forecast(Embeddings((prompt,), vectors, reader.name))
            explain(forecast, bundle.model_names, bundle.default, guard=bundle.guard)

        asked_ones = _prompts(random, random.lognormal(3.7, 0.7, asked))
        for prompt in asked_ones[:10]:
            one(prompt)
        took = np.array([_processor(partial(one, prompt)) for prompt in asked_ones])
        short = _prompts(random, np.full(IN_BATCHES, float(SHORT)))

        def together() -> None:
            batch = Embeddings(short, reader.encode(short), reader.name)
            choose(bundle.router.forecast(batch), bundle.default, guard=bundle.guard)

        rate = len(short) / _processor(together)
    finally:
        torch.set_num_threads(threads)
    middle, slowest = (float(1000 * np.quantile(took, share)) for share in (0.5, 0.95))
    say(
        f"A decision with {reader.name}, {MODELS} models, {trained_on:,} prompts learnt from: "
        f"{middle:.1f} ms of one core, 95% within {slowest:.1f} ms (promised: {MIDDLE_MS:.0f} and "
        f"{SLOWEST_MS:.0f}); short prompts in batches: {rate:,.0f} a second (promised: "
        f"{A_SECOND:.0f})."
    )
    return middle <= MIDDLE_MS and slowest <= SLOWEST_MS and rate >= A_SECOND


def _processor(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _prompts(random: np.random.Generator, words: Floats) -> tuple[str, ...]:
    """Texts of so many words each, at most 180: pieces of the reference that comes with Python.

    Words drawn letter by letter would be cut into three times the tokens of English ones.
    """
    text = " ".join(topics.values()).split()
    starts = random.integers(0, len(text) - 200, len(words))
    return tuple(
        " ".join(text[start : start + int(min(n, 180)) + 1])
        for start, n in zip(starts, words, strict=True)
    )


def _outcomes(random: np.random.Generator, prompts: tuple[str, ...]) -> OutcomeTable:
    length = np.array([len(prompt) for prompt in prompts])
    skill = 0.4 + 0.4 * (length[:, None] % MODELS == np.arange(MODELS))
    return OutcomeTable.of(
        prompt_ids=map(str, range(len(prompts))),
        prompts=prompts,
        model_names=[f"model-{j}" for j in range(MODELS)],
        score=(random.random(skill.shape) < skill).astype(float),
        cost=np.outer(length, 10.0 ** np.linspace(-8, -6, MODELS)),
    )


BENCHMARKS = {"decisions": decisions}
STUDIES = {"routing": study}
