"""What an evaluation found: plain values, so that it can be kept as JSON and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Gap:
    """Of two models, see `metrics.two_models`; the shares of calls None where never reached."""

    apgr: float
    cpt_50: float | None
    cpt_80: float | None


@dataclass(frozen=True)
class RouterSplit:
    """One router on one test part. Qualities and areas are in 0..1, None where not applicable.

    Attributes:
        problem: why it could not be evaluated; everything else is empty then.
        accuracy: the mean score where money does not count (lambda 0).
        cost: the mean cost of a prompt there.
        aiq, aiq_log: areas under the hull, over the cost and over its logarithm.
        held: the area under settings picked on other prompts than it is measured on.
        cost_save: 1 - cost of reaching the best single model's quality / that model's cost; 0 where
            it is not reached, or only at more than that.
        reached: whether it is reached.
        gap: what is recovered of the gap between two models.
        routing_accuracy: the share of prompts sent, at lambda 0, to a model that none beats there.
        count, expected, observed, squares: see `metrics.Calibration`.
        train_seconds, milliseconds: of training; of a forecast and a decision a prompt.
        hull_cost, hull_quality: vertices.
        quality, quality_low, quality_high: on the grid of the evaluation, with 95% intervals.
        draws: by quantity (`accuracy`, `aiq`, `held`, `cost_save`), its value under each bootstrap
            weight.
    """

    problem: str | None = None
    accuracy: float = 0.0
    cost: float | None = None
    aiq: float | None = None
    aiq_log: float | None = None
    held: float | None = None
    cost_save: float | None = None
    reached: bool = False
    gap: Gap | None = None
    routing_accuracy: float = 0.0
    count: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    observed: list[float] = field(default_factory=list)
    squares: float = 0.0
    train_seconds: float | None = None
    milliseconds: float | None = None
    hull_cost: list[float] = field(default_factory=list)
    hull_quality: list[float] = field(default_factory=list)
    quality: list[float] = field(default_factory=list)
    quality_low: list[float] = field(default_factory=list)
    quality_high: list[float] = field(default_factory=list)
    draws: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Regret:
    """A prompt on which the router that the verdict is about did worse than it could have.

    Attributes:
        prompt_id: its id in the table.
        chosen, best: names of the model it was sent to and of the cheapest of the best ones.
        chosen_score, best_score: what they made of it.
        expected: the expected score of the chosen one.
        neighbours: ids of the training prompts most alike, with the cosine.
    """

    prompt_id: str
    chosen: str
    best: str
    chosen_score: float
    best_score: float
    expected: float
    neighbours: list[tuple[str, float]]


@dataclass(frozen=True)
class SplitResult:
    """One split: all routers on the same training and test prompts.

    Attributes:
        number: from 0.
        n_train, n_test: prompts.
        leak: the share of test prompts with a near-duplicate among the training prompts.
        best_single: the model with the best mean on the training part.
        best_accuracy, best_cost: its means on the test part.
        routers: by name.
        weights: the weight of the whole test part under each bootstrap weighting.
        regrets: the largest, on the first split only.
    """

    number: int
    n_train: int
    n_test: int
    leak: float
    best_single: str
    best_accuracy: float
    best_cost: float | None
    routers: dict[str, RouterSplit]
    weights: list[float]
    regrets: list[Regret] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, to go on from later."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave, after a journey through JSON."""
        return cls(
            **{
                **values,
                "routers": {
                    name: RouterSplit(
                        **{**router, "gap": Gap(**router["gap"]) if router["gap"] else None}
                    )
                    for name, router in values["routers"].items()
                },
                "regrets": [
                    Regret(**{**regret, "neighbours": [(n, c) for n, c in regret["neighbours"]]})
                    for regret in values["regrets"]
                ],
            }
        )


@dataclass(frozen=True)
class Estimate:
    """A mean over the splits with its 95% interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class RouterResult:
    """One router over all splits. Accuracies, AIQ and their differences are in points (x100).

    Attributes:
        problem: why it has no figures.
        accuracy, aiq: mean and standard deviation over splits (None with one split).
        aiq_log: AIQ over the logarithm of the cost.
        aiq_minus_zero, accuracy_minus_best: paired, against the zero router and the best single
            model of the training parts, with bootstrap intervals over the test prompts.
        worst_aiq_minus_zero: in the worst split.
        cost_save: in 0..1; its interval; the worst split; the number of splits that reached the
            quality of the best single model.
        apgr, cpt: see `metrics.two_models`; cpt in percent of calls, by percent of the gap.
        brier, ece, reliability: of the scores it shows; the latter a list of bins with `count`,
            `expected` and `observed` means.
        routing_accuracy, train_seconds, milliseconds_per_prompt: means over splits.
        curve: the mean quality in points at each cost of the grid of the evaluation, with `low` and
            `high`: the means of the intervals of single test parts.
    """

    problem: str | None
    accuracy: dict[str, float | None] | None = None
    cost: float | None = None
    aiq: dict[str, float | None] | None = None
    aiq_log: dict[str, float | None] | None = None
    aiq_minus_zero: Estimate | None = None
    worst_aiq_minus_zero: float | None = None
    accuracy_minus_best: Estimate | None = None
    cost_save: dict[str, Any] | None = None
    apgr: float | None = None
    cpt: dict[str, float | None] | None = None
    brier: float | None = None
    ece: float | None = None
    reliability: list[dict[str, float]] = field(default_factory=list)
    routing_accuracy: float | None = None
    train_seconds: float | None = None
    milliseconds_per_prompt: float | None = None
    curve: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A single model over all tested prompts: its mean score in points, its mean cost."""

    name: str
    accuracy: float
    cost: float | None


@dataclass(frozen=True)
class Evaluation:
    """What was evaluated, and what came out.

    Attributes:
        prompts, tested: prompts in the table; those that every model was run on, which alone are
            tested.
        models: the single models.
        split: as it was understood, the column found included.
        splits, seed, encoder: as asked.
        units: groups (or clusters of near-duplicates) that were weighed together.
        leak: the mean share of test prompts with a near-duplicate in training.
        money: what costs are: `usd`, `calls` (two models without prices: 1 for a call to the
            stronger, 0 to the other) or `none`.
        c_min, c_max: the mean costs of the cheapest and the dearest model, the bounds of every AIQ.
        grid: [n] costs at which curves are given.
        routers: by name, the null models and the oracles included.
        subject: the router that the verdict is about.
        verdict: one or two sentences.
        helps: whether routing is worth it; None where nothing can be said.
        regrets: see `SplitResult`.
    """

    prompts: int
    tested: int
    models: list[Model]
    split: str
    splits: int
    seed: int
    encoder: str
    units: int
    leak: float
    money: str
    c_min: float | None
    c_max: float | None
    grid: list[float]
    routers: dict[str, RouterResult]
    subject: str
    verdict: str
    helps: bool | None
    regrets: list[Regret]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
