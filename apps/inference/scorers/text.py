"""Comparisons of texts: to the letter, but for the form, by words in common."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from dataclasses import dataclass, field

from .base import MAX_ANSWER, Score, told, yes_or_no

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> str:
    """Without case, punctuation, English articles and surplus white space.

    Source: the evaluation of SQuAD, P. Rajpurkar et al., EMNLP 2016; Unicode is folded first (NFKC).
    """
    folded = unicodedata.normalize("NFKC", text[:MAX_ANSWER]).casefold().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", folded).split())


class _AnyReference:
    """What compares texts takes any reference."""

    def check(self, reference: str) -> None:
        """See `Scorer.check`."""


@dataclass(frozen=True)
class Exact(_AnyReference):
    """The same text, white space at the ends aside."""

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        return yes_or_no(answer.strip() == reference.strip())


@dataclass(frozen=True)
class Normalised(_AnyReference):
    """The same text but for case, punctuation, articles and white space."""

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        return yes_or_no(normalised(answer) == normalised(reference))


@dataclass(frozen=True)
class Contains:
    """The reference stands in the answer."""

    ignore_case: bool = field(
        default=True, metadata=told("Ignore case", "Small and capital letters are the same.")
    )

    def check(self, reference: str) -> None:
        """See `Scorer.check`."""
        if not reference.strip():
            raise ValueError("An empty reference stands in every answer.")

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        whole, part = answer[:MAX_ANSWER], reference.strip()
        if self.ignore_case:
            whole, part = whole.casefold(), part.casefold()
        return yes_or_no(part in whole, "contains it" if part in whole else "does not contain it")


@dataclass(frozen=True)
class WordF1(_AnyReference):
    """The harmonic mean of precision and recall of the words, after normalisation.

    Source: P. Rajpurkar et al., "SQuAD", EMNLP 2016.
    """

    def score(self, answer: str, reference: str) -> Score:
        """See `Scorer.score`."""
        said, wanted = normalised(answer).split(), normalised(reference).split()
        common = (Counter(said) & Counter(wanted)).total()
        if not said or not wanted:
            return yes_or_no(said == wanted)
        value = 2 * common / (len(said) + len(wanted))
        return Score(value, f"{common} of {len(wanted)} words, in {len(said)}")
