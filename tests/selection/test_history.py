"""Replaying the labels that a dataset has: the job, its page, its files and its API."""

import csv
import io
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from apps.catalog.models import DatasetVersion
from apps.catalog.queries import predictions_of
from apps.catalog.services import add_labels
from apps.jobs import stopping
from apps.jobs.context import JobContext
from apps.jobs.models import Job
from apps.jobs.services import cancel
from apps.selection.history import cost, queries, services, words
from apps.selection.history.models import Replay
from apps.selection.history.services import start_replay
from apps.selection.replay import Collection, Plan, replay
from apps.teams.models import Team, User
from tests.selection.conftest import CLASSES, predicted

ClientOf = Callable[[User], Client]
RunJobs = Callable[[], list[Job]]

PLAN: dict[str, Any] = {"methods": ["auto", "random"], "realisations": 6, "budget": 15, "seed": 3}


def label(owner: User, version: DatasetVersion, truth: list[int], count: int = 40) -> None:
    named = {f"p{item}": CLASSES[truth[item]] for item in range(count)}
    add_labels(user=owner, version=version, labels=named, annotators={})


@pytest.fixture
def labelled(alice: User, version: DatasetVersion, truth: list[int]) -> DatasetVersion:
    label(alice, version, truth)
    return version


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    methods = {
        name: {key: value for key, value in one.items() if key != "seconds_per_step"}
        for name, one in found["methods"].items()
    }
    return found | {"methods": methods}


def test_a_replay_finds_what_the_benchmark_finds(
    labelled: DatasetVersion, truth: list[int], eddie: User, run_jobs: RunJobs, tmp_path: Path
) -> None:
    """The same data in a folder, its models and items listed backwards."""
    asked = start_replay(user=eddie, version=labelled, **PLAN)
    run_jobs()
    asked.refresh_from_db()
    table = predictions_of(labelled)
    rows = [["item", *reversed(table.model_names)]]
    for place in reversed(range(table.n_items)):
        answers = [table.class_names[code] for code in reversed(table.predictions[:, place])]
        rows.append([table.item_ids[place], *answers])
    named = [["item", "label"], *([f"p{item}", CLASSES[truth[item]]] for item in range(40))]
    for stem, lines in (("predictions", rows), ("labels", named)):
        (tmp_path / f"{stem}.csv").write_text("\n".join(",".join(line) for line in lines))
    out = tmp_path / "found.json"
    call_command(
        *("bench", "selection", str(tmp_path), "--methods", "auto,random", "--pool", "20"),
        *("--realisations", "6", "--budget", "15", "--seed", "3", "--json", str(out)),
        stdout=StringIO(),
    )
    expected = json.loads(out.read_text())
    found = queries.result_of(asked)["outcome"]
    assert without_times(found) == without_times(expected | {"collection": found["collection"]})
    assert asked.partial_blob == ""
    assert asked.summary["verdict"]


