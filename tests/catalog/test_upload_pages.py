"""Uploading as a person does it, page by page."""

import io
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from apps.catalog import queries
from apps.catalog.models import (
    CandidateModel,
    Dataset,
    DatasetVersion,
    LabelBatch,
    PredictionBatch,
    Price,
    Upload,
)
from apps.catalog.services import confirm_upload, replace_file
from apps.jobs.models import Job, State
from apps.teams.models import User
from tests.catalog.conftest import ITEMS, LABELS, PREDICTIONS, PRICES, Bring, ClientOf, RunJobs

pytestmark = pytest.mark.django_db


def upload_file(text: str | bytes, name: str = "pets.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


def start(client: Any, **files: Any) -> Any:
    return client.post(reverse("dataset_new"), files, follow=True)


def confirm(client: Any, upload: Upload, **changes: Any) -> Any:
    """Press "Check and take over" with everything as the page shows it."""
    page = client.get(reverse("upload_detail", args=[upload.pk]))
    data: dict[str, Any] = {}
    forms = [part["form"] for part in page.context["parts"]] + [page.context["confirm"]]
    for form in forms:
        for field in form or []:
            value = field.value()
            if value not in (None, ""):
                data[field.html_name] = value
    return client.post(reverse("upload_detail", args=[upload.pk]), {**data, **changes})


def test_two_files_become_a_dataset_with_one_click_after_the_upload(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    page = start(client, predictions=upload_file(PREDICTIONS), labels=upload_file(LABELS, "l.csv"))
    assert b"Check and take over" in page.content
    lead = Upload.objects.get(lead__isnull=True)
    assert confirm(client, lead).status_code == 302
    waiting = client.get(reverse("upload_detail", args=[lead.pk]))
    assert b"checked whole before" in waiting.content
    run_jobs()
    done = client.get(reverse("upload_detail", args=[lead.pk]), follow=True)
    board = DatasetVersion.objects.get().boards.get()
    assert done.request["PATH_INFO"] == f"/boards/{board.slug}/", "the verdict is what one came for"
    assert b"Predictions of 3 models. 2 new labels." in done.content
    for job in Job.objects.filter(state=State.SUCCEEDED):
        shown = client.get(reverse("job_detail", args=[job.pk])).content.decode()
        assert "See what came of it" in shown, f"{job.title} leads nowhere"
    assert b"gpt-4o" in done.content


def test_the_dataset_can_be_named_and_its_classes_declared(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    start(client, predictions=upload_file(PREDICTIONS), name="Animals", class_names="cat, dog, eel")
    confirm(client, Upload.objects.get())
    run_jobs()
    version = DatasetVersion.objects.get()
    assert str(version) == "Animals v1"
    assert queries.predictions_of(version).class_names == ("cat", "dog", "eel")


def test_the_file_of_predictions_gives_the_dataset_its_name(
    client_of: ClientOf, eddie: User
) -> None:
    items = upload_file("item_id,text\na,One\nb,Two\n", "items.csv")
    page = start(client_of(eddie), predictions=upload_file("item_id,m\na,x\nb,y\n"), items=items)
    assert Upload.objects.get(lead__isnull=True).dataset_name == "pets"
    assert b"about 2 rows" in page.content, "the head of a file is no row of it"
    assert b"about 3 rows" not in page.content


def test_a_name_that_is_taken_is_said_before_the_check(
    client_of: ClientOf, eddie: User, version: DatasetVersion
) -> None:
    client = client_of(eddie)
    start(client, predictions=upload_file(PREDICTIONS))
    page = confirm(client, Upload.objects.get(version=None), dataset_name="PETS")
    assert "already; choose another name" in page.content.decode()


def test_no_file_at_all_is_asked_for_again(client_of: ClientOf, eddie: User) -> None:
    page = start(client_of(eddie))
    assert b"Choose a file of predictions, or one of items." in page.content
    assert not Upload.objects.exists()


def test_columns_can_be_given_other_roles(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    start(client, predictions=upload_file("x,y,who\ncat,1,m\ndog,2,m\n"))
    upload = Upload.objects.get()
    url = reverse("upload_detail", args=[upload.pk])
    page = client.get(url, {"layout": "long"})
    prefix = page.context["parts"][0]["form"].prefix
    chosen = {"item": "y", "model": "who", "prediction": "x"}
    data = {f"{prefix}-{name}": value for name, value in chosen.items()}
    client.post(f"{url}?layout=long", {**data, "dataset_name": "Turned"})
    run_jobs()
    table = queries.predictions_of(DatasetVersion.objects.get())
    assert (table.item_ids, table.model_names) == (("1", "2"), ("m",))


def test_problems_are_listed_and_another_file_takes_the_place_of_the_wrong_one(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    start(
        client,
        predictions=upload_file(PREDICTIONS),
        labels=upload_file("item_id,label\na,cat\nnope,dog\n", "labels.csv"),
    )
    lead = Upload.objects.get(lead__isnull=True)
    confirm(client, lead)
    run_jobs()
    page = client.get(reverse("upload_detail", args=[lead.pk]))
    assert "labels.csv: nothing was taken over" in page.content.decode()
    assert (
        "<code>nope</code> in column <code>item_id</code> is not an item" in page.content.decode()
    )
    assert not Dataset.objects.exists()
    labels = lead.companions.get()
    client.post(
        reverse("upload_replace", args=[labels.pk]), {"file": upload_file(LABELS, "better.csv")}
    )
    confirm(client, lead)
    run_jobs()
    assert LabelBatch.objects.get().count == 2


def test_a_file_that_cannot_be_read_at_all_keeps_the_others(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    page = start(
        client,
        predictions=upload_file(PREDICTIONS),
        labels=upload_file(b"PK\x03\x04junk", "l.xlsx"),
    )
    assert b"Check and take over" not in page.content
    assert "Choose another file" in page.content.decode()
    lead = Upload.objects.get(lead__isnull=True)
    assert lead.blob
    labels = lead.companions.get()
    assert (labels.state, labels.blob) == (Upload.State.REJECTED, "")
    client.post(reverse("upload_replace", args=[labels.pk]), {"file": upload_file(LABELS, "l.csv")})
    confirm(client, lead)
    run_jobs()
    assert Dataset.objects.count() == 1


def test_markup_in_a_file_is_shown_as_text(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    evil = "<script>alert(1)</script>"
    page = start(client, predictions=upload_file(f"item_id,{evil}\n{evil},{evil}\n", f"{evil}.csv"))
    assert evil not in page.content.decode()
    confirm(client, Upload.objects.get())
    run_jobs()
    for page in (
        client.get(reverse("dataset_detail", args=[Dataset.objects.get().slug])),
        client.get(reverse("model_list")),
        client.get(reverse("model_detail", args=[CandidateModel.objects.get().slug])),
    ):
        assert page.status_code == 200
        assert evil not in page.content.decode()
        assert "&lt;script&gt;" in page.content.decode()


def test_a_file_above_the_limit_is_refused_with_a_sentence(
    client_of: ClientOf, eddie: User, settings: Any
) -> None:
    settings.UPLOAD_MAX_BYTES = 10
    page = start(client_of(eddie), predictions=upload_file(PREDICTIONS))
    assert "is larger than 10" in page.content.decode()
    assert not Upload.objects.exists()


def test_the_labels_in_an_npz_file_are_offered(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    import numpy as np

    made = io.BytesIO()
    np.savez(
        made,
        predictions=np.array([[0, 1]]),
        labels=np.array([0, 0]),
        model_names=np.array(["m"]),
        class_names=np.array(["x", "y"]),
    )
    client = client_of(eddie)
    start(client, predictions=upload_file(made.getvalue(), "p.npz"))
    upload = Upload.objects.get()
    prefix = f"f{upload.pk.hex[:8]}"
    confirm(client, upload, **{f"{prefix}-inside": "on"})
    run_jobs()
    assert queries.labels_of(DatasetVersion.objects.get(), ("x", "y")).labels.tolist() == [0, 0]


def test_further_files_for_a_version(
    client_of: ClientOf, eddie: User, version: DatasetVersion, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    for purpose, text in (("labels", LABELS), ("items", ITEMS)):
        url = reverse("version_upload", args=[version.dataset.slug, 1, purpose])
        assert client.get(url).status_code == 200
        client.post(url, {"file": upload_file(text, f"{purpose}.csv")})
        confirm(client, Upload.objects.get(purpose=purpose))
        run_jobs()
    assert LabelBatch.objects.get().version == version
    assert version.dataset.versions.count() == 2
    page = client.get(reverse("dataset_detail", args=[version.dataset.slug]))
    assert b"What is it?" in page.content


def test_an_annotator_brings_labels_but_nothing_else(
    client_of: ClientOf, anna: User, version: DatasetVersion, run_jobs: RunJobs
) -> None:
    client = client_of(anna)
    url = reverse("version_upload", args=[version.dataset.slug, 1, "labels"])
    client.post(url, {"file": upload_file(LABELS)})
    confirm(client, Upload.objects.get(purpose="labels"))
    run_jobs()
    batch = LabelBatch.objects.get()
    assert batch.created_by == anna
    denied = reverse("version_upload", args=[version.dataset.slug, 1, "predictions"])
    assert client.post(denied, {"file": upload_file(PREDICTIONS)}).status_code == 403
    withdraw = reverse("label_withdraw", args=[version.dataset.slug, batch.pk])
    assert client.post(withdraw).status_code == 302
    batch.refresh_from_db()
    assert batch.withdrawn_at is not None


def test_an_annotator_cannot_withdraw_what_somebody_else_brought(
    client_of: ClientOf, anna: User, version: DatasetVersion, bring: Bring
) -> None:
    bring(LABELS, "labels", version=version)
    batch = LabelBatch.objects.get()
    url = reverse("label_withdraw", args=[version.dataset.slug, batch.pk])
    assert client_of(anna).post(url).status_code == 403


def test_pressing_twice_starts_one_check(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    start(client, predictions=upload_file(PREDICTIONS))
    upload = Upload.objects.get()
    page = client.get(reverse("upload_detail", args=[upload.pk]))
    data = {
        field.html_name: field.value()
        for form in [page.context["parts"][0]["form"], page.context["confirm"]]
        for field in form
    }
    for _ in range(2):
        client.post(reverse("upload_detail", args=[upload.pk]), data)
    assert Job.objects.filter(kind="catalog.commit_upload").count() == 1


def test_a_cancelled_check_can_be_started_again(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    from apps.jobs.services import cancel

    client = client_of(eddie)
    start(client, predictions=upload_file(PREDICTIONS))
    upload = Upload.objects.get()
    confirm(client, upload)
    cancel(user=eddie, job=Job.objects.get())
    page = client.get(reverse("upload_detail", args=[upload.pk]))
    assert b"The check was cancelled" in page.content
    confirm(client, upload)
    run_jobs()
    assert Dataset.objects.count() == 1


def test_an_upload_can_be_discarded(client_of: ClientOf, eddie: User) -> None:
    client = client_of(eddie)
    start(client, predictions=upload_file(PREDICTIONS), labels=upload_file(LABELS))
    lead = Upload.objects.get(lead__isnull=True)
    client.post(reverse("upload_discard", args=[lead.pk]))
    assert not Upload.objects.exists()


def test_models_and_prices_come_by_file(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    page = client.post(
        reverse("models_upload"), {"file": upload_file(PRICES, "p.csv")}, follow=True
    )
    assert b"gpt-4o" in page.content
    confirm(client, Upload.objects.get())
    run_jobs()
    assert Price.objects.count() == 2
    page = client.get(reverse("upload_detail", args=[Upload.objects.get().pk]), follow=True)
    assert page.request["PATH_INFO"] == "/models/"


def test_a_broken_price_file_says_where(client_of: ClientOf, eddie: User) -> None:
    client = client_of(eddie)
    bad = upload_file("model,input,output\nm,cheap,2\n", "p.csv")
    page = client.post(reverse("models_upload"), {"file": bad})
    assert "Row 2: <code>cheap</code>" in page.content.decode()
    assert not Upload.objects.exists()


def test_a_failed_job_is_shown_with_its_reason(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    start(client, predictions=upload_file(PREDICTIONS.replace("a,cat", "b,cat", 1)))
    upload = Upload.objects.get()
    confirm(client, upload)
    run_jobs()
    assert Job.objects.get().state == State.FAILED
    assert "is there twice" in Job.objects.get().error
    assert not PredictionBatch.objects.exists()


def test_a_file_with_a_column_for_each_of_5000_models_can_be_confirmed(
    client_of: ClientOf, eddie: User
) -> None:
    client = client_of(eddie)
    names = [f"m{number}" for number in range(5_000)]
    text = f"item_id,{','.join(names)}\na{',x' * 5_000}\n"
    start(client, predictions=upload_file(text))
    assert confirm(client, Upload.objects.get()).status_code == 302
    assert Upload.objects.get().state == Upload.State.CHECKING


def test_a_file_chosen_anew_does_not_replace_one_whose_check_began_meanwhile(
    client_of: ClientOf, eddie: User
) -> None:
    start(client_of(eddie), predictions=upload_file(PREDICTIONS))
    upload = Upload.objects.get()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if not self.tell():
                confirm_upload(user=eddie, upload=Upload.objects.get())
            return super().read(size)

    with pytest.raises(ValidationError, match="being checked"):
        replace_file(user=eddie, upload=upload, file=Slow(b"item_id,m\nz,x\n"), filename="z.csv")
    upload.refresh_from_db()
    assert (upload.state, upload.filename) == (Upload.State.CHECKING, "pets.csv")


def test_a_label_that_no_model_answers_is_pointed_out(
    client_of: ClientOf, eddie: User, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    slip = LABELS.replace("cat", "cta", 1)
    assert slip != LABELS
    start(client, predictions=upload_file(PREDICTIONS), labels=upload_file(slip, "l.csv"))
    lead = Upload.objects.get(lead__isnull=True)
    confirm(client, lead)
    run_jobs()
    said = client.get(reverse("upload_detail", args=[lead.pk]), follow=True).content.decode()
    assert "No model answers `cta`: if that is a slip, withdraw these labels." in said
