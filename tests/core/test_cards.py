"""A result card says what its numbers follow from, and one command finds out whether they do."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from apps.core.cards import CardError, Claim, card_of, verify
from apps.leaderboards import services as boards
from apps.leaderboards.cards import claim_of as board_claim
from apps.leaderboards.models import Board
from apps.routing.cards import claim_of as evaluation_claim
from apps.routing.services import start_evaluation
from apps.selection.cards import claim_of as selection_claim
from apps.selection.history.cards import claim_of as replay_claim
from apps.selection.history.models import Replay
from apps.selection.history.services import start_replay
from apps.selection.models import SelectionSession
from apps.selection.services import Answer, record, start_session
from apps.teams.models import Team, User
from tests.leaderboards.conftest import board, bring, labels, truth, version
from tests.routing.furniture import version_with_outcomes

__all__ = ["board", "bring", "version"]

RunJobs = Callable[[], list[Any]]


@pytest.fixture
def session(board: Board, eddie: User) -> SelectionSession:
    made = start_session(user=eddie, version=board.version, name="Which pet model")
    for item in range(42, 48):
        record(user=eddie, session=made, answer=Answer(item, "label", truth(item), "a note"))
    return made


def card(claim: Claim) -> dict[str, Any]:
    return json.loads(json.dumps(card_of(claim)))  # type: ignore[no-any-return]


def of_board(board: Board) -> dict[str, Any]:
    board.refresh_from_db()
    assert board.current is not None
    return card(board_claim(board, board.current))


def content(made: dict[str, Any]) -> bytes:
    return json.dumps(made).encode()


def resealed(made: dict[str, Any]) -> bytes:
    """A card whose forger knew how seals are made."""
    claim = {key: made[key] for key in Claim.__dataclass_fields__}
    return content(card_of(Claim(**claim)))


def test_a_card_names_data_settings_seed_and_versions(board: Board) -> None:
    made = of_board(board)
    assert made["inputs"]["data"].keys() >= {"items", "predictions", "labels", "prices"}
    assert made["seed"] == board.seed
    assert made["parameters"]["delta"] == board.delta
    assert made["versions"].keys() >= {"assay", "python", "numpy"}
    assert made["result"]["ranking"]["chosen"] == "ada"


def test_the_same_data_give_the_same_board(board: Board) -> None:
    finding = verify(content(of_board(board)))
    assert (finding.same, finding.differences) == (True, ())


def test_the_same_log_gives_the_same_selection(session: SelectionSession) -> None:
    made = card(selection_claim(session))
    assert "a note" not in json.dumps(made)
    assert "eddie" not in json.dumps(made)
    finding = verify(content(made))
    assert (finding.same, finding.differences) == (True, ())


def test_the_same_outcomes_give_the_same_evaluation(
    team: Team, alice: User, run_jobs: RunJobs
) -> None:
    prompts = version_with_outcomes(team, alice)
    asked = {"encoder": "hashing", "routers": ["knn"], "split": "random", "splits": 1}
    evaluation = start_evaluation(user=alice, version=prompts, **asked)  # type: ignore[arg-type]
    run_jobs()
    evaluation.refresh_from_db()
    assert evaluation.current is not None
    made = card(evaluation_claim(evaluation, evaluation.current))
    assert "train_seconds" not in json.dumps(made)
    finding = verify(content(made))
    assert (finding.same, finding.differences) == (True, ())
    made["result"]["routers"]["knn"]["aiq"]["mean"] += 1
    assert not verify(resealed(made)).same


@pytest.fixture
def replay(board: Board, eddie: User, run_jobs: RunJobs) -> Replay:
    asked = {"methods": ["auto", "random"], "realisations": 4, "budget": 10, "seed": 3}
    made = start_replay(user=eddie, version=board.version, **asked)  # type: ignore[arg-type]
    run_jobs()
    made.refresh_from_db()
    return made


def test_the_same_labels_give_the_same_replay(replay: Replay) -> None:
    made = card(replay_claim(replay))
    assert (made["seed"], made["parameters"]["realisations"]) == (3, 4)
    assert "seconds_per_step" not in json.dumps(made)
    replay.version.dataset.name = "Animals"
    replay.version.dataset.save()
    finding = verify(content(made))
    assert (finding.same, finding.differences) == (True, ())
    made["result"]["outcome"]["methods"]["random"]["labels_to_best_90"]["first"] = (
        11  # beyond the budget
    )
    assert not verify(resealed(made)).same


def test_a_replay_whose_card_asks_for_another_plan_is_recomputed_so(replay: Replay) -> None:
    made = card(replay_claim(replay))
    made["seed"] = 4
    found = verify(resealed(made))
    assert not found.same
    assert found.differences[0].startswith("result.")
    made["parameters"]["realisations"] = 10**9
    with pytest.raises(CardError, match="1 to 1,000"):
        verify(resealed(made))


def test_a_replay_of_labels_that_went_on_is_compared_with_what_was_kept(
    replay: Replay, bring: Callable[..., Any]
) -> None:
    made = card(replay_claim(replay))
    bring(labels(range(40, 60)), "labels", version=replay.version)
    finding = verify(content(made))
    assert finding.same
    assert "moved on" in finding.note
    made["seed"] = 4
    assert not verify(resealed(made)).same


def test_a_number_that_was_changed_is_found(board: Board) -> None:
    made = of_board(board)
    made["result"]["ranking"]["rows"][0]["accuracy"] += 0.01
    with pytest.raises(CardError, match="changed after it was made"):
        verify(content(made))
    finding = verify(resealed(made))
    assert not finding.same
    assert finding.differences[0].startswith("result.ranking.rows[0].accuracy: 0.96")


def test_data_that_moved_on_are_told_and_the_kept_numbers_are_compared(
    board: Board, bring: Callable[..., Any]
) -> None:
    made = of_board(board)
    bring(labels(range(40, 60)), "labels", version=board.version)
    finding = verify(content(made))
    assert finding.same
    assert "moved on" in finding.note
    made["result"]["ranking"]["rows"][0]["accuracy"] = 1.0
    assert not verify(resealed(made)).same
    now = Board.objects.get(pk=board.pk).current
    assert now is not None
    board.snapshots.exclude(pk=now.pk).delete()
    forgotten = verify(content(of_board_before(made)))
    assert not forgotten.same
    assert forgotten.differences[0].startswith("inputs.data.labels: 1 entries on the card, 2 here")


def of_board_before(made: dict[str, Any]) -> dict[str, Any]:
    sealed: dict[str, Any] = json.loads(resealed(made))
    return sealed


def test_a_selection_that_went_on_is_told(session: SelectionSession, eddie: User) -> None:
    made = card(selection_claim(session))
    record(user=eddie, session=session, answer=Answer(50, "label", truth(50)))
    finding = verify(content(made))
    assert not finding.same
    assert finding.differences[0] == "inputs.answers.count: 6 on the card, 7 here"


def test_a_board_with_other_settings_by_now_is_recomputed_as_the_card_asks(
    board: Board, eddie: User, run_jobs: RunJobs
) -> None:
    made = of_board(board)
    boards.update_board(user=eddie, board=board, delta=0.2, name="Other")
    run_jobs()
    assert verify(content(made)).same


@pytest.mark.parametrize(
    "text", [b"", b"nonsense", b"[]", b"{}", b'"x"', b'{"assay_card": 1, "seal": "x"', b"[" * 9999]
)
def test_what_is_no_card_is_told_in_one_sentence(text: bytes) -> None:
    with pytest.raises(CardError, match="no result card"):
        verify(text)


def test_a_card_of_something_that_is_not_here_is_told(board: Board) -> None:
    made = of_board(board)
    board.delete()
    with pytest.raises(CardError, match="not in this installation"):
        verify(content(made))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "1; drop"), ("kind", "nothing"), ("priced_on", "someday"), ("seed", -1),
        ("parameters", {"resamples": 10**9}), ("parameters", {"delta": 7}), ("parameters", None),
    ],
)  # fmt: skip
def test_a_forged_card_is_refused_before_anything_is_computed(
    board: Board, field: str, value: Any
) -> None:
    made = of_board(board)
    made[field] = {**made[field], **value} if isinstance(value, dict) else value
    with pytest.raises(CardError):
        verify(resealed(made))


def test_the_command_says_same_or_different_and_where(board: Board, tmp_path: Path) -> None:
    made, path = of_board(board), tmp_path / "board.card.json"
    path.write_bytes(content(made))
    said = io.StringIO()
    call_command("verify", str(path), stdout=said)
    assert said.getvalue().startswith("The same.")
    made["result"]["labels"] = 41
    path.write_bytes(resealed(made))
    with pytest.raises(SystemExit) as ended:
        call_command("verify", str(path), stdout=(said := io.StringIO()))
    assert ended.value.code == 1
    assert "result.labels: 41 on the card, 40 here" in said.getvalue()
    for wrong in (tmp_path / "none", tmp_path):
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("verify", str(wrong))


def test_members_take_a_cards_file_and_programs_its_content(
    board: Board,
    session: SelectionSession,
    vic: User,
    client_of: Callable[..., Any],
    api_of: Callable[..., Any],
) -> None:
    for page, api in (
        (f"/boards/{board.slug}", f"/api/v1/boards/{board.slug}/card/"),
        (f"/selections/{session.pk}", f"/api/v1/selections/{session.pk}/card/"),
    ):
        answer = client_of(vic).get(f"{page}.card.json")
        assert ".card.json" in answer["Content-Disposition"]
        assert verify(answer.content).same
        assert verify(content(api_of(vic).get(api).json())).same
        assert f'href="{page}.card.json"' in client_of(vic).get(f"{page}/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_card_holds_after_a_backup_and_its_return(
    board: Board, session: SelectionSession, tmp_path: Path
) -> None:
    cards = [content(of_board(board)), content(card(selection_claim(session)))]
    call_command("backup", str(tmp_path / "all.tar"), verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    for folder in default_storage.listdir("blobs")[0]:
        for name in default_storage.listdir(f"blobs/{folder}")[1]:
            default_storage.delete(f"blobs/{folder}/{name}")
    with pytest.raises(CardError, match="not in this installation"):
        verify(cards[0])
    call_command("restore", str(tmp_path / "all.tar"), verbosity=0)
    assert [verify(one).same for one in cards] == [True, True]


@pytest.mark.parametrize(
    "wrong",
    [{"id": 7}, {"kind": []}, {"inputs": 3}, {"parameters": []}, {"seed": 10**400}, {"name": None}],
)
def test_a_card_of_another_form_is_no_card(board: Board, wrong: dict[str, Any]) -> None:
    assert board.current is not None
    forged = card_of(replace(board_claim(board, board.current), **wrong))
    with pytest.raises(CardError):
        verify(json.dumps(forged).encode())


def test_a_file_without_end_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setattr("apps.core.cards.MOST_BYTES", 1 << 20)
    with pytest.raises(CommandError, match="A card has at most 1 MiB"):
        call_command("verify", "/dev/zero")