def test_a_replay_that_is_disturbed_comes_to_the_same_numbers(
    labelled: DatasetVersion, eddie: User, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = start_replay(user=eddie, version=labelled, **PLAN)
    run_jobs()
    whole.refresh_from_db()
    disturbed = start_replay(user=eddie, version=labelled, **PLAN)
    monkeypatch.setattr(services, "_KEPT_EVERY", 0.0)
    told: list[int] = []
    progress = JobContext.progress
    once = [True]

    def watched(self: JobContext, done: int, total: int, message: str = "") -> None:
        told.append(done)
        progress(self, done, total, message)

    monkeypatch.setattr(JobContext, "progress", watched)
    monkeypatch.setattr(stopping, "requested", lambda: len(told) == 7 and bool(once and once.pop()))
    run_jobs()
    disturbed.refresh_from_db()
    # Stopped in the middle of the fourth pool; the three before it were not run again.
    assert told == [*range(7), *range(6, 13)]
    first, second = (queries.result_of(one) for one in (whole, disturbed))
    assert without_times(first["outcome"]) == without_times(second["outcome"])
    assert first["curves"] == second["curves"]


def test_a_replay_whose_labels_changed_meanwhile_starts_afresh(
    labelled: DatasetVersion,
    alice: User,
    eddie: User,
    run_jobs: RunJobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = start_replay(user=eddie, version=labelled, **PLAN)
    monkeypatch.setattr(services, "_KEPT_EVERY", 0.0)
    keep = services._keep

    def killed(*args: Any) -> None:
        keep(*args)
        monkeypatch.setattr(services, "_keep", keep)
        labelled.label_batches.get().delete()
        others = {f"p{item}": "dog" for item in range(30)}
        add_labels(user=alice, version=labelled, labels=others, annotators={})
        raise RuntimeError("killed")

    monkeypatch.setattr(services, "_keep", killed)
    run_jobs()
    Job.objects.update(run_after=None)
    run_jobs()
    asked.refresh_from_db()
    assert queries.result_of(asked)["outcome"]["items"] == 30
    collection, _ = queries.collection_of(labelled)
    plan = Plan(("auto", "random"), pool=20, realisations=6, budget=15, seed=3)
    assert without_times(queries.result_of(asked)["outcome"]) == without_times(
        replay(collection, plan).as_dict()
    )


def test_a_cancelled_replay_has_no_numbers(
    labelled: DatasetVersion, eddie: User, run_jobs: RunJobs, client_of: ClientOf
) -> None:
    asked = start_replay(user=eddie, version=labelled, **PLAN)
    assert asked.job is not None
    cancel(user=eddie, job=asked.job)
    assert asked.job not in run_jobs()
    client = client_of(eddie)
    none = client.get(f"/replays/{asked.pk}.json")
    assert (none.status_code, none.json()["detail"]) == (404, "This replay has no numbers yet.")
    assert "cancelled" in client.get(f"/replays/{asked.pk}/").content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"methods": []}, "Choose at least one method"),
        ({"methods": ["best"]}, "There is no method `best`"),
        ({"budget": 0}, "Give 1 to 2,000, not 0"),
        ({"realisations": 5000}, "Give 1 to 1,000, not 5,000"),
    ],
)
def test_what_cannot_be_replayed_is_said_before_anything_starts(
    labelled: DatasetVersion, eddie: User, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        start_replay(user=eddie, version=labelled, **PLAN | change)
    assert not Replay.objects.exists()


def test_a_replay_that_would_take_too_long_is_refused(
    labelled: DatasetVersion, eddie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "MOST_SECONDS", 600)
    with pytest.raises(ValidationError, match="This would take about 67 minutes; ask for fewer"):
        start_replay(user=eddie, version=labelled, methods=["coda"], realisations=1000, budget=2000)


def test_too_few_labels_one_model_and_models_that_agree_are_refused(
    version: DatasetVersion, alice: User, team: Team, truth: list[int]
) -> None:
    with pytest.raises(ValidationError, match="No items of Pets v1 have a label"):
        start_replay(user=alice, version=version)
    label(alice, version, truth, count=19)
    with pytest.raises(ValidationError, match=r"19 items of Pets v1 have a label .* at least 20"):
        start_replay(user=alice, version=version)
    alone = predicted(alice, team, [truth], name="Alone")
    label(alice, alone, truth)
    with pytest.raises(ValidationError, match="one model only"):
        start_replay(user=alice, version=alone)
    alike = predicted(alice, team, [truth, truth], name="Alike")
    label(alice, alike, truth)
    with pytest.raises(ValidationError, match="agree on every labelled item"):
        start_replay(user=alice, version=alike)


def test_viewers_and_annotators_cannot_start_one(
    labelled: DatasetVersion, vic: User, anna: User
) -> None:
    for user in (vic, anna):
        with pytest.raises(PermissionDenied):
            start_replay(user=user, version=labelled)


def test_an_editor_starts_one_from_the_dataset_and_reads_its_page(
    labelled: DatasetVersion, eddie: User, run_jobs: RunJobs, client_of: ClientOf
) -> None:
    client = client_of(eddie)
    form_url = f"/replays/new/?version={labelled.pk}"
    assert form_url in client.get(f"/datasets/{labelled.dataset.slug}/").content.decode()
    assert "it takes less than a minute" in client.get(form_url).content.decode()
    sent = {"version": labelled.pk, "methods": ["auto", "random"], "realisations": 4, "budget": 10}
    response = client.post("/replays/new/", sent | {"pool": "", "seed": 1})
    made = Replay.objects.get()
    assert response["Location"] == f"/replays/{made.pk}/"
    assert made.plan["pool"] == 20
    assert "Cancel this job" in client.get(f"/replays/{made.pk}/").content.decode()
    run_jobs()
    page = client.get(f"/replays/{made.pk}/").content.decode()
    assert "<code>auto</code>" in page
    assert f"/replays/{made.pk}/links/" in page
    listed = client.get("/replays/").content.decode()
    assert f"/replays/{made.pk}/" in listed
    assert "/replays/" in client.get("/selections/").content.decode()


def test_a_refused_form_says_why_and_keeps_what_was_written(
    version: DatasetVersion, alice: User, truth: list[int], client_of: ClientOf
) -> None:
    label(alice, version, truth, count=5)
    sent = {"version": version.pk, "methods": ["auto"], "realisations": 7, "budget": 10, "seed": 1}
    response = client_of(alice).post("/replays/new/", sent)
    assert response.status_code == 400
    assert "5 items of Pets v1 have a label" in response.content.decode()
    assert 'value="7"' in response.content.decode()


def test_its_files_hold_the_numbers_the_curves_and_the_picture(
    labelled: DatasetVersion, eddie: User, vic: User, run_jobs: RunJobs, client_of: ClientOf
) -> None:
    made = start_replay(user=eddie, version=labelled, **PLAN)
    run_jobs()
    client = client_of(vic)
    numbers = client.get(f"/replays/{made.pk}.json").json()
    assert list(numbers)[:4] == ["collection", "models", "items", "classes"]
    rows = list(csv.DictReader(io.StringIO(client.get(f"/replays/{made.pk}.csv").content.decode())))
    assert len(rows) == 2 * 15
    for row in rows:
        assert float(row["best_low"]) <= float(row["best"]) <= float(row["best_high"])
        assert float(row["regret_low"]) <= float(row["regret"]) <= float(row["regret_high"])
    for show in ("best", "within_1pct", "regret", "nonsense"):
        answer = client.get(f"/replays/{made.pk}.svg?show={show}&theme=dark&size=small")
        assert answer["Content-Type"] == "image/svg+xml"
        assert answer.content.startswith(b"<svg")


def test_curves_are_shares_and_means_over_the_pools() -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 60)
    right = random.random((4, 60)) < np.array([0.9, 0.8, 0.6, 0.5])[:, None]
    from .methods.pools import pool

    table = pool(np.where(right, truth, (truth + 1) % 3), 3)
    found = replay(
        Collection.of("made", table, truth.astype(np.int32)), Plan(("random",), 40, 25, 20, 1)
    ).methods["random"]
    curves = found.curves()
    assert curves["best"] == pytest.approx((found.regret < 1e-9).mean(axis=0), abs=1e-5)
    assert curves["regret"] == pytest.approx(100 * found.regret.mean(axis=0), abs=1e-5)
    assert curves["within_1pct_high"][0] > curves["within_1pct"][0]


