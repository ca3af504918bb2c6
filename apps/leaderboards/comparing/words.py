"""Sentences made from a comparison's numbers, never surer than they are. Pure: no database, no HTML."""

from __future__ import annotations

from typing import Any

from apps.core.prose import name
from apps.leaderboards.statistics.power import more_labels
from apps.leaderboards.words import Verdict, cheaper, count, price_unit_of


def verdict(numbers: dict[str, Any], prices: dict[str, float | None]) -> Verdict:
    """What a comparison comes to, and what supports and limits it."""
    models = numbers["models"]
    if not any(line["answered"] for line in numbers["lines"]):
        return Verdict(_nothing_yet(numbers))
    leader = max(range(len(models)), key=lambda at: (_accuracy(numbers, at), -at))
    better, open_, apart = _against(numbers, leader)
    sentence = _sentence(numbers, leader, better, open_)
    support = tuple(_support(numbers, leader, open_, apart, prices))
    decided = bool(better) and not open_ and not apart
    return Verdict(sentence, support, tuple(_cautions(numbers, apart)), decided=decided)


def signed(share: float, digits: int = 1) -> str:
    """A difference of accuracies in points: `+3.2`, `−1.0`, `0.0`."""
    text = f"{share * 100:+.{digits}f}"
    if float(text) == 0:
        return f"{0:.{digits}f}"
    return text.replace("-", "−")


