"""How the numbers of a board are computed."""

from apps.core.explanations import Explanation as E
from apps.core.explanations import register

register(
    "board",
    "Boards",
    "A board compares models on the items of a dataset that are labelled. Every probability and interval "
    "takes these items for a random sample of all; where they were chosen on purpose, the board says so.",
    [
        E(
            "Accuracy",
            "The share of right answers among the labelled items that the model was run on. A model that "
            "was run on less than half as many as the most-run one is listed, but not compared.",
        ),
        E("Right", "How many labelled items it got right, of how many it was run on."),
        E(
            "Interval",
            "Wilson's score interval of the accuracy, at the level in the head of the column. It speaks "
            "of the accuracy on all items like these.",
            "E. B. Wilson, JASA 22 (1927)",
        ),
        E(
            "Rank",
            "A range: one more than the number of models that are significantly better, up to the number "
            "of models less those significantly worse. Significance is McNemar's exact test on the items "
            "that both models were run on, adjusted by Holm over the comparisons of the one model.",
            "Q. McNemar, Psychometrika 12 (1947); S. Holm, Scand. J. Statist. 6 (1979)",
        ),
        E(
            "Tied",
            "The same test finds no difference to the chosen model: it may still be the best.",
        ),
        E(
            "P(best)",
            "The labelled items are drawn again with replacement, 10,000 times; the share of draws in which "
            "the model has the highest accuracy. Draws that several models win are divided between them, so "
            "near-copies share it: a model can have little of it and still be within a point of the best. "
            "It is at most 1 less half the p-value of the exact test against any rival, since few labels "
            "say nothing surely, however they are drawn again.",
            "B. Efron, Ann. Statist. 7 (1979)",
        ),
        E(
            "Within so many points",
            "The share of the same draws in which its accuracy is at most delta below the best one's.",
        ),
        E(
            "Against the chosen",
            "Its accuracy less the chosen model's on the items that both were run on, with an interval of "
            "the paired difference: it is narrower than two separate intervals suggest.",
            "R. G. Newcombe, Statist. Med. 17 (1998)",
        ),
        E(
            "Price",
            "What one call costs with the numbers of tokens in the board's settings, at the newest price "
            "in the price book of the day. Unknown prices stay unknown.",
        ),
        E(
            "The chosen model",
            "The highest accuracy among the compared models; where several have it, the higher P(best), "
            "then the lower price, then the name decides.",
        ),
        E(
            "The cheapest within delta",
            "The cheapest compared model of known price whose accuracy is at most delta below the chosen "
            "one's, with the share of draws in which that holds beside it.",
        ),
        E(
            "More labels that would separate two models",
            "About how many further random labels McNemar's test needs to tell them apart with a power of "
            "80%, if the rates seen so far are the true ones. It is for planning: read it with “about”.",
        ),
        E(
            "At most so many labels away",
            "Counted, not estimated: so many further well-chosen labels always suffice for a choice that "
            "no missing label can change.",
        ),
        E(
            "The next items",
            "The items without a label whose label would tell most about which model is best.",
            "P. Okanovic et al., All models are wrong, some are useful: model selection with limited labels "
            "(MODEL SELECTOR)",
        ),
        E(
            "A part of the board",
            "Narrowed to the items of a slice, of a class, or of both, the same numbers are made of these "
            "items alone, with 2,000 draws instead of 10,000. With fewer labels than McNemar's exact test "
            "needs to tell any two models apart (6 at 95%) nothing is said. Who looks at many parts finds "
            "some that differ by chance.",
        ),
        E(
            "The frontier of the chart",
            "A model is on it where no other costs no more, is no less accurate, and is better in one.",
        ),
    ],
    order=10,
)

register(
    "comparison",
    "Comparisons",
    "Two to six models on the same labelled items. An item on which either of a pair was not run is left out "
    "of that pair, so what is compared is always like with like.",
    [
        E(
            "Difference",
            "The accuracy of one model less that of the other on the items both answered, with an interval "
            "of the paired difference.",
            "R. G. Newcombe, Statist. Med. 17 (1998)",
        ),
        E(
            "McNemar's test",
            "Only items that one of the two got right and the other wrong count. The exact p-value is the "
            "chance of so uneven a split, or a more uneven one, if each were the only right one as often.",
            "Q. McNemar, Psychometrika 12 (1947)",
        ),
        E(
            "mid-p",
            "The same with half the chance of the split that was seen: nearer to its level.",
        ),
        E(
            "Holm",
            "Where several tests are made at once, p-values are raised so that the chance of any false "
            "finding stays at its level.",
            "S. Holm, Scand. J. Statist. 6 (1979)",
        ),
        E("Recall", "Of the items of a class, the share that the model recognised."),
        E("Confusion", "How many items of each class the model called each class."),
        E(
            "By slice",
            "The same difference on the items of one value of a slice, with its own interval.",
        ),
    ],
    order=15,
)
