"""The page of a router and of one decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from apps.catalog.money import PriceUnit
from apps.routing import queries
from apps.routing.models import Router, RouterVersion
from apps.routing.pages.figures import two_curves
from apps.routing.pages.words import title
from apps.routing.serving import Routed


@dataclass(frozen=True)
class VersionRow:
    """A version of a router in its list."""

    version: RouterVersion
    serves: bool
    score: str
    cost: str
    against: str


@dataclass(frozen=True)
class Joined:
    """What a model that joined brought, on the prompts it joined by."""

    sentence: str
    svg: SafeString
    rows: list[tuple[str, str, str]]


@dataclass(frozen=True)
class RouterPage:
    """What serves, and every version. `sentence`: what the serving one did on prompts held out."""

    sentence: str
    method: str
    stale: bool
    unit: str
    versions: list[VersionRow]
    joined: Joined | None


def router_page(router: Router) -> RouterPage:
    """The view-model of a router's page."""
    versions = list(router.versions.all())
    costs = [version.facts.get("cost") or version.facts.get("best_cost") for version in versions]
    unit = PriceUnit.of(costs)
    current = router.current
    fresh = current is None or current.inputs_hash == queries.digest_of(
        queries.router_inputs(router)
    )
    return RouterPage(
        sentence=_sentence(current.facts, unit) if current else "",
        method=title(router.method),
        stale=not fresh and not (current and current.added_model),
        unit=unit.name,
        versions=[_row(version, router, unit) for version in versions],
        joined=_joined(current.facts.get("joined"), unit) if current else None,
    )


def _joined(curve: dict[str, Any] | None, unit: PriceUnit) -> Joined | None:
    if not curve:
        return None
    gain = {key: values[0] for key, values in curve["gain"].items()}
    said = "No difference can be told"
    if gain["low"] > 0 or gain["high"] < 0:
        said = f"Quality at equal cost {'rose' if gain['mean'] > 0 else 'fell'}"
    said += f": {gain['mean']:+.1f} points ({gain['low']:+.1f} to {gain['high']:+.1f})"

    def at(which: str, place: int) -> str:
        mean, low, high = (curve[which][key][place] for key in ("mean", "low", "high"))
        return f"{mean:.1f} ({low:.1f} to {high:.1f})"

    places = range(0, len(curve["grid"]), 4)
    return Joined(
        sentence=(
            f"{said.replace('-', '−')} on the {curve['prompts']} prompts it joined by, each foretold "
            "without its own outcome. Those prompts were chosen, so elsewhere the difference is "
            "likely smaller."
        ),
        svg=two_curves(curve),
        rows=[
            (unit.amount(curve["grid"][place]), at("before", place), at("after", place))
            for place in places
        ],
    )


def _sentence(facts: dict[str, Any], unit: PriceUnit) -> str:
    """`On prompts held out it scored 84.1 points for $1.20 per 1,000 calls, 40% less than ...`"""
    if facts.get("score") is None:
        return ""
    said = f"On prompts held out it scored {100 * facts['score']:.1f} points"
    best = f"`{facts['best']}`, the best single model, scored {100 * facts['best_score']:.1f}"
    if facts.get("cost") is None or facts.get("best_cost") is None:
        return f"{said}; {best}."
    saved = 1 - facts["cost"] / facts["best_cost"] if facts["best_cost"] else 0.0
    paid, dear = unit.text(facts["cost"]), unit.text(facts["best_cost"])
    if saved <= 0.005:
        return f"{said} for {paid}; {best} for {dear}."
    single = (
        f"`{facts['best']}`, the best single model, which scored {100 * facts['best_score']:.1f}"
    )
    return f"{said} for {paid}, {100 * saved:.0f}% less than {single} for {dear}."


def _row(version: RouterVersion, router: Router, unit: PriceUnit) -> VersionRow:
    facts = version.facts
    score, cost = facts.get("score"), facts.get("cost")
    return VersionRow(
        version=version,
        serves=router.current_id == version.pk,
        score="unknown" if score is None else f"{100 * score:.1f}",
        cost="unknown" if cost is None else unit.amount(cost),
        against=(
            f"{facts['best']}, {100 * facts['best_score']:.1f}" if facts.get("best_score") else ""
        ),
    )


@dataclass(frozen=True)
class ExpectedRow:
    """What is expected of a model on the prompt."""

    model: str
    score: str
    error: str
    cost: str
    meter: int
    chosen: bool
    allowed: bool


@dataclass(frozen=True)
class RoutedPage:
    """A decision, ready to be shown."""

    model: str
    reason: str
    milliseconds: str
    number: int
    unit: str
    flags: tuple[str, ...]
    rows: list[ExpectedRow]


def routed_page(routed: Routed) -> RoutedPage:
    """The view-model of a decision: models by what is expected of them."""
    unit = PriceUnit.of(one.cost for one in routed.forecast)
    return RoutedPage(
        model=routed.decision.name,
        reason=routed.decision.reason,
        milliseconds=f"{routed.milliseconds:.1f}",
        number=routed.version.number,
        unit=unit.name,
        flags=routed.flags,
        rows=[
            ExpectedRow(
                model=one.model,
                score=f"{100 * one.score:.0f}%",
                error="" if one.error is None else f"± {100 * one.error:.0f}",
                cost="unknown" if one.cost is None else unit.amount(one.cost),
                meter=round(100 * one.score),
                chosen=one.chosen,
                allowed=one.allowed,
            )
            for one in sorted(routed.forecast, key=lambda one: -one.score)
        ],
    )
