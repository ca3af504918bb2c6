"""Uploads taken over: whole, or not at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from apps.catalog import queries
from apps.catalog.models import (
    CandidateModel,
    Dataset,
    DatasetVersion,
    LabelBatch,
    ModelOutput,
    PredictionBatch,
    Price,
    Upload,
)
from apps.catalog.services import (
    commit,
    confirm_mapping,
    receive_upload,
    update_dataset,
    withdraw_labels,
)
from apps.catalog.services.check import Plan, read_all
from apps.jobs.models import State
from apps.teams.models import Team, User
from tests.catalog.conftest import (
    ITEMS,
    LABELS,
    PREDICTIONS,
    PRICES,
    Bring,
    BringTogether,
    RunJobs,
    text_file,
    version_of,
)


def test_predictions_make_a_dataset_with_its_items_and_models(version: DatasetVersion) -> None:
    assert str(version) == "Pets v1"
    table = queries.predictions_of(version)
    assert table.item_ids == ("a", "b", "c", "d")
    assert table.model_names == ("gpt-4o", "llama", "qwen")
    assert table.class_names == ("cat", "dog")
    assert table.predictions.tolist() == [[0, 1, 0, 1], [1, 1, 0, 0], [0, 1, 1, -1]]
    answered = dict(version.outputs.values_list("model__name", "answered"))
    assert answered == {"gpt-4o": 4, "llama": 4, "qwen": 3}


def test_predictions_and_labels_come_in_one_go(bring_together: BringTogether) -> None:
    predictions, labels = bring_together([("predictions", PREDICTIONS), ("labels", LABELS)])
    assert predictions.state == labels.state == Upload.State.COMMITTED
    version = version_of(predictions)
    table = queries.predictions_of(version)
    state = queries.labels_of(version, table.class_names)
    assert state.labels.tolist() == [0, 1, -1, -1]
    assert state.count == 2
    assert not state.chosen.any()


def test_a_model_that_is_called_otherwise_only_in_case_is_said_to_be_the_known_one(
    version: DatasetVersion, bring: Bring
) -> None:
    upload = bring("item_id,GPT-4o,new\nx,cat,dog\n")
    assert upload.summary["sentence"] == (
        "1 item. Predictions of 2 models. "
        "Names differ only in case from models you have: `GPT-4o` as `gpt-4o`."
    )
    assert version_of(upload).outputs.filter(model__name="gpt-4o").exists()


def test_when_the_labels_are_wrong_the_predictions_are_not_taken_either(
    bring_together: BringTogether,
) -> None:
    predictions, labels = bring_together(
        [("predictions", PREDICTIONS), ("labels", "item_id,label\na,cat\nz,dog\n")]
    )
    assert (predictions.state, labels.state) == (Upload.State.SNIFFED, Upload.State.REJECTED)
    assert labels.errors[0]["row"] == 3
    assert "`z`" in labels.errors[0]["message"]
    assert not Dataset.objects.exists()
    assert not PredictionBatch.objects.exists()
    assert not CandidateModel.objects.exists()
    assert labels.job is not None
    assert labels.job.state == State.FAILED


def test_items_with_text_and_slices_come_with_their_predictions(
    bring_together: BringTogether,
) -> None:
    items, _ = bring_together([("items", ITEMS), ("predictions", PREDICTIONS)])
    version = version_of(items)
    assert (version.has_text, version.has_images, version.slice_names) == (True, False, ["topic"])
    shown = queries.items_of(version, [2, 0])
    assert [(one.id, one.text, one.slices) for one in shown] == [
        ("c", "What is it?", {"topic": "other"}),
        ("a", "A cat?", {"topic": "pets"}),
    ]
    assert queries.slices_of(version)["topic"].tolist() == ["pets", "pets", "other", "other"]


def test_further_models_join_a_version(version: DatasetVersion, bring: Bring) -> None:
    upload = bring("item_id,mistral\nd,dog\na,bird\n", version=version)
    assert upload.state == Upload.State.COMMITTED
    table = queries.predictions_of(version)
    assert table.model_names == ("gpt-4o", "llama", "mistral", "qwen")
    assert table.class_names == ("bird", "cat", "dog")
    assert table.predictions[2].tolist() == [0, -1, -1, 2]


def test_the_same_predictions_twice_are_refused_with_a_sentence(
    version: DatasetVersion, bring: Bring
) -> None:
    again = bring(PREDICTIONS, version=version)
    assert again.state == Upload.State.REJECTED
    assert again.errors[0]["message"] == (
        "The predictions of all 3 models in this file are on Pets v1 already."
    )
    assert PredictionBatch.objects.count() == 1


def test_a_model_that_is_there_already_is_named(version: DatasetVersion, bring: Bring) -> None:
    again = bring("item_id,Qwen,new\na,cat,cat\n", version=version)
    assert "`qwen` has predictions on Pets v1 already" in again.errors[0]["message"]
    assert ModelOutput.objects.count() == 3
    assert not CandidateModel.objects.filter(name="new").exists()


def test_the_same_file_twice_at_once_makes_one_dataset(
    team: Team, eddie: User, run_jobs: RunJobs
) -> None:
    first, second = (
        receive_upload(
            user=eddie,
            team=team,
            file=text_file(PREDICTIONS),
            filename="pets.csv",
            purpose="predictions",
        )
        for _ in range(2)
    )
    confirm_mapping(user=eddie, upload=first)
    confirm_mapping(user=eddie, upload=second)
    run_jobs()
    first.refresh_from_db()
    second.refresh_from_db()
    assert Dataset.objects.get().name == "pets"
    assert (first.state, second.state) == (Upload.State.COMMITTED, Upload.State.REJECTED)
    assert "has a dataset called “pets” already" in second.errors[0]["message"]


def test_predictions_for_another_version_are_refused_with_one_sentence(
    version: DatasetVersion, bring: Bring
) -> None:
    upload = bring("item_id,new\nx,cat\ny,dog\n", version=version)
    assert upload.error_count == 1
    assert "for another dataset version" in upload.errors[0]["message"]


def test_labels_add_up_and_identical_repeats_are_counted(
    version: DatasetVersion, bring: Bring
) -> None:
    bring(LABELS, "labels", version=version)
    more = bring("item_id,label\nb,dog\nc,cat\n", "labels", version=version)
    assert more.summary["sentence"] == "1 new label; 1 was there already."
    state = queries.labels_of(version, ("cat", "dog"))
    assert state.labels.tolist() == [0, 1, 0, -1]


def test_labels_that_are_all_there_already_change_nothing(
    version: DatasetVersion, bring: Bring
) -> None:
    bring(LABELS, "labels", version=version)
    again = bring(LABELS, "labels", version=version)
    assert again.state == Upload.State.COMMITTED
    assert again.summary["sentence"] == "These 2 labels are there already; nothing new."
    assert LabelBatch.objects.count() == 1


def test_a_conflicting_label_is_reported_and_the_file_refused_whole(
    version: DatasetVersion, bring: Bring
) -> None:
    bring(LABELS, "labels", version=version)
    wrong = bring("item_id,label\nc,cat\nb,cat\n", "labels", version=version)
    assert wrong.state == Upload.State.REJECTED
    assert wrong.errors == [
        {
            "message": "Row 3: item `b` is labelled `cat` here, but `dog` is stored; "
            "withdraw the stored label or correct this row.",
            "row": 3,
            "column": None,
            "value": "cat",
        }
    ]
    assert queries.labels_of(version, ("cat", "dog")).count == 2


def test_two_annotators_who_disagree_in_one_file_are_asked_to_settle(
    version: DatasetVersion, bring: Bring
) -> None:
    wrong = bring("item_id,label,annotator\na,cat,ann\na,dog,bob\n", "labels", version=version)
    assert "but `cat` in row 2" in wrong.errors[0]["message"]


def test_withdrawn_labels_count_no_more_and_others_may_follow(
    version: DatasetVersion, bring: Bring, eddie: User
) -> None:
    bring(LABELS, "labels", version=version)
    withdraw_labels(user=eddie, batch=LabelBatch.objects.get())
    assert queries.labels_of(version, ("cat", "dog")).count == 0
    other = bring("item_id,label\na,dog\n", "labels", version=version)
    assert other.state == Upload.State.COMMITTED


def test_labels_from_the_next_items_list_are_marked_as_chosen(
    version: DatasetVersion, bring: Bring
) -> None:
    bring(LABELS, "labels", version=version)
    listed = "item_id,label,selected_by\nb,dog,model_selector\nc,cat,model_selector\n"
    bring(listed, "labels", version=version)
    state = queries.labels_of(version, ("cat", "dog"))
    assert state.chosen.tolist() == [False, False, True, False]


def test_a_label_that_no_model_predicts_is_a_class_of_its_own(
    version: DatasetVersion, bring: Bring
) -> None:
    bring("item_id,label\na,bird\n", "labels", version=version)
    table = queries.predictions_of(version)
    assert table.class_names == ("bird", "cat", "dog")


def test_new_items_make_a_new_version_and_predictions_stay_with_the_old(
    version: DatasetVersion, bring: Bring
) -> None:
    upload = bring(ITEMS, "items", version=version)
    assert version_of(upload).number == 2
    assert DatasetVersion.objects.filter(dataset=version.dataset).count() == 2
    with pytest.raises(ValueError, match="Pets v2 has no predictions yet"):
        queries.predictions_of(version_of(upload))
    assert queries.predictions_of(version).n_models == 3


def test_declared_classes_are_the_only_ones(team: Team, eddie: User, run_jobs: RunJobs) -> None:
    from apps.catalog.services import choose_columns, confirm_upload

    upload = receive_upload(
        user=eddie,
        team=team,
        file=text_file(PREDICTIONS.replace("b,dog,dog,dog", "b,dog,0.97x,dog")),
        filename="pets.csv",
        purpose="predictions",
    )
    choose_columns(user=eddie, upload=upload, mapping=None, class_names=["cat", "dog", "bird"])
    confirm_upload(user=eddie, upload=upload)
    run_jobs()
    upload.refresh_from_db()
    assert upload.errors[0]["message"] == (
        "Row 3: `0.97x` in column `qwen` is not one of the classes cat, dog, bird."
    )


def test_a_price_file_fills_the_models_and_the_price_book(
    version: DatasetVersion, bring: Bring
) -> None:
    upload = bring(PRICES, "models")
    assert upload.summary["sentence"] == "2 prices."
    assert Price.objects.count() == 2
    again = bring(PRICES, "models")
    assert again.summary["sentence"] == "Everything was there already."


def test_a_json_price_list_makes_new_models(bring: Bring, team: Team) -> None:
    text = '{"a": {"input_usd_per_1m": 1, "output_usd_per_1m": 2}, "b": 0.01}'
    upload = bring(text, "models", "prices.json")
    assert upload.summary["sentence"] == "2 new models and 2 prices."
    assert CandidateModel.objects.get(name="b").prices.get().per_call is not None


def test_npz_files_bring_predictions_and_labels(
    team: Team, eddie: User, tmp_path: Path, bring: Bring
) -> None:
    path = tmp_path / "p.npz"
    np.savez(
        path,
        predictions=np.array([[0, 1, 2], [2, 1, -1]], np.int8),
        labels=np.array([0, 1, 1]),
        model_names=np.array(["m", "n"]),
        class_names=np.array(["x", "y", "z"]),
    )
    upload = bring(path.read_bytes(), filename="p.npz")
    table = queries.predictions_of(version_of(upload))
    assert table.item_ids == ("0", "1", "2")
    assert table.predictions.tolist() == [[0, 1, 2], [2, 1, -1]]
    bring(path.read_bytes(), "labels", "p.npz", version=upload.version)
    assert queries.labels_of(version_of(upload), table.class_names).labels.tolist() == [0, 1, 1]


def test_the_uploaded_file_is_let_go_once_it_is_taken_over(version: DatasetVersion) -> None:
    upload = Upload.objects.get()
    assert upload.blob == ""
    assert len(upload.summary["sha256"]) == 64


@pytest.mark.parametrize("purpose", ["items", "predictions", "labels"])
def test_a_dataset_deleted_while_a_file_for_it_is_checked_ends_the_job_with_a_sentence(
    team: Team,
    eddie: User,
    version: DatasetVersion,
    run_jobs: RunJobs,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str,
) -> None:
    text = {"items": ITEMS, "predictions": "item_id,new\na,cat\n", "labels": LABELS}[purpose]
    upload = receive_upload(
        user=eddie,
        team=team,
        file=text_file(text),
        filename="f.csv",
        purpose=purpose,
        version=version,
    )
    confirm_mapping(user=eddie, upload=upload)

    def read_then_delete(*asked: Any) -> Plan:
        plan = read_all(*asked)
        version.boards.all().delete()
        version.dataset.delete()
        return plan

    monkeypatch.setattr(commit, "read_all", read_then_delete)
    job = run_jobs()[-1]
    assert (job.state, job.attempts) == (State.FAILED, 1)
    assert job.error == "The dataset has been deleted meanwhile."


def test_a_dataset_cannot_hide_behind_marks_that_reorder_text(
    bring: Bring, eddie: User, version: DatasetVersion
) -> None:
    upload = bring(PREDICTIONS, dataset_name="Pe\u202ets")
    assert upload.state == Upload.State.REJECTED
    assert "U+202E" in upload.errors[0]["message"]
    with pytest.raises(ValidationError, match="202E"):
        update_dataset(user=eddie, dataset=version.dataset, name="\u202e", description="")
