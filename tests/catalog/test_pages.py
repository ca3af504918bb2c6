"""Pages of models and datasets."""

import base64
import io
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse
from PIL import Image

from apps.catalog.models import (
    CandidateModel,
    Dataset,
    DatasetVersion,
    LabelBatch,
    ModelOutput,
    PredictionBatch,
    Price,
)
from apps.catalog.services import create_model, set_price
from apps.teams.models import AuditEntry, Team, User
from tests.catalog.conftest import LABELS, Bring, ClientOf, version_of

pytestmark = pytest.mark.django_db


def test_a_model_is_added_with_its_facts(client_of: ClientOf, eddie: User) -> None:
    client = client_of(eddie)
    facts = {"name": "qwen2.5-7b", "provider": "Alibaba", "parameters": 7_000_000_000}
    client.post(reverse("model_new"), {**facts, "tags": "open, small, open"})
    model = CandidateModel.objects.get()
    assert (model.tags, model.parameters) == (["open", "small"], 7_000_000_000)
    assert AuditEntry.objects.filter(action="model.created").count() == 1
    page = client.get(reverse("model_list"), {"tag": "small", "sort": "-parameters"})
    assert b"qwen2.5-7b" in page.content
    assert b"qwen2.5-7b" not in client.get(reverse("model_list"), {"tag": "large"}).content


def test_a_name_that_differs_only_in_case_is_refused(
    client_of: ClientOf, eddie: User, team: Team
) -> None:
    create_model(user=eddie, team=team, name="Qwen")
    page = client_of(eddie).post(reverse("model_new"), {"name": "qWEN"})
    assert "has a model called “qWEN” already" in page.content.decode()
    assert CandidateModel.objects.count() == 1


def test_the_price_book_keeps_prices_by_their_day(
    client_of: ClientOf, eddie: User, team: Team
) -> None:
    model = create_model(user=eddie, team=team, name="m")
    client = client_of(eddie)
    url = reverse("model_detail", args=[model.slug])
    for day, price in (("2026-01-01", "2"), ("2026-06-01", "1"), ("2026-06-01", "0.5")):
        client.post(url, {"valid_from": day, "per_call": price})
    book = Price.objects.order_by("valid_from").values_list("valid_from", "per_call")
    assert list(book) == [(date(2026, 1, 1), Decimal(2)), (date(2026, 6, 1), Decimal("0.5"))]
    client.post(reverse("price_delete", args=[model.slug, Price.objects.earliest("valid_from").pk]))
    assert Price.objects.count() == 1


def test_a_price_too_small_to_read_is_told_for_many_calls(
    client_of: ClientOf, eddie: User, team: Team
) -> None:
    model = create_model(user=eddie, team=team, name="m")
    set_price(user=eddie, model=model, valid_from=date(2026, 1, 1), per_call=Decimal("3.9e-8"))
    page = client_of(eddie).get(reverse("model_detail", args=[model.slug])).content.decode()
    assert "US dollars per million calls" in page
    assert "$0.039" in page


def test_half_a_price_is_asked_for_whole(client_of: ClientOf, eddie: User, team: Team) -> None:
    model = create_model(user=eddie, team=team, name="m")
    url = reverse("model_detail", args=[model.slug])
    page = client_of(eddie).post(url, {"valid_from": "2026-01-01", "input_per_million": "2"})
    assert b"both the price of input and of output tokens" in page.content
    assert not Price.objects.exists()


def test_a_renamed_model_keeps_its_predictions(
    client_of: ClientOf, eddie: User, version: DatasetVersion
) -> None:
    from apps.catalog.queries import predictions_of

    model = CandidateModel.objects.get(name="qwen")
    client_of(eddie).post(reverse("model_edit", args=[model.slug]), {"name": "a-qwen"})
    table = predictions_of(version)
    assert table.model_names == ("a-qwen", "gpt-4o", "llama")
    assert table.predictions[0].tolist() == [0, 1, 1, -1]


def test_a_model_with_predictions_is_not_deleted(
    client_of: ClientOf, eddie: User, version: DatasetVersion
) -> None:
    model = CandidateModel.objects.get(name="qwen")
    page = client_of(eddie).post(reverse("model_delete", args=[model.slug]))
    assert page.status_code == 409
    assert b"qwen has predictions or outcomes on Pets v1; delete those first." in page.content
    assert CandidateModel.objects.filter(name="qwen").exists()


def test_predictions_can_be_deleted_and_then_the_model(
    client_of: ClientOf, eddie: User, version: DatasetVersion
) -> None:
    client = client_of(eddie)
    batch = PredictionBatch.objects.get()
    url = reverse("predictions_delete", args=[version.dataset.slug, batch.pk])
    assert b"Delete the predictions of 3 models?" in client.get(url).content
    client.post(url)
    assert not ModelOutput.objects.exists()
    model = CandidateModel.objects.get(name="qwen")
    client.post(reverse("model_delete", args=[model.slug]))
    assert not CandidateModel.objects.filter(name="qwen").exists()


def test_a_dataset_is_deleted_with_all_that_is_its_own(
    client_of: ClientOf, eddie: User, version: DatasetVersion, bring: Bring
) -> None:
    bring(LABELS, "labels", version=version)
    version.boards.all().delete()
    url = reverse("dataset_delete", args=[version.dataset.slug])
    client = client_of(eddie)
    assert client.get(url).status_code == 200
    client.post(url)
    assert not Dataset.objects.exists()
    assert not LabelBatch.objects.exists()
    assert CandidateModel.objects.count() == 3


