"""Outcomes through the upload wizard: looked at, confirmed, checked whole, taken over or told why not."""

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from apps.catalog import queries
from apps.catalog.models import DatasetVersion, Upload
from apps.teams.models import User
from tests.catalog.conftest import Bring, ClientOf, RunJobs, version_of

pytestmark = pytest.mark.django_db

WIDE = "prompt_id,prompt,task,score__m,cost__m,score__n\na,One?,x,1,0.5,0\nb,Two?,y,0.5,,1\n"


@pytest.fixture
def prompts(bring: Bring) -> DatasetVersion:
    return version_of(bring(WIDE, "outcomes", dataset_name="Prompts"))


def test_a_file_of_outcomes_makes_a_dataset_of_prompts_with_its_page(
    eddie: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    file = ContentFile(WIDE.encode(), "prompts.csv")
    shown = client.post(reverse("outcomes_new"), {"file": file, "name": "Mine"}, follow=True)
    upload = Upload.objects.get()
    form = shown.context["parts"][0]["form"]
    answers = {form.add_prefix(name): field.initial for name, field in form.fields.items()}
    address = reverse("upload_detail", args=[upload.pk])
    client.post(address, {**answers, "dataset_name": "Mine"})
    run_jobs()
    page = client.get(address, follow=True)
    assert b"2 items. Outcomes of 2 models." in page.content
    assert b"1 of 4 outcomes have a known cost" in page.content
    assert b"Ask whether routing helps" in page.content, "the one next step"
    assert b"There are no predictions yet" not in page.content
    assert b"unknown" in page.content
    upload.refresh_from_db()
    found = queries.outcomes_of(version_of(upload))
    assert found.prompts == ("One?", "Two?")
    assert found.groups == {"task": ("x", "y")}
    assert found.score.tolist() == [[1, 0], [0.5, 1]]


def test_further_models_join_and_the_same_ones_are_refused(
    prompts: DatasetVersion, bring: Bring
) -> None:
    bring("prompt_id,score__new\nb,1\n", "outcomes", version=prompts)
    assert queries.outcomes_of(prompts).model_names == ("m", "n", "new")
    again = bring("prompt_id,score__M\nb,1\n", "outcomes", version=prompts)
    assert again.state == Upload.State.REJECTED
    assert "`m` has outcomes on Prompts v1 already" in again.errors[0]["message"]


def test_a_bad_file_is_rejected_with_its_rows_and_nothing_is_kept(
    prompts: DatasetVersion, bring: Bring
) -> None:
    upload = bring("prompt_id,score__new\na,3\nz,1\n", "outcomes", version=prompts)
    assert upload.state == Upload.State.REJECTED
    assert [one["row"] for one in upload.errors] == [2, 3]
    assert queries.outcomes_of(prompts).model_names == ("m", "n")


def test_outcomes_are_downloaded_and_come_back_the_same(
    prompts: DatasetVersion, bring: Bring, eddie: User, client_of: ClientOf
) -> None:
    address = reverse("outcomes_file", args=[prompts.dataset.slug, 1, "csv"])
    text = client_of(eddie).get(address).content
    back = queries.outcomes_of(version_of(bring(text, "outcomes", dataset_name="Back")))
    there = queries.outcomes_of(prompts)
    assert back.prompts == there.prompts
    assert back.score.tolist() == there.score.tolist()
    assert back.cost[0, 0] == 0.5


def test_outcomes_are_deleted_after_asking(
    prompts: DatasetVersion, eddie: User, client_of: ClientOf
) -> None:
    batch = prompts.outcome_batches.get()
    address = reverse("outcomes_delete", args=[prompts.dataset.slug, batch.pk])
    client = client_of(eddie)
    assert b"Delete the outcomes of 2 models?" in client.get(address).content
    page = client.post(address, follow=True)
    assert b"There are no outcomes yet" in page.content
