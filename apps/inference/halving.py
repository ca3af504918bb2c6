"""Which of several candidates is best, where each answer costs money: sequential halving.

Karnin, Koren and Somekh (2013), "Almost Optimal Exploration in Multi-Armed Bandits": ceil(log2 K) rounds
share the budget evenly; the candidates that are left share a round's part evenly; after each round the
better half stays. Here candidates answer the same prompts, so that comparisons are paired; answers of
earlier rounds count; ties at the cut stay while another round of all of them can be paid; what one
round leaves is shared by the later ones; and the last two are compared, not cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import fsum, sqrt
from statistics import NormalDist

LEVEL = 0.05

# The scores of a candidate by the place of the prompt.
Scores = Mapping[int, float]


@dataclass(frozen=True)
class Share:
    """What is left of a budget, and what one more prompt put to every remaining candidate takes of it."""

    left: Decimal
    each: Decimal


@dataclass(frozen=True)
class Standing:
    """A candidate's mean score on the prompts that all who remain have answered; `cost` breaks ties."""

    name: str
    mean: float
    cost: float = 0.0


@dataclass(frozen=True)
class Difference:
    """How far one candidate is above another on the `n` prompts that both answered."""

    n: int
    mean: float
    low: float
    high: float


def rounds_of(candidates: int) -> int:
    """ceil(log2 K), at least 1."""
    return max(1, (candidates - 1).bit_length())


def allotment(shares: Iterable[Share], *, rounds_left: int, room: int) -> int:
    """How many more prompts each remaining candidate answers in this round; `room`: prompts not yet asked."""
    counts = [
        int(max(share.left, Decimal(0)) / (share.each * rounds_left))
        for share in shares
        if share.each > 0
    ]
    return min([room, *counts])


def common(scores: Iterable[Scores]) -> list[int]:
    """The prompts that all of them have answered, in order."""
    held = [set(one) for one in scores]
    return sorted(set.intersection(*held)) if held else []


def standings(scores: Mapping[str, Scores], costs: Mapping[str, float]) -> list[Standing]:
    """Best first; the cheaper one, then the name in order, breaks ties. Empty where no prompt is common."""
    places = common(scores.values())
    if not places:
        return []
    found = [
        Standing(name, fsum(one[place] for place in places) / len(places), costs.get(name, 0.0))
        for name, one in scores.items()
    ]
    return sorted(found, key=lambda one: (-one.mean, one.cost, one.name))


def better_half(
    ranked: Sequence[Standing], affordable: Callable[[Sequence[Standing]], int]
) -> list[Standing]:
    """Who stays: the better half, two at least, and who ties with its last while all can be paid."""
    half = list(ranked[: max(2, (len(ranked) + 1) // 2)])
    tied = [one for one in ranked if one.mean >= half[-1].mean]
    return tied if len(tied) > len(half) and affordable(tied) else half


def difference(first: Scores, second: Scores, *, comparisons: int) -> Difference | None:
    """The paired difference with an interval that holds at 95% for all `comparisons` at once.

    Bonett and Price (2012): a prompt won by each is added to the differences, which keeps the interval
    honest where few prompts, or none, tell the two apart; Bonferroni's share of the level for each
    comparison. None where they have no prompt in common.
    """
    places = common([first, second])
    if not places:
        return None
    gaps = [first[place] - second[place] for place in places]
    padded = [*gaps, 1.0, -1.0]
    n = len(padded)
    centre = fsum(padded) / n
    spread = fsum((gap - centre) ** 2 for gap in padded) / n
    half = NormalDist().inv_cdf(1 - LEVEL / (2 * max(1, comparisons))) * sqrt(spread / n)
    return Difference(
        len(gaps), fsum(gaps) / len(gaps), max(-1.0, centre - half), min(1.0, centre + half)
    )
