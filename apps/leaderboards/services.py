"""Verbs on boards: make, change, delete, bring up to date."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from django.db import transaction

from apps.catalog import queries as catalog
from apps.catalog.models import CandidateModel, DatasetVersion, ModelOutput
from apps.core import files
from apps.core.models import new_slug
from apps.core.prose import plain
from apps.hooks import services as hooks
from apps.hooks.models import Event
from apps.jobs.context import JobContext, JobFailed
from apps.jobs.models import Job, State
from apps.jobs.services import enqueue
from apps.leaderboards import queries
from apps.leaderboards.compute import Question, compute, kept_arrays
from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.queries import BoardInputs
from apps.leaderboards.words import verdict
from apps.teams.models import Role, User
from apps.teams.services import audit, require

REFRESH = "leaderboards.refresh"
_ROUNDS = 5


@transaction.atomic
def create_board(*, user: User, version: DatasetVersion, name: str, **settings: Any) -> Board:
    """A board over a dataset version, and the job that computes it.

    `settings`: delta, alpha, input_tokens, output_tokens, seed. Raises PermissionDenied without the
    role of an editor, ValidationError for a setting out of its range.
    """
    require(user=user, team=version.team, role=Role.EDITOR)
    board = _create(version, name, user, **settings)
    audit(user=user, team=board.team, action="board.created", target=board)
    _send(board, user)
    return board


def _create(version: DatasetVersion, name: str, user: User | None, **settings: Any) -> Board:
    board = Board(
        team=version.team,
        created_by=user,
        version=version,
        name=name,
        slug=new_slug(name),
        **settings,
    )
    board.full_clean()
    board.save()
    return board


@transaction.atomic
def update_board(*, user: User, board: Board, **changes: Any) -> Board:
    """Change a board's name or settings and compute it anew."""
    require(user=user, team=board.team, role=Role.EDITOR)
    for field, value in changes.items():
        setattr(board, field, value)
    board.full_clean()
    board.save(update_fields=list(changes))
    audit(user=user, team=board.team, action="board.changed", target=board, fields=sorted(changes))
    _send(board, user)
    return board


@transaction.atomic
def delete_board(*, user: User, board: Board) -> None:
    """Delete a board, its snapshots and its share links; the data stay."""
    require(user=user, team=board.team, role=Role.EDITOR)
    audit(user=user, team=board.team, action="board.deleted", target=board)
    board.delete()


@transaction.atomic
def refresh_board(*, user: User, board: Board) -> Job:
    """Bring a board up to date; a job that already does it for the same data is returned."""
    require(user=user, team=board.team, role=Role.EDITOR)
    return _send(board, user)


def follow_version(*, version: DatasetVersion, user: User | None) -> None:
    """Called inside the transaction that changed a version: its boards follow.

    A version with predictions and no board gets one by itself.
    """
    found = _boards_on(version)
    if not found and ModelOutput.objects.filter(version=version).exists():
        owner = user or version.created_by
        number = f" v{version.number}" if version.number > 1 else ""
        board = _create(version, f"{version.dataset.name}{number}"[:200], owner)
        audit(user=owner, team=board.team, action="board.created", target=board, automatic=True)
        found = [board]
    for board in found:
        _send(board, user)


@transaction.atomic
def follow_model(*, model: CandidateModel) -> None:
    """What boards tell about a model beside its numbers changed: they follow."""
    for version in DatasetVersion.objects.filter(outputs__model=model):
        for board in _boards_on(version):
            _send(board, None)


def _boards_on(version: DatasetVersion) -> list[Board]:
    return list(Board.objects.filter(version=version).select_related("team", "version__dataset"))


def _send(board: Board, user: User | None) -> Job:
    """A job that reads the data as they stand once the caller's transaction has committed.

    One that still waits will do: its row is locked, so that no worker takes it before the commit.
    Else the key names the data, so that data which change while a job runs get a job of their own.
    """
    waiting = Job.objects.select_for_update().filter(
        team=board.team,
        kind=REFRESH,
        key__startswith=f"{board.pk}:",
        state=State.QUEUED,
        cancel_requested=False,
    )
    job = waiting.first() or enqueue(
        user=user,
        team=board.team,
        kind=REFRESH,
        title=f"Bring the board {board.name} up to date"[:200],
        params={"board": str(board.pk)},
        key=f"{board.pk}:{queries.inputs_of(board).digest[:32]}",
    )
    if board.job_id != job.pk:
        board.job = job
        Board.objects.filter(pk=board.pk).update(job=job)
    return job


class _DataMoved(Exception):
    """The data changed while the board was being computed."""


