"""How an answer is compared with what was expected: plain Python, one way a class."""

from .base import Score, Scorer
from .choice import MultipleChoice
from .json_field import JsonField
from .number import Numeric
from .pattern import Pattern
from .text import Contains, Exact, Normalised, WordF1

SCORERS: dict[str, type[Scorer]] = {
    "exact": Exact,
    "normalised": Normalised,
    "numeric": Numeric,
    "multiple-choice": MultipleChoice,
    "contains": Contains,
    "regex": Pattern,
    "json-field": JsonField,
    "word-f1": WordF1,
}

__all__ = ["SCORERS", "Score", "Scorer"]
