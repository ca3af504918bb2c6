"""Sentences made from a replay's numbers, never surer than they are. Pure: no database, no HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.selection.methods.registry import DEFAULT

BASELINE = "random"


@dataclass(frozen=True)
class Verdict:
    """The sentence to act on, and what limits it."""

    sentence: str
    cautions: tuple[str, ...] = ()


def verdict(result: dict[str, Any]) -> Verdict:
    """What a replay's result says."""
    found = result["outcome"]
    return Verdict(_sentence(found), tuple(_cautions(result)))


def _sentence(found: dict[str, Any]) -> str:
    chosen = speaker(found)
    for key, what in (
        ("labels_to_best_90", "a best model"),
        ("labels_to_within_1pct_90", "a model within 1 point of the best"),
    ):
        labels = _labels(found, chosen, key)
        if labels is None:
            continue
        said = (
            f"`{chosen}` would have needed {_count(labels)} to name {what} of the "
            f"{found['models']:,} in nine of ten pools"
        )
        other = _other(found, chosen)
        if other is None:
            return f"{said}."
        theirs = _labels(found, other, key)
        if theirs is None:
            return f"{said}; `{other}` does not get there within {_count(found['budget'])}."
        if theirs == labels:
            return f"{said}, as many as `{other}`."
        return f"{said}, where `{other}` needs {theirs:,}."
    within = f"in nine of ten pools within {_count(found['budget'])}"
    if len(found["methods"]) == 1:
        return f"`{chosen}` does not name a best model {within}."
    reached = {name: _labels(found, name, "labels_to_best_90") for name in found["methods"]}
    first = (
        min((labels, name) for name, labels in reached.items() if labels)
        if any(reached.values())
        else None
    )
    if first is None:
        return f"No method names a best model {within}."
    only = "Only " if sum(labels is not None for labels in reached.values()) == 1 else ""
    return f"{only}`{first[1]}` names a best model {within}, after {first[0]:,}."


def speaker(found: dict[str, Any]) -> str:
    """The method that the sentence is about: the default, or else the quickest to a best model."""
    names = list(found["methods"])
    if DEFAULT in names:
        return DEFAULT
    never = found["budget"] + 1
    return str(min(names, key=lambda name: _labels(found, name, "labels_to_best_90") or never))


def _other(found: dict[str, Any], chosen: str) -> str | None:
    """What it is compared with: random order, or else the next method of the plan."""
    others = [name for name in found["methods"] if name != chosen]
    if BASELINE in others:
        return BASELINE
    return others[0] if others else None


def _labels(found: dict[str, Any], method: str, key: str) -> int | None:
    labels: int | None = found["methods"][method][key]["sustained"]
    return labels


def _count(labels: int) -> str:
    return f"{labels:,} label{'' if labels == 1 else 's'}"


def _cautions(result: dict[str, Any]) -> list[str]:
    found, said = result["outcome"], []
    if result["chosen_labels"]:
        said.append(
            f"{result['chosen_labels']:,} of the {found['items']:,} labels were chosen to tell models "
            "apart, not drawn at random: on all items the models, and the methods, may differ less."
        )
    if found["pool"] == found["items"]:
        said.append(
            "Every pool holds all labelled items, so the realisations differ by the methods' own "
            "chance alone; the bands do not speak for other items."
        )
    elif found["pool"] > found["items"] / 2:
        said.append(
            "The pools share more than half of their items, so the bands are narrower than they "
            "would be on new items."
        )
    if found["realisations"] < 20:
        said.append(
            f"{found['realisations']:,} realisation{'' if found['realisations'] == 1 else 's'} "
            "are few: a share of 90% of them is only roughly known."
        )
    return said
