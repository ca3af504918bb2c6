"""How well routers do on a file of outcomes."""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from apps.catalog.readers import FileProblem
from apps.catalog.readers.outcomes import read_outcomes
from apps.catalog.tables import OutcomeTable
from apps.core.results import check_place, write_json
from apps.routing.encoders import Vectors, encoder
from apps.routing.evaluation import Evaluation, Plan, RouterResult, evaluate
from apps.routing.methods import registry
from apps.routing.methods.base import Embeddings

_FILES = ("outcomes.parquet", "outcomes.csv", "outcomes.tsv", "outcomes.jsonl")
_CHARACTERS_A_TOKEN = 4
_ASSUMED_OUTPUT = 200
"""Output tokens of an answer, where none were recorded and there is a price."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `apps.core.management.commands.bench.Study`."""
    parser.add_argument(
        "outcomes", type=Path, metavar="OUTCOMES", help="a file of outcomes, or a folder"
    )
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="USD per million tokens by model, as JSON"
    )
    parser.add_argument("--routers", type=_names, default=(), metavar="A,B")
    parser.add_argument("--encoder", default="minilm", metavar="NAME")
    parser.add_argument("--where", type=_condition, action="append", metavar="COLUMN=VALUE")
    parser.add_argument(
        "--split",
        default="group",
        metavar="SPLIT",
        help="random, group, unseen:COLUMN or transfer:COLUMN=TRAIN/TEST",
    )
    parser.add_argument("--splits", type=int, default=5, metavar="N")
    parser.add_argument("--exclude-models", type=_names, default=(), metavar="A,B")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--json", type=Path, metavar="FILE")


def run(say: Callable[[str], None], options: argparse.Namespace) -> None:
    """Evaluate and print a line a router; the same as JSON where a file is named.

    Raises:
        ValueError: a file or an argument that cannot be used.
    """
    check_place(options.json)
    table = _selected(_table(say, options.outcomes, options.prices), options)
    vectors, name, milliseconds = _encoded(table.prompts, options.encoder)
    default = (registry.DEFAULT,) if hasattr(registry, "DEFAULT") else tuple(registry.METHODS)
    plan = Plan(
        routers=options.routers or default,
        split=options.split,
        splits=options.splits,
        seed=options.seed,
    )
    result = evaluate(table, Embeddings(table.prompts, vectors, name), plan)
    _report(say, result)
    if milliseconds is not None:
        say(f"encoder {name}: {milliseconds:.1f} ms a prompt, in batches")
    write_json(options.json, as_json(result))


def as_json(result: Evaluation) -> dict[str, Any]:
    """What `--json` writes; null where a figure does not apply."""
    return {
        "prompts": result.prompts,
        "models": len(result.models),
        "split": result.split,
        "splits": result.splits,
        "seed": result.seed,
        "encoder": result.encoder,
        "money": result.money,
        "c_min": result.c_min,
        "c_max": result.c_max,
        "leak": result.leak,
        "routers": {name: _router_json(one) for name, one in result.routers.items()},
        "verdict": result.verdict,
    }


def _router_json(one: RouterResult) -> dict[str, Any]:
    if one.problem is not None:
        return {"problem": one.problem}
    gain, against_best = one.aiq_minus_zero, one.accuracy_minus_best
    return {
        "accuracy": one.accuracy,
        "aiq": one.aiq,
        "aiq_log": one.aiq_log,
        "aiq_minus_zero": None
        if gain is None
        else {**vars(gain), "worst_split": one.worst_aiq_minus_zero},
        "accuracy_minus_best": None if against_best is None else vars(against_best),
        "cost_save": one.cost_save,
        "apgr": one.apgr,
        "cpt": one.cpt,
        "brier": one.brier,
        "ece": one.ece,
        "routing_accuracy": one.routing_accuracy,
        "train_seconds": one.train_seconds,
        "milliseconds_per_prompt": one.milliseconds_per_prompt,
    }


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _condition(text: str) -> tuple[str, str]:
    column, separator, value = text.partition("=")
    if not separator or not column:
        raise argparse.ArgumentTypeError(f"“{text}” is not COLUMN=VALUE")
    return column, value


def _table(say: Callable[[str], None], path: Path, prices: Path | None) -> OutcomeTable:
    """The outcomes with their costs."""
    file = path
    if path.is_dir():
        # A packed file is found too, so that its reader says what is to be done; else the folder as
        # it is: samples of lm-evaluation-harness, RouteLLM's tables.
        names = (*_FILES, *(f"{name}.gz" for name in _FILES))
        file = next((path / name for name in names if (path / name).is_file()), path)
        beside = path / "prices.json"
        prices = prices or (beside if beside.is_file() else None)
    elif not path.is_file():
        raise ValueError(f"There is no file {path}.")
    try:
        table = read_outcomes(file)
    except FileProblem as problem:
        raise ValueError(str(problem)) from problem
    if prices is None or not np.isnan(table.cost).all():
        return table
    return _priced(say, table, _prices(prices))


