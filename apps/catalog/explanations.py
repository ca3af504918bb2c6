"""How the numbers of datasets and of the price book come about."""

from apps.core.explanations import Explanation as E
from apps.core.explanations import register

register(
    "dataset",
    "Datasets, outcomes and prices",
    "Datasets are counted, not estimated. A version never changes, so its numbers do not either.",
    [
        E(
            "Items",
            "Rows of the version; two files with the same item ids speak of the same items.",
        ),
        E("Labels", "Items with a label that was not withdrawn; of several the newest counts."),
        E("Items it was run on", "Items for which the model's file held an answer."),
        E(
            "Mean score",
            "The mean of the recorded scores of a model, over the prompts it was run on.",
        ),
        E(
            "Mean cost",
            "Recorded tokens at the newest price in the price book, else the recorded cost. The unit is "
            "chosen so that the numbers can be read.",
        ),
        E("Priced", "The share of outcomes whose cost is known."),
        E(
            "Price",
            "What the price book says from a day on, with its source. Nothing is looked up elsewhere.",
        ),
    ],
    order=60,
)
