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

register(
    "tournament",
    "Tournaments",
    "A tournament finds the best of several models where each answer costs money: all answer a few of the "
    "same prompts, the worse half leaves, and those that remain answer more.",
    [
        E(
            "Rounds",
            "Sequential halving (Karnin, Koren and Somekh, 2013): as many rounds as it takes to halve the "
            "candidates to one; each gets an even part of the budget, shared evenly by those that are left.",
        ),
        E(
            "Who leaves",
            "The worse half by the mean score on the prompts that all who remain have answered. Ties at the "
            "cut stay while another round of all of them can be paid; otherwise the cheaper one stays. A "
            "model that cannot be run, or leaves more than a tenth of the prompts unanswered, is out.",
        ),
        E(
            "Lead of the winner",
            "The mean difference on the prompts that both answered, with the interval of Bonett and Price "
            "(2012). Its level is shared by all pairs of candidates (Bonferroni), because who wins is not "
            "known before. That the same answers decided who went on is not corrected for.",
        ),
        E(
            "All candidates on all prompts",
            "Candidates times prompts; in US dollars at the price an answer of each was measured to cost.",
        ),
    ],
    order=56,
)
