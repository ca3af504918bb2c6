"""The evaluation from end to end; the package's docstring shows how it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from apps.catalog.tables import OutcomeTable
from apps.routing.duplicates import clusters
from apps.routing.methods import registry
from apps.routing.methods.base import Embeddings, RouterFactory
from apps.routing.methods.fitted import check_rows, column_means
from apps.routing.methods.tasks import task_labels
from apps.routing.metrics import bootstrap_weights, effective_units

from .measuring import CEILING, ORACLE, Setting, measure_split
from .result import Evaluation, Model, SplitResult
from .splits import Split, Splitter
from .summary import summarised
from .verdict import verdict

FEWEST_PROMPTS = 20
DRAWS = 300
_GRID = 41


class EvaluationStopped(Exception):
    """`should_stop` said so; the splits finished before were handed to `on_split`."""


@dataclass(frozen=True)
class Plan:
    """What to evaluate.

    Attributes:
        routers: names in the registry. The null models come by themselves.
        split: see `Split.parse`.
        splits: how many times prompts are parted anew.
        seed: of the splits, the routers and the intervals.
        subject: the router that the verdict is about: the default router where it is among them,
            else the first.
        guarded: whether every router is held back by the guard that it would be deployed with,
            learnt from four more trainings; where not, only those are that need none (`auto`,
            `knn`), and the others are measured as they were published.
    """

    routers: tuple[str, ...]
    split: str = "group"
    splits: int = 5
    seed: int = 0
    subject: str | None = None
    guarded: bool = False


def evaluate(
    outcomes: OutcomeTable,
    embeddings: Embeddings,
    plan: Plan,
    *,
    progress: Callable[[int, int, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_split: Callable[[SplitResult], None] | None = None,
    finished: Sequence[SplitResult] = (),
    factories: Mapping[str, RouterFactory] | None = None,
) -> Evaluation:
    """Train and test routers over splits.

    Args:
        outcomes: scores, costs and groups; NaN where unknown.
        embeddings: of the same prompts in the same order. Tasks are taken from the outcomes.
        plan: what to evaluate.
        progress: told how many of how many trainings are done, and what comes next.
        should_stop: asked before each training.
        on_split: given each split that is done.
        finished: the first splits of the same evaluation, done before.
        factories: the routers by name; the registry where None.

    Raises:
        ValueError: one sentence, where the outcomes or the plan cannot be used.
        EvaluationStopped: `should_stop` returned True.
    """
    makers = _makers(plan, registry.METHODS if factories is None else factories)
    replays = {name: registry.REPLAYS[name] for name in plan.routers if name in registry.REPLAYS}
    subject = _subject(plan, makers)
    check_rows(outcomes, embeddings)
    money = money_of(outcomes)
    near_duplicates = clusters(outcomes.prompts)
    splitter = Splitter.of(Split.parse(plan.split), outcomes, near_duplicates)
    tested = outcomes.subset(prompts=splitter.testable)
    c_min, c_max = _bounds(tested, money)
    setting = Setting(
        outcomes=outcomes,
        embeddings=replace(embeddings, tasks=task_labels(outcomes)),
        money=money if c_min is not None else "none",
        c_min=c_min,
        c_max=c_max,
        near_duplicates=near_duplicates,
        weights=bootstrap_weights(splitter.units, DRAWS, plan.seed),
        grid=np.zeros(0) if c_min is None else np.linspace(c_min, c_max or 0.0, _GRID),
    )
    done = list(finished[: plan.splits])
    steps = len(makers) + len(replays) + 1
    for number in range(len(done), plan.splits):
        trained = iter(range(number * steps, (number + 1) * steps))

        def before(name: str, number: int = number, trained: object = trained) -> None:
            if should_stop is not None and should_stop():
                raise EvaluationStopped
            if progress is not None:
                progress(
                    next(trained),  # type: ignore[call-overload]
                    plan.splits * steps,
                    f"split {number + 1} of {plan.splits}: {name}",
                )

        split = measure_split(
            setting,
            splitter.parts(outcomes, plan.seed, number),
            number,
            makers,
            replays,
            seed=plan.seed + number,
            guarded=plan.guarded,
            subject=subject,
            before=before,
        )
        done.append(split)
        if on_split is not None:
            on_split(split)
    if progress is not None:
        progress(plan.splits * steps, plan.splits * steps, "done")
    return _evaluation(setting, splitter, plan, subject, tested, done)


def _makers(plan: Plan, known: Mapping[str, RouterFactory]) -> dict[str, RouterFactory]:
    if not plan.routers:
        raise ValueError("Name at least one router.")
    if plan.splits < 1:
        raise ValueError("At least one split is needed.")
    if plan.seed < 0:
        raise ValueError(f"The seed must be 0 or more, not {plan.seed}.")
    makers: dict[str, RouterFactory] = {}
    for name in dict.fromkeys((*registry.NULLS, *plan.routers)):
        if name in {ORACLE, CEILING} or name in registry.REPLAYS:
            continue  # always shown, or no routers
        if name not in known:
            raise ValueError(f"There is no router `{name}`; there are {', '.join(known)}.")
        makers[name] = known[name]
    return makers


def _subject(plan: Plan, makers: Mapping[str, RouterFactory]) -> str:
    default = getattr(registry, "DEFAULT", None)
    named = [name for name in plan.routers if name in makers]
    subject = plan.subject or (default if default in named else named[0] if named else "zero")
    if subject not in makers:
        raise ValueError(f"The verdict cannot be about `{subject}`: it is not evaluated.")
    return str(subject)


def money_of(outcomes: OutcomeTable) -> str:
    """What the costs of outcomes that can be evaluated are: `usd`, `calls` or `none`.

    Raises:
        ValueError: fewer than two models, too few prompts that every model was run on, or a cost
            that is known for some outcomes alone.
    """
    if outcomes.n_models < 2:
        raise ValueError("Routing needs at least two models to choose between; there is one.")
    ran = np.asarray(outcomes.ran)
    unrun = np.flatnonzero(~ran.any(axis=0))
    if unrun.size:
        raise ValueError(f"Model `{outcomes.model_names[unrun[0]]}` has no outcome; leave it out.")
    complete = int(ran.all(axis=1).sum())
    if complete < FEWEST_PROMPTS:
        raise ValueError(
            f"An evaluation needs at least {FEWEST_PROMPTS} prompts that every model was run on; "
            f"there are {complete}."
        )
    priced = ~np.isnan(outcomes.cost) & ran
    if not priced.any():
        return "calls" if outcomes.n_models == 2 else "none"
    missing = (ran & ~priced).sum(axis=0)
    if missing.any():
        model = int(np.argmax(missing))
        raise ValueError(
            f"The cost of model `{outcomes.model_names[model]}` is unknown on {missing[model]:,} of "
            f"{ran[:, model].sum():,} prompts: give it a price, or leave it out."
        )
    return "usd"


def _bounds(tested: OutcomeTable, money: str) -> tuple[float | None, float | None]:
    """Mean costs of the cheapest and the dearest model; None where there is no difference."""
    if money == "calls":
        return 0.0, 1.0
    cost = column_means(tested.cost)
    if money == "none" or not cost.max() > cost.min():
        return None, None
    return float(cost.min()), float(cost.max())


def _evaluation(
    setting: Setting,
    splitter: Splitter,
    plan: Plan,
    subject: str,
    tested: OutcomeTable,
    splits: Sequence[SplitResult],
) -> Evaluation:
    names = list(splits[0].routers)
    parts = [splitter.parts(setting.outcomes, plan.seed, split.number) for split in splits]
    units = effective_units(splitter.units[np.unique(np.concatenate([one.test for one in parts]))])
    routers = {name: summarised(splits, name, units) for name in names}
    score, cost = column_means(tested.score), column_means(tested.cost)
    if setting.money == "calls":
        cost = (np.arange(2) == int(np.argmax(score))).astype(np.float64)
    # Of equally good models the cheapest.
    best = tested.model_names[int(np.lexsort((np.nan_to_num(cost), -score))[0])]
    said, helps = verdict(
        routers[subject],
        best,
        setting.money,
        priced=not np.isnan(tested.cost).all(),
        agreed={split.best_single for split in splits} == {best},
    )
    return Evaluation(
        prompts=setting.outcomes.n_prompts,
        tested=tested.n_prompts,
        models=[
            Model(name, 100 * float(quality), None if setting.money == "none" else float(price))
            for name, quality, price in zip(tested.model_names, score, cost, strict=True)
        ],
        split=str(splitter.split),
        splits=plan.splits,
        seed=plan.seed,
        encoder=setting.embeddings.encoder,
        units=len(np.unique(splitter.units)),
        leak=float(np.mean([split.leak for split in splits])),
        money=setting.money,
        c_min=setting.c_min,
        c_max=setting.c_max,
        grid=setting.grid.tolist(),
        routers=routers,
        subject=subject,
        verdict=said,
        helps=helps,
        regrets=splits[0].regrets,
    )
