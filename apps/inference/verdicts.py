"""What a judge's verdicts on a dataset of cases come to, in sentences that are no surer than they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from scipy.stats import binomtest

from apps.inference.scorers.judge import FIRST, RIGHT, SECOND, TIE, WRONG

LEVEL = 0.05


def summary(verdicts: Iterable[str]) -> str:
    """One or two sentences; empty where there is no verdict, or they are not a judge's.

    Pairs: the sign test of those that are decided (ties left out) and Clopper and Pearson's interval.
    """
    counts = Counter(verdicts)
    if not counts:
        return ""
    if counts.keys() <= {FIRST, TIE, SECOND}:
        return _pairs(counts[FIRST], counts[TIE], counts[SECOND])
    if counts.keys() <= {RIGHT, WRONG}:
        right, total = counts[RIGHT], counts.total()
        return f"The judge finds {right:,} of {total:,} answers right: {_share(right, total)}."
    return ""


def _pairs(first: int, ties: int, second: int) -> str:
    decided = first + second
    told = f"A is better in {first:,} pairs, B in {second:,}, and {_ties(ties)}"
    if not decided:
        return f"The judge finds no difference: {told}."
    better, wins = (FIRST, first) if first >= second else (SECOND, second)
    if binomtest(wins, decided).pvalue >= LEVEL:
        return f"The judge finds no difference that chance could not make: {told}."
    return (
        f"The judge finds {better} better, in {_share(wins, decided)} of the decided pairs: {told}."
    )


def _ties(ties: int) -> str:
    return "1 is a tie" if ties == 1 else f"{ties:,} are ties"


def _share(part: int, whole: int) -> str:
    interval = binomtest(part, whole).proportion_ci(0.95)
    return f"{part / whole:.0%} (95% interval {interval.low:.0%} to {interval.high:.0%})"
