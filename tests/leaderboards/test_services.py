"""Boards make themselves, follow their data, and never compute the same twice."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from apps.catalog.models import CandidateModel, DatasetVersion, LabelBatch
from apps.catalog.services import set_price, update_model, withdraw_labels
from apps.catalog.tables import PredictionTable
from apps.jobs.models import Job, State
from apps.leaderboards import compute as computing
from apps.leaderboards import queries, services
from apps.leaderboards.compute import Question, compute
from apps.leaderboards.models import Board, Snapshot
from apps.teams.models import AuditEntry, User
from tests.leaderboards.conftest import Bring, RunJobs, labels, predictions


def current(board: Board) -> Snapshot:
    board.refresh_from_db()
    assert board.current is not None
    return board.current


def test_a_version_with_predictions_gets_a_board_by_itself(bring: Bring) -> None:
    version = bring(predictions({"ada": 2, "bea": 3}), dataset_name="Pets")
    board = Board.objects.get(version=version)
    result = queries.result_of(current(board))
    assert board.name == "Pets"
    assert result["ranking"] is None
    assert len(result["next"]["items"]) == 20


def test_labels_rank_it(board: Board) -> None:
    result = queries.result_of(current(board))
    assert [row["model"] for row in result["ranking"]["rows"]] == ["ada", "bea", "cyd"]
    assert result["ranking"]["rows"][0]["correct"] == 38
    assert board.current is not None
    assert board.current.summary["labels"] == 40


def test_a_price_that_changes_is_followed(board: Board, eddie: User, run_jobs: RunJobs) -> None:
    before = current(board)
    set_price(
        user=eddie,
        model=CandidateModel.objects.get(name="cyd"),
        valid_from=date(2026, 2, 1),
        per_call=Decimal("0.5"),
    )
    run_jobs()
    assert current(board).pk != before.pk
    assert queries.result_of(current(board))["ranking"]["rows"][2]["price"] == 0.5


def test_a_models_facts_are_followed(board: Board, eddie: User, run_jobs: RunJobs) -> None:
    update_model(user=eddie, model=CandidateModel.objects.get(name="ada"), provider="Foundry")
    run_jobs()
    assert queries.result_of(current(board))["facts"]["ada"]["provider"] == "Foundry"


def test_many_changes_wait_for_one_job(board: Board, eddie: User, run_jobs: RunJobs) -> None:
    for number, name in enumerate(("ada", "bea", "cyd"), 1):
        set_price(
            user=eddie,
            model=CandidateModel.objects.get(name=name),
            valid_from=date(2026, 3, number),
            per_call=Decimal(number),
        )
    waiting = Job.objects.filter(kind=services.REFRESH, state=State.QUEUED)
    assert waiting.count() == 1
    run_jobs()
    prices = [row["price"] for row in queries.result_of(current(board))["ranking"]["rows"]]
    assert sorted(prices) == [1, 2, 3]


def test_the_same_data_are_not_computed_twice(
    board: Board, eddie: User, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current(board)
    monkeypatch.setattr(services, "compute", None)
    services.refresh_board(user=eddie, board=board)
    (job,) = run_jobs()
    assert job.state == State.SUCCEEDED
    assert current(board).pk == before.pk


def test_withdrawn_labels_bring_the_older_numbers_back(
    board: Board, bring: Bring, version: DatasetVersion, eddie: User, run_jobs: RunJobs
) -> None:
    before = current(board)
    bring(labels(range(40, 60)), "labels", version=version)
    assert current(board).summary["labels"] == 60
    withdraw_labels(user=eddie, batch=LabelBatch.objects.latest("created_at"))
    run_jobs()
    assert current(board).pk == before.pk


def test_data_that_change_while_a_board_is_computed_are_computed_again(
    board: Board, eddie: User, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = CandidateModel.objects.get(name="ada")
    set_price(user=eddie, model=ada, valid_from=date(2026, 2, 1), per_call=Decimal(2))
    calls: list[int] = []

    def meddled(*args: object, **how: object) -> dict[str, object]:
        if not calls:
            set_price(user=eddie, model=ada, valid_from=date(2026, 2, 2), per_call=Decimal(3))
        calls.append(1)
        return compute(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(services, "compute", meddled)
    run_jobs()
    row = queries.result_of(current(board))["ranking"]["rows"][0]
    assert (row["model"], row["price"]) == ("ada", 3)
    assert len(calls) == 2


def test_labels_chosen_by_a_method_are_counted_apart(
    board: Board, bring: Bring, version: DatasetVersion
) -> None:
    chosen = "item_id,label,selected_by\ni50,cat,MODEL SELECTOR\ni51,dog,MODEL SELECTOR\n"
    bring(chosen, "labels", version=version)
    result = queries.result_of(current(board))
    assert (result["labels"], result["chosen_labels"]) == (42, 2)


def test_only_editors_make_change_and_delete_boards(
    board: Board, version: DatasetVersion, anna: User, charlie: User
) -> None:
    for user in (anna, charlie):
        with pytest.raises(PermissionDenied):
            services.create_board(user=user, version=version, name="Mine")
        with pytest.raises(PermissionDenied):
            services.update_board(user=user, board=board, delta=0.5)
        with pytest.raises(PermissionDenied):
            services.delete_board(user=user, board=board)
    assert Board.objects.count() == 1


def test_a_setting_out_of_its_range_is_refused(version: DatasetVersion, eddie: User) -> None:
    with pytest.raises(ValidationError):
        services.create_board(user=eddie, version=version, name="Odd", delta=2.0)


def test_what_is_done_leaves_its_trace(board: Board, eddie: User) -> None:
    services.update_board(user=eddie, board=board, delta=0.05)
    services.delete_board(user=eddie, board=board)
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"board.created", "board.changed", "board.deleted"} <= actions


def test_a_deleted_boards_job_says_so(board: Board, eddie: User, run_jobs: RunJobs) -> None:
    services.update_board(user=eddie, board=board, delta=0.05)
    Board.objects.all().delete()
    (job,) = run_jobs()
    assert job.state == State.FAILED
    assert "deleted" in job.error


@pytest.fixture
def table() -> PredictionTable:
    return PredictionTable.of(
        item_ids=["a", "b", "c", "d"],
        model_names=["x", "y"],
        class_names=["0", "1"],
        predictions=[[0, 1, 0, 1], [0, 1, 1, -1]],
    )


def test_slices_count_right_answers_of_those_given(table: PredictionTable) -> None:
    result = compute(
        table,
        np.array([0, 1, 0, 1]),
        question=Question(resamples=50),
        slices={"site": ["n", "n", "s", "s"]},
    )
    assert [column["value"] for column in result["slice_columns"]] == ["n", "s"]
    assert result["slice_cells"] == {"x": [[2, 2], [2, 2]], "y": [[2, 2], [0, 1]]}


def test_a_slice_of_many_values_shows_the_most_labelled(
    table: PredictionTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "SLICE_VALUES", 1)
    result = compute(
        table,
        np.array([0, 1, 0, -1]),
        question=Question(resamples=50),
        slices={"site": ["n", "s", "s", "n"]},
    )
    assert [column["value"] for column in result["slice_columns"]] == ["s"]


def test_models_that_ran_on_no_labelled_item_rank_nothing() -> None:
    table = PredictionTable.of(
        item_ids=["a", "b"], model_names=["x"], class_names=["0"], predictions=[[-1, 0]]
    )
    result = compute(table, np.array([0, -1]), question=Question(resamples=50))
    assert result["ranking"] is None
    assert "No model was run" in result["problem"]


def test_equal_questions_get_equal_answers(table: PredictionTable) -> None:
    truth = np.array([0, 1, -1, -1])
    once, again = (compute(table, truth, question=Question(resamples=50)) for _ in range(2))
    assert once == again