def _prices(path: Path) -> dict[str, tuple[float, float]]:
    """USD per million tokens in and out, by model."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        prices = {
            str(model): (float(price["input_usd_per_1m"]), float(price["output_usd_per_1m"]))
            for model, price in found.items()
        }
    except OSError as problem:
        raise ValueError(f"{path} cannot be read: {problem.strerror}.") from problem
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise ValueError(
            f'{path.name}: {{"MODEL": {{"input_usd_per_1m": 1, "output_usd_per_1m": 2}}}} was '
            "expected."
        ) from problem
    for model, price in prices.items():
        if not all(0 <= one < float("inf") for one in price):
            raise ValueError(f"{path.name}: the price of `{model}` must be a number, 0 or more.")
    return prices


def _priced(
    say: Callable[[str], None], table: OutcomeTable, prices: dict[str, tuple[float, float]]
) -> OutcomeTable:
    """Costs from tokens; what was not recorded is assumed, and said."""
    tokens_in, tokens_out = table.in_tokens, table.out_tokens
    if tokens_in is None:
        lengths = [-(-len(prompt) // _CHARACTERS_A_TOKEN) for prompt in table.prompts]
        tokens_in = np.tile(np.array(lengths, dtype=np.float64)[:, None], (1, table.n_models))
        say(f"input tokens were not recorded: a token for {_CHARACTERS_A_TOKEN} characters assumed")
    if tokens_out is None:
        tokens_out = np.full(table.score.shape, float(_ASSUMED_OUTPUT))
        say(f"output tokens were not recorded: {_ASSUMED_OUTPUT} an answer assumed")
    unknown = (np.nan, np.nan)
    price = np.array([prices.get(model, unknown) for model in table.model_names])
    return replace(table, cost=(tokens_in * price[:, 0] + tokens_out * price[:, 1]) / 1e6)


def _selected(table: OutcomeTable, options: argparse.Namespace) -> OutcomeTable:
    """Without the models and prompts that were not asked for."""
    for model in options.exclude_models:
        if model not in table.model_names:
            raise ValueError(f"There is no model `{model}` to leave out.")
    keep = np.ones(table.n_prompts, dtype=bool)
    for column, value in options.where or ():
        if column not in table.groups:
            known = ", ".join(table.groups) or "none"
            raise ValueError(f"There is no column `{column}`; there are: {known}.")
        keep &= np.array(table.groups[column]) == value
        if not keep.any():
            raise ValueError(f"No prompt has {column}={value}.")
    models = [j for j, name in enumerate(table.model_names) if name not in options.exclude_models]
    if not models:
        raise ValueError("Every model is left out.")
    return table.subset(prompts=keep, models=models)


def _encoded(prompts: Sequence[str], name: str) -> tuple[Vectors, str, float | None]:
    """Vectors, the encoder's full name and milliseconds a prompt; kept for the next run."""
    known = encoder(name)
    digest = hashlib.sha256(known.name.encode())
    for prompt in prompts:
        digest.update(b"\0" + prompt.encode("utf-8", "surrogatepass"))
    folder = Path(tempfile.gettempdir()) / "assay-bench"
    folder.mkdir(exist_ok=True)
    path = folder / f"{digest.hexdigest()[:32]}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False), known.name, None
    began = time.perf_counter()
    vectors = known.encode(prompts)
    milliseconds = 1000 * (time.perf_counter() - began) / len(prompts)
    np.save(path, vectors, allow_pickle=False)
    return vectors, known.name, milliseconds


def _report(say: Callable[[str], None], result: Evaluation) -> None:
    say(
        f"{result.tested:,} prompts, {len(result.models)} models, {result.splits} splits "
        f"({result.split}), encoder {result.encoder}, seed {result.seed}; "
        f"{result.leak:.1%} of the test prompts have a near-duplicate in training"
    )
    if result.c_min is not None:
        unit = "calls to the stronger model" if result.money == "calls" else "USD a prompt"
        say(f"c_min {result.c_min:.3g}, c_max {result.c_max:.3g} {unit}; AIQ x100")
    say(
        f"{'router':<22} {'accuracy':>12} {'AIQ':>12} {'AIQ - zero':>22} {'worst':>6} "
        f"{'saved':>14} {'APGR':>5} {'CPT50':>5} {'CPT80':>5} {'Brier':>5} {'ECE':>5} {'hit':>5} "
        f"{'fit s':>6} {'ms':>6}"
    )
    for name, one in result.routers.items():
        say(f"{name:<22} {one.problem or _figures(one, result.splits)}")
    say(result.verdict)


def _figures(one: RouterResult, splits: int) -> str:
    gain, saved, cpt = one.aiq_minus_zero, one.cost_save, one.cpt or {}
    against = "-" if gain is None else f"{gain.mean:+.2f} ({gain.low:+.2f} {gain.high:+.2f})"
    money = "-" if saved is None else f"{saved['mean']:.0%} ({saved['splits_reached']}/{splits})"
    return (
        f"{_spread(one.accuracy):>12} {_spread(one.aiq):>12} {against:>22} "
        f"{_or_dash(one.worst_aiq_minus_zero, '+.2f'):>6} {money:>14} "
        f"{_or_dash(one.apgr, '.3f'):>5} {_or_dash(cpt.get('50'), '.1f'):>5} "
        f"{_or_dash(cpt.get('80'), '.1f'):>5} {_or_dash(one.brier, '.3f'):>5} "
        f"{_or_dash(one.ece, '.3f'):>5} {_or_dash(one.routing_accuracy, '.3f'):>5} "
        f"{_or_dash(one.train_seconds, '.2f'):>6} {_or_dash(one.milliseconds_per_prompt, '.2f'):>6}"
    )


def _spread(value: dict[str, float | None] | None) -> str:
    if value is None:
        return "-"
    return f"{value['mean']:.2f}" + ("" if value["sd"] is None else f" ±{value['sd']:.2f}")


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