def test_the_only_version_is_not_deleted_alone(
    client_of: ClientOf, eddie: User, version: DatasetVersion
) -> None:
    url = reverse("version_delete", args=[version.dataset.slug, 1])
    page = client_of(eddie).post(url)
    assert b"delete the dataset instead" in page.content
    assert DatasetVersion.objects.exists()


def test_pictures_are_shown_and_served_as_png(
    client_of: ClientOf, eddie: User, charlie: User, bring: Bring
) -> None:
    made = io.BytesIO()
    Image.new("L", (8, 8), 99).save(made, "PNG")
    picture = "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()
    version = version_of(bring(f'item_id,image\na,"{picture}"\nb,\n', "items", "i.csv"))
    client = client_of(eddie)
    url = reverse("item_image", args=[version.dataset.slug, 1, 0])
    assert (
        url in client.get(reverse("dataset_detail", args=[version.dataset.slug])).content.decode()
    )
    answer = client.get(url)
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(answer.content)).size == (8, 8)
    for missing in (1, 2, 10**12):
        gone = reverse("item_image", args=[version.dataset.slug, 1, missing])
        assert client.get(gone).status_code == 404
    assert client_of(charlie).get(url).status_code == 404


def test_predictions_and_labels_can_be_taken_away_without_formulas(
    client_of: ClientOf, eddie: User, bring: Bring
) -> None:
    text = "item_id,m\n=1+1,-1\nb,@x\nc,\n"
    version = version_of(bring(text, dataset_name="F"))
    bring("item_id,label\n=1+1,-1\n", "labels", version=version)
    client = client_of(eddie)
    slug = version.dataset.slug
    table = client.get(reverse("predictions_file", args=[slug, 1, "csv"]))
    rows = table.getvalue().decode().split("\r\n")
    assert rows == ["item_id,m", "'=1+1,-1", "b,'@x", "c,", ""]
    labels = client.get(reverse("labels_file", args=[slug, 1])).content.decode()
    assert labels == "item_id,label\r\n'=1+1,-1\r\n"


def test_a_model_whose_name_a_spreadsheet_would_run_keeps_it_through_a_download(
    client_of: ClientOf, eddie: User, bring: Bring
) -> None:
    from apps.catalog.queries import predictions_of

    version = version_of(bring("item_id,@cf/llama,b\n1,x,y\n2,y,y\n", dataset_name="F"))
    table = client_of(eddie).get(reverse("predictions_file", args=[version.dataset.slug, 1, "csv"]))
    again = version_of(bring(table.getvalue().decode(), dataset_name="Again"))
    assert predictions_of(again).model_names == ("@cf/llama", "b")


def test_the_parquet_download_can_be_uploaded_again(
    client_of: ClientOf, eddie: User, version: DatasetVersion, bring: Bring
) -> None:
    from apps.catalog.queries import predictions_of

    slug = version.dataset.slug
    data = client_of(eddie).get(reverse("predictions_file", args=[slug, 1, "parquet"])).content
    again = version_of(bring(data, filename="again.parquet", dataset_name="Again"))
    first, second = predictions_of(version), predictions_of(again)
    assert (first.predictions == second.predictions).all()
    assert first.class_names == second.class_names


@pytest.mark.parametrize("page", ["10000000000000", "-1", "x", ""])
def test_pages_that_do_not_exist_lead_to_the_nearest(
    client_of: ClientOf, eddie: User, version: DatasetVersion, page: str
) -> None:
    for name in ("model_list", "dataset_list"):
        assert client_of(eddie).get(reverse(name), {"page": page}).status_code == 200


def test_search_takes_any_text(client_of: ClientOf, eddie: User, version: DatasetVersion) -> None:
    client = client_of(eddie)
    for text in ("%", "'; drop", "\0", "é" * 500, "_"):
        for name in ("model_list", "dataset_list"):
            assert client.get(reverse(name), {"q": text, "sort": text}).status_code == 200


def test_a_viewer_reads_but_sees_no_buttons(
    client_of: ClientOf, vic: User, version: DatasetVersion
) -> None:
    client = client_of(vic)
    page = client.get(reverse("dataset_detail", args=[version.dataset.slug]))
    assert page.status_code == 200
    assert b"Upload" not in page.content
    assert client.get(reverse("dataset_new")).status_code == 403
    assert client.get(reverse("model_new")).status_code == 403


def test_a_stranger_finds_nothing(
    client_of: ClientOf, charlie: User, version: DatasetVersion, eddie: User, team: Team
) -> None:
    model = create_model(user=eddie, team=team, name="z")
    set_price(user=eddie, model=model, valid_from=date(2026, 1, 1), per_call=Decimal(1))
    client = client_of(charlie)
    slug = version.dataset.slug
    for url in (
        reverse("dataset_detail", args=[slug]),
        reverse("version_detail", args=[slug, 1]),
        reverse("dataset_delete", args=[slug]),
        reverse("predictions_file", args=[slug, 1, "csv"]),
        reverse("labels_file", args=[slug, 1]),
        reverse("model_detail", args=[model.slug]),
        reverse("upload_detail", args=[version.uploads.get().pk]),
    ):
        assert client.get(url).status_code == 404
    assert client.get(reverse("model_list")).content.count(b"model_detail") == 0
    assert version.dataset.name.encode() not in client.get(reverse("dataset_list")).content
