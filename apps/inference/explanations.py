"""How the numbers of runs come about."""

from apps.core.explanations import Explanation as E
from apps.core.explanations import register

register(
    "run",
    "Runs",
    "A run puts a model to the items of a dataset version and keeps every answer as it comes. Numbers of a "
    "run that has not ended are those of the answers so far.",
    [
        E("Answered, failed", "Items with an answer that stands, and items for which none came."),
        E(
            "Tokens",
            "As the endpoint counted them. Where it counts none they are unknown, not estimated.",
        ),
        E(
            "Spent",
            "Tokens at the price book. A run does not ask what could cost more than its cap leaves.",
        ),
        E(
            "Score",
            "What the scorer named on the page makes of an answer and its reference, from 0 to 1.",
        ),
    ],
    order=55,
)
