"""Replaying: every method on the same random pools, label by label."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats
from apps.selection.methods.base import MethodFactory
from apps.selection.methods.epsilon import tuned_epsilon
from apps.selection.methods.model_selector import ModelSelector
from apps.selection.methods.registry import METHODS
from apps.selection.methods.rivals import StopMeter
from apps.selection.methods.stopping import is_certain, should_stop

from .collection import Collection
from .outcome import WITHIN, MethodOutcome, Outcome, StopOutcome

TUNED = "model_selector_tuned"
"""MODEL SELECTOR with its epsilon tuned once on the collection, without labels."""

RULES = ("certificate", "delta_0", "delta_1pct")
_ALPHA = 0.05
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Plan:
    """What to replay.

    Attributes:
        methods: names of the registry, or `model_selector_tuned`.
        pool: items of a random pool; the collection's where it has fewer.
        realisations: random pools; each is replayed by every method, so that methods are paired.
        budget: labels bought in each; the pool's size where it has fewer.
        seed: equal seeds give equal outcomes, whatever the number of jobs.
    """

    methods: tuple[str, ...]
    pool: int = 1000
    realisations: int = 200
    budget: int = 500
    seed: int = 0


def known_methods() -> tuple[str, ...]:
    """The names a plan may have."""
    return (*METHODS, TUNED)


@dataclass(frozen=True, eq=False)
class Track:
    """One method in one realisation.

    Attributes:
        regret, seconds: [budget], see `MethodOutcome`.
        stops: int [3], the label at which each of `RULES` stopped, -1 for never.
        right: bool [3], whether the model named then is good enough.
    """

    regret: Floats
    seconds: Floats
    stops: NDArray[np.int_]
    right: NDArray[np.bool_]


def replay(
    collection: Collection,
    plan: Plan,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Replay a collection.

    Args:
        collection: predictions and all labels.
        plan: methods and sizes.
        jobs: processes; 1 stays in this one.
        progress: called with realisations done and wanted; what it raises ends the replay.

    Raises:
        ValueError: no method or an unknown one, a size below 1, or a negative seed.
    """
    if not plan.methods:
        raise ValueError("Name at least one method.")
    plan = checked(collection, plan)
    found = []
    for tracks in realisations(collection, plan, jobs=jobs):
        found.append(tracks)
        if progress is not None:
            progress(len(found), plan.realisations)
    return outcome_of(collection, plan, found)


def outcome_of(collection: Collection, plan: Plan, found: Sequence[Mapping[str, Track]]) -> Outcome:
    """Put the tracks of a checked plan's realisations together, in their order."""
    return Outcome(
        collection=collection.name,
        models=collection.table.n_models,
        items=collection.table.n_items,
        classes=len(collection.table.class_names),
        pool=plan.pool,
        realisations=plan.realisations,
        budget=plan.budget,
        seed=plan.seed,
        methods={name: _summed([tracks[name] for tracks in found]) for name in plan.methods},
    )


def checked(collection: Collection, plan: Plan) -> Plan:
    """The plan as it will be carried out: a pool and a budget no larger than there are items.

    Raises:
        ValueError: an unknown method, or a size below 1.
    """
    unknown = sorted(set(plan.methods) - set(known_methods()))
    if unknown:
        raise ValueError(
            f"There is no method {', '.join(unknown)}; there are {', '.join(known_methods())}."
        )
    for what in ("pool", "realisations", "budget"):
        if getattr(plan, what) < 1:
            raise ValueError(f"The {what} must be at least 1, not {getattr(plan, what)}.")
    if plan.seed < 0:
        raise ValueError(f"The seed must be 0 or more, not {plan.seed}.")
    pool = min(plan.pool, collection.table.n_items)
    return Plan(
        tuple(dict.fromkeys(plan.methods)),
        pool,
        plan.realisations,
        min(plan.budget, pool),
        plan.seed,
    )


def _factories(collection: Collection, plan: Plan) -> dict[str, MethodFactory]:
    factories: dict[str, MethodFactory] = {}
    for name in plan.methods:
        if name == TUNED:
            epsilon = tuned_epsilon(collection.table, pool=plan.pool, seed=plan.seed)
            factories[name] = partial(ModelSelector, epsilon=epsilon)
        else:
            factories[name] = METHODS[name]
    return factories


