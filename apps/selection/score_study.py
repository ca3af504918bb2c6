"""What the selection methods do by other scores than accuracy, at other alphas, and with prices."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from apps.catalog.readers import FileProblem
from apps.selection.replay import Plan, read_collection
from apps.selection.replay.scores import (
    ALPHAS,
    AT,
    COMPARED,
    WITHIN,
    ScoreOutcome,
    Stops,
    replay_scores,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `apps.core.management.commands.bench.Study`."""
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="with predictions.npz, or predictions and labels"
    )
    parser.add_argument("--pool", type=int, default=1000, metavar="N")
    parser.add_argument("--realisations", type=int, default=50, metavar="R")
    parser.add_argument("--budget", type=int, default=400, metavar="B")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--exclude-models", default="", metavar="A,B")


def run(say: Callable[[str], None], options: argparse.Namespace) -> None:
    """Replay the collection and print a line a score.

    Raises:
        ValueError: a folder or a file that cannot be used, or a size below 1.
    """
    excluded = [name.strip() for name in options.exclude_models.split(",") if name.strip()]
    try:
        collection = read_collection(options.folder, exclude_models=excluded)
    except FileProblem as problem:
        raise ValueError(str(problem)) from problem
    plan = Plan(COMPARED, options.pool, options.realisations, options.budget, options.seed)
    outcome = replay_scores(collection, plan)
    say(f"{collection.name}: {plan.realisations} pools of {plan.pool:,}, seed {plan.seed}")
    _report(say, outcome)


def _report(say: Callable[[str], None], outcome: ScoreOutcome) -> None:
    say(
        f"regret in points after {', '.join(map(str, AT))} labels: chosen by auto | drawn at random"
    )
    for name in dict.fromkeys(score for score, _ in outcome.regret):
        both = [
            " ".join(f"{value:6.2f}" for value in np.mean(outcome.regret[name, method], axis=0))
            for method in COMPARED
        ]
        stop = (
            f"   stop within 1 point: {_said(outcome.stops[name])}" if name in outcome.stops else ""
        )
        say(f"{name:<12} {both[0]} | {both[1]}{stop}")
    for delta in (0.0, WITHIN):
        said = "; ".join(
            f"alpha {alpha:g}: {_said(outcome.alphas[alpha, delta])}" for alpha in ALPHAS
        )
        say(f"accuracy, delta {delta:g}: {said}")
    say(f"a cheaper model called within 1 point of the best: {_said(outcome.cheap)}")


def _said(stops: Stops) -> str:
    labels = "-" if stops.median is None else f"{stops.median:,}"
    if not stops.stopped:
        return "never"
    return f"{labels} labels, {stops.share_right:.1%} right of {stops.stopped:.0%}"
