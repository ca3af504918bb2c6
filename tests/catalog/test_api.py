"""The catalog through its API."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.catalog.models import CandidateModel, DatasetVersion, LabelBatch, Upload
from apps.teams.models import Role, Team, User
from tests.catalog.conftest import LABELS, PREDICTIONS, ApiOf, RunJobs

pytestmark = pytest.mark.django_db


def send(api: Any, text: str, **data: Any) -> Any:
    file = SimpleUploadedFile(data.pop("filename", "pets.csv"), text.encode())
    return api.post("/api/v1/uploads/", {"file": file, **data}, format="multipart")


def test_one_call_takes_a_file_over_as_guessed(
    api_of: ApiOf, eddie: User, run_jobs: RunJobs
) -> None:
    api = api_of(eddie)
    answer = send(api, PREDICTIONS, purpose="predictions", mapping="guess")
    assert answer.status_code == 201
    run_jobs()
    upload = api.get(f"/api/v1/uploads/{answer.json()['id']}/").json()
    assert upload["state"] == "committed"
    version = api.get(f"/api/v1/versions/{upload['version']}/").json()
    assert (version["number"], version["model_count"], version["item_count"]) == (1, 3, 4)
    table = api.get(f"/api/v1/versions/{upload['version']}/predictions/")
    assert table.getvalue().startswith(b"item_id,gpt-4o,llama,qwen\r\n")


def test_a_mapping_can_be_given_and_two_files_committed_together(
    api_of: ApiOf, eddie: User, run_jobs: RunJobs
) -> None:
    api = api_of(eddie)
    lead = send(api, PREDICTIONS, purpose="predictions", dataset_name="Pets").json()
    labels = send(api, "which,said\na,cat\n", purpose="labels", lead=lead["id"]).json()
    mapping = {"item": "which", "label": "said"}
    answer = api.post(f"/api/v1/uploads/{labels['id']}/commit/", {"mapping": mapping})
    assert (answer.status_code, answer.json()["state"]) == (202, "sniffed")
    assert api.post(f"/api/v1/uploads/{lead['id']}/commit/", {}).status_code == 202
    run_jobs()
    batch = api.get("/api/v1/label-batches/").json()["results"][0]
    assert (batch["count"], batch["chosen"]) == (1, False)
    text = api.get(f"/api/v1/versions/{batch['version']}/labels/").content
    assert text == b"item_id,label\r\na,cat\r\n"
    assert api.post(f"/api/v1/label-batches/{batch['id']}/withdraw/").status_code == 200
    assert LabelBatch.objects.get().withdrawn_at is not None


def test_an_unreadable_file_is_refused_with_its_problems(api_of: ApiOf, eddie: User) -> None:
    answer = send(api_of(eddie), "", purpose="predictions")
    assert answer.status_code == 400
    told = answer.json()
    assert (told["detail"], told["count"]) == ("pets.csv: The file is empty.", 1)
    assert told["problems"] == [
        {"message": "The file is empty.", "row": None, "column": None, "value": None}
    ]
    assert not Upload.objects.exists()


def test_a_column_that_is_not_there_is_named(api_of: ApiOf, eddie: User) -> None:
    api = api_of(eddie)
    upload = send(api, PREDICTIONS, purpose="predictions").json()
    mapping = {"item": "nothing", "models": ["qwen"]}
    answer = api.post(f"/api/v1/uploads/{upload['id']}/commit/", {"mapping": mapping})
    assert answer.status_code == 400
    assert "There is no column `nothing`" in answer.json()["detail"]


def test_rejected_uploads_tell_row_column_and_value(
    api_of: ApiOf, eddie: User, version: DatasetVersion, run_jobs: RunJobs
) -> None:
    api = api_of(eddie)
    made = send(
        api, "item_id,label\nzz,cat\na,cat\n", purpose="labels", version=version.pk, mapping="guess"
    ).json()
    run_jobs()
    upload = api.get(f"/api/v1/uploads/{made['id']}/").json()
    assert (upload["state"], upload["error_count"]) == ("rejected", 1)
    assert (upload["errors"][0]["row"], upload["errors"][0]["value"]) == (2, "zz")


def test_models_and_prices(api_of: ApiOf, eddie: User) -> None:
    api = api_of(eddie)
    model = api.post("/api/v1/models/", {"name": "m", "tags": ["open"]}).json()
    patched = api.patch(f"/api/v1/models/{model['slug']}/", {"provider": "P"}).json()
    assert (patched["provider"], patched["tags"]) == ("P", ["open"])
    price = {"model": model["slug"], "valid_from": "2026-01-01", "per_call": "0.002"}
    made = api.post("/api/v1/prices/", price)
    assert made.status_code == 201
    half = {"model": model["slug"], "valid_from": "2026-01-01", "input_per_million": "1"}
    assert api.post("/api/v1/prices/", half).status_code == 400
    listed = api.get("/api/v1/prices/", {"model": model["slug"]}).json()
    assert listed["count"] == 1
    assert api.delete(f"/api/v1/prices/{made.json()['id']}/").status_code == 204
    assert api.delete(f"/api/v1/models/{model['slug']}/").status_code == 204


def test_fields_that_are_not_offered_cannot_be_set(
    api_of: ApiOf, eddie: User, other_team: Team
) -> None:
    api = api_of(eddie)
    made = api.post("/api/v1/models/", {"name": "m", "team": str(other_team.pk), "slug": "mine"})
    model = CandidateModel.objects.get(pk=made.json()["id"])
    assert model.team != other_team
    assert model.slug != "mine"


def test_a_token_below_editor_reads_only(
    api_of: ApiOf, eddie: User, version: DatasetVersion
) -> None:
    api = api_of(eddie, scope=Role.VIEWER)
    assert api.get("/api/v1/datasets/").json()["count"] == 1
    assert send(api, PREDICTIONS, purpose="predictions").status_code == 403
    assert api.delete(f"/api/v1/datasets/{version.dataset.slug}/").status_code == 403


def test_a_stranger_finds_nothing_to_read_or_to_write_to(
    api_of: ApiOf, charlie: User, version: DatasetVersion
) -> None:
    api = api_of(charlie)
    for room in ("models", "prices", "datasets", "versions", "label-batches", "uploads"):
        assert api.get(f"/api/v1/{room}/").json()["count"] == 0
    upload = version.uploads.get()
    assert api.get(f"/api/v1/uploads/{upload.pk}/").status_code == 404
    answer = send(api, LABELS, purpose="labels", version=version.pk)
    assert answer.status_code == 404
    price = {
        "model": CandidateModel.objects.all()[0].slug,
        "valid_from": "2026-01-01",
        "per_call": "1",
    }
    assert api.post("/api/v1/prices/", price).status_code == 404


def test_filters_do_not_walk_to_other_things(
    api_of: ApiOf, eddie: User, version: DatasetVersion
) -> None:
    api = api_of(eddie)
    answer = api.get("/api/v1/uploads/", {"team__members__email": "x", "created_by": "1"})
    assert answer.json()["count"] == 1
    assert api.get("/api/v1/uploads/", {"state": "nonsense"}).status_code == 400


def test_json_nested_without_end_is_refused(api_of: ApiOf, eddie: User) -> None:
    deep = "[" * 200_000 + "]" * 200_000
    for address in ("models", "share-links", "uploads/00000000-0000-0000-0000-000000000000/commit"):
        answer = api_of(eddie).generic("POST", f"/api/v1/{address}/", deep, "application/json")
        assert answer.status_code in (400, 404)


def test_a_model_cannot_hide_behind_marks_that_reorder_text(api_of: ApiOf, eddie: User) -> None:
    answer = api_of(eddie).post("/api/v1/models/", {"name": "gpt\u202e4o"})
    assert answer.status_code == 400
    assert "U+202E" in answer.json()["errors"]["name"][0]
    assert not CandidateModel.objects.exists()


def test_half_a_character_in_a_refused_file_does_not_break_the_answer(
    api_of: ApiOf, eddie: User
) -> None:
    answer = send(api_of(eddie), '{"item_id": "a", "\\ud800": "x"}\n', purpose="predictions")
    assert answer.status_code == 400
    assert answer.json()["problems"][0]["column"] == "\\ud800"


def test_a_file_comes_only_with_one_that_still_waits_for_the_same_version(
    api_of: ApiOf, eddie: User, version: DatasetVersion, run_jobs: RunJobs
) -> None:
    api = api_of(eddie)
    lead = send(api, PREDICTIONS, purpose="predictions", dataset_name="More").json()["id"]
    other = send(api, LABELS, purpose="labels", lead=lead, version=str(version.pk))
    assert other.json()["errors"] == {
        "non_field_errors": ["Files that come together are for the same dataset version."]
    }
    labels = send(api, LABELS, purpose="labels", lead=lead).json()["id"]
    api.post(f"/api/v1/uploads/{lead}/commit/", {})
    for state in ("checked", "taken over"):
        late = send(api, LABELS, purpose="labels", lead=lead)
        assert late.status_code == 400, state
        changed = api.post(f"/api/v1/uploads/{labels}/commit/", {"chosen": True})
        assert changed.status_code == 400, state
        run_jobs()
    assert LabelBatch.objects.get().chosen is False
    assert Upload.objects.get(pk=labels).mapping["chosen"] is False
