"""Trains six small models to answer short questions and records how each did on others.

Everything is made and measured here: the questions, their right answers, the models, how long a
call takes on this machine. A price is that time at a stated price of an hour of one core.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.core.demo.routing.models import Answerer, Committee, models
from apps.core.demo.routing.prompts import Question, questions
from apps.core.demo.training import USD_PER_CORE_HOUR

SEED = 20
TO_LEARN, TO_VOTE, TO_ANSWER = 2600, 400, 2100
TIMED_CALLS = 42


@dataclass(frozen=True)
class Tried:
    """A model, whether it was right on each question, and what calls took.

    `right`: bool [n_questions]. `milliseconds`: [n_questions], of the call for that question alone,
    NaN where it was not timed.
    """

    name: str
    about: str
    right: NDArray[np.bool_]
    milliseconds: NDArray[np.float64]

    @property
    def usd_per_call(self) -> float:
        """The median call at the price of a core."""
        seconds = float(np.nanmedian(self.milliseconds)) / 1000
        return max(seconds, 1e-7) / 3600 * USD_PER_CORE_HOUR


def make(progress: Callable[[int, int, str], None]) -> tuple[list[Question], list[Tried]]:
    """The questions asked and how each model did; `progress(done, total, name)` before each model."""
    from threadpoolctl import threadpool_limits

    every = questions(TO_LEARN + TO_VOTE + TO_ANSWER, seed=SEED)
    learn, vote = every[:TO_LEARN], every[TO_LEARN : TO_LEARN + TO_VOTE]
    asked = every[TO_LEARN + TO_VOTE :]
    texts = [question.text for question in asked]
    said: dict[str, list[str]] = {}
    tried = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pool = models()
        for done, (name, model) in enumerate(pool.items()):
            progress(done, len(pool), name)
            if isinstance(model, Committee):
                model.fit(vote)
                said[name] = model.vote(texts, list(said.values()))
            else:
                model.fit(learn)
                said[name] = model.answer(texts)
            right = [a == question.answer for a, question in zip(said[name], asked, strict=True)]
            tried.append(Tried(name, model.about, np.array(right), _timed(model, texts)))
    return asked, tried


def _timed(model: Answerer, texts: list[str]) -> NDArray[np.float64]:
    """What single calls for some of the texts took, NaN for the others.

    Time of the core, so that what else runs on the machine does not count.
    """
    milliseconds = np.full(len(texts), np.nan)
    for place in range(0, len(texts), len(texts) // TIMED_CALLS):
        began = time.process_time()
        model.answer([texts[place]])
        milliseconds[place] = (time.process_time() - began) * 1000
    return milliseconds
