"""Sentences made from a board's numbers, never surer than they are. Pure: no database, no HTML.

Names of models stand in backticks; the page sets them as code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import floor, isfinite
from typing import Any

from apps.catalog.money import PriceUnit
from apps.core.prose import name

_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_FRACTIONS = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    6: "a sixth",
    7: "a seventh",
    8: "an eighth",
    9: "a ninth",
    10: "a tenth",
    11: "an eleventh",
    12: "a twelfth",
}


@dataclass(frozen=True)
class Verdict:
    """The sentence to act on, and what stands under it: what supports it, and what limits it.

    `decided`: it names a model to use.
    """

    sentence: str
    support: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    decided: bool = False


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`three models`, `one model`, `1,204 items`."""
    word = singular if number == 1 else (plural or f"{singular}s")
    return f"{_SMALL[number] if number < len(_SMALL) else f'{number:,}'} {word}"


def probability(p: float) -> str:
    """Rounded down, so that no rounding makes it surer: `96%`, `over 99%`, `under 1%`."""
    percent = floor(p * 100 + 1e-9)
    if p >= 0.995:
        return "over 99%"
    return f"{percent}%" if percent >= 1 else "under 1%"


def points(delta: float) -> str:
    """A difference of accuracies: `1 point`, `0.5 points`."""
    value = f"{delta * 100:.2f}".rstrip("0").rstrip(".")
    return f"{value} point" if value == "1" else f"{value} points"


def price_unit(result: dict[str, Any]) -> PriceUnit:
    """The unit of a ranked result of `compute`: the same in its table, chart and sentences."""
    return price_unit_of(row["price"] for row in result["ranking"]["rows"])


def price_unit_of(prices: Iterable[float | None]) -> PriceUnit:
    """The unit in which some prices of a call (USD, None unknown) are told."""
    return PriceUnit.of(prices)


def cheaper(price: float, than: float, model: str, unit: PriceUnit) -> str:
    """How `price` compares with the higher price `than` of `model`: `at about a twelfth of ...`."""
    if price == 0:
        return f"free of charge, where {name(model)} costs {unit.text(than)}"
    ratio = than / price
    if not isfinite(ratio) or ratio < 1.5:
        saving = probability(1 - price / than).replace("under 1%", "less than 1%")
        return f"{saving} cheaper than {name(model)}"
    nearest = round(ratio)
    part = _FRACTIONS.get(nearest, f"1/{nearest:,}")
    about = "" if abs(ratio - nearest) < 0.005 * nearest else "about "
    of = "" if nearest == 2 else "of "
    return f"at {about}{part} {of}the price of {name(model)}"


def part_words(part: dict[str, Any]) -> str:
    """What a part of a board is called (`parts.shown`): "`site: north`, class `cat`"."""
    said = [name(": ".join(part["slice"]))] if part["slice"] else []
    said += [f"class {name(part['class'])}"] if part["class"] else []
    return ", ".join(said)


def verdict(result: dict[str, Any]) -> Verdict:
    """The verdict on a result of `compute`, or on a part of it (`parts.shown`)."""
    said, part = _verdict(result), result.get("part")
    if not part or result["ranking"] is None:
        return said
    begins = said.sentence if said.sentence.startswith("`") else _lower(said.sentence)
    return replace(
        said,
        sentence=f"On {part_words(part)}, {begins}",
        cautions=(*said.cautions, *_cautions_of_part(part)),
    )


def _cautions_of_part(part: dict[str, Any]) -> list[str]:
    notes = [
        "Ranks and probabilities are of this part by itself: who looks at many parts finds some that "
        "differ by chance."
    ]
    if part["class"]:
        notes.append(
            f"Among items of one class accuracy is recall: a model that answers {name(part['class'])} "
            "to everything gets all of them right."
        )
    return notes