def refresh(ctx: JobContext) -> None:
    """The board's job: compute the result for the data as they stand, and make it the current one."""
    board = (
        Board.objects.select_related("team", "version__dataset")
        .filter(pk=ctx.params["board"])
        .first()
    )
    if board is None:
        raise JobFailed("The board has been deleted.")
    for _ in range(_ROUNDS):
        ctx.raise_if_stopped()
        inputs = queries.inputs_of(board)
        try:
            _finish(ctx, board, inputs, _computed(ctx, board, inputs))
        except _DataMoved:
            board.refresh_from_db()
            continue
        return
    raise JobFailed("The data changed faster than the board could be computed. Try again.")


def _computed(
    ctx: JobContext, board: Board, inputs: BoardInputs
) -> tuple[dict[str, Any], str] | None:
    """The result and the file of what may still be asked.

    None where there are no predictions or a snapshot of the same inputs exists.
    """
    if not inputs.facts or board.snapshots.filter(inputs_hash=inputs.digest).exists():
        return None
    result = result_for(board, inputs, queries.question_of(board), ctx.progress)
    return result, _kept(board) if result["ranking"] else ""


def result_for(
    board: Board,
    inputs: BoardInputs,
    question: Question,
    progress: Callable[[int, int, str], None],
) -> dict[str, Any]:
    """All numbers of a board for the data as they stand."""
    progress(0, 2, "Reading predictions and labels")
    table = catalog.predictions_of(board.version)
    state = catalog.labels_of(board.version, table.class_names)
    progress(1, 2, f"Comparing {table.n_models:,} models on {state.count:,} labels")
    result = compute(
        table,
        state.labels,
        question=question,
        chosen=state.chosen,
        prices=[inputs.prices[name] for name in table.model_names],
        slices=catalog.slices_of(board.version),
    )
    result["facts"] = inputs.facts
    result["priced_on"] = inputs.priced_on.isoformat()
    result["dataset"] = {"name": board.version.dataset.name, "version": board.version.number}
    progress(2, 2, "Writing the result")
    return result


def _kept(board: Board) -> str:
    """The file of what the board may still be asked, by its hash."""
    table = catalog.predictions_of(board.version)
    state = catalog.labels_of(board.version, table.class_names)
    slices = catalog.slices_of(board.version)
    arrays = kept_arrays(table, state.labels, chosen=state.chosen, slices=slices)
    kept = io.BytesIO()
    np.savez_compressed(kept, **arrays)  # type: ignore[arg-type]
    kept.seek(0)
    return files.put(kept)


def _finish(
    ctx: JobContext,
    board: Board,
    inputs: BoardInputs,
    made: tuple[dict[str, Any], str] | None,
) -> None:
    """Keep the result and point the board at it, unless the data have moved on meanwhile."""
    result, kept = made or (None, "")
    blob = files.put(io.BytesIO(json.dumps(result).encode())) if result is not None else ""
    with ctx.finishing({"board": board.slug}):
        locked = Board.objects.select_for_update().select_related(None).get(pk=board.pk)
        locked.version = board.version
        if queries.inputs_of(locked).digest != inputs.digest:
            raise _DataMoved
        before = locked.current
        if result is not None:
            locked.current, _ = Snapshot.objects.get_or_create(
                board=locked,
                inputs_hash=inputs.digest,
                defaults={
                    "inputs": inputs.content,
                    "blob": blob,
                    "pairs_blob": kept,
                    "summary": summary_of(result),
                },
            )
        else:
            locked.current = locked.snapshots.filter(inputs_hash=inputs.digest).first()
        locked.save(update_fields=["current"])
        _tell_of_change(board, before, locked.current)


def _tell_of_change(board: Board, before: Snapshot | None, after: Snapshot | None) -> None:
    """Webhooks hear of another recommendation; not of the first one."""
    if before is None or after is None or before.pk == after.pk:
        return
    was, now = (_recommended(snapshot) for snapshot in (before, after))
    if was != now:
        data = {"board": board.slug, "name": board.name, "before": was, "after": now}
        data["verdict"] = plain(after.summary["verdict"])
        hooks.tell(team=board.team, event=Event.RECOMMENDATION, data=data)


def _recommended(snapshot: Snapshot) -> dict[str, str | None]:
    """The model that is chosen, and the cheapest that is good enough."""
    ranking = queries.result_of(snapshot)["ranking"] or {}
    return {name: ranking.get(name) for name in ("chosen", "cheapest_within_delta")}


def summary_of(result: dict[str, Any]) -> dict[str, Any]:
    """What a list shows of a result."""
    ranking, said = result["ranking"] or {}, verdict(result)
    return {
        "chosen": ranking.get("chosen"),
        **queries.leading(result["ranking"]),
        "p_best": ranking.get("p_best"),
        "labels": result["labels"],
        "models": result["models"],
        "items": result["items"],
        "verdict": said.sentence,
        "decided": said.decided or result["labels"] == result["items"],
    }
