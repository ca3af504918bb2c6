"""What a user asks of the model besides its score and price: limits, and wishes with a weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import numpy as np

from apps.catalog.tables import Floats, Mask


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model without running it on the prompt; None where it is not known.

    Attributes:
        parameters: how many weights it has.
        licence: its name, compared without regard to case.
        self_hosted: whether it runs on one's own machines.
        latency_ms: how long an answer takes, on average.
        output_tokens: how long an answer is, on average.
    """

    name: str
    parameters: int | None = None
    released: date | None = None
    licence: str | None = None
    self_hosted: bool | None = None
    latency_ms: float | None = None
    output_tokens: float | None = None


class Trait(StrEnum):
    """What a wish can be about; each is less of something."""

    SIZE = "size"
    AGE = "age"
    LATENCY = "latency"
    VERBOSITY = "verbosity"


@dataclass(frozen=True)
class Constraints:
    """Limits that a model must meet, and wishes that it had better.

    A fact that is not known meets no limit. A wish is Tryage's lambda_j (arXiv 2308.11601): the
    expected score that one would give up for the candidate with the least of the trait against the
    one with the most of it.
    """

    most_parameters: int | None = None
    released_since: date | None = None
    licences: frozenset[str] | None = None
    self_hosted: bool | None = None
    most_latency_ms: float | None = None
    most_output_tokens: float | None = None
    models: frozenset[str] | None = None
    wishes: Mapping[Trait, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for trait, weight in self.wishes.items():
            if not 0 <= weight < np.inf:
                raise ValueError(f"The weight of the wish `{trait}` is {weight}: at least 0.")


NO_CONSTRAINTS = Constraints()


def eligible(facts: Sequence[ModelFacts], constraints: Constraints) -> Mask:
    """bool [n_models], which models meet every limit.

    Raises:
        ValueError: none does; the sentence names the limits.
    """
    meets = np.ones(len(facts), dtype=bool)
    limits = []
    for limit, passes in _limits(facts, constraints).items():
        meets &= np.asarray(passes, dtype=bool)
        limits.append(limit)
    if not meets.any():
        raise ValueError(f"No model meets the constraints: {', '.join(limits) or 'no models'}.")
    return meets


def penalties(facts: Sequence[ModelFacts], constraints: Constraints) -> Floats:
    """float64 [n_models], the expected score that the wishes take from each model.

    Between the candidates with the least and the most of a trait the scale is linear, for size and
    verbosity in the logarithm. Where a fact is not known, the model counts as the worst.
    """
    total = np.zeros(len(facts))
    for trait, weight in constraints.wishes.items():
        total += weight * _burden(_amounts(facts, trait))
    return total


def _limits(facts: Sequence[ModelFacts], asked: Constraints) -> dict[str, list[bool]]:
    def most(values: list[float | None], limit: float) -> list[bool]:
        return [value is not None and value <= limit for value in values]

    limits: dict[str, list[bool]] = {}
    if asked.most_parameters is not None:
        limits[f"at most {asked.most_parameters:,} parameters"] = most(
            [fact.parameters for fact in facts], asked.most_parameters
        )
    if asked.released_since is not None:
        since = asked.released_since
        limits[f"released since {since:%-d %B %Y}"] = [
            fact.released is not None and fact.released >= since for fact in facts
        ]
    if asked.licences is not None:
        accepted = {licence.casefold() for licence in asked.licences}
        limits[f"licence {' or '.join(sorted(asked.licences))}"] = [
            (fact.licence or "").casefold() in accepted for fact in facts
        ]
    if asked.self_hosted is not None:
        limits["self-hosted" if asked.self_hosted else "not self-hosted"] = [
            fact.self_hosted is asked.self_hosted for fact in facts
        ]
    if asked.most_latency_ms is not None:
        limits[f"an answer within {asked.most_latency_ms:g} ms"] = most(
            [fact.latency_ms for fact in facts], asked.most_latency_ms
        )
    if asked.most_output_tokens is not None:
        limits[f"answers of at most {asked.most_output_tokens:g} tokens"] = most(
            [fact.output_tokens for fact in facts], asked.most_output_tokens
        )
    if asked.models is not None:
        limits[f"one of {', '.join(sorted(asked.models)) or 'no models'}"] = [
            fact.name in asked.models for fact in facts
        ]
    return limits


def _amounts(facts: Sequence[ModelFacts], trait: Trait) -> list[float | None]:
    match trait:
        case Trait.SIZE:
            return [
                None if fact.parameters is None else np.log1p(fact.parameters) for fact in facts
            ]
        case Trait.AGE:
            return [None if f.released is None else -float(f.released.toordinal()) for f in facts]
        case Trait.LATENCY:
            return [fact.latency_ms for fact in facts]
        case Trait.VERBOSITY:
            return [
                None if fact.output_tokens is None else np.log1p(fact.output_tokens)
                for fact in facts
            ]


def _burden(amounts: list[float | None]) -> Floats:
    """0 for the least, 1 for the most and for what is not known; 0 for all where nothing is."""
    values = np.array([np.nan if amount is None else amount for amount in amounts], dtype=float)
    known = values[~np.isnan(values)]
    if not known.size:
        return np.zeros(len(values))
    spread = known.max() - known.min()
    scaled = (values - known.min()) / spread if spread > 0 else values * 0
    return np.where(np.isnan(scaled), 1.0, scaled)
