"""When to stop, in numbers and in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from apps.catalog.tables import NOT_LABELLED
from apps.selection.choosers import chooser_of
from apps.selection.counting import Counting
from apps.selection.methods.rivals import Rivals
from apps.selection.methods.stopping import MIN_LABELS, Stop
from apps.selection.models import SelectionSession
from apps.selection.queries import Basis


@dataclass(frozen=True)
class Meter:
    """What stopping still needs.

    Attributes:
        leader: the model that the method names now.
        stop: the rules' say on it.
        worst: further labels of items on which the leader and a model that can still pass it differ that
            always suffice for a choice that no missing label can change.
        labels: labelled items that count, the dataset's and the session's.
        given: those that annotators gave in the session, further opinions too.
        budget: as set, or None.
        counting: what makes a model good.
        saved: labels that drawing them at random would have taken beside those given, to see the
            leader and its strongest rival differ as often; None below ten labels or without gain.
    """

    leader: str
    stop: Stop
    worst: int
    labels: int
    given: int
    budget: int | None
    counting: Counting
    saved: int | None = None

    @property
    def expected(self) -> tuple[int, int] | None:
        """From how many to how many labels the rule probably still needs; None where that is not
        known, or nothing better than the worst case."""
        low, high = self.stop.labels_left_low, min(self.stop.labels_left_high, self.worst)
        ruled = self.counting.score.additive
        if self.stop.stop or not ruled or self.labels < MIN_LABELS or low >= self.worst:
            return None
        return low, max(low, high)

    @property
    def paid(self) -> int | None:
        """Labels that the budget still pays for."""
        return None if self.budget is None else max(0, self.budget - self.given)

    @property
    def share(self) -> float:
        """How far along, 0 to 1: the labels given, against those and the ones probably to follow."""
        if self.stop.stop:
            return 1.0
        left = min(self.stop.labels_left, self.worst)
        left = left if self.paid is None else min(left, self.paid)
        return self.given / max(1, self.given + left)

    @property
    def waits(self) -> str | None:
        """Why the rule says nothing yet though the leader looks safe; None where that is not so."""
        if not self.stop.held_back:
            return None
        return (
            f"The rule waits: on {self.stop.outvoted:,} of the {_labels(self.labels)} the most "
            "frequent answer is wrong or tied, and wrong models mostly agree, so what most say "
            "proves little."
        )

    @property
    def sentence(self) -> str:
        """For the labelling page."""
        if self.stop.certain:
            return "No further label is needed: none can change the choice."
        if self.stop.stop:
            return (
                f"You may stop: enough is known. {_labels(self.worst)} more where rivals differ would "
                "make it certain."
            )
        if not self.counting.score.additive:
            return (
                f"No rule for stopping by {self.counting.name} is known: only with the "
                f"{_labels(self.worst, 'more ')} of all items is it certain. Look at the intervals."
            )
        # Uniform draws and second opinions may fall elsewhere, and come on top.
        said = f"At most {_labels(self.worst, 'more ')} where rivals differ"
        if self.expected is not None:
            low, high = self.expected
            said += f", probably {low:,}" + (f" to {high:,}" if high > low else "")
        if self.paid is not None and self.paid < self.worst:
            said += f"; the budget pays for {self.paid:,}"
        return f"{said}." if self.waits is None else f"{said}. {self.waits}"


def _labels(count: int, more: str = "") -> str:
    return f"{count:,} {more}{'label' if count == 1 else 'labels'}"


def meter_of(session: SelectionSession, basis: Basis) -> Meter:
    """The meter of a session as it stands."""
    with chooser_of(session, basis.table, basis.labels) as chooser:
        leader = chooser.leader()
        stop = chooser.stop(alpha=session.alpha, delta=session.delta)
        sure = chooser.certificate(delta=session.delta)
        labels = int((chooser.of_part != NOT_LABELLED).sum())
        saved = None if chooser.rivals is None else _saved(chooser.rivals.rivals(leader))
    worst = stop.labels_left if sure is None else sure.worst_case_labels_left
    return Meter(
        leader=basis.table.model_names[leader],
        stop=stop,
        worst=0 if stop.certain else worst,
        labels=labels,
        given=basis.labelling.given,
        budget=session.budget,
        counting=basis.counting,
        saved=saved,
    )


def _saved(rivals: Rivals) -> int | None:
    """Of N items on which two models differ on K, d are seen after d (N + 1) / (K + 1) random labels
    on average. The strongest rival is the one least behind, of equals the one that differs most."""
    if rivals.n_labelled < MIN_LABELS:
        return None
    differ = rivals.differed + rivals.open
    others = [model for model in range(len(differ)) if model != rivals.leader and differ[model]]
    if not others:
        return None
    rival = min(others, key=lambda model: (float(rivals.lead[model]), -int(differ[model])))
    drawn = rivals.differed[rival] * (rivals.n_items + 1) / (differ[rival] + 1)
    return max(0, round(float(drawn)) - rivals.n_labelled) or None
