"""Decides where a prompt goes. Routers stay loaded in the process that serves them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from apps.catalog.models import CandidateModel
from apps.catalog.tables import Mask
from apps.core.metrics import DECISIONS
from apps.routing.bundle import Bundle
from apps.routing.decision import (
    Decision,
    Dial,
    ModelFacts,
    eligible,
    explain,
    penalties,
)
from apps.routing.decision.choice import a_prompt
from apps.routing.encoders import encoder
from apps.routing.flags import read_flags
from apps.routing.methods.base import Embeddings, Forecast
from apps.routing.models import Router, RouterVersion

LONGEST = 200_000
"""Characters of a prompt."""

_OWN_MACHINES = {"self-hosted", "self hosted", "on-premise", "local"}  # tags that say so
_HELD = 4  # bundles in a process; one of 5,000 prompts x 30 models takes some 20 MB


@dataclass(frozen=True)
class Expected:
    """What is expected of one model on one prompt; None where unknown.

    Attributes:
        score: the calibrated expected score, 0..1.
        error: its standard error.
        cost: US dollars.
    """

    model: str
    score: float
    error: float | None
    cost: float | None
    chosen: bool
    allowed: bool


@dataclass(frozen=True)
class Routed:
    """A decision and everything it rests on.

    Attributes:
        forecast: every model, in the router's order.
        lambda_: the setting of the dial, in score per US dollar.
        budget: US dollars a prompt that the dial was set for; None where it was set directly.
        flags: what the prompt asked for, in words.
        milliseconds: from the text to the decision, encoder included.
    """

    version: RouterVersion
    decision: Decision
    forecast: tuple[Expected, ...]
    lambda_: float
    budget: float | None
    flags: tuple[str, ...]
    milliseconds: float


_bundles: OrderedDict[UUID, Bundle] = OrderedDict()
_lock = threading.Lock()


def bundle_of(version: RouterVersion) -> Bundle:
    """The loaded router of a version; the four used last stay loaded."""
    with _lock:
        if version.pk in _bundles:
            _bundles.move_to_end(version.pk)
            return _bundles[version.pk]
    bundle = Bundle.open(version.artifacts)
    with _lock:
        _bundles[version.pk] = bundle
        while len(_bundles) > _HELD:
            _bundles.popitem(last=False)
    return bundle


def checked_prompt(prompt: str) -> str:
    """The prompt, if a router can read it.

    Raises:
        ValueError: empty, too long, or half a character.
    """
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise ValueError("The prompt holds something that is no character of Unicode.") from error
    if not prompt.strip():
        raise ValueError("The prompt is empty: there is nothing to decide on.")
    if len(prompt) > LONGEST:
        raise ValueError(
            f"The prompt has {len(prompt):,} characters; a router reads at most {LONGEST:,}."
        )
    return prompt


def setting(
    bundle: Bundle,
    *,
    lambda_: float | None,
    budget: float | None,
    allowed: Mask | None = None,
) -> float:
    """Where the dial stands: as asked for, for a budget a prompt, or at the router's default.

    Args:
        allowed: [n_models], which models flags leave; all where None.

    Raises:
        ValueError: both are given, a budget below the cheapest model that is left, or costs are
            unknown.
    """
    if lambda_ is not None and budget is not None:
        raise ValueError("Give a budget or a setting of the dial (lambda), not both.")
    if budget is not None:
        aim = dial_of(bundle).aim(budget)
        if allowed is not None:
            _check_affordable(bundle, budget, allowed)
        return aim.draw(np.random.default_rng())
    return bundle.default if lambda_ is None else lambda_


def _check_affordable(bundle: Bundle, budget: float, allowed: Mask) -> None:
    """Flags can leave only models that the budget does not pay for."""
    cost = np.where(allowed, bundle.guard.cost, np.inf)
    cheapest = int(np.argmin(cost))
    if budget < cost[cheapest] * (1 - 1e-9):
        raise ValueError(
            f"A budget of {a_prompt(budget)} is below the cheapest model that the flags leave: "
            f"{bundle.model_names[cheapest]} costs {a_prompt(float(cost[cheapest]))}."
        )


def dial_of(bundle: Bundle) -> Dial:
    """The budget dial. Raises ValueError where a model's cost is unknown."""
    if bundle.dial is None:
        names, costs = bundle.guard.model_names, bundle.guard.cost
        unknown = ", ".join(f"`{names[place]}`" for place in np.flatnonzero(np.isnan(costs)))
        raise ValueError(
            f"No budget can be kept: the cost of {unknown} is unknown. Give the model its price and "
            "train the router again."
        )
    return bundle.dial