def test_programs_start_read_and_delete_replays(
    labelled: DatasetVersion,
    eddie: User,
    charlie: User,
    run_jobs: RunJobs,
    api_of: Callable[[User], APIClient],
) -> None:
    api = api_of(eddie)
    sent = {"dataset": labelled.dataset.slug, "realisations": 3, "budget": 10}
    made = api.post("/api/v1/replays/", sent, format="json")
    assert made.status_code == 201
    address = f"/api/v1/replays/{made.json()['id']}/"
    assert api.get(f"{address}result/").status_code == 404
    run_jobs()
    assert api.get(f"{address}result/").json()["realisations"] == 3
    assert api.get(address).json()["verdict"]
    stranger = api_of(charlie)
    assert stranger.get(address).status_code == 404
    assert stranger.post("/api/v1/replays/", sent, format="json").status_code == 400
    assert api.delete(address).status_code == 204
    assert not Replay.objects.exists()


def result(labels: dict[str, int | None], **more: Any) -> dict[str, Any]:
    """A result with these labels to the best model, by method."""
    methods = {
        name: {
            "labels_to_best_90": {"sustained": count},
            "labels_to_within_1pct_90": {"sustained": more.get("within", {}).get(name)},
        }
        for name, count in labels.items()
    }
    outcome = {"models": 36, "items": 900, "pool": 300, "realisations": 50, "budget": 300}
    return {
        "outcome": outcome | more.get("outcome", {}) | {"methods": methods},
        "chosen_labels": more.get("chosen", 0),
    }


