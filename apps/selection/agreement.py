"""How well annotators agree, and where a second opinion is worth more than a new item."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import NOT_RUN, Floats, PredictionTable

if TYPE_CHECKING:
    from collections.abc import Iterator

Opinions = Mapping[int, Mapping[str, str]]
"""By item, what each annotator called it."""

_APART = 1e-7
_PRIOR = 1.0  # pseudo-votes spread over the classes, so that a unanimous committee is not certain


@dataclass(frozen=True)
class Pair:
    """Two annotators on the items that both labelled.

    `same`: the share called the same; `kappa`: Cohen's, None where neither ever used a second class.
    """

    first: str
    second: str
    items: int
    same: float
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """What several opinions on the same items come to.

    Attributes:
        items: with at least two opinions.
        opinions: on those items.
        alpha: Krippendorff's, for nominal classes; None where only one class was ever named.
        pairs: of annotators with items in common, those with the most items first.
        quality: by annotator, CROWDLAB's estimate of the share they get right, from their agreement
            with the others and with the candidates' votes; only of those of whom it can say anything.
    """

    items: int
    opinions: int
    alpha: float | None
    pairs: tuple[Pair, ...]
    quality: Mapping[str, float]


def agreement_of(opinions: Opinions, table: PredictionTable, weights: Floats) -> Agreement:
    """Measure the agreement.

    Args:
        opinions: of all labelled items.
        table: the candidates' predictions.
        weights: [n_models], how far each candidate's vote counts in CROWDLAB's quality.

    Sources: J. Cohen, "A coefficient of agreement for nominal scales", 1960; K. Krippendorff,
    "Content analysis", 2004; H. W. Goh, U. Tkachenko, J. Mueller, "CROWDLAB", 2022, arXiv 2210.06812.
    """
    several = {item: said for item, said in opinions.items() if len(said) > 1}
    return Agreement(
        items=len(several),
        opinions=sum(len(said) for said in several.values()),
        alpha=_alpha(several),
        pairs=_pairs(several),
        quality=_quality(opinions, table, weights),
    )


def second_opinion(
    opinions: Opinions,
    table: PredictionTable,
    weights: Floats,
    *,
    again: Sequence[int],
    new: int,
) -> int | None:
    """The item of `again` on which another opinion is worth more than a first one on `new`; else None.

    Both are judged by ActiveLab's score, whose scale is the same for items with labels and without:
    the lower, the less is known of the item.

    Args:
        opinions: of all labelled items, those of `again` among them.
        table: the candidates' predictions.
        weights: [n_models], how far each candidate's vote counts.
        again: labelled items that may be asked again.
        new: an item without a label.

    Source: H. W. Goh, J. Mueller, "ActiveLab", 2023, arXiv 2301.11856, with CROWDLAB's weights from the
    library cleanlab and without its rescaling of the votes, which draws at random.
    """
    items, answers, _ = _matrix(opinions, table)
    place = {item: row for row, item in enumerate(items)}
    asked = [item for item in again if item in place]
    if not asked:
        return None
    votes = _votes(table, weights, [*items, new])
    quality, trust, model_trust = _crowdlab(answers, votes[:-1])
    guess = 1 / len(table.class_names)
    mean_trust = float(trust.mean())

    def score(sure: float, weight: float) -> float:
        return round((sure * weight + guess * mean_trust) / (weight + mean_trust), 9)

    unknown = score(float(votes[-1].max()), model_trust)
    known = {
        item: score(
            float(quality[place[item]]),
            float(trust[~np.isnan(answers[place[item]])].sum()) + model_trust,
        )
        for item in asked
    }
    lowest = min(asked, key=lambda item: (known[item], item))
    return lowest if known[lowest] < unknown else None


def _crowdlab(answers: Floats, votes: Floats) -> tuple[Floats, Floats, float]:
    """CROWDLAB's quality of each item's consensus, its weight of each annotator, and of the votes.

    As long as nobody has been asked twice nothing is known of anybody: all weigh the same, and a
    label is as good as the votes say.
    """
    if (~np.isnan(answers)).sum(axis=1).max() < 2:
        only = np.nanmax(answers, axis=1).astype(int)
        return votes[np.arange(len(votes)), only], np.ones(answers.shape[1]), 1.0
    from cleanlab.multiannotator import get_label_quality_multiannotator

    with _quietly():
        found = get_label_quality_multiannotator(
            answers,
            votes,
            return_detailed_quality=False,
            return_annotator_stats=False,
            return_weights=True,
            verbose=False,
        )
    quality = found["label_quality"]["consensus_quality_score"].to_numpy()
    return quality, np.asarray(found["annotator_weight"]), float(found["model_weight"])


def _alpha(several: Opinions) -> float | None:
    if len({label for said in several.values() for label in said.values()}) < 2:
        return None
    from nltk.metrics.agreement import AnnotationTask

    said = [(name, item, label) for item, one in several.items() for name, label in one.items()]
    return float(AnnotationTask(data=said).alpha())


def _pairs(several: Opinions) -> tuple[Pair, ...]:
    shared: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for said in several.values():
        for first, second in combinations(sorted(said), 2):
            shared.setdefault((first, second), []).append((said[first], said[second]))
    found = [
        Pair(
            first,
            second,
            items=len(labels),
            same=sum(one == other for one, other in labels) / len(labels),
            kappa=_kappa(labels),
        )
        for (first, second), labels in shared.items()
    ]
    return tuple(sorted(found, key=lambda pair: (-pair.items, pair.first, pair.second)))


def _kappa(labels: Sequence[tuple[str, str]]) -> float | None:
    if len({label for pair in labels for label in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(*zip(*labels, strict=True)))


def _quality(opinions: Opinions, table: PredictionTable, weights: Floats) -> dict[str, float]:
    items, answers, names = _matrix(opinions, table)
    if len(names) < 2 or (~np.isnan(answers)).sum(axis=1).max() < 2:
        return {}
    from cleanlab.multiannotator import get_label_quality_multiannotator

    with _quietly():
        found = get_label_quality_multiannotator(
            answers, _votes(table, weights, items), verbose=False
        )
    quality = found["annotator_stats"]["annotator_quality"]
    # NaN for somebody who has no item in common with anybody.
    return {names[int(place)]: float(value) for place, value in quality.items() if value == value}


def _matrix(
    opinions: Opinions, table: PredictionTable
) -> tuple[list[int], Floats, tuple[str, ...]]:
    """The items, float [n_items, n_annotators] with NaN where one said nothing, and the annotators.

    A class that is not among the predictions' says nothing of them and is left out.
    """
    code = {name: index for index, name in enumerate(table.class_names)}
    known = {
        item: {name: code[label] for name, label in said.items() if label in code}
        for item, said in opinions.items()
    }
    items = [item for item, said in known.items() if said]
    people = Counter(name for item in items for name in known[item])
    names = tuple(sorted(people))
    answers = np.full((len(items), len(names)), np.nan)
    for row, item in enumerate(items):
        for name, label in known[item].items():
            answers[row, names.index(name)] = label
    return items, answers, names


def _votes(table: PredictionTable, weights: Floats, items: Sequence[int]) -> Floats:
    """[len(items), n_classes], the weighted share of the candidates' votes for each class.

    No two are equal, because the library would draw lots between them.
    """
    chosen = table.predictions[:, list(items)]
    n_classes = len(table.class_names)
    votes: Floats = np.full((len(items), n_classes), _PRIOR / n_classes)
    votes += _APART * np.arange(n_classes, 0, -1)
    rows = np.broadcast_to(np.arange(len(items)), chosen.shape)
    heavy: NDArray[Any] = np.broadcast_to(weights[:, None], chosen.shape)
    ran = chosen != NOT_RUN
    np.add.at(votes, (rows[ran], chosen[ran]), heavy[ran])
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the library's advice to whoever calls it with few annotators or items."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
