"""What models made of prompts, scored and priced: immutable, checked once, plain numpy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import Floats, Mask, check_shape, indices, names, read_only


@dataclass(frozen=True, eq=False)
class OutcomeTable:
    """Scores and costs of several models on the same prompts. `of` checks it; nothing changes it.

    Attributes:
        prompt_ids: distinct, [n_prompts].
        prompts: the texts, [n_prompts]; may be empty strings, and may repeat.
        model_names: distinct, [n_models].
        score: float64 [n_prompts, n_models] in 0..1; NaN where the model was not run.
        cost: float64 [n_prompts, n_models], US dollars for this prompt, not negative; NaN where it
            is unknown (never 0 for want of a price).
        in_tokens, out_tokens, latency_ms: float64 [n_prompts, n_models], NaN where unknown; None
            where nothing of the kind was recorded.
        groups: further columns of the prompts by name (`task`, `domain`, `session`, `split`, ...),
            each [n_prompts]; an empty string where a prompt has none.
    """

    prompt_ids: tuple[str, ...]
    prompts: tuple[str, ...]
    model_names: tuple[str, ...]
    score: Floats
    cost: Floats
    in_tokens: Floats | None = None
    out_tokens: Floats | None = None
    latency_ms: Floats | None = None
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        *,
        prompt_ids: Iterable[str],
        prompts: Iterable[str],
        model_names: Iterable[str],
        score: ArrayLike,
        cost: ArrayLike | None = None,
        in_tokens: ArrayLike | None = None,
        out_tokens: ArrayLike | None = None,
        latency_ms: ArrayLike | None = None,
        groups: Mapping[str, Iterable[str]] | None = None,
    ) -> OutcomeTable:
        """Check and copy the parts of a table; without `cost` every cost is unknown.

        Raises:
            ValueError: one sentence that says what is wrong, and where.
        """
        ids = names(prompt_ids, "prompt id", "prompt")
        models = names(model_names, "model name", "model")
        texts = tuple(str(text) for text in prompts)
        _check_length(texts, ids, "texts")
        shape = (len(ids), len(models))

        def checked(values: ArrayLike, what: str, most: float = np.inf) -> Floats:
            return _checked(values, shape, what, most, ids, models)

        columns = {}
        for name, values in (groups or {}).items():
            columns[name] = tuple(str(value) for value in values)
            _check_length(columns[name], ids, f"values of `{name}`")
        return cls(
            prompt_ids=ids,
            prompts=texts,
            model_names=models,
            score=checked(score, "score", 1.0),
            cost=checked(np.full(shape, np.nan) if cost is None else cost, "cost"),
            in_tokens=None if in_tokens is None else checked(in_tokens, "input tokens"),
            out_tokens=None if out_tokens is None else checked(out_tokens, "output tokens"),
            latency_ms=None if latency_ms is None else checked(latency_ms, "latency"),
            groups=columns,
        )

    @property
    def n_prompts(self) -> int:
        """Number of prompts."""
        return len(self.prompt_ids)

    @property
    def n_models(self) -> int:
        """Number of models."""
        return len(self.model_names)

    @property
    def ran(self) -> Mask:
        """bool [n_prompts, n_models], where a model has a score."""
        return np.asarray(~np.isnan(self.score))

    @property
    def priced(self) -> bool:
        """Whether every outcome that has a score has a cost."""
        return bool(not np.isnan(self.cost[self.ran]).any())

    def subset(
        self,
        *,
        prompts: Sequence[int] | NDArray[Any] | None = None,
        models: Sequence[int] | NDArray[Any] | None = None,
    ) -> OutcomeTable:
        """The table of some prompts and models, in the order given; all of them where None.

        Args:
            prompts: distinct prompt indices, or a mask [n_prompts].
            models: distinct model indices, or a mask [n_models].

        Raises:
            ValueError: an index that does not exist or comes twice, or nothing left.
        """
        rows = indices(prompts, self.n_prompts, "prompt")
        columns = indices(models, self.n_models, "model")
        cut = np.ix_(rows, columns)

        def part(values: Floats | None) -> Floats | None:
            return None if values is None else read_only(values[cut])

        return OutcomeTable(
            prompt_ids=tuple(self.prompt_ids[row] for row in rows),
            prompts=tuple(self.prompts[row] for row in rows),
            model_names=tuple(self.model_names[column] for column in columns),
            score=read_only(self.score[cut]),
            cost=read_only(self.cost[cut]),
            in_tokens=part(self.in_tokens),
            out_tokens=part(self.out_tokens),
            latency_ms=part(self.latency_ms),
            groups={
                name: tuple(values[row] for row in rows) for name, values in self.groups.items()
            },
        )


def _check_length(values: Sequence[str], ids: Sequence[str], what: str) -> None:
    if len(values) != len(ids):
        raise ValueError(f"{len(values)} {what} for {len(ids)} prompts.")


def _checked(
    values: ArrayLike,
    shape: tuple[int, int],
    what: str,
    most: float,
    ids: Sequence[str],
    models: Sequence[str],
) -> Floats:
    array = np.array(values, dtype=np.float64)
    check_shape(array, shape, f"The {what}")
    wrong = (array < 0) | (array > most) | np.isinf(array)
    if wrong.any():
        row, column = (int(place[0]) for place in np.nonzero(wrong))
        allowed = (
            f"between 0 and {most:g}" if np.isfinite(most) else "a number that is not negative"
        )
        raise ValueError(
            f"Prompt `{ids[row]}`, model `{models[column]}`: {what} {array[row, column]:g} is not "
            f"{allowed}."
        )
    return read_only(array)