@pytest.mark.parametrize(
    ("labels", "within", "sentence"),
    [
        (
            {"auto": 41, "random": 260},
            {},
            "`auto` would have needed 41 labels to name a best model of the 36 in nine of ten pools, "
            "where `random` needs 260.",
        ),
        (
            {"auto": 41, "random": None},
            {},
            "`auto` would have needed 41 labels to name a best model of the 36 in nine of ten pools; "
            "`random` does not get there within 300 labels.",
        ),
        (
            {"auto": None, "random": None},
            {"auto": 1, "random": 1},
            "`auto` would have needed 1 label to name a model within 1 point of the best of the 36 in "
            "nine of ten pools, as many as `random`.",
        ),
        (
            {"margin": 60, "gini": 50},
            {},
            "`gini` would have needed 50 labels to name a best model of the 36 in nine of ten pools, "
            "where `margin` needs 60.",
        ),
        (
            {"auto": None},
            {},
            "`auto` does not name a best model in nine of ten pools within 300 labels.",
        ),
        (
            {"auto": None, "random": 250},
            {},
            "Only `random` names a best model in nine of ten pools within 300 labels, after 250.",
        ),
        (
            {"auto": None, "random": None},
            {},
            "No method names a best model in nine of ten pools within 300 labels.",
        ),
    ],
)
def test_the_sentence_says_what_the_numbers_say(
    labels: dict[str, int | None], within: dict[str, int], sentence: str
) -> None:
    assert words.verdict(result(labels, within=within)).sentence == sentence


def test_what_limits_a_replay_is_said() -> None:
    cautions = words.verdict(
        result({"auto": 5}, chosen=7, outcome={"pool": 900, "realisations": 3})
    ).cautions
    assert [words[:20] for words in cautions] == [
        "7 of the 900 labels ",
        "Every pool holds all",
        "3 realisations are f",
    ]
    assert words.verdict(result({"auto": 5})).cautions == ()


def test_a_longer_replay_is_expected_to_take_longer() -> None:
    short = Plan(("random",), 100, 10, 50)
    assert cost.expected_seconds(short, 10) < cost.expected_seconds(short, 1000)
    both = Plan(("random", "coda"), 100, 10, 50)
    assert cost.expected_seconds(both, 10) > 10 * cost.expected_seconds(short, 10)
    assert [cost.in_words(seconds) for seconds in (20, 70, 1800, 4 * 3600)] == [
        "less than a minute", "about 1 minute", "about 30 minutes", "about 4 hours",
    ]  # fmt: skip
