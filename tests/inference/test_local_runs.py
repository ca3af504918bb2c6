"""Runs of real, tiny models in processes of their own, from the start to the catalog."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from math import log
from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from apps.catalog import queries as catalog
from apps.catalog.services import create_dataset
from apps.catalog.store import Items
from apps.inference import answers, services
from apps.inference.models import ModelSource, Run
from apps.inference.runners.weights import fingerprint, folder_below
from apps.jobs.models import Job, State
from apps.teams.models import Team, User
from tests.inference import tiny
from tests.inference.furniture import prompts, source_of
from tests.inference.test_local_models import picture

pytestmark = pytest.mark.embedded_only
Jobs = Callable[[], list[Job]]


def finished(run: Run, run_jobs: Jobs) -> Run:
    run_jobs()
    run.refresh_from_db()
    assert run.job is not None
    run.job.refresh_from_db()
    assert run.job.state == State.SUCCEEDED, run.job.error
    return run


def failure(run_jobs: Jobs) -> str:
    (job,) = run_jobs()
    assert job.state == State.FAILED
    return job.error


def test_a_classifier_becomes_predictions_with_probabilities(
    team: Team, eddie: User, models: Path, run_jobs: Jobs
) -> None:
    tiny.classifier(models / "c")
    version = prompts(
        team, eddie, [tiny.text(n) for n in range(30)], class_names=["cat", "dog", "bird"]
    )
    source = source_of(eddie, team, "text-classification", "folder:c")
    run = finished(services.start_run(user=eddie, version=version, source=source), run_jobs)
    table = catalog.predictions_of(version)
    assert (table.predictions >= 0).all()
    assert table.probabilities is not None
    assert (table.probabilities > 1 / 3).all()
    assert run.facts["revision"] == fingerprint(models / "c")
    assert run.facts["dtype"] == "float32"
    source.refresh_from_db()
    assert source.revision == run.facts["revision"]


def test_a_dataset_without_classes_takes_those_of_the_model(
    team: Team, eddie: User, models: Path, run_jobs: Jobs
) -> None:
    tiny.classifier(models / "c")
    version = prompts(team, eddie, [tiny.text(n) for n in range(8)])
    source = source_of(eddie, team, "text-classification", "folder:c")
    finished(services.start_run(user=eddie, version=version, source=source), run_jobs)
    assert set(catalog.predictions_of(version).class_names) <= {"cat", "dog", "bird"}


def test_labels_that_the_dataset_lacks_fail_the_run_in_a_sentence(
    team: Team, eddie: User, models: Path, run_jobs: Jobs
) -> None:
    tiny.classifier(models / "c", ["LABEL_0", "LABEL_1"])
    version = prompts(team, eddie, ["the cat"], class_names=["good", "bad"])
    source = source_of(eddie, team, "text-classification", "folder:c")
    services.start_run(user=eddie, version=version, source=source)
    assert failure(run_jobs) == (
        "The model's labels `LABEL_0`, `LABEL_1` are no class of the dataset, which has `good`, "
        "`bad`. Say which is which, for example LABEL_0 = good."
    )
    named = {"labels": {"LABEL_0": "good", "LABEL_1": "bad"}}
    run = services.start_run(user=eddie, version=version, source=source, settings=named)
    finished(run, run_jobs)


def test_a_language_model_is_scored_against_the_labels(
    team: Team, eddie: User, models: Path, run_jobs: Jobs
) -> None:
    tiny.causal(models / "l")
    texts = [tiny.text(n) for n in range(12)]
    version = prompts(team, eddie, [*texts, "  "], ["cat"] * 10)
    source = source_of(eddie, team, "causal-lm", "folder:l")
    run = services.start_run(
        user=eddie,
        version=version,
        source=source,
        scorer="contains",
        settings={"max_new_tokens": 8, "batch_size": 4},
    )
    run = finished(run, run_jobs)
    kept = answers.read(run.answers_blob)
    assert (run.answered, run.failed, kept[12].failure) == (12, 1, "The item has no text.")
    table = catalog.outcomes_of(version)
    for place, one in enumerate(kept[:10]):
        assert table.score[place, 0] == ("cat" in one.text)
    assert np.isnan(table.score[10:, 0]).all()  # no label, no score
    assert run.output_tokens == sum(one.output_tokens or 0 for one in kept)


def test_a_masked_model_is_scored_by_its_loss(
    team: Team, eddie: User, models: Path, run_jobs: Jobs
) -> None:
    tiny.masked(models / "m")
    version = prompts(team, eddie, [tiny.text(n) for n in range(10)])
    source = source_of(eddie, team, "masked-lm-loss", "folder:m")
    run = finished(services.start_run(user=eddie, version=version, source=source), run_jobs)
    losses = [one.loss or 0 for one in answers.read(run.answers_blob)]
    assert min(losses) > 0
    vocabulary = run.facts["vocabulary"]
    np.testing.assert_allclose(
        catalog.outcomes_of(version).score[:, 0],
        [max(0, 1 - loss / log(vocabulary)) for loss in losses],
    )


def test_pictures_are_classified(team: Team, eddie: User, models: Path, run_jobs: Jobs) -> None:
    tiny.images(models / "i")
    items = Items([f"p{n}" for n in range(5)], images=[picture(n) for n in range(4)] + [None])
    version = create_dataset(user=eddie, team=team, name="Pictures", items=items)
    source = source_of(eddie, team, "image-classification", "folder:i")
    run = finished(services.start_run(user=eddie, version=version, source=source), run_jobs)
    assert (run.answered, run.failed) == (4, 1)
    assert answers.read(run.answers_blob)[4].failure == "The item has no picture."
    assert catalog.predictions_of(version).predictions[0, 4] == -1


# --- what is refused -----------------------------------------------------------------------------


def test_only_folders_below_the_allowed_one_are_run(
    team: Team, eddie: User, models: Path, tmp_path: Path
) -> None:
    tiny.classifier(tmp_path / "outside")
    (models / "link").symlink_to(tmp_path / "outside")
    (models / "sly").mkdir()
    (models / "sly" / "config.json").symlink_to("/etc/hostname")
    for place, sentence in (
        ("folder:../outside", "does not lie below the one for models"),
        (f"folder:{tmp_path / 'outside'}", "does not lie below the one for models"),
        ("folder:link", "does not lie below the one for models"),
        ("folder:", "does not lie below the one for models"),
        ("folder:sly", "config.json in sly leads out of the folder"),
        ("folder:none", "There is no folder none below"),
        ("/etc", "Give a hub id such as organisation/model"),
        ("../x/y", "Give a hub id such as organisation/model"),
        ("a/b/c", "Give a hub id such as organisation/model"),
    ):
        with pytest.raises(ValidationError, match=sentence):
            source_of(eddie, team, "text-classification", place)
        assert not ModelSource.objects.exists()


def test_a_folder_with_a_name_that_is_too_long_is_not_there(models: Path) -> None:
    with pytest.raises(ValueError, match=r"There is no folder a+ below"):
        folder_below(models, "a" * 300)


def test_pickles_are_never_read(team: Team, eddie: User, models: Path) -> None:
    folder = tiny.classifier(models / "p")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValidationError, match="holds its weights as pickles, which run code"):
        source_of(eddie, team, "text-classification", "folder:p")


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_code_that_comes_with_a_model_is_never_run(
    team: Team, eddie: User, models: Path, name: str
) -> None:
    folder = tiny.classifier(models / "a")
    held = json.loads((folder / name).read_text())
    held["inner"] = {"auto_map": {"AutoModel": "code.Evil"}}
    (folder / name).write_text(json.dumps(held))
    (folder / "code.py").write_text("raise SystemExit")
    with pytest.raises(ValidationError, match=f"brings code of its own .auto_map in {name}"):
        source_of(eddie, team, "text-classification", "folder:a")


def test_a_folder_that_changed_since_is_refused(
    team: Team, eddie: User, models: Path, run_jobs: Jobs
) -> None:
    folder = tiny.classifier(models / "c")
    source = source_of(eddie, team, "text-classification", "folder:c")
    first = prompts(team, eddie, ["the cat"])
    finished(services.start_run(user=eddie, version=first, source=source), run_jobs)
    shutil.rmtree(folder)
    tiny.classifier(folder, ["cat", "dog"])
    source.refresh_from_db()
    second = create_dataset(user=eddie, team=team, name="B", items=Items(["a"], texts=["the"]))
    services.start_run(user=eddie, version=second, source=source)
    assert failure(run_jobs).startswith("c has changed: it holds revision ")


def test_weights_that_are_garbage_fail_in_a_sentence(
    team: Team, eddie: User, models: Path, run_jobs: Jobs
) -> None:
    folder = tiny.classifier(models / "g")
    (folder / "model.safetensors").write_bytes(b"no weights at all")
    source = source_of(eddie, team, "text-classification", "folder:g")
    services.start_run(user=eddie, version=prompts(team, eddie, ["the cat"]), source=source)
    assert failure(run_jobs).startswith("The model cannot be loaded for SequenceClassification")


# --- the hub's files on this machine -------------------------------------------------------------

OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def hub(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the hub with two commits of one model; `main` is the newer."""
    repository = tmp_path / "hub" / "models--mill--tiny"
    tiny.classifier(repository / "snapshots" / OLD, ["cat", "dog"])
    tiny.classifier(repository / "snapshots" / NEW)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(NEW)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return repository


