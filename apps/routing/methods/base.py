"""What a router promises, and what passes between routers, metrics and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Prompts as routers see them.

    Attributes:
        prompts: the texts, [n_prompts].
        vectors: float32 [n_prompts, n_dimensions], each row of length 1 (or 0 for a text in which
            the encoder finds nothing).
        encoder: the name of the encoder in its registry, revision included.
        tasks: [n_prompts] or None. Only what is *told* the task may read it; a router that is used
            on new prompts gets None there.
    """

    prompts: tuple[str, ...]
    vectors: NDArray[np.float32]
    encoder: str
    tasks: tuple[str, ...] | None = None

    def subset(self, rows: Sequence[int] | NDArray[np.intp]) -> Embeddings:
        """The embeddings of some prompts, by their indices, in the order given."""
        places = [int(row) for row in rows]
        return Embeddings(
            prompts=tuple(self.prompts[place] for place in places),
            vectors=self.vectors[places],
            encoder=self.encoder,
            tasks=None if self.tasks is None else tuple(self.tasks[place] for place in places),
        )


@dataclass(frozen=True, eq=False)
class Forecast:
    """What a router expects of each model on each prompt. Deciding is not its business.

    Attributes:
        score: float64 [n_prompts, n_models], what models are ranked by: the expected score.
        cost: float64 [n_prompts, n_models], expected US dollars; NaN where costs are unknown.
        error: float64 [n_prompts, n_models], the standard error of `score`; None where the method
            states none.
        probability: float64 [n_prompts, n_models], a calibrated expected score to show to people
            and to measure calibration by; None where `score` is that.
    """

    score: Floats
    cost: Floats
    error: Floats | None = None
    probability: Floats | None = None

    @property
    def shown(self) -> Floats:
        """The expected scores to show: `probability` where there is one, else `score` in 0..1."""
        return self.probability if self.probability is not None else np.clip(self.score, 0, 1)


class Router(Protocol):
    """A way to foretell, from a prompt, how each model will do on it.

    Everything random comes from the seed that the factory was given. Models are in the order of the
    table that `fit` saw, then in the order in which they were added.
    """

    model_names: tuple[str, ...]

    def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Learn from outcomes; row i of both is the same prompt.

        NaN scores (a model not run) and NaN costs (unknown) are legal. Group columns of `outcomes`
        (`task`, ...) may be used here.

        Raises:
            ValueError: one sentence, where there is too little to learn from.
        """

    def forecast(self, embeddings: Embeddings) -> Forecast:
        """Foretell [n_prompts, n_models]. Each prompt's row depends on that prompt alone, unless
        the method says in its docstring that it adapts to the batch.

        Raises:
            ValueError: vectors of another encoder or dimension than those fitted on.
        """

    def add_model(self, name: str, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Let a model join from its outcomes on a few prompts, without training again.

        Args:
            outcomes: a table whose only model is the new one.
            embeddings: of the same prompts.

        Raises:
            ValueError: the name is taken, or there is no outcome.
            NotImplementedError: the method cannot (its message says what to do instead).
        """

    def save(self, folder: Path) -> None:
        """Write the whole state as safetensors and JSON into an existing empty folder."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; forecasts are the same to rounding.

        Raises:
            ValueError: a folder that `save` of this method did not write.
        """


class RouterFactory(Protocol):
    """How a registered router is made: `METHODS["knn"](seed=0)`."""

    def __call__(self, *, seed: int = 0) -> Router:
        """A router at its start, untrained."""
