"""One split: train every router on one part, and measure on the other what would be deployed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, Mask, OutcomeTable
from apps.routing.decision import ForecastsItself, Guard, choose, held_out_forecast
from apps.routing.methods.base import Embeddings, Forecast, Router, RouterFactory
from apps.routing.methods.fitted import column_means
from apps.routing.methods.registry import NULLS, TOLD
from apps.routing.methods.replayed import Replay, ReplayFactory
from apps.routing.metrics import Calibration, gap_curve, hull, mean_between

from .ceiling import expected_scores
from .result import Gap, Regret, RouterSplit, SplitResult
from .splits import Parts

ORACLE = "oracle"
CEILING = "oracle-noise-adjusted"

_REGRETS = 30
_NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class Setting:
    """What all splits of an evaluation share.

    Attributes:
        outcomes, embeddings: of all prompts; the embeddings carry the tasks, where there are any.
        money: see `Evaluation`.
        c_min, c_max: bounds of the AIQ; None where costs are no subject.
        near_duplicates: [n_prompts], codes of clusters.
        weights: [n_draws, n_prompts], for the intervals.
        grid: costs at which curves are kept.
    """

    outcomes: OutcomeTable
    embeddings: Embeddings
    money: str
    c_min: float | None
    c_max: float | None
    near_duplicates: NDArray[np.intp]
    weights: Floats
    grid: Floats

    @property
    def lambdas(self) -> Floats:
        """0 and 120 steps from where money hardly counts to where nothing else does."""
        if self.c_min is None or self.c_max is None:
            return np.zeros(1)
        return np.concatenate([[0.0], np.geomspace(1e-4, 1e5, 120) / (self.c_max - self.c_min)])


def measure_split(
    setting: Setting,
    parts: Parts,
    number: int,
    factories: Mapping[str, RouterFactory],
    replays: Mapping[str, ReplayFactory],
    *,
    seed: int,
    guarded: bool,
    subject: str,
    before: Callable[[str], None],
) -> SplitResult:
    """Train and test all routers; `before` is called with the name of each, and may raise.

    A router that kept forecasts of its training prompts made without their outcomes is held back
    by the guard that they teach; where `guarded`, all but the null models are.
    """
    outcomes = _with_shares(setting, parts)
    train, known = outcomes.subset(prompts=parts.train), setting.embeddings.subset(parts.train)
    test, told = outcomes.subset(prompts=parts.test), setting.embeddings.subset(parts.test)
    untold = replace(told, tasks=None)
    bench = _Bench.of(setting, train, test, parts)
    routers: dict[str, RouterSplit] = {}
    regrets: list[Regret] = []
    shown = {}
    for name, make in factories.items():
        before(name)
        router = make(seed=seed)
        try:
            began = time.perf_counter()
            router.fit(train, known)
            guard = _guard(name, make, router, train, known, seed=seed, always=guarded)
            trained = time.perf_counter() - began
            seen = told if name in TOLD else untold
            began = time.perf_counter()
            forecast = router.forecast(seen)
            deployed = Deployed(forecast, guard, getattr(router, "allowed", None))
            deployed.chosen(0.0)
            took = time.perf_counter() - began
        except ValueError as problem:
            routers[name] = RouterSplit(problem=str(problem))
            continue
        routers[name] = replace(
            bench.measured(deployed),
            train_seconds=trained,
            milliseconds=1000 * took / test.n_prompts,
        )
        shown[name] = forecast.shown
        if name == subject and number == 0:
            regrets = _regrets(deployed, test, told, train, known)
    for name, makes in replays.items():
        before(name)
        routers[name] = bench.replayed(makes(seed=seed), train, known, untold)
    before(ORACLE)
    routers |= bench.oracles(min(shown.values(), key=lambda one: np.mean((one - test.score) ** 2)))
    shared = np.isin(setting.near_duplicates[parts.test], setting.near_duplicates[parts.train])
    return SplitResult(
        number=number,
        n_train=train.n_prompts,
        n_test=test.n_prompts,
        leak=float(shared.mean()),
        best_single=train.model_names[bench.best],
        best_accuracy=bench.best_quality,
        best_cost=None if setting.c_min is None else bench.best_cost,
        routers=routers,
        weights=setting.weights[:, parts.test].sum(axis=1).tolist(),
        regrets=regrets,
    )


@dataclass(frozen=True, eq=False)
class Deployed:
    """A forecast of the test prompts and what decides with it.

    Attributes:
        guard: holds the router back where it did not pay; None where nothing does.
        allowed: [n_models], the models that the router will ever name; None for all.
    """

    forecast: Forecast
    guard: Guard | None = None
    allowed: Mask | None = None

    def chosen(self, lambda_: float) -> NDArray[np.intp]:
        """The model for each prompt, [n_prompts]."""
        return choose(self.forecast, lambda_, guard=self.guard, allowed=self.allowed)


def _guard(
    name: str,
    make: RouterFactory,
    router: Router,
    train: OutcomeTable,
    known: Embeddings,
    *,
    seed: int,
    always: bool,
) -> Guard | None:
    if name in NULLS:
        return None
    kept = isinstance(router, ForecastsItself) and router.held_out is not None
    if not kept and not always:
        return None
    return Guard.learn(held_out_forecast(make, train, known, fitted=router, seed=seed), train)


@dataclass(frozen=True, eq=False)
class _Bench:
    """A test part and what every router is measured against there."""

    setting: Setting
    test: OutcomeTable
    weights: Floats
    """[1 + n_draws, n_test], each row with the sum 1; the first says what was found."""
    best: int
    cheapest: int
    train_cost: Floats
    halves: tuple[NDArray[np.intp], NDArray[np.intp]]
    """Rows of the test part; near-duplicates are in the same half."""

    @classmethod
    def of(cls, setting: Setting, train: OutcomeTable, test: OutcomeTable, parts: Parts) -> _Bench:
        weights = np.vstack([np.ones(test.n_prompts), setting.weights[:, parts.test]])
        score, cost = column_means(train.score), column_means(train.cost)
        price = np.nan_to_num(cost, nan=np.inf)
        best = np.flatnonzero(score == np.nanmax(score))
        return cls(
            setting,
            test,
            weights / weights.sum(axis=1, keepdims=True),
            best=int(best[np.argmin(price[best])]),
            cheapest=int(np.argmin(price)),
            train_cost=cost,
            halves=_halves(setting.near_duplicates[parts.test]),
        )

    @property
    def best_quality(self) -> float:
        """Of the best single model of the training part."""
        return float(self.test.score[:, self.best].mean())

    @property
    def best_cost(self) -> float:
        """The same."""
        return float(self.test.cost[:, self.best].mean())

    def measured(self, deployed: Deployed) -> RouterSplit:
        """All figures of a router; see `RouterSplit`."""
        chosen = self._chosen(deployed)
        calibration = Calibration.of(np.clip(deployed.forecast.shown, 0.0, 1.0), self.test.score)
        return replace(
            self._figures(chosen, self.test.score, self.test.cost),
            routing_accuracy=self._right(chosen[0]),
            count=calibration.count.tolist(),
            expected=calibration.expected.tolist(),
            observed=calibration.observed.tolist(),
            squares=calibration.squares,
            gap=self._gap(deployed),
        )

    def replayed(
        self, replay: Replay, train: OutcomeTable, known: Embeddings, untold: Embeddings
    ) -> RouterSplit:
        """Figures of what decides otherwise than from a forecast; see `Replay`."""
        try:
            began = time.perf_counter()
            replay.fit(train, known)
            trained = time.perf_counter() - began
            began = time.perf_counter()
            played = replay.replay(self.test, untold)
            took = time.perf_counter() - began
        except ValueError as problem:
            return RouterSplit(problem=str(problem))
        return replace(
            self._curve(played.score, played.cost, self.test.score, self.test.cost),
            routing_accuracy=float((played.score[0] == self.test.score.max(axis=1)).mean()),
            train_seconds=trained,
            milliseconds=1000 * took / self.test.n_prompts / len(played.score),
        )

    def oracles(self, foretold: Floats) -> dict[str, RouterSplit]:
        """What one could have had, knowing the outcomes; and knowing all of them but their luck.

        Args:
            foretold: [n_test, n_models], the best forecast there is of these scores.
        """
        truth = Deployed(Forecast(score=self.test.score, cost=self.test.cost))
        chosen = self._chosen(truth)
        oracle = replace(
            self._figures(chosen, self.test.score, self.test.cost),
            routing_accuracy=1.0,
            gap=self._gap(truth),
        )
        expected = expected_scores(self.test.score, foretold)
        cost = np.broadcast_to(column_means(self.test.cost), expected.shape)
        chosen = self._chosen(Deployed(Forecast(score=expected, cost=cost)))
        return {
            ORACLE: oracle,
            CEILING: replace(
                self._figures(chosen, expected, cost), routing_accuracy=self._right(chosen[0])
            ),
        }

    def _chosen(self, deployed: Deployed) -> NDArray[np.intp]:
        """[n_settings, n_test], the first row at lambda 0; equal rows once."""
        chosen = [deployed.chosen(float(lambda_)) for lambda_ in self.setting.lambdas]
        rest = np.unique(np.array(chosen[1:] or chosen), axis=0)
        return np.vstack([chosen[:1], rest])

    def _figures(self, chosen: NDArray[np.intp], score: Floats, cost: Floats) -> RouterSplit:
        """Curve, areas and savings, found and under every bootstrap weight."""
        rows = np.arange(len(score))
        return self._curve(score[rows, chosen], cost[rows, chosen], score, cost)

    def _curve(self, got: Floats, spent: Floats, score: Floats, cost: Floats) -> RouterSplit:
        """The same of scores and costs [n_settings, n_test], the first row where only scores count."""
        quality = self.weights @ got.T
        if self.setting.c_min is None or self.setting.c_max is None:
            return RouterSplit(
                accuracy=float(quality[0, 0]), draws={"accuracy": quality[1:, 0].tolist()}
            )
        low, high = self.setting.c_min, self.setting.c_max
        paid = self.weights @ spent.T
        points = (
            np.vstack([spent, cost[:, self.cheapest]]),
            np.vstack([got, score[:, self.cheapest]]),
        )
        hulls = [hull(x, y) for x, y in zip(*(self.weights @ one.T for one in points), strict=True)]
        goal = self.weights @ self.test.score[:, self.best]
        price = self.weights @ self.test.cost[:, self.best]
        area = np.array([one.mean(low, high) for one in hulls])
        needed = np.array([one.cost_of(g) for one, g in zip(hulls, goal, strict=True)])
        with np.errstate(divide="ignore", invalid="ignore"):
            save = np.nan_to_num(1 - needed / price, nan=0.0, neginf=0.0)
        save[save < 1e-9] = 0.0
        held = self._held(*points)
        on_grid = np.array([one.at(self.setting.grid) for one in hulls])
        bounds = np.quantile(on_grid[1:], [0.025, 0.975], axis=0)
        return RouterSplit(
            accuracy=float(quality[0, 0]),
            cost=float(paid[0, 0]),
            aiq=float(area[0]),
            aiq_log=hulls[0].log_mean(low, high) if low > 0 else None,
            cost_save=float(save[0]),
            reached=bool(np.isfinite(needed[0])),
            hull_cost=hulls[0].cost.tolist(),
            hull_quality=hulls[0].quality.tolist(),
            quality=on_grid[0].tolist(),
            quality_low=bounds[0].tolist(),
            quality_high=bounds[1].tolist(),
            draws={
                "accuracy": quality[1:, 0].tolist(),
                "aiq": area[1:].tolist(),
                "cost_save": save[1:].tolist(),
                "held": held[1:].tolist(),
            },
            held=float(held[0]),
        )

    def _held(self, spent: Floats, got: Floats) -> Floats:
        """AIQ of what is picked on one half of the prompts and measured on the other, and the reverse.

        A hull takes the luckiest of many settings: where prompts tell nothing it lies above all of
        them by chance alone. Here luck on one half is worth nothing on the other.

        Args:
            spent, got: [n_settings, n_test].

        Returns:
            [1 + n_draws], what was found and under every bootstrap weight.
        """
        low, high = self.setting.c_min or 0.0, self.setting.c_max or 0.0
        areas = []
        for picked_on, measured_on in (self.halves, self.halves[::-1]):
            x, y = spent[:, picked_on].mean(axis=1), got[:, picked_on].mean(axis=1)
            best = hull(x, y)
            rows = [
                int(np.flatnonzero((x == c) & (y == q))[0])
                for c, q in zip(best.cost, best.quality, strict=True)
            ]
            weights = self.weights[:, measured_on]
            weights = weights / weights.sum(axis=1, keepdims=True)
            paid = weights @ spent[rows][:, measured_on].T
            quality = weights @ got[rows][:, measured_on].T
            order = np.argsort(paid, axis=1, kind="stable")
            paid, quality = (np.take_along_axis(one, order, axis=1) for one in (paid, quality))
            pairs = zip(paid, quality, strict=True)
            areas.append([mean_between(c, q, low, high) for c, q in pairs])
        return np.asarray(np.mean(areas, axis=0))

    def _gap(self, deployed: Deployed) -> Gap | None:
        """APGR and CPT as RouteLLM measures them: at thresholds that cut the prompts into tenths.

        The threshold is the gain in expected score from which on the strong model is called. What
        a guard holds back is held back at the setting of the dial that asks for that gain.
        """
        if self.test.n_models != 2:
            return None
        means = column_means(self.test.score)
        strong = self.best
        weak = 1 - strong
        if means[strong] <= means[weak]:
            return None
        forecast, guard = deployed.forecast, deployed.guard
        dearer = float(self.train_cost[strong] - self.train_cost[weak])
        gain = forecast.score[:, strong] - forecast.score[:, weak]
        cuts = np.unique(np.quantile(gain, np.linspace(0, 1, 11)))
        share, quality = [], []
        for cut in cuts:
            seen = gain
            if guard is not None and dearer > 0:
                view = guard.view(forecast, max(0.0, float(cut)) / dearer)
                seen = view.score[:, strong] - view.score[:, weak]
            calls = seen >= cut
            share.append(calls.mean())
            quality.append(
                np.where(calls, self.test.score[:, strong], self.test.score[:, weak]).mean()
            )
        curve = gap_curve(share, quality, weak=means[weak], strong=means[strong])
        return Gap(curve.apgr(), _or_none(curve.cpt(0.5)), _or_none(curve.cpt(0.8)))

    def _right(self, chosen: NDArray[np.intp]) -> float:
        got = self.test.score[np.arange(len(chosen)), chosen]
        return float((got == self.test.score.max(axis=1)).mean())


def _halves(clusters: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two halves of as many clusters, drawn by chance; of one cluster, of as many prompts."""
    names, code = np.unique(clusters, return_inverse=True)
    if len(names) == 1:
        names = code = np.arange(len(clusters))
    first = np.random.default_rng(0).permutation(len(names)) < len(names) // 2
    return np.flatnonzero(first[code]), np.flatnonzero(~first[code])