def _verdict(result: dict[str, Any]) -> Verdict:
    models = result["models"]
    if result["ranking"] is None:
        return _nothing_yet(result)
    rows = {row["model"]: row for row in result["ranking"]["rows"]}
    chosen = rows[result["ranking"]["chosen"]]
    cautions = tuple(_cautions(result, chosen))
    if models == 1:
        return Verdict(
            f"{name(chosen['model'])} is the only model here: {_share(chosen)}.", (), cautions
        )
    if result["all_agree"]:
        return _all_agree(result, rows, chosen, cautions)
    if not any(row["correct"] for row in rows.values()):
        return Verdict(
            f"No model is right on any of the {count(result['labels'], 'labelled item')}, so none can be "
            "named: do the labels write the classes as the predictions do?",
            (),
            cautions,
        )
    best = _decision(result, rows, chosen)
    support = tuple(_support(result, rows, chosen, bool(best)))
    if best:
        return Verdict(best, support, cautions, decided=True)
    return Verdict(_tie(result, chosen), support, cautions)


def _nothing_yet(result: dict[str, Any]) -> Verdict:
    if result["problem"]:
        return Verdict(result["problem"])
    what = "this model" if result["models"] == 1 else f"these {result['models']:,} models"
    following = len(result["next"]["items"])
    return Verdict(
        f"No item is labelled yet, so nothing can be said about {what}: "
        + (f"label the {count(following, 'item')} below first." if following else "label some.")
    )


def _share(row: dict[str, Any]) -> str:
    return (
        f"{row['accuracy'] * 100:.0f}% right of {count(row['answered'], 'labelled item')} "
        f"({row['low'] * 100:.0f}% to {row['high'] * 100:.0f}%)"
    )


def _all_agree(
    result: dict[str, Any],
    rows: dict[str, dict[str, Any]],
    chosen: dict[str, Any],
    cautions: tuple[str, ...],
) -> Verdict:
    everyone = f"{_everyone(result['models'])} give the same answer to every item"
    known = [row for row in rows.values() if row["price"] is not None]
    if not known:
        return Verdict(
            f"{everyone}: no label can tell them apart, so choose by price.", (), cautions
        )
    least = min(known, key=lambda row: row["price"])
    return Verdict(
        f"Use {name(least['model'])}: {_lower(everyone)}, and none of known price "
        f"is cheaper ({price_unit(result).text(least['price'])}).",
        (f"{name(chosen['model'])}: {_share(chosen)}.",),
        cautions,
        decided=True,
    )


def _decision(
    result: dict[str, Any], rows: dict[str, dict[str, Any]], chosen: dict[str, Any]
) -> str:
    """A sentence that names a model to use; empty where the numbers name none."""
    ranking = result["ranking"]
    sure, delta = 1 - ranking["alpha"], ranking["delta"]
    near, unit = rows[ranking["cheapest_within_delta"]], price_unit(result)
    if _saves(near, chosen) and sure_enough(near, result):
        at = (
            f", {cheaper(near['price'], chosen['price'], chosen['model'], unit)}"
            if chosen["price"] is not None
            else f", at {unit.text(near['price'])} ({name(chosen['model'])}: unknown)"
        )
        return (
            f"Use {name(near['model'])}: {_within(delta)} with "
            f"{_chance(_near(near, result), result)}{at}."
        )
    if (best := _best(chosen, result)) >= sure:
        return f"Use {name(chosen['model'])}: the best with {_chance(best, result)}."
    if _near(chosen, result) >= sure:
        return (
            f"Use {name(chosen['model'])}: {_within(delta)} with "
            f"{_chance(_near(chosen, result), result)}."
        )
    proof = result["certificate"]
    if proof and proof["holds"] and proof["leader"] == chosen["model"]:
        return (
            f"Use {name(chosen['model'])}: {_within(delta)} on these "
            f"{result['items']:,} items, whatever their missing labels are{_gaps(result)}."
        )
    return ""