def test_a_hub_model_stays_at_the_commit_that_was_run_first(
    team: Team, eddie: User, hub: Path, run_jobs: Jobs
) -> None:
    source = source_of(eddie, team, "text-classification", "mill/tiny")
    version = prompts(team, eddie, ["the cat"])
    run = finished(services.start_run(user=eddie, version=version, source=source), run_jobs)
    source.refresh_from_db()
    assert source.revision == run.facts["revision"] == NEW
    (hub / "refs" / "main").write_text(OLD)
    other = create_dataset(user=eddie, team=team, name="B", items=Items(["a"], texts=["the"]))
    run = finished(services.start_run(user=eddie, version=other, source=source), run_jobs)
    assert run.facts["revision"] == NEW


def test_a_commit_can_be_asked_for(team: Team, eddie: User, hub: Path, run_jobs: Jobs) -> None:
    source = source_of(eddie, team, "text-classification", "mill/tiny", revision=OLD)
    version = prompts(team, eddie, ["the cat"])
    run = finished(services.start_run(user=eddie, version=version, source=source), run_jobs)
    assert run.facts["revision"] == OLD
    with pytest.raises(ValidationError, match="Give the whole commit"):
        source_of(eddie, team, "text-classification", "mill/other", revision="main")


def test_a_hub_model_that_is_not_to_be_had_is_named(
    team: Team, eddie: User, hub: Path, run_jobs: Jobs
) -> None:
    source = source_of(eddie, team, "text-classification", "mill/none")
    services.start_run(user=eddie, version=prompts(team, eddie, ["the cat"]), source=source)
    assert failure(run_jobs).startswith("mill/none is neither on this machine nor to be had")
