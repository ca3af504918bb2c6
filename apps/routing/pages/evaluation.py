"""The page of an evaluation: its verdict, its table, its dial, its regrets, its calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.utils.safestring import SafeString

from apps.catalog.money import PriceUnit
from apps.core import twins
from apps.core.prose import plain
from apps.core.templatetags.assay import prose
from apps.routing.pages import charts, words
from apps.routing.pages.figures import forest, forest_axis, reliability

SHOWN_REGRETS = 10
DIAL_STEPS = 40


@dataclass(frozen=True)
class Row:
    """One router of the table. Texts are ready to be shown; an empty one is not applicable."""

    name: str
    title: str
    about: str
    kind: str
    problem: str
    quality: str
    against_best: str
    aiq: str
    against_zero: str
    plot: SafeString
    saved: str
    ece: str
    right: str
    milliseconds: str


@dataclass(frozen=True)
class ModelRow:
    """One single model."""

    name: str
    quality: str
    cost: str
    best: bool


@dataclass(frozen=True)
class Dial:
    """What a budget buys. `step` of DIAL_STEPS stands on the slider; texts are ready to be shown."""

    step: int
    steps: int
    budget: str
    quality: str
    interval: str
    zero: str
    best: str
    saved: str
    url: str
    asked: bool  # by the address; else where it stands by itself


@dataclass(frozen=True)
class Neighbour:
    """A training prompt near one that was lost; `alike` is the cosine."""

    text: str
    alike: str


@dataclass(frozen=True)
class RegretRow:
    """A prompt on which the router did worse than it could have."""

    text: str
    chosen: str
    chosen_score: str
    best: str
    best_score: str
    expected: str
    neighbours: list[Neighbour]


@dataclass(frozen=True)
class EvaluationPage:
    """One reader's view of a result. `url` is the page's own address, `chart_url` the SVG's.

    `drawn`: charts and files are part of what the reader gets; `prompts`: so are prompts.
    """

    name: str
    result: dict[str, Any]
    url: str
    chart_url: str
    dial: Dial | None
    shared: bool
    drawn: bool = True
    prompts: bool = True
    terms: list[tuple[str, str]] = field(default_factory=lambda: words.TERMS)

    @property
    def sentence(self) -> SafeString:
        """The verdict as HTML."""
        return prose(self.result["verdict"])

    @property
    def title(self) -> str:
        """The verdict as plain text, for previews of a link."""
        return plain(self.result["verdict"])

    @property
    def has_chart(self) -> bool:
        """Whether there are costs to draw."""
        return charts.drawable(self.result)

    @property
    def twins(self) -> list[tuple[str, str]]:
        """The same view as files: names and addresses."""
        if not self.drawn:
            return []
        query = f"?dial={self.dial.step}" if self.dial and self.dial.asked else ""
        return twins.links(self.url, drawn=self.has_chart, query=query, card=not self.shared)

    @property
    def chart_text(self) -> str:
        """The chart in a sentence."""
        return charts.describe(self.result)

    @property
    def cautions(self) -> list[str]:
        """What limits the verdict."""
        lines = [words.unseen_text(self.result)]
        if self.result["leak"] >= words.LEAK_THAT_MATTERS:
            lines.append(words.leak_text(self.result))
        unrun = self.result["prompts"] - self.result["tested"]
        if unrun:
            lines.append(
                f"{unrun:,} prompts on which some model was not run are learnt from, never tested on."
            )
        return [line for line in lines if line]

    @property
    def support(self) -> list[str]:
        """What the verdict rests on: the best single model and its cost, and the router beside it."""
        return words.support_lines(self.result)

    @property
    def leak(self) -> str:
        """What the leak check found."""
        return words.leak_text(self.result)

    @property
    def split(self) -> str:
        """How prompts were parted."""
        return words.split_text(self.result)

    @property
    def subject(self) -> str:
        """The router that the verdict is about."""
        return words.title(self.result["subject"])

    @property
    def unit(self) -> PriceUnit | None:
        """The unit of costs; None where they are shares of calls or unknown."""
        return words.unit_of(self.result)

    @property
    def bounds(self) -> str:
        """Between which costs areas are taken."""
        if self.result["c_min"] is None:
            return ""
        low, high = (words.cost_text(self.result, self.result[key]) for key in ("c_min", "c_max"))
        return f"{low} to {high}" + (f" {self.unit.name}" if self.unit else " of the calls")

    @property
    def axis(self) -> SafeString:
        """The head of the forest plot."""
        return forest_axis(*self._reach)

    @property
    def rows(self) -> list[Row]:
        """The routers, the subject first, then others by AIQ, null models, oracles."""
        routers: dict[str, Any] = self.result["routers"]

        def place(name: str) -> tuple[int, float]:
            aiq = (routers[name]["aiq"] or routers[name]["accuracy"] or {"mean": 0})["mean"]
            order = {"subject": 0, "router": 1, "null": 2, "oracle": 3}
            return order[self._kind(name)], -aiq

        return [self._row(name) for name in sorted(routers, key=place)]

    @property
    def models(self) -> list[ModelRow]:
        """The single models, best first."""
        return [
            ModelRow(
                model["name"],
                f"{model['accuracy']:.1f}",
                words.cost_text(self.result, model["cost"]),
                place == 0,
            )
            for place, model in enumerate(words.models_by_quality(self.result))
        ]

    @property
    def regrets(self) -> list[RegretRow]:
        """The largest regrets of the first split."""
        texts = self.result["texts"]
        return [
            RegretRow(
                text=texts.get(regret["prompt_id"], regret["prompt_id"]),
                chosen=regret["chosen"],
                chosen_score=f"{regret['chosen_score']:.2g}",
                best=regret["best"],
                best_score=f"{regret['best_score']:.2g}",
                expected=f"{100 * regret['expected']:.0f}%",
                neighbours=[
                    Neighbour(texts.get(prompt, prompt), f"{alike:.2f}")
                    for prompt, alike in regret["neighbours"]
                ],
            )
            for regret in self.result["regrets"][:SHOWN_REGRETS]
        ]

    @property
    def bins(self) -> list[dict[str, str]]:
        """The calibration of the subject as a table."""
        found = self.result["routers"][self.result["subject"]]["reliability"]
        return [
            {
                "count": f"{one['count']:,.0f}",
                "expected": f"{100 * one['expected']:.0f}%",
                "observed": f"{100 * one['observed']:.0f}%",
            }
            for one in found
        ]

    @property
    def calibration(self) -> SafeString:
        """The calibration of the subject as a picture."""
        return reliability(self.result["routers"][self.result["subject"]]["reliability"])

    @property
    def ece(self) -> str:
        """Its expected calibration error, in points."""
        ece = self.result["routers"][self.result["subject"]]["ece"]
        return "" if ece is None else f"{100 * ece:.1f}"

    def _kind(self, name: str) -> str:
        if name == self.result["subject"]:
            return "subject"
        if name.startswith("oracle"):
            return "oracle"
        return "null" if name in words.NULL_CURVES else "router"

    @property
    def _reach(self) -> tuple[float, float]:
        """The ends of the common axis of differences, in points."""
        known = [
            value
            for name, router in self.result["routers"].items()
            if self._kind(name) != "oracle" and (gain := _gain(router))
            for value in (gain["low"], gain["high"])
        ]
        low, high = min([-1.0, *known]), max([1.0, *known])
        return float(np.floor(max(low, -20))), float(np.ceil(min(high, 20)))

    def _row(self, name: str) -> Row:
        router = self.result["routers"][name]
        saved = router["cost_save"]
        kind = self._kind(name)
        gain = _gain(router)
        shown = gain is not None and kind != "oracle" and name != "zero"
        return Row(
            name=name,
            title=words.title(name),
            about=words.ABOUT.get(name, ""),
            kind=kind,
            problem=router["problem"] or "",
            quality=_points(router["accuracy"]),
            against_best="" if name == "best-single" else _estimate(router["accuracy_minus_best"]),
            aiq=_points(router["aiq"]),
            against_zero="" if name == "zero" else _estimate(router["aiq_minus_zero"]),
            plot=forest(gain, *self._reach) if gain and shown else SafeString(""),
            saved=(
                ""
                if not saved or kind == "oracle" or name == "best-single"
                else f"{100 * saved['mean']:.0f}% ({100 * saved['low']:.0f} to {100 * saved['high']:.0f})"
            ),
            ece="" if router["ece"] is None else f"{100 * router['ece']:.1f}",
            right=""
            if router["routing_accuracy"] is None
            else f"{100 * router['routing_accuracy']:.0f}%",
            milliseconds=(
                ""
                if router["milliseconds_per_prompt"] is None or kind == "null"
                else f"{router['milliseconds_per_prompt']:.2g}"
            ),
        )


def _gain(router: Mapping[str, Any]) -> dict[str, float] | None:
    """The difference that the plot shows: of AIQ to the zero router; without costs, of quality."""
    gain: dict[str, float] | None = router["aiq_minus_zero"] or router["accuracy_minus_best"]
    return gain


def _points(value: Mapping[str, float | None] | None) -> str:
    if value is None:
        return ""
    spread = "" if value["sd"] is None else f" ± {value['sd']:.1f}"
    return f"{value['mean']:.1f}{spread}"


def _estimate(value: Mapping[str, float] | None) -> str:
    if value is None:
        return ""
    return f"{value['mean']:+.1f} ({value['low']:+.1f} to {value['high']:+.1f})".replace("-", "−")


def dial_of(result: dict[str, Any], asked: str, url: str) -> Dial | None:
    """What a budget buys by the curve of the subject; None where no costs are known."""
    curve = result["routers"][result["subject"]]["curve"]
    if not curve or not curve["quality"] or result["money"] == "none":
        return None
    best = words.models_by_quality(result)[0]
    step = _asked_step(asked, _step_of(result, best["cost"] / 2))
    budget = budget_at(result, step)
    grid = result["grid"]

    def at(name: str, key: str = "quality") -> float:
        return float(np.interp(budget, grid, result["routers"][name]["curve"][key]))

    subject = result["subject"]
    unit = words.unit_of(result)
    saved = 1 - budget / best["cost"] if best["cost"] else 0.0
    more = "less" if saved > 0 else "more"
    return Dial(
        step=step,
        steps=DIAL_STEPS,
        budget=words.cost_text(result, budget) + (f" {unit.name}" if unit else " of the calls"),
        quality=f"{at(subject):.1f}",
        interval=f"{at(subject, 'low'):.1f} to {at(subject, 'high'):.1f}",
        zero=f"{at('zero'):.1f}" if result["routers"]["zero"]["curve"] else "",
        best=f"{best['name']}, {best['accuracy']:.1f} points",
        saved=f"{100 * abs(saved):.0f}% {more} than {best['name']}" if abs(saved) > 0.005 else "",
        url=url,
        asked=bool(asked),
    )


def budget_at(result: dict[str, Any], step: int) -> float:
    """The budget a prompt at a step of the dial: even in the logarithm where costs differ much."""
    low, high = result["c_min"], result["c_max"]
    share = step / DIAL_STEPS
    if low > 0 and high / low > 5:
        return float(low * (high / low) ** share)
    return float(low + (high - low) * share)


def _step_of(result: dict[str, Any], budget: float) -> int:
    budgets = [budget_at(result, step) for step in range(DIAL_STEPS + 1)]
    return int(np.searchsorted(budgets, budget).clip(0, DIAL_STEPS))


def _asked_step(asked: str, default: int) -> int:
    return min(int(asked), DIAL_STEPS) if asked.isdecimal() and len(asked) < 4 else default


def evaluation_page(
    *,
    name: str,
    result: dict[str, Any],
    asked: str,
    url: str,
    chart_url: str,
    shared: bool = False,
    drawn: bool = True,
    prompts: bool = True,
) -> EvaluationPage:
    """The view-model of an evaluation's page; `asked` is the step of the dial in the address."""
    dial = dial_of(result, asked, url)
    return EvaluationPage(name, result, url, chart_url, dial, shared, drawn, prompts)
