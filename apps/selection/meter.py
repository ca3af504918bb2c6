"""When to stop, in numbers and in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from apps.catalog.tables import NOT_LABELLED
from apps.selection.choosers import chooser_of
from apps.selection.methods.certificate import certificate
from apps.selection.methods.stopping import MIN_LABELS, Stop
from apps.selection.models import SelectionSession
from apps.selection.queries import Basis


@dataclass(frozen=True)
class Meter:
    """What stopping still needs.

    Attributes:
        leader: the model that the method names now.
        stop: the rules' say on it.
        worst: further labels that always suffice for a choice that no missing label can change.
        labels: labelled items that count, the dataset's and the session's.
        given: those that annotators gave in the session, further opinions too.
        budget: as set, or None.
    """

    leader: str
    stop: Stop
    worst: int
    labels: int
    given: int
    budget: int | None

    @property
    def expected(self) -> tuple[int, int] | None:
        """From how many to how many labels the rule probably still needs; None where that is not
        known, or nothing better than the worst case."""
        low, high = self.stop.labels_left_low, min(self.stop.labels_left_high, self.worst)
        if self.stop.stop or self.labels < MIN_LABELS or low >= self.worst:
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
    def sentence(self) -> str:
        """For the labelling page."""
        if self.stop.certain:
            return "No further label is needed: none can change the choice."
        if self.stop.stop:
            return (
                f"You may stop: enough is known. {_labels(self.worst)} more would make it certain."
            )
        said = f"At most {_labels(self.worst, 'more ')}"
        if self.expected is not None:
            low, high = self.expected
            said += f", probably {low:,}" + (f" to {high:,}" if high > low else "")
        if self.paid is not None and self.paid < self.worst:
            said += f"; the budget pays for {self.paid:,}"
        return f"{said}."


def _labels(count: int, more: str = "") -> str:
    return f"{count:,} {more}{'label' if count == 1 else 'labels'}"


def meter_of(session: SelectionSession, basis: Basis) -> Meter:
    """The meter of a session as it stands."""
    with chooser_of(session, basis.table, basis.labels) as chooser:
        leader = chooser.leader()
        stop = chooser.stop(alpha=session.alpha, delta=session.delta)
        correct = chooser.correct
    names = basis.table.model_names
    # The bound is proved for a model with the most right answers; any of them will do.
    most = leader if correct[leader] == correct.max() else int(correct.argmax())
    sure = certificate(basis.table, basis.labels, delta=session.delta, leader=names[most])
    return Meter(
        leader=names[leader],
        stop=stop,
        worst=0 if stop.certain else sure.worst_case_labels_left,
        labels=int((basis.labels != NOT_LABELLED).sum()),
        given=basis.labelling.given,
        budget=session.budget,
    )
