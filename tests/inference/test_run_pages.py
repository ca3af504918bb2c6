"""Pages and API of runs, as a person and a program meet them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from rest_framework.test import APIClient

from apps.catalog.models import CandidateModel, DatasetVersion
from apps.catalog.services import create_model
from apps.inference import services
from apps.inference.kinds import KINDS
from apps.inference.kinds.local import CAUSAL_LM
from apps.inference.models import ModelSource, Run
from apps.inference.runners import Answer
from apps.inference.scoring import settings_of
from apps.jobs.models import Job, State
from apps.teams.models import Team, User
from tests.inference.furniture import Parrot, echo, prompts

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
ApiOf = Callable[..., APIClient]
Jobs = Callable[[], list[Job]]
TEXTS = ["one", "two words", "three whole words", "four"]


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch) -> Parrot:
    kind = Parrot(settings=CAUSAL_LM.settings)
    monkeypatch.setitem(KINDS, kind.name, kind)
    return kind


@pytest.fixture
def version(team: Team, eddie: User) -> DatasetVersion:
    return prompts(team, eddie, TEXTS, ["one", "two", "three whole words", "4"])


@pytest.fixture
def source(parrot: Parrot, team: Team, eddie: User) -> ModelSource:
    model = create_model(user=eddie, team=team, name="polly")
    return services.add_source(user=eddie, model=model, kind="parrot", location="somewhere")


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def form_of(source: ModelSource, version: DatasetVersion, **more: Any) -> dict[str, Any]:
    """What a browser sends from the second step as it is shown."""
    settings = {f"set_{s.name}": s.default for s in KINDS[source.kind].settings}
    return {"source": source.pk, "version": version.pk, "scorer": "exact", **settings, **more}


def test_a_model_is_set_up_and_run_from_its_page(
    eddie: User, team: Team, client_of: ClientOf, version: DatasetVersion
) -> None:
    client = client_of(eddie)
    model = create_model(user=eddie, team=team, name="tiny & small")
    address = "/runs/new/model/?model=tiny%20%26%20small"
    assert address.replace("&", "&amp;") in text_of(client, f"/models/{model.slug}/")
    assert 'value="tiny &amp; small"' in text_of(client, address)
    sent = {
        "name": "tiny & small",
        "kind": "text-classification",
        "place": "hub",
        "location": "mill/tiny",
    }
    response = client.post(address, sent)
    source = ModelSource.objects.get()
    assert (source.model, source.location) == (model, "mill/tiny")
    assert response["Location"] == f"/runs/new/?source={source.pk}&version="
    assert "tiny &amp; small (Text classifier, mill/tiny)" in text_of(client, response["Location"])


def test_a_folder_outside_is_refused_at_its_field(
    eddie: User, client_of: ClientOf, settings: Any, tmp_path: Any
) -> None:
    settings.INFERENCE_MODELS_DIR = str(tmp_path)
    sent = {"name": "x", "kind": "causal-lm", "place": "folder", "location": "../.."}
    response = client_of(eddie).post("/runs/new/model/", sent)
    assert response.status_code == 400
    assert "does not lie below the one for models" in response.content.decode()
    assert not CandidateModel.objects.exists()


def test_the_second_step_shows_settings_and_an_estimate(
    eddie: User, client_of: ClientOf, source: ModelSource, version: DatasetVersion
) -> None:
    client = client_of(eddie)
    assert f"/runs/new/?version={version.pk}" in text_of(
        client, f"/datasets/{version.dataset.slug}/"
    )
    first = text_of(client, f"/runs/new/?version={version.pk}")
    assert "Choose the settings" in first
    query = f"?version={version.pk}&source={source.pk}"
    assert "This model answers in words: choose how" in text_of(client, f"/runs/new/{query}")
    second = text_of(client, f"/runs/new/{query}&scorer=numeric")
    assert "Absolute tolerance" in second
    assert "New tokens, at most" in second
    assert "4 items, 7 to 51 tokens in, 4 to 40 out; what that costs is unknown" in second
    again = client.post("/runs/new/", form_of(source, version, sample=2, estimate="1"))
    assert "2 items, " in again.content.decode()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("scorer", "given", "kept", "shown"),
    [
        (
            "numeric",
            {"absolute": "0.5", "relative": "0.01"},
            {"absolute": 0.5, "relative": 0.01},
            "0.5",
        ),
        ("contains", {}, {"ignore_case": False}, "no"),
        ("regex", {"ignore_case": "on"}, {"ignore_case": True}, "yes"),
        ("json-field", {"path": "a.0"}, {"path": "a.0"}, "a.0"),
    ],
)
def test_every_setting_of_a_scorer_is_set_with_help_and_shown_with_the_run(
    eddie: User,
    client_of: ClientOf,
    source: ModelSource,
    scorer: str,
    given: dict[str, Any],
    kept: dict[str, Any],
    shown: str,
) -> None:
    client = client_of(eddie)
    version = prompts(source.team, eddie, TEXTS, ["1", "2", "3", "4"])
    form = text_of(client, f"/runs/new/?version={version.pk}&source={source.pk}&scorer={scorer}")
    for name, setting in settings_of(scorer).items():
        assert f'name="score_{name}"' in form
        assert escape(setting.metadata["help"]) in form
    sent = {f"score_{name}": value for name, value in given.items()}
    client.post("/runs/new/", form_of(source, version, scorer=scorer, **sent))
    run = Run.objects.get()
    assert run.scorer_settings == kept
    labels = {name: one.metadata["label"] for name, one in settings_of(scorer).items()}
    page = " ".join(text_of(client, f"/runs/{run.slug}/").split())
    assert f"<dt>{labels[next(iter(kept))]}</dt> <dd> {shown} </dd>" in page


def test_a_scorers_setting_that_cannot_be_is_refused_in_the_page_and_the_api(
    eddie: User, client_of: ClientOf, api_of: ApiOf, source: ModelSource, version: DatasetVersion
) -> None:
    sent = form_of(source, version, scorer="numeric", score_absolute=-1, score_relative=0)
    page = client_of(eddie).post("/runs/new/", sent)
    assert page.status_code == 400
    assert "greater than or equal to 0" in page.content.decode()
    body = {"dataset": version.dataset.slug, "source": str(source.pk), "scorer": "json-field"}
    refused = api_of(eddie).post("/api/v1/runs/", body).json()
    assert refused["errors"]["scorer_settings"] == ["json-field needs `path`."]
    assert not Run.objects.exists()


def test_a_run_is_started_watched_and_read(
    eddie: User, client_of: ClientOf, source: ModelSource, version: DatasetVersion, run_jobs: Jobs
) -> None:
    client = client_of(eddie)
    response = client.post("/runs/new/", form_of(source, version))
    run = Run.objects.get()
    assert response["Location"] == f"/runs/{run.slug}/"
    waiting = text_of(client, f"/runs/{run.slug}/")
    assert "<code>polly</code> has answered 0 of 4 items." in waiting
    assert "Cancel this job" in waiting
    run_jobs()
    done = text_of(client, f"/runs/{run.slug}/")
    assert "its score is 50.0% on the 4 that could be scored (95% interval 15.0 to 85.0)" in done
    assert "three whole words" in done
    assert "exact with the labels" in done
    assert "polly on Prompts v1" in text_of(client, "/runs/")
    assert "polly on Prompts v1" in text_of(client, "/")


def test_failures_are_shown_and_asked_again(
    eddie: User,
    client_of: ClientOf,
    source: ModelSource,
    parrot: Parrot,
    version: DatasetVersion,
    run_jobs: Jobs,
) -> None:
    parrot.say = lambda q: (
        Answer(q.item_id, failure="<b>Too busy</b>.") if q.item_id == "item-2" else echo(q)
    )
    run = services.start_run(user=eddie, version=version, source=source, scorer="exact")
    run_jobs()
    client = client_of(eddie)
    assert "&lt;b&gt;Too busy&lt;/b&gt;." in text_of(client, f"/runs/{run.slug}/?show=failures")
    assert "Ask the 1 item without an answer" in text_of(client, f"/runs/{run.slug}/").replace(
        "\n", ""
    )
    parrot.say = echo
    client.post(f"/runs/{run.slug}/resume/")
    run_jobs()
    assert "answered 4 of 4 items" in text_of(client, f"/runs/{run.slug}/")
    client.post(f"/runs/{run.slug}/resume/")
    assert "Every item of this run has its answer." in text_of(client, f"/runs/{run.slug}/")


def test_a_wrong_setting_is_shown_at_its_field(
    eddie: User, client_of: ClientOf, source: ModelSource, version: DatasetVersion
) -> None:
    response = client_of(eddie).post(
        "/runs/new/", form_of(source, version, set_max_new_tokens=0, sample=0)
    )
    text = response.content.decode()
    assert response.status_code == 400
    assert text.count("greater than or equal to 1") == 2
    assert not Run.objects.exists()


def test_labels_are_mapped_line_by_line(team: Team, eddie: User, client_of: ClientOf) -> None:
    version = prompts(team, eddie, TEXTS, class_names=["good", "bad"])
    model = create_model(user=eddie, team=team, name="m")
    source = services.add_source(
        user=eddie, model=model, kind="text-classification", location="mill/tiny"
    )
    sent = form_of(source, version, scorer="", set_labels="LABEL_0 = good\n\n LABEL_1=bad ")
    client_of(eddie).post("/runs/new/", sent)
    assert Run.objects.get().settings["labels"] == {"LABEL_0": "good", "LABEL_1": "bad"}
    wrong = client_of(eddie).post("/runs/new/", {**sent, "set_labels": "LABEL_0"})
    assert "is not of the form LABEL = class" in wrong.content.decode()


def test_a_program_runs_a_model(
    eddie: User,
    api_of: ApiOf,
    parrot: Parrot,
    version: DatasetVersion,
    run_jobs: Jobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = api_of(eddie)
    made = api.post(
        "/api/v1/model-sources/",
        {"name": "Polly", "kind": "text-classification", "location": "mill/tiny"},
    )
    assert made.status_code == 201, made.json()
    ModelSource.objects.update(kind="parrot")
    body = {
        "dataset": version.dataset.slug,
        "source": made.json()["id"],
        "scorer": "word-f1",
        "settings": {"max_new_tokens": 5},
    }
    refused = api.post("/api/v1/runs/", {**body, "scorer": ""})
    assert refused.status_code == 400
    assert "Choose how answers are compared" in refused.json()["errors"]["scorer"][0]
    started = api.post("/api/v1/runs/", body)
    assert started.status_code == 201, started.json()
    slug = started.json()["slug"]
    assert started.json()["state"] == State.QUEUED
    run_jobs()
    found = api.get(f"/api/v1/runs/{slug}/").json()
    assert (found["state"], found["answered"], found["settings"]["max_new_tokens"]) == (
        State.SUCCEEDED,
        4,
        5,
    )
    answers = api.get(f"/api/v1/runs/{slug}/answers/").json()
    assert answers["count"] == 4
    assert answers["results"][1]["text"] == "two words"
    assert answers["results"][1]["score"] == pytest.approx(2 / 3)
    assert api.get(f"/api/v1/runs/{slug}/answers/?failures=true").json()["count"] == 0
    assert api.get(f"/api/v1/runs/{slug}/answers/?page=x").status_code == 400
    assert api.post(f"/api/v1/runs/{slug}/resume/", {}).status_code == 400
    assert api.delete(f"/api/v1/runs/{slug}/").status_code == 204


def test_a_strangers_source_is_not_found(
    charlie: User, api_of: ApiOf, source: ModelSource, version: DatasetVersion
) -> None:
    answer = api_of(charlie).post(
        "/api/v1/runs/", {"dataset": version.dataset.slug, "source": str(source.pk)}
    )
    assert answer.status_code == 400
    assert "polly" not in answer.content.decode()