def _saves(near: dict[str, Any], chosen: dict[str, Any]) -> bool:
    """Whether a model is surely cheaper to use than the chosen one."""
    return (
        near["model"] != chosen["model"]
        and near["price"] is not None
        and (chosen["price"] is None or near["price"] < chosen["price"])
    )


def sure_enough(row: dict[str, Any], result: dict[str, Any]) -> bool:
    """Whether the labels let a model be recommended for its price."""
    return bool(_near(row, result) >= 1 - result["ranking"]["alpha"])


def recommended(result: dict[str, Any]) -> str:
    """The model that the verdict on a ranked result says to use, for now or for good."""
    ranking = result["ranking"]
    rows = {row["model"]: row for row in ranking["rows"]}
    if result["all_agree"]:
        known = [row for row in rows.values() if row["price"] is not None]
        return str(
            min(known, key=lambda row: row["price"])["model"] if known else ranking["chosen"]
        )
    near, chosen = rows[ranking["cheapest_within_delta"]], rows[ranking["chosen"]]
    return str((near if _saves(near, chosen) and sure_enough(near, result) else chosen)["model"])


def _best(chosen: dict[str, Any], result: dict[str, Any]) -> float:
    """P(best) of the chosen model. Snapshots from before format 5, which frozen links may show, hold
    the share of resamples alone: it is capped here as `rank_candidates` caps it.
    """
    rivals = [
        row["p"]
        for row in result["ranking"]["rows"]
        if row["compared"] and row["model"] != chosen["model"]
    ]
    return float(min(chosen["p_best"], 1 - max(rivals, default=0.0) / 2))


def _near(row: dict[str, Any], result: dict[str, Any]) -> float:
    """P(within delta), but never surer than the number of labels allows.

    Of n random items, none shows a rival's advantage of delta with probability up to (1 - delta)^n,
    and what the sample does not hold the bootstrap cannot draw: a model without an error in 60 labels
    is "within 1 point" in every resample, which is no 95% (the rule of three asks for 299 labels).
    """
    delta = result["ranking"]["delta"]
    if delta == 0:
        chosen = row["model"] == result["ranking"]["chosen"]
        return _best(row, result) if chosen else float(min(row["p_best"], 1 - row["p"] / 2))
    return float(min(row["p_within_delta"], 1 - (1 - delta) ** row["answered"]))


def _within(delta: float) -> str:
    return f"within {points(delta)} of the best" if delta > 0 else "the best"


def _chance(p: float, result: dict[str, Any]) -> str:
    text = f"{probability(p)} probability"
    if not result["chosen_labels"]:
        return text
    return (
        f"{text} if the labelled items were drawn at random, which "
        f"{result['chosen_labels']:,} of {result['labels']:,} were not"
    )


def _tie(result: dict[str, Any], chosen: dict[str, Any]) -> str:
    """What to do while the labels leave several models open, and what would settle it."""
    ranking, use = result["ranking"], f"Use {name(chosen['model'])} for now"
    tied = ranking["tied_with"]
    if not tied:
        return (
            f"{use}: it leads the models it can be compared with, but is "
            f"{_within(ranking['delta'])} with only {_chance(_near(chosen, result), result)}."
        )
    others = name(tied[0]) if len(tied) == 1 else count(len(tied), "other model")
    return f"{use}: {others} may be as good; {_settles(result)}."


def _settles(result: dict[str, Any]) -> str:
    """What would end the tie: a number of random labels, or all that are missing."""
    nearest = result["ranking"]["separations"][0]
    needed = nearest["more_labels"]
    if result["items"] is None:
        return (
            _more(nearest)
            if needed is not None
            else f"it is right as often as {name(nearest['b'])}, and at that no label tells them apart"
        )
    left = result["items"] - result["labels"]
    if needed is not None and needed <= left:
        return _more(nearest)
    if left:
        rest = "the one remaining item" if left == 1 else f"all the remaining {left:,} items"
        return f"labelling {rest} would settle it"
    return "every item is labelled, so only more items can tell them apart"


