"""How the numbers of evaluations and routers are computed."""

from apps.core.explanations import Explanation as E
from apps.core.explanations import register

register(
    "evaluation",
    "Evaluations of routers",
    "Routers learn from a part of the prompts and are measured on the others, several times over. Intervals "
    "come from weighing the tested prompts anew at random (the Bayesian bootstrap), together where they "
    "belong together.",
    [
        E(
            "Quality",
            "The mean score on the tested prompts, in points of 100, at the best setting.",
        ),
        E(
            "Against the best single",
            "Quality less that of the single model that was best on the prompts learnt from, on the same "
            "tested prompts, with a paired interval.",
        ),
        E(
            "AIQ",
            "The mean quality along the curve of cost against quality, from the cheapest to the dearest "
            "single model, in points.",
            "Q. J. Hu et al., RouterBench, 2024",
        ),
        E(
            "Against zero",
            "AIQ less that of the zero router: the best mixture of single models that does not look at the "
            "prompt. A router that does not beat it has learnt nothing of use.",
        ),
        E(
            "Saved at equal quality",
            "The part of the best single model's cost that the router does not need for the same quality.",
        ),
        E(
            "ECE",
            "How far the expected scores that the router stated are from what came: 15 bins of equal width "
            "of the expected score, the gaps weighted by what is in each. 0 is perfect.",
            "M. P. Naeini et al., AAAI 2015",
        ),
        E("Routed right", "The share of prompts sent to a model that none beats there."),
        E("ms a prompt", "The measured time of a decision on the machine that ran the evaluation."),
        E(
            "The oracle",
            "Picks the best model for each prompt after the fact. The dotted line below it takes out the "
            "luck that nobody could have foreseen.",
        ),
        E(
            "The hull",
            "Two settings can be mixed by chance, so everything below a line between them can be had: the "
            "grey step joins single models so.",
        ),
        E(
            "The budget dial",
            "For each budget the setting whose cost a prompt on held-out prompts keeps it, and the quality "
            "there with its interval.",
        ),
        E(
            "Expected and came",
            "Outcomes in bins by the score that was expected, with the mean that came.",
        ),
        E(
            "The regret table",
            "The tested prompts on which the model chosen fell furthest short of the best one, and the "
            "prompts learnt from that are most like them.",
        ),
        E(
            "Cost",
            "Recorded tokens at the price book of the day, or the recorded cost where there are no tokens. "
            "A new price computes the evaluation again.",
        ),
    ],
    order=50,
)