def _with_shares(setting: Setting, parts: Parts) -> OutcomeTable:
    """Where calls to the stronger of two models are counted, those as costs."""
    outcomes = setting.outcomes
    if setting.money != "calls":
        return outcomes
    strong = int(np.argmax(column_means(outcomes.score[parts.train])))
    cost = np.tile((np.arange(2) == strong).astype(np.float64), (outcomes.n_prompts, 1))
    return replace(outcomes, cost=cost)


def _regrets(
    deployed: Deployed,
    test: OutcomeTable,
    told: Embeddings,
    train: OutcomeTable,
    known: Embeddings,
) -> list[Regret]:
    chosen = deployed.chosen(0.0)
    rows = np.arange(test.n_prompts)
    got, expected = test.score[rows, chosen], deployed.forecast.shown[rows, chosen]
    regret = test.score.max(axis=1) - got
    # Of equal regrets, the one that was expected least comes first.
    worst = np.lexsort((-expected, -regret))[:_REGRETS]
    worst = worst[regret[worst] > 0]
    alike = told.vectors[worst] @ known.vectors.T
    near = np.argsort(-alike, axis=1)[:, :_NEIGHBOURS]
    price = np.nan_to_num(test.cost, nan=np.inf)
    found = []
    for place, row in enumerate(worst):
        best = np.flatnonzero(test.score[row] == test.score[row].max())
        found.append(
            Regret(
                prompt_id=test.prompt_ids[row],
                chosen=test.model_names[chosen[row]],
                best=test.model_names[best[np.argmin(price[row, best])]],
                chosen_score=float(got[row]),
                best_score=float(test.score[row].max()),
                expected=float(expected[row]),
                neighbours=[
                    (train.prompt_ids[seen], float(alike[place, seen])) for seen in near[place]
                ],
            )
        )
    return found


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