def _more(separation: dict[str, Any]) -> str:
    needed = separation["more_labels"]
    rounded = needed if needed < 20 else int(float(f"{needed:.2g}"))
    return (
        f"about {rounded:,} more {'label' if needed == 1 else 'labels'} would separate it "
        f"from {name(separation['b'])}"
    )


def _support(
    result: dict[str, Any],
    rows: dict[str, dict[str, Any]],
    chosen: dict[str, Any],
    decided: bool,
) -> list[str]:
    ranking, lines = result["ranking"], []
    near = rows[ranking["cheapest_within_delta"]]
    lead = f"{name(chosen['model'])} has the highest accuracy: {_share(chosen)}; "
    lead += f"the best with {_chance(_best(chosen, result), result)}."
    if chosen["price"] is not None:
        lead += f" It costs {price_unit(result).text(chosen['price'])}."
    lines.append(lead)
    if near is not chosen:
        lines.append(
            f"{name(near['model'])} is the cheapest within {points(ranking['delta'])} of it in "
            f"this sample ({price_unit(result).text(near['price'])}): {_within(ranking['delta'])} with "
            f"{_chance(_near(near, result), result)}."
        )
    tied = len(ranking["tied_with"])
    if tied and decided:
        are = "is" if tied == 1 else "are"
        others = f"{count(tied, 'other model')} {are} tied with {name(chosen['model'])}"
        lines.append(_upper(f"{others}; {_settles(result)}."))
    elif not tied:
        lines.append(
            f"The labels separate {name(chosen['model'])} from every other model "
            f"(wrong in at most {ranking['alpha'] * 100:g}% of such samples)."
        )
    if result["certificate"]:
        lines.append(_certificate(result))
    return lines


def _everyone(models: int) -> str:
    return "Both models" if models == 2 else f"All {count(models, 'model')}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _certificate(result: dict[str, Any]) -> str:
    proof = result["certificate"]
    what = f"{name(proof['leader'])} is {_within(proof['delta'])} on these items"
    if proof["holds"]:
        return f"Certain, whatever the missing labels are: {what}{_gaps(result)}."
    left = proof["worst_case_labels_left"]
    return (
        f"Certainty about these {result['items']:,} items is at most "
        f"{count(left, 'well-chosen label')} away."
    )


def _gaps(result: dict[str, Any]) -> str:
    """What the certificate takes for granted where models were not run on every item."""
    return (
        ", if every answer that a model did not give counts as wrong" if result["not_run"] else ""
    )


def _cautions(result: dict[str, Any], chosen: dict[str, Any]) -> list[str]:
    notes = []
    if result["chosen_labels"]:
        notes.append(
            f"{result['chosen_labels']:,} of {result['labels']:,} labels were chosen to tell the "
            "models apart. Intervals, ranks and probabilities assume labels drawn at random, so "
            "read them as a guide; only what is called certain holds for any labels."
        )
    unknown = sum(row["price"] is None for row in result["ranking"]["rows"])
    if unknown == result["models"]:
        notes.append("No price is known, so nothing can be said about cost.")
    elif unknown:
        notes.append(
            f"The price of {count(unknown, 'model')} is unknown; "
            f"{'it' if unknown == 1 else 'they'} cannot be the cheapest."
        )
    aside = sum(not row["compared"] for row in result["ranking"]["rows"])
    if aside:
        notes.append(
            _upper(
                f"{count(aside, 'model')} answered too few of the labelled items to be compared "
                "and can neither lead nor be recommended."
            )
        )
    if chosen["answered"] < result["labels"]:
        notes.append(
            f"{name(chosen['model'])} was run on {chosen['answered']:,} of the "
            f"{result['labels']:,} labelled items; its accuracy is over those."
        )
    return notes
