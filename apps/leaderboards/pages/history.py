"""How a board came to say what it says: its answers as models, labels and prices joined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from apps.core.prose import name
from apps.core.templatetags.assay import prose
from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.queries import leading, result_of
from apps.leaderboards.words import count, probability

SHOWN = 100
_NAMED = 4  # models that a change names


@dataclass(frozen=True)
class Answer:
    """One state of a board. `change`: what came since the one before; `current`: it is what stands.

    `number`: its place in the list, from 1. `chosen`: the leading model, with its accuracy and the
    interval of it; "" and None where nothing is ranked. `plain`: sentence and change as text, names in
    backticks.
    """

    number: int
    at: datetime
    sentence: SafeString
    models: int
    labels: int
    items: int
    chosen: str
    accuracy: float | None
    low: float
    high: float
    p_best: str
    change: SafeString
    current: bool
    plain: tuple[str, str]

    @property
    def percent(self) -> str:
        """The leading model's accuracy; empty where there is none."""
        return "" if self.accuracy is None else f"{self.accuracy * 100:.1f}%"

    @property
    def interval(self) -> str:
        """Its interval, in percent; empty where there is none."""
        return "" if self.accuracy is None else f"{self.low * 100:.1f}–{self.high * 100:.1f}%"

    def as_plain(self) -> dict[str, Any]:
        """The same for programs: text without HTML."""
        verdict, change = self.plain
        return {
            "at": self.at.isoformat(),
            "verdict": verdict,
            "change": change,
            "models": self.models,
            "labels": self.labels,
            "items": self.items,
            "chosen": self.chosen or None,
            "accuracy": self.accuracy,
            "low": self.low if self.chosen else None,
            "high": self.high if self.chosen else None,
            "current": self.current,
        }


def history(board: Board) -> list[Answer]:
    """The answers of a board, newest first; the oldest of more than a hundred are left out."""
    kept = list(board.snapshots.order_by("-created_at")[: SHOWN + 1])
    before: list[Snapshot | None] = [*kept[1:], None]
    answers = []
    shown = zip(kept[:SHOWN], before[:SHOWN], strict=True)
    for number, (snapshot, earlier) in enumerate(shown, 1):
        summary = snapshot.summary
        accuracy, low, high = _leading(snapshot)
        sure = summary.get("p_best")
        answers.append(
            Answer(
                number,
                snapshot.created_at,
                prose(summary["verdict"]),
                summary["models"],
                summary["labels"],
                summary.get("items", 0),
                summary["chosen"] or "",
                accuracy,
                low,
                high,
                "" if sure is None else probability(sure),
                prose(change := _change(snapshot, earlier)),
                snapshot.pk == board.current_id,
                (summary["verdict"], change),
            )
        )
    return answers


def _leading(snapshot: Snapshot) -> tuple[float | None, float, float]:
    """The leading model's accuracy and its interval; summaries of earlier versions do not hold them."""
    summary = snapshot.summary
    if "accuracy" not in summary:
        summary = leading(result_of(snapshot)["ranking"])
    return summary["accuracy"], summary["low"] or 0.0, summary["high"] or 1.0


def _change(snapshot: Snapshot, earlier: Snapshot | None) -> str:
    """What is different from the answer before, in a sentence."""
    if earlier is None:
        return "The first answer kept."
    now, then = snapshot.inputs, earlier.inputs
    found = []
    new, gone = (
        [model for model in one["models"] if model not in other["models"]]
        for one, other in ((now, then), (then, now))
    )
    if new:
        found.append(f"{_named(new)} joined")
    if gone:
        found.append(f"{_named(gone)} left")
    labels = snapshot.summary["labels"] - earlier.summary["labels"]
    if labels:
        word = "more" if labels > 0 else "fewer"
        found.append(f"{count(abs(labels), word + ' label')}")
    if now["data"]["prices"] != then["data"]["prices"]:
        found.append("other prices")
    if now["question"] != then["question"]:
        found.append("other settings")
    if now["data"]["predictions"] != then["data"]["predictions"] and not (new or gone):
        found.append("other predictions")
    if not found:
        found.append("what is told of the models" if _same_data(now, then) else "other labels")
    text = "; ".join(found)
    return f"{text[:1].upper()}{text[1:]}."


def _same_data(now: dict[str, Any], then: dict[str, Any]) -> bool:
    return bool(now["data"] == then["data"])


def _named(models: Iterable[str]) -> str:
    listed = list(models)
    names = ", ".join(name(model) for model in listed[:_NAMED])
    more = len(listed) - _NAMED
    return f"{names} and {count(more, 'other')}" if more > 0 else names