def route(
    router: Router,
    prompt: str,
    *,
    lambda_: float | None = None,
    budget: float | None = None,
    flags: Sequence[str] = (),
) -> Routed:
    """Decide where a prompt goes; /metrics counts each, by whether it was decided or refused.

    Args:
        lambda_: what a US dollar saved is worth in expected score, at least 0.
        budget: US dollars a prompt on average, instead of `lambda_`.
        flags: wishes and limits beside those written in the prompt as `[Flag: ...]`.

    Raises:
        ValueError: one sentence: no trained version, an empty or overlong prompt, an unknown flag, a
            budget below the cheapest model, or constraints that no model meets.
    """
    try:
        routed = _route(router, prompt, lambda_=lambda_, budget=budget, flags=flags)
    except ValueError:
        DECISIONS.labels("refused").inc()
        raise
    DECISIONS.labels("decided").inc()
    return routed


def _route(
    router: Router,
    prompt: str,
    *,
    lambda_: float | None,
    budget: float | None,
    flags: Sequence[str],
) -> Routed:
    version = router.current
    if version is None:
        raise ValueError("This router has not been trained yet, so it cannot decide.")
    bundle = bundle_of(version)
    began = time.perf_counter()
    text, asked, said = read_flags(checked_prompt(prompt), flags)
    checked_prompt(text)
    facts = _facts(router, bundle) if said else []
    allowed = eligible(facts, asked) if said else None
    penalty = penalties(facts, asked) if said else None
    at = setting(bundle, lambda_=lambda_, budget=budget, allowed=allowed)
    vectors = encoder(bundle.encoder).encode([text])
    forecast = bundle.router.forecast(Embeddings((text,), vectors, bundle.encoder))
    (decision,) = explain(
        forecast, bundle.model_names, at, guard=bundle.guard, allowed=allowed, penalty=penalty
    )
    milliseconds = (time.perf_counter() - began) * 1000
    return Routed(
        version=version,
        decision=decision,
        forecast=_expected(bundle, forecast, decision, allowed),
        lambda_=at,
        budget=budget,
        flags=said,
        milliseconds=milliseconds,
    )


def _expected(
    bundle: Bundle, forecast: Forecast, decision: Decision, allowed: Mask | None
) -> tuple[Expected, ...]:
    shown = forecast.shown[0]
    error = None if forecast.error is None else forecast.error[0]
    return tuple(
        Expected(
            model=name,
            score=float(shown[place]),
            error=None if error is None or np.isnan(error[place]) else float(error[place]),
            cost=None if np.isnan(forecast.cost[0, place]) else float(forecast.cost[0, place]),
            chosen=place == decision.model,
            allowed=allowed is None or bool(allowed[place]),
        )
        for place, name in enumerate(bundle.model_names)
    )


def _facts(router: Router, bundle: Bundle) -> list[ModelFacts]:
    """What the catalog and the outcomes tell of each model, in the router's order."""
    rows = CandidateModel.objects.filter(team=router.team_id, name__in=bundle.model_names)
    known = {row.name: row for row in rows}
    return [_fact(name, known.get(name), bundle) for name in bundle.model_names]


def _fact(name: str, model: CandidateModel | None, bundle: Bundle) -> ModelFacts:
    tags = {str(tag).casefold() for tag in model.tags} if model else set()
    return ModelFacts(
        name=name,
        parameters=model.parameters if model else None,
        released=model.released_on if model else None,
        licence=(model.licence or None) if model else None,
        self_hosted=None if not tags else bool(tags & _OWN_MACHINES),
        latency_ms=bundle.latency_ms.get(name),
        output_tokens=bundle.output_tokens.get(name),
    )
