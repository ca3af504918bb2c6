"""Which column of a file means what."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from apps.catalog.readers.problems import FileProblem, Problem, listed, shown


@dataclass(frozen=True)
class Mapping:
    """The columns that matter; None for what the file does not have.

    Predictions are long (`model` and `prediction` name columns) or wide (`models` lists a column
    per model). Labels need `item` and `label`; items need `item`. Outcomes are long (`model`, and any of
    `scores`, `cost`, `in_tokens`, `out_tokens` and `latency_ms`; of several `scores` the first that a row
    has counts) or wide (`models` lists the columns of scores; the others follow from their names).
    """

    item: str
    model: str | None = None
    prediction: str | None = None
    probability: str | None = None
    models: tuple[str, ...] = ()
    label: str | None = None
    annotator: str | None = None
    text: str | None = None
    image: str | None = None
    slices: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    cost: str | None = None
    in_tokens: str | None = None
    out_tokens: str | None = None
    latency_ms: str | None = None

    @property
    def is_long(self) -> bool:
        return self.model is not None and self.prediction is not None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` takes it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: AnyMapping[str, Any]) -> Mapping:
        """From JSON; empty strings count as "not there", unknown keys are left out.

        Raises:
            ValueError: no item column is named.
        """
        taken: dict[str, Any] = {}
        for field in fields(cls):
            value = values.get(field.name)
            if field.name in ("models", "slices", "scores"):
                taken[field.name] = tuple(str(one) for one in value or ())
            else:
                taken[field.name] = str(value) if value else None
        if not taken["item"]:
            raise ValueError("Say which column holds the item ids.")
        return cls(**taken)

    def named(self) -> list[str]:
        """Every column the mapping names, once per mention."""
        single = (
            self.item,
            self.model,
            self.prediction,
            self.probability,
            self.label,
            self.annotator,
            self.text,
            self.image,
            self.cost,
            self.in_tokens,
            self.out_tokens,
            self.latency_ms,
        )
        several = (*self.models, *self.slices, *self.scores)
        return [*(name for name in single if name is not None), *several]


def check_mapping(mapping: Mapping, columns: Sequence[str], name: str) -> None:
    """Raise `FileProblem` when the mapping names a column that is not there, or one twice."""
    there = set(columns)
    seen: set[str] = set()
    for column in mapping.named():
        if column not in there:
            message = f"There is no column `{shown(column)}`; the file has {listed(columns)}."
            raise FileProblem(name, [Problem(message, column=column)])
        if column in seen:
            message = f"Column `{shown(column)}` is chosen for two things."
            raise FileProblem(name, [Problem(message, column=column)])
        seen.add(column)
