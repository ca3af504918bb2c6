"""How many labels each selection method needs on a folder with predictions and labels."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from apps.catalog.readers import FileProblem
from apps.core.results import check_place, write_json
from apps.selection.methods.registry import DEFAULT
from apps.selection.replay import MethodOutcome, Outcome, Plan, read_collection, replay

_METHODS = f"{DEFAULT},margin,uncertainty,model_selector"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `apps.core.management.commands.bench.Study`."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="with predictions.npz, or predictions and labels as CSV or Parquet",
    )
    parser.add_argument("--methods", type=_names, default=_names(_METHODS), metavar="A,B")
    parser.add_argument("--pool", type=int, default=1000, metavar="N")
    parser.add_argument("--realisations", type=int, default=200, metavar="R")
    parser.add_argument("--budget", type=int, default=500, metavar="B")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--exclude-models", type=_names, default=(), metavar="A,B")
    parser.add_argument("--jobs", type=int, default=1, metavar="J", help="processes")
    parser.add_argument("--json", type=Path, metavar="FILE")


def run(say: Callable[[str], None], options: argparse.Namespace) -> None:
    """Replay the collection and print a line a method; the same as JSON where a file is named.

    Raises:
        ValueError: a folder, a file or an argument that cannot be used.
    """
    if not options.folder.is_dir():
        raise ValueError(f"There is no folder {options.folder}.")
    check_place(options.json)
    try:
        collection = read_collection(options.folder, exclude_models=options.exclude_models)
    except FileProblem as problem:
        raise ValueError(str(problem)) from problem
    table = collection.table
    say(
        f"{collection.name}: {table.n_models} models, {table.n_items:,} items, "
        f"{len(table.class_names):,} classes"
        + (
            f" ({collection.left_out:,} items without a label or an answer of some model left out)"
            if collection.left_out
            else ""
        )
    )
    plan = Plan(
        methods=options.methods,
        pool=options.pool,
        realisations=options.realisations,
        budget=options.budget,
        seed=options.seed,
    )
    outcome = replay(collection, plan, jobs=options.jobs)
    _report(say, outcome)
    write_json(options.json, outcome.as_dict())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _report(say: Callable[[str], None], outcome: Outcome) -> None:
    say(
        f"pools of {outcome.pool:,}, {outcome.realisations} realisations, seed {outcome.seed}, "
        f"at most {outcome.budget:,} labels; labels until 90% are right for good"
    )
    say(
        f"{'method':<21} {'best':>6} {'within 1%':>9} {'regret100':>9}   "
        f"{'stop: labels, right':<26} {'within 1%':<18} {'certificate':<18} {'ms':>7}"
    )
    for name, one in outcome.methods.items():
        say(_line(name, one))


def _line(name: str, one: MethodOutcome) -> str:
    found = one.as_dict()
    regret = found["cumulative_regret_100"]
    stops = [found["stopping"][rule] for rule in ("delta_0", "delta_1pct", "certificate")]
    said = [
        f"{_or_dash(rule['median_labels'])} "
        + ("" if rule["correct"] is None else f"{rule['correct']:.1%} of {rule['stopped']:.0%}")
        for rule in stops
    ]
    return (
        f"{name:<21} {_or_dash(found['labels_to_best_90']['sustained']):>6} "
        f"{_or_dash(found['labels_to_within_1pct_90']['sustained']):>9} "
        f"{'-' if regret is None else f'{regret:.1f}':>9}   {said[0]:<26} {said[1]:<18} "
        f"{said[2]:<18} {1000 * found['seconds_per_step']['median']:>7.2f}"
    )


def _or_dash(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
