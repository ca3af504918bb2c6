"""What routers have in common: checking their input, mean costs, being saved and loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable

from .base import Embeddings, Forecast

_VERSION = 1
_ARRAYS = "router.safetensors"
_REST = "router.json"


class Fitted:
    """A router whose state is arrays and a few plain values, and whose cost is each model's mean.

    A method gives `NAME`, names its state in `ARRAYS` (numpy arrays) and `VALUES` (whatever JSON
    holds), learns in `_learn` and foretells in `_scores`; input is checked before either is called.
    """

    NAME: ClassVar[str]
    ARRAYS: ClassVar[tuple[str, ...]] = ()
    VALUES: ClassVar[tuple[str, ...]] = ()

    model_names: tuple[str, ...]
    encoder: str
    dimensions: int
    mean_score: Floats
    """[n_models], over the training prompts the model was run on."""
    mean_cost: Floats
    """[n_models], US dollars; NaN where no cost is known."""

    def __init__(self, *, seed: int = 0) -> None:
        """A router at its start; everything random in it follows from the seed."""
        self.seed = seed
        self.model_names = ()

    def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """See `Router.fit`."""
        check_rows(outcomes, embeddings)
        unrun = np.flatnonzero(~np.any(outcomes.ran, axis=0))
        if unrun.size:
            raise ValueError(
                f"Model `{outcomes.model_names[unrun[0]]}` has no outcome on the training prompts; "
                "leave it out."
            )
        self.model_names = outcomes.model_names
        self.encoder = embeddings.encoder
        self.dimensions = embeddings.vectors.shape[1]
        self.mean_score = column_means(outcomes.score)
        self.mean_cost = column_means(outcomes.cost)
        self._learn(outcomes, embeddings)

    def forecast(self, embeddings: Embeddings) -> Forecast:
        """See `Router.forecast`."""
        self._check_encoder(embeddings)
        return self._forecast(embeddings)

    def add_model(self, name: str, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """See `Router.add_model`."""
        self._check_encoder(embeddings)
        check_rows(outcomes, embeddings)
        if name in self.model_names:
            raise ValueError(f"This router has a model `{name}` already.")
        if outcomes.n_models != 1:
            raise ValueError(f"One new model was expected, not {outcomes.n_models}.")
        if not outcomes.ran.any():
            raise ValueError(f"There is no outcome of `{name}` to learn from.")
        self._add(outcomes, embeddings)
        self.model_names = (*self.model_names, name)
        self.mean_score = np.append(self.mean_score, column_means(outcomes.score))
        self.mean_cost = np.append(self.mean_cost, column_means(outcomes.cost))

    def save(self, folder: Path) -> None:
        """See `Router.save`."""
        from safetensors.numpy import save_file

        self._check_fitted()
        names = ("mean_score", "mean_cost", *self.ARRAYS)
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in names}
        save_file(arrays, folder / _ARRAYS)
        rest = {
            "method": self.NAME,
            "version": _VERSION,
            "seed": self.seed,
            "models": self.model_names,
            "encoder": self.encoder,
            "dimensions": self.dimensions,
            "values": {name: getattr(self, name) for name in self.VALUES},
        }
        (folder / _REST).write_text(json.dumps(rest, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Router.load`."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        wrong = f"{folder.name} does not hold a saved router `{cls.NAME}`."
        try:
            rest = json.loads((folder / _REST).read_text(encoding="utf-8"))
            arrays = load_file(folder / _ARRAYS)
            if (rest["method"], rest["version"]) != (cls.NAME, _VERSION):
                raise ValueError(wrong)
            router = cls(seed=int(rest["seed"]))
            router.model_names = tuple(rest["models"])
            router.encoder = rest["encoder"]
            router.dimensions = int(rest["dimensions"])
            for name in ("mean_score", "mean_cost", *cls.ARRAYS):
                setattr(router, name, arrays[name])
            for name in cls.VALUES:
                setattr(router, name, rest["values"][name])
        except (OSError, KeyError, TypeError, json.JSONDecodeError, SafetensorError) as problem:
            raise ValueError(wrong) from problem
        return router

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Learn; names, means and the encoder are set already."""

    def _scores(self, embeddings: Embeddings) -> Floats:
        """Expected scores [n_prompts, n_models]."""
        raise NotImplementedError

    def _forecast(self, embeddings: Embeddings) -> Forecast:
        score = self._scores(embeddings)
        return Forecast(score=score, cost=np.broadcast_to(self.mean_cost, score.shape))

    def _add(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """Take in a model; its name and means are appended afterwards."""
        raise NotImplementedError(
            f"`{self.NAME}` learns all models together: train it again with the new model."
        )

    def _check_fitted(self) -> None:
        if not self.model_names:
            raise ValueError("This router has not been trained.")

    def _check_encoder(self, embeddings: Embeddings) -> None:
        self._check_fitted()
        if embeddings.encoder != self.encoder:
            raise ValueError(
                f"This router was trained with the encoder `{self.encoder}`, not "
                f"`{embeddings.encoder}`."
            )
        if embeddings.vectors.ndim != 2 or embeddings.vectors.shape[1] != self.dimensions:
            raise ValueError(
                f"This router was trained on vectors of {self.dimensions} numbers, not "
                f"{' × '.join(map(str, embeddings.vectors.shape[1:]))}."
            )


def check_rows(outcomes: OutcomeTable, embeddings: Embeddings) -> None:
    """Row i of both must be the same prompt.

    Raises:
        ValueError: they have different numbers of rows, or a vector is not finite.
    """
    if len(embeddings.prompts) != outcomes.n_prompts or len(embeddings.vectors) != len(
        embeddings.prompts
    ):
        raise ValueError(
            f"{len(embeddings.vectors)} embeddings for {outcomes.n_prompts} prompts with outcomes."
        )
    if not np.isfinite(embeddings.vectors).all():
        row = int(np.flatnonzero(~np.isfinite(embeddings.vectors).all(axis=1))[0])
        raise ValueError(f"The embedding of prompt `{outcomes.prompt_ids[row]}` is not finite.")


def column_means(values: NDArray[Any]) -> Floats:
    """The mean of each column over what is known of it, [n_columns]; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float64)


def sigmoid(margin: Floats) -> Floats:
    """1 / (1 + exp(-margin)), safe at both ends."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * margin)))


def logit(share: Floats) -> Floats:
    """The inverse of `sigmoid`, kept finite at 0 and 1."""
    safe = np.clip(share, 1e-3, 1 - 1e-3)
    return np.asarray(np.log(safe / (1 - safe)))
