"""Every two models of a board against one another, from the counts that its job has kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.catalog.cache import RecentlyUsed
from apps.core import derived, files
from apps.leaderboards.models import Snapshot
from apps.leaderboards.parts import WHOLE, Part, marks
from apps.leaderboards.statistics.paired import (
    PairCounts,
    against_each,
    difference,
    holm,
    mcnemar,
    pair_counts,
)


@dataclass(frozen=True)
class Pairs:
    """`models`: their places in the rows and columns of the counts."""

    models: dict[str, int]
    counts: PairCounts

    def part(self, models: Sequence[str]) -> PairCounts:
        """The counts of some models, in the order given."""
        places = [self.models[name] for name in models]
        cut = np.ix_(places, places)
        counts = self.counts
        return PairCounts(counts.wins[cut], counts.both_right[cut], counts.shared[cut])


_pairs: RecentlyUsed[Pairs] = RecentlyUsed(32 << 20, lambda held: 3 * held.counts.wins.nbytes)


def pairs_of(snapshot: Snapshot, part: Part = WHOLE) -> Pairs | None:
    """The counts of a snapshot, on a part of its labelled items where one is asked for.

    None where it ranks nothing, or is from before they were kept. Raises ValueError, a sentence, where
    the board has no such part.
    """
    if not snapshot.pairs_blob:
        return None
    return _pairs.get(
        (snapshot.pairs_blob, part),
        lambda: _counted(snapshot, part) if part else _read(snapshot.pairs_blob),
    )


def _counted(snapshot: Snapshot, part: Part) -> Pairs:
    held = marks(snapshot, part)
    places = {name: place for place, name in enumerate(held.names)}
    return Pairs(places, pair_counts(held.correct, held.answered))


def _read(blob: str) -> Pairs:
    with files.open_blob(blob) as stream, np.load(stream, allow_pickle=False) as held:
        models = {name: place for place, name in enumerate(held["models"].tolist())}
        counts = (held[name].astype(float) for name in ("wins", "both_right", "shared"))
        return Pairs(models, PairCounts(*counts))


def against(
    snapshot: Snapshot, base: str, *, alpha: float, part: Part = WHOLE
) -> dict[str, dict[str, Any]] | None:
    """Each other model against a baseline: difference with its interval, McNemar's exact p after Holm.

    The family of tests is all comparisons of the other model, as in its range of ranks: a model that is
    told to be worse is not tied with the baseline. Keys `difference` (None where the two
    share no labelled item), `difference_low`, `difference_high`, `p_adjusted`. None where the counts
    are not kept, or `base` is no model of the board.
    """
    pairs = pairs_of(snapshot, part)
    if pairs is None or base not in pairs.models:
        return None

    def make() -> dict[str, dict[str, Any]]:
        place = pairs.models[base]
        gap, low, high = difference(pairs.counts, place, alpha=alpha)
        others = [name for name in pairs.models if name != base]
        at = [pairs.models[name] for name in others]
        p = against_each(pairs.counts)[1][at, place]
        return {
            name: {
                "difference": None if np.isnan(gap[row]) else float(gap[row]),
                "difference_low": float(low[row]),
                "difference_high": float(high[row]),
                "p_adjusted": float(value),
            }
            for name, row, value in zip(others, at, p, strict=True)
        }

    found: dict[str, dict[str, Any]] = derived.document(
        ["against", 2, snapshot.pairs_blob, base, alpha, part.pairs()], make
    )
    return found


def win_matrix(
    snapshot: Snapshot, models: Sequence[str], part: Part = WHOLE
) -> dict[str, Any] | None:
    """Models against one another, in the order given; None where the counts are not kept.

    Keys: `models`; `wins` [row][column], items that only the row's model got right; `p` McNemar's
    exact p-values and `p_adjusted` after Holm over all pairs of these models; `shared`.
    """
    pairs = pairs_of(snapshot, part)
    if pairs is None:
        return None

    def make() -> dict[str, Any]:
        counts = pairs.part(models)
        rows, columns = np.triu_indices(len(models), 1)
        plain, adjusted = np.ones((2, len(models), len(models)))
        p = mcnemar(counts.wins[rows, columns], counts.wins[columns, rows])
        for matrix, values in ((plain, p), (adjusted, holm(p))):
            matrix[rows, columns] = matrix[columns, rows] = values
        return {
            "models": list(models),
            "wins": counts.wins.astype(int).tolist(),
            "shared": counts.shared.astype(int).tolist(),
            "p": plain.tolist(),
            "p_adjusted": adjusted.tolist(),
        }

    key = ["wins", 1, snapshot.pairs_blob, list(models), part.pairs()]
    found: dict[str, Any] = derived.document(key, make)
    return found