def realisations(
    collection: Collection,
    plan: Plan,
    *,
    first: int = 0,
    jobs: int = 1,
    before: Callable[[int, str], None] | None = None,
) -> Iterator[dict[str, Track]]:
    """The tracks of each realisation of a checked plan by method, in order.

    They follow from the data and the plan alone, in whatever order the data list models and items.

    Args:
        first: the realisation to begin with: each follows from the seed and its number alone, so a
            replay that goes on gives what one in a single run gives.
        jobs: processes; 1 stays in this one.
        before: called with the number of the realisation and the name of each method before it is
            run, in this process alone; what it raises ends the replay.
    """
    collection = collection.in_order()
    factories = _factories(collection, plan)
    numbers = range(first, plan.realisations)
    if jobs <= 1:
        for number in numbers:
            yield _realisation(collection, plan, factories, number, before)
        return
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_hold,
        initargs=(collection, plan, factories),
    ) as workers:
        yield from workers.map(_held_realisation, numbers, chunksize=1)


_held: list[tuple[Collection, Plan, dict[str, MethodFactory]]] = []


def _hold(collection: Collection, plan: Plan, factories: dict[str, MethodFactory]) -> None:
    _held[:] = [(collection, plan, factories)]


def _held_realisation(number: int) -> dict[str, Track]:
    return _realisation(*_held[0], number)


def _realisation(
    collection: Collection,
    plan: Plan,
    factories: dict[str, MethodFactory],
    number: int,
    before: Callable[[int, str], None] | None = None,
) -> dict[str, Track]:
    random = np.random.default_rng((plan.seed, number))
    items = random.choice(collection.table.n_items, plan.pool, replace=False)
    pool = Collection(
        collection.name, collection.table.subset(items=items), collection.labels[items]
    )
    found = {}
    for name, factory in factories.items():
        if before is not None:
            before(number, name)
        found[name] = _track(pool, factory, plan.budget, number)
    return found


def _track(pool: Collection, factory: MethodFactory, budget: int, seed: int) -> Track:
    """Buy `budget` labels by a method."""
    table, labels = pool.table, pool.labels
    accuracy = (table.predictions == labels).mean(axis=1)
    lost = accuracy.max() - accuracy
    method, meter = factory(table, seed=seed), StopMeter(table)
    track = Track(
        np.zeros(budget),
        np.zeros(budget),
        np.full(len(RULES), -1),
        np.zeros(len(RULES), dtype=bool),
    )
    for step in range(budget):
        began = time.perf_counter()
        item = int(method.suggest(1).items[0])
        label = int(labels[item])
        method.observe(item, label)
        leader = method.leader()
        track.seconds[step] = time.perf_counter() - began
        track.regret[step] = lost[leader]
        meter.observe(item, label)
        if (track.stops < 0).any():
            _stop(track, meter, leader, step + 1, float(lost[leader]))
    return track


def _stop(track: Track, meter: StopMeter, leader: int, labels: int, lost: float) -> None:
    """Note the rules that stop now for the first time."""
    rivals = meter.rivals(leader)
    for place, rule in enumerate(RULES):
        if track.stops[place] >= 0:
            continue
        delta = WITHIN if rule == "delta_1pct" else 0.0
        if rule == "certificate":
            stops = is_certain(rivals)
        else:
            stops = should_stop(rivals, alpha=_ALPHA, delta=delta)
        if stops:
            track.stops[place], track.right[place] = labels, lost <= delta + _ROUNDING


def _summed(tracks: Sequence[Track]) -> MethodOutcome:
    stops = np.array([track.stops for track in tracks])
    right = np.array([track.right for track in tracks])
    return MethodOutcome(
        regret=np.array([track.regret for track in tracks]),
        seconds=np.array([track.seconds for track in tracks]),
        stopping={
            rule: StopOutcome.of(stops[:, place], right[:, place])
            for place, rule in enumerate(RULES)
        },
    )
