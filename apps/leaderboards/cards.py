"""Result cards of boards."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

from apps.core.cards import Claim, Progress, Recount, register
from apps.leaderboards import queries, services
from apps.leaderboards.compute import Question
from apps.leaderboards.models import Board, Snapshot


def claim_of(board: Board, snapshot: Snapshot) -> Claim:
    """What a card says of a snapshot."""
    result = queries.result_of(snapshot)
    asked = dict(result["question"])
    return Claim(
        kind="board",
        id=str(board.pk),
        name=board.name,
        priced_on=result["priced_on"],
        inputs=snapshot.inputs,
        seed=asked.pop("seed"),
        parameters=asked,
        result=result,
    )


@register
class Boards(Recount):
    """Computes a board anew."""

    kind = "board"

    def find(self, pk: UUID) -> Board | None:
        """See `Recount.find`."""
        return Board.objects.select_related("version__dataset").filter(pk=pk).first()

    def inputs(self, target: Board, claim: Claim) -> dict[str, Any]:
        """See `Recount.inputs`."""
        return self._inputs(target, claim).content

    def result(self, target: Board, claim: Claim, progress: Progress) -> dict[str, Any]:
        """See `Recount.result`."""
        inputs = self._inputs(target, claim)
        return services.result_for(target, inputs, _question(claim), progress)

    def kept(self, target: Board, claim: Claim) -> dict[str, Any] | None:
        """See `Recount.kept`."""
        digest = queries.digest_of(claim.inputs)
        snapshot: Snapshot | None = target.snapshots.filter(inputs_hash=digest).first()
        return queries.result_of(snapshot) if snapshot else None

    def _inputs(self, target: Board, claim: Claim) -> queries.BoardInputs:
        day = date.fromisoformat(claim.priced_on)
        return queries.inputs_of(target, question=_question(claim), on=day)


def _question(claim: Claim) -> Question:
    """The settings of a card, within the bounds of a board's."""
    asked = Question(seed=claim.seed, **claim.parameters)
    usual = Question()
    if (asked.resamples, asked.next_items) != (usual.resamples, usual.next_items):
        raise ValueError("a board draws as many resamples as this version does.")
    checked = asdict(asked)
    del checked["resamples"], checked["next_items"]
    Board(**checked).clean_fields(exclude=["name", "slug", "version", "team"])
    return asked
