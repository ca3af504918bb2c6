"""Files and uploads that the catalog's tests share."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from apps.catalog.models import DatasetVersion, Upload
from apps.catalog.services import confirm_mapping, confirm_upload, receive_upload
from apps.jobs.models import Job
from apps.teams.models import Team, User

PREDICTIONS = """\
item_id,gpt-4o,qwen,llama
a,cat,cat,dog
b,dog,dog,dog
c,cat,dog,cat
d,dog,,cat
"""
LABELS = "item_id,label\na,cat\nb,dog\n"
PRICES = "model,input,output,valid_from\ngpt-4o,2.5,10,2026-01-01\nqwen,0.2,0.2,2026-01-01\n"
ITEMS = "item_id,text,topic\na,A cat?,pets\nb,A dog?,pets\nc,What is it?,other\nd,And this?,other\n"

RunJobs = Callable[[], list[Job]]
Bring = Callable[..., Upload]
BringTogether = Callable[..., list[Upload]]
ClientOf = Callable[[User], Client]
ApiOf = Callable[..., APIClient]


def version_of(upload: Upload) -> DatasetVersion:
    """The version that an upload was taken over into."""
    assert upload.version is not None
    return upload.version


def text_file(text: str | bytes) -> io.BytesIO:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode())


@pytest.fixture
def bring(team: Team, eddie: User, run_jobs: RunJobs) -> Bring:
    """Upload a file as an editor, take the guessed columns, run the job; the upload as it ended."""

    def do(
        text: str | bytes, purpose: str = "predictions", filename: str = "file.csv", **how: Any
    ) -> Upload:
        user = how.pop("user", eddie)
        upload = receive_upload(
            user=user, team=team, file=text_file(text), filename=filename, purpose=purpose, **how
        )
        confirm_mapping(user=user, upload=upload)
        run_jobs()
        upload.refresh_from_db()
        return upload

    return do


@pytest.fixture
def version(bring: Bring) -> DatasetVersion:
    """Three models' predictions on the items a to d, without labels."""
    return version_of(bring(PREDICTIONS, dataset_name="Pets"))


@pytest.fixture
def bring_together(team: Team, eddie: User, run_jobs: RunJobs) -> Callable[..., list[Upload]]:
    """Upload several files as one group: (purpose, text) each; the uploads as they ended."""

    def do(files: Sequence[tuple[str, str]], *, dataset_name: str = "Pets") -> list[Upload]:
        group: list[Upload] = []
        for purpose, text in files:
            group.append(
                receive_upload(
                    user=eddie,
                    team=team,
                    file=text_file(text),
                    filename=f"{purpose}.csv",
                    purpose=purpose,
                    dataset_name=dataset_name if not group else "",
                    lead=group[0] if group else None,
                )
            )
        confirm_upload(user=eddie, upload=group[0])
        run_jobs()
        for upload in group:
            upload.refresh_from_db()
        return group

    return do
