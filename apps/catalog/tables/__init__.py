"""The two tables that everything numerical eats: immutable, checked once, plain numpy."""

from .checks import Floats, Mask
from .outcomes import OutcomeTable
from .predictions import NOT_LABELLED, NOT_RUN, Classes, PredictionTable

__all__ = [
    "NOT_LABELLED",
    "NOT_RUN",
    "Classes",
    "Floats",
    "Mask",
    "OutcomeTable",
    "PredictionTable",
]