def p_value(p: float) -> str:
    """`p = 0.012`, `p < 0.001`, rounded up so that no rounding makes it smaller."""
    if p < 0.001:
        return "p < 0.001"
    digits = 3 if p < 0.1 else 2
    step = 10.0**-digits
    rounded = min(1.0, -(-(p - 1e-12) // step) * step)
    return f"p = {rounded:.{digits}f}"


def pair_of(numbers: dict[str, Any], a: int, b: int) -> tuple[dict[str, Any] | None, bool]:
    """The line of two models, and whether it stands the other way round; None where not compared."""
    for line in numbers["pairs"]:
        if (line["a"], line["b"]) in ((a, b), (b, a)):
            return line, line["a"] != a
    return None, False


def decided(line: dict[str, Any], alpha: float) -> bool:
    """Whether the labels tell the two models of a pair apart."""
    return bool(line["difference"]) and line["p_adjusted"] <= alpha


def _accuracy(numbers: dict[str, Any], model: int) -> float:
    accuracy = numbers["lines"][model]["accuracy"]
    return -1.0 if accuracy is None else float(accuracy)


def _against(numbers: dict[str, Any], leader: int) -> tuple[list[int], list[int], list[int]]:
    """Of the other models: which the leader is better than, which are open, which are not compared."""
    better: list[int] = []
    open_: list[int] = []
    apart: list[int] = []
    for other in range(len(numbers["models"])):
        line, turned = pair_of(numbers, leader, other)
        if other == leader:
            continue
        if line is None or line["difference"] is None:
            apart.append(other)
            continue
        ahead = (line["difference"] < 0) if turned else (line["difference"] > 0)
        (better if decided(line, numbers["alpha"]) and ahead else open_).append(other)
    return better, open_, apart


def _sentence(numbers: dict[str, Any], leader: int, better: list[int], open_: list[int]) -> str:
    models = numbers["models"]
    best = name(models[leader])
    if len(models) == 2:
        other = 1 - leader
        if better:
            return f"{best} is better than {name(models[other])}: {_gap(numbers, leader, other)}."
        if open_:
            return (
                f"These labels do not tell {name(models[0])} and {name(models[1])} apart: "
                f"{_gap(numbers, leader, other)}."
            )
        return f"{name(models[0])} and {name(models[1])} share no labelled item to be compared on."
    if better and len(better) == len(models) - 1:
        nearest = max(better, key=lambda at: _accuracy(numbers, at))
        return (
            f"{best} is better than {_all_others(len(better))}; than the nearest, "
            f"{name(models[nearest])}, by {_gap(numbers, leader, nearest)}."
        )
    if better:
        rest = _listed([models[at] for at in open_]) if open_ else ""
        tail = f", and not told apart from {rest}" if open_ else ""
        return f"{best} is better than {_listed([models[at] for at in better])}{tail}."
    return (
        f"{best} has the highest accuracy, but these labels do not show that it is better than "
        f"any of the others."
    )


def _gap(numbers: dict[str, Any], a: int, b: int) -> str:
    line, turned = pair_of(numbers, a, b)
    assert line is not None  # noqa: S101
    sign = -1 if turned else 1
    low, high = sorted((sign * line["low"], sign * line["high"]))
    shared = sum(line[key] for key in ("both_right", "only_a", "only_b", "both_wrong"))
    return (
        f"{signed(sign * line['difference'])} points ({signed(low)} to {signed(high)}) on "
        f"{count(shared, 'labelled item')} that both answered, {p_value(line['p_adjusted'])}"
    )


def _nothing_yet(numbers: dict[str, Any]) -> str:
    differ = (
        f"they differ on {numbers['differ']:,} of {numbers['items']:,} items"
        if numbers["differ"]
        else f"they give the same answer to every one of {numbers['items']:,} items"
    )
    what = "No item is labelled yet" if not numbers["labels"] else "None was run on a labelled item"
    tail = "; labels of those would tell which is better" if numbers["differ"] else ""
    return f"{what}, so nothing can be said about which model is better: {differ}{tail}."


def _support(
    numbers: dict[str, Any],
    leader: int,
    open_: list[int],
    apart: list[int],
    prices: dict[str, float | None],
) -> list[str]:
    models, lines = numbers["models"], []
    for other in open_:
        if said := _separate(numbers, leader, other):
            lines.append(said)
    unit = price_unit_of(prices.values())
    dear = prices.get(models[leader])
    for other in open_:
        cheap = prices.get(models[other])
        if cheap is not None and dear is not None and cheap < dear:
            lines.append(
                f"{name(models[other])} comes {cheaper(cheap, dear, models[leader], unit)}."
            )
    lines.append(
        f"The answers differ on {numbers['differ']:,} of {numbers['items']:,} items"
        + (
            f", {numbers['differ_unlabelled']:,} of them without a label."
            if numbers["differ_unlabelled"]
            else "."
        )
    )
    if apart and numbers["family"] == "first":
        lines.append(
            f"Only comparisons with {name(models[0])} were asked for, so nothing is said of "
            f"{name(models[leader])} against {_listed([models[at] for at in apart])}."
        )
    return lines


def _separate(numbers: dict[str, Any], leader: int, other: int) -> str:
    """How many labels would tell two models apart, at the level of one of all the tests."""
    line, turned = pair_of(numbers, leader, other)
    if line is None:
        return ""
    wins, losses = (line["only_b"], line["only_a"]) if turned else (line["only_a"], line["only_b"])
    shared = line["both_right"] + wins + losses + line["both_wrong"]
    level = numbers["alpha"] / len(numbers["pairs"])
    needed = more_labels(wins, losses, shared, alpha=level)
    a, b = (name(numbers["models"][at]) for at in (leader, other))
    left = numbers["items"] - numbers["labels"]
    if needed is None:
        return (
            f"{a} and {b} are right equally often where one of them is wrong: at that, no number "
            "of labels tells them apart."
        )
    rounded = needed if needed < 20 else int(float(f"{needed:.2g}"))
    more = f"About {rounded:,} more random labels would tell {a} and {b} apart"
    if needed > left:
        have = "every item is labelled" if not left else f"only {left:,} items have none"
        return f"{more}, if they differ as much as they do here; {have}."
    return f"{more}, if they differ as much as they do here."


def _cautions(numbers: dict[str, Any], apart: list[int]) -> list[str]:
    notes = []
    if numbers["chosen_labels"]:
        notes.append(
            f"{numbers['chosen_labels']:,} of {numbers['labels']:,} labels were chosen to tell "
            "models apart. Intervals and tests assume labels drawn at random: read them as a guide."
        )
    if apart and numbers["family"] == "all":
        names = _listed([numbers["models"][at] for at in apart])
        notes.append(f"{names} shares no labelled item with the model of the highest accuracy.")
    return notes


def _all_others(number: int) -> str:
    return "both others" if number == 2 else f"all {count(number, 'other')}"


def _listed(models: list[str]) -> str:
    names = [name(model) for model in models]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
