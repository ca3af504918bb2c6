"""Trains the demo's candidates on part of scikit-learn's handwritten digits and lets them read the rest.

Everything shown is measured here: predictions by really trained models, and what a prediction costs in
time on this machine. The data: 1,797 images of 8 x 8 pixels, E. Alpaydin and C. Kaynak, Optical
Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998 (shipped with scikit-learn).
"""

import io
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.core.demo.candidates import Candidate, candidates

SEED = 20
TRAIN_ITEMS = 700
LABELS = 60
TIMED_CALLS = 20
# Stated, not measured: what an hour of one core is taken to cost, to turn time into money.
USD_PER_CORE_HOUR = 0.04


@dataclass(frozen=True)
class Trained:
    """A candidate, its predictions [n_items] and the seconds of one core that a call for one took."""

    candidate: Candidate
    predictions: NDArray[np.int64]
    seconds_per_call: float

    @property
    def usd_per_call(self) -> float:
        return self.seconds_per_call / 3600 * USD_PER_CORE_HOUR


@dataclass(frozen=True)
class Demo:
    """What was made: items with their images and how much ink they carry, predictions, a sample.

    `images`: uint8 [n_items, 8, 8]; `sample`: indices of the labelled items; `labels`: their digits.
    """

    item_ids: list[str]
    images: NDArray[np.uint8]
    ink: list[str]
    trained: list[Trained]
    sample: NDArray[np.int64]
    labels: NDArray[np.int64]


def make(progress: Callable[[int, int, str], None]) -> Demo:
    """Train every candidate and collect its answers; `progress(done, total, name)` before each."""
    from sklearn.datasets import load_digits
    from threadpoolctl import threadpool_limits

    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    train, rest = order[:TRAIN_ITEMS], np.sort(order[TRAIN_ITEMS:])
    pool = candidates(SEED)
    trained = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for done, candidate in enumerate(pool):
            progress(done, len(pool), candidate.name)
            candidate.estimator.fit(digits.data[train], digits.target[train])
            trained.append(_answers(candidate, digits.data[rest]))
    sample = np.random.default_rng(SEED + 1).choice(len(rest), LABELS, replace=False)
    return Demo(
        item_ids=[f"digit-{index:04d}" for index in rest],
        images=np.round(255 - digits.images[rest] * (255 / 16)).astype(np.uint8),
        ink=_ink(digits.data[rest]),
        trained=trained,
        sample=np.sort(sample),
        labels=digits.target[rest][np.sort(sample)],
    )


def _answers(candidate: Candidate, data: NDArray[np.float64]) -> Trained:
    """Predict everything, and time single calls: the fastest of them is the least disturbed."""
    seconds = []
    for item in data[:TIMED_CALLS]:
        began = time.process_time()
        candidate.estimator.predict(item[None])
        seconds.append(time.process_time() - began)
    return Trained(candidate, candidate.estimator.predict(data), max(min(seconds), 1e-7))


def _ink(data: NDArray[np.float64]) -> list[str]:
    """Which third of the items, by the sum of their pixels, an item belongs to."""
    total = data.sum(axis=1)
    low, high = np.quantile(total, [1 / 3, 2 / 3])
    return ["light" if t < low else "heavy" if t > high else "medium" for t in total]


def png(image: NDArray[np.uint8]) -> bytes:
    """A grey image as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
