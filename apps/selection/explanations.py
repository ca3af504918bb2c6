"""How the numbers of selections, of replays and of the agreement of annotators are computed."""

from apps.core.explanations import Explanation as E
from apps.core.explanations import register

register(
    "selection",
    "Selections",
    "A selection asks mostly for items that tell the models apart, and draws some uniformly. What is said of "
    "all items rests on the uniform draws or on counting, never on the chosen items alone.",
    [
        E(
            "Right, of",
            "Right answers among the labelled items the model answered. The items were chosen because models "
            "disagree there, so the share is lower than on all items: compare models by it, do not quote it.",
        ),
        E(
            "Accuracy on all items",
            "An estimate from the uniformly drawn items, weighted by the probability each was drawn with, "
            "with its interval. Until ten of them are labelled there are bounds instead, which hold "
            "whatever the missing labels are.",
            "S. Farquhar et al., On statistical bias in active learning (LURE), ICLR 2021",
        ),
        E(
            "Ranks",
            "The ranks on all items that remain possible: from what no missing label can change, and from "
            "the uniform draws, model against model on the same items.",
        ),
        E(
            "Chance to be best",
            "What the method believes after the labels so far. It steers what is asked next; the stop is "
            "not decided by it.",
        ),
        E(
            "At most so many more labels",
            "Counted: so many further labels of items on which the leader and a model that can still pass it "
            "differ always suffice for a choice that no missing label can change. Uniform draws of other "
            "items and second opinions come on top.",
        ),
        E(
            "Probably so many more labels",
            "From how many to how many labels the rule for stopping probably still needs, judged by the "
            "disagreement that is left between the leader and its rivals.",
        ),
        E(
            "The rule waits",
            "Where models are mostly wrong together, the items asked for look better for the leader than "
            "the rest. The rule then supposes the worst that the labels allow, until the models that are "
            "right more often are seen to agree more with the others.",
        ),
        E(
            "Labels saved against random",
            "Of N items on which the leader and its strongest rival differ on K, d are seen after "
            "d (N + 1) / (K + 1) labels in random order on average: that number less the labels given.",
        ),
        E(
            "What it is worth",
            "What the chosen model's better answers bring over the months in the settings, less what labels "
            "and calls cost. When a further label costs more than it can bring, the page says so.",
        ),
    ],
    order=20,
)

register(
    "replay",
    "Replays",
    "Labels that are known already are hidden, and each method asks for them one by one on the same random "
    "pools of items. After each label it names a model, which is compared with the best one of the pool.",
    [
        E(
            "To a best model",
            "The labels after which the model named is a best one of the pool in 90% of the realisations "
            "and stays so until the budget ends, with a bootstrap interval over the realisations.",
        ),
        E("To within 1 point", "The same, with a model within one point of the best."),
        E(
            "Regret over 100 labels",
            "By how many points the model named falls short of the best one, summed over the first 100 "
            "labels: lower is better.",
        ),
        E(
            "Stop",
            "The median number of labels at which the rule would have ended labelling, and in how many of "
            "the pools that it ended the model named then was good enough.",
        ),
        E("Certificate", "The labels after which no missing label could change the choice."),
    ],
    order=30,
)

register(
    "agreement",
    "Agreement of annotators",
    "These rest on the items that several people labelled.",
    [
        E(
            "Krippendorff's alpha",
            "One less the disagreement seen over the disagreement that chance would give, over all items "
            "with several opinions. 1 is perfect, 0 is chance; below 0.67 conclusions are shaky.",
            "K. Krippendorff, Content Analysis",
        ),
        E(
            "Cohen's kappa",
            "The same for two people, on the items that both labelled.",
            "J. Cohen, Educ. Psychol. Meas. 20 (1960)",
        ),
        E(
            "Quality",
            "The share of labels a person gets right as far as the others and the models' votes tell. It "
            "chooses what is asked again; it changes no label.",
            "H. W. Goh et al., CROWDLAB, 2022",
        ),
        E(
            "Seconds a label",
            "The median time from when an item was first shown to a person until they answered.",
        ),
        E("Called the same", "The share of common items to which both gave the same class."),
    ],
    order=40,
)
