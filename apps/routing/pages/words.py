"""Sentences and names for an evaluation's numbers. Pure: no database, no HTML."""

from __future__ import annotations

from typing import Any

from apps.catalog.money import PriceUnit
from apps.core.prose import name

TITLES = {
    "best-single": "best single model",
    "zero": "zero router",
    "random-mix": "random mix",
    "prompt-length": "prompt length",
    "task-table": "task table",
    "oracle": "oracle",
    "oracle-noise-adjusted": "oracle without luck",
    "matrix-factorisation": "matrix factorisation",
    "llm-bandit": "LLM Bandit",
    "tryage": "Tryage",
    "knn": "nearest neighbours",
    "kmeans": "k-means",
    "mirt": "MIRT",
    "mlp": "MLP",
    "linear": "linear",
    "logistic": "logistic",
    "auto": "auto",
    "cascade": "cascade",
}
"""What routers are called on pages, by their names in the registry."""

NULL_CURVES = frozenset({"best-single", "zero", "random-mix", "prompt-length", "task-table"})
"""What one gets without looking at what the prompt says."""

ABOUT = {
    "best-single": "one model for every prompt: the best on the training part",
    "zero": "a mixture of single models chosen on the training part, whatever the prompt says",
    "random-mix": "a model by lot for each prompt, a cheap one the likelier the more money counts",
    "prompt-length": "knows how long the prompt is",
    "task-table": "is told the task of each prompt; a new prompt comes without it",
    "oracle": "knows every outcome beforehand: nobody can do better",
    "oracle-noise-adjusted": "knows every outcome but its luck",
}

TERMS = [
    (
        "AIQ",
        "The mean quality along the curve from the cheapest to the dearest single model, in points.",
    ),
    (
        "Zero router",
        "The best mixture of single models that does not look at the prompt. A router that does not "
        "beat it has learnt nothing of use.",
    ),
    ("Best single model", "One model for every prompt: the best on the training part."),
    (
        "Random mix",
        "A model by lot for each prompt, a cheap one the likelier the more money counts.",
    ),
    ("Prompt length", "A router that knows how long the prompt is, and nothing else."),
    ("Task table", "A router that is told the task of each prompt; a new prompt comes without it."),
    ("Oracle", "Picks the best model for each prompt after the fact: the ceiling of all routing."),
    ("Oracle without luck", "An oracle that knows every outcome but its luck."),
    ("Saved", "The part of the best single model's cost that the same quality does not need."),
    ("ECE", "How far stated expected scores are from what came, on average: 0 is perfect."),
    (
        "Routing accuracy",
        "The share of prompts sent to a model that none beats there, money not counting.",
    ),
    ("Hull", "Two settings can be mixed by chance, so everything below a chord can be had."),
]

LEAK_THAT_MATTERS = 0.01

SPLITS = {
    "random": "random prompts held out",
    "group": "whole groups held out",
    "unseen": "values of {column} held out",
    "transfer": "learnt on one value of {column}, tested on another",
}


def title(name: str) -> str:
    """What a router is called on pages."""
    return TITLES.get(name, name)


def unit_of(result: dict[str, Any]) -> PriceUnit | None:
    """The unit of money of a result; None where costs are shares of calls or unknown."""
    if result["money"] != "usd":
        return None
    return PriceUnit.of(model["cost"] for model in result["models"])


def cost_text(result: dict[str, Any], cost: float | None) -> str:
    """A cost of a prompt in the unit of the result, without its name."""
    unit = unit_of(result)
    if cost is None:
        return "unknown"
    return unit.amount(cost) if unit else f"{100 * cost:.0f}%"


def models_by_quality(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The single models, best first; of equals the cheapest, as the verdict names it."""
    return sorted(result["models"], key=lambda model: (-model["accuracy"], model["cost"] or 0.0))


def support_lines(result: dict[str, Any]) -> list[str]:
    """The best single model with its quality and cost, and what the router is and saves; with backticks."""
    best = models_by_quality(result)[0]
    cost, unit = cost_text(result, best["cost"]), unit_of(result)
    paid = f" at {cost} {unit.name}" if unit and best["cost"] is not None else ""
    lines = [f"{name(best['name'])} is the best single model: {best['accuracy']:.1f} points{paid}."]
    router = result["routers"][result["subject"]]
    if router["accuracy"] is None:
        return lines
    said = f"{title(result['subject'])}, free to spend, has {router['accuracy']['mean']:.1f} points"
    saved = router["cost_save"]
    if saved and "saves" not in result["verdict"]:
        mean, low, high = (f"{100 * saved[key]:.0f}" for key in ("mean", "low", "high"))
        said += f"; at equal quality it saves {mean}% ({low} to {high})"
    return [*lines, f"{said[:1].upper()}{said[1:]}."]


def split_text(result: dict[str, Any]) -> str:
    """How prompts were parted, in words."""
    kind, _, rest = result["split"].partition(":")
    column = rest.partition("=")[0]
    words = SPLITS.get(kind, result["split"]).format(column=column)
    if kind == "group":
        words += f" (by {column})" if column else " (near-duplicates together)"
    if kind == "transfer":
        words = f"learnt on {column} {rest.partition('=')[2].replace('/', ', tested on ')}"
    times = "once" if result["splits"] == 1 else f"{result['splits']} times"
    return f"{words}, {times}, seed {result['seed']}"


def leak_text(result: dict[str, Any]) -> str:
    """What the leak check found."""
    share = result["leak"]
    if share == 0:
        return "No tested prompt has a near-duplicate among those learnt from."
    said = f"{100 * share:.1f}% of the tested prompts have a near-duplicate among those learnt from"
    return f"{said}, so these numbers flatter." if share >= LEAK_THAT_MATTERS else f"{said}."


def unseen_text(result: dict[str, Any]) -> str:
    """A caution where the split says nothing of new kinds of prompts; empty where it does."""
    if result["split"] != "random":
        return ""
    return (
        "Prompts were held out one by one: on kinds of prompts that nobody has seen yet, expect less. "
        "Evaluate with whole groups held out to learn how much."
    )
