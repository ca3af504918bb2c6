"""Files that mean harm, or were harmed: one clear sentence, nothing half-made, never a 500."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.catalog.models import CandidateModel, Dataset, LabelBatch, PredictionBatch, Upload
from apps.catalog.services import confirm_upload
from apps.teams.models import User
from tests.catalog.conftest import PREDICTIONS, RunJobs

pytestmark = pytest.mark.django_db


def _zip(name: str, data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return made.getvalue()


def _parquet(table: pa.Table) -> bytes:
    made = io.BytesIO()
    pq.write_table(table, made)
    return made.getvalue()


def _npz(**arrays: object) -> bytes:
    made = io.BytesIO()
    members: dict[str, Any] = {name: np.asarray(values) for name, values in arrays.items()}
    np.savez(made, **members)
    return made.getvalue()


def _no_unicode(code: int) -> bytes:
    """Text whose one character is `code`, which NumPy keeps and Python does not have."""
    names = np.array([code], np.uint32).view("U1")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, values in (("predictions", np.zeros((1, 1), int)), ("model_names", names)):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, values)
        with archive.open("subset.npy", "w") as member:
            np.lib.format.write_array(member, names)
    return made.getvalue()


def _npz_bomb() -> bytes:
    made = io.BytesIO()
    np.savez_compressed(made, predictions=np.zeros((1, 200_000_000), np.int8), model_names=["m"])
    return made.getvalue()


_WHOLE = _parquet(pa.table({"item_id": ["a", "b"], "m": ["x", "y"]}))
HOSTILE: dict[str, bytes] = {
    "an empty file": b"",
    "white space alone": b"  \n \n",
    "a header alone": b"item_id,m\n",
    "gzip": gzip.compress(b"item_id,m\na,x\n", mtime=0),
    "a zip bomb": _zip("a.csv", b"0" * 5_000_000),
    "a zip that slips": _zip("../../etc/passwd", b"x"),
    "an npz bomb": _npz_bomb(),
    "an npz of no model": _npz(predictions=np.zeros((0, 2), int), model_names=np.array([], "U1")),
    "an npz with half a character": _no_unicode(0xD800),
    "an npz with a number that is no character": _no_unicode(0x7FFFFFFF),
    "parquet with a nested type": _parquet(pa.table({"item_id": ["a"], "m": [[1]]})),
    "parquet cut at 99%": _WHOLE[: int(len(_WHOLE) * 0.99)],
    "a quote that is never closed": b'item_id,m\na,x\nb,"y\nc,z\n',
    "a ragged last row": b"item_id,m,n\na,x,y\nb,x\n",
    "NUL": b"item_id,m\na,x\0\n",
    "bidi controls in an id": "item_id,m\na\u202eb,x\n".encode(),
    "a lone surrogate": b'{"item_id": "\\ud800", "m": "x"}\n',
    "a lone surrogate in a key": b'{"item_id": "a", "\\ud800": "x"}\n',
    "NUL in Parquet": _parquet(pa.table({"item_id": ["a\0"], "m": ["x"]})),
    "bytes that are no text": bytes(range(128, 256)) * 4,
    "an empty header": b"item_id,,m\na,x,y\n",
    "duplicate headers": b"item_id,m,m\na,x,y\n",
    "duplicate ids": b"item_id,m\na,x\na,y\n",
    "ids that differ only in case": b"item_id,m\nab,x\nAB,y\n",
    "models that differ only in case": b"item_id,gpt,GPT\na,x,y\n",
    "one column alone": b"item_id\na\n",
    "a probability of 1e400": b"item_id,model,prediction,probability\na,m,x,1e400\n",
    "a probability that is not a number": b"item_id,model,prediction,probability\na,m,x,NaN\n",
    "deep JSON": b'{"item_id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "duplicate JSON keys": b'{"item_id": "a", "m": "x", "m": "y"}\n',
    "a row of 5 MB": b"item_id,m\na," + b"x" * 5_000_000 + b"\n",
    "6,000 columns": b",".join(b"c%d" % n for n in range(6_000)) + b"\n" + b"x," * 5_999 + b"x\n",
    "a pickle": b"\x80\x04\x95\x10\x00",
    "a web page": b"<!doctype html><html></html>",
    "scores in place of classes": b"item_id,m\n"
    + b"".join(b"i%d,0.%06d\n" % (n, n * 37 + 1) for n in range(1_500)),
    "no prediction at all": b"item_id,m\na,\nb,\n",
}


def _stored_files() -> set[str]:
    folder = Path(settings.DATA_DIR) / "files" / "blobs"
    return {path.name for path in folder.rglob("*") if path.is_file()}


def _bring(client: Client, user: User, data: bytes, run_jobs: RunJobs) -> Upload:
    """Through the pages as far as they lead; the upload as it ended."""
    file = SimpleUploadedFile("hostile.csv", data)
    page = client.post(reverse("dataset_new"), {"predictions": file}, follow=True)
    assert page.status_code == 200
    upload = Upload.objects.get()
    if upload.blob:
        confirm_upload(user=user, upload=upload)
        run_jobs()
        upload.refresh_from_db()
    assert client.get(reverse("upload_detail", args=[upload.pk]), follow=True).status_code == 200
    return upload


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_rejected_with_sentences_and_leaves_nothing(
    client_of: Callable[[User], Client], eddie: User, run_jobs: RunJobs, data: bytes
) -> None:
    if not data:  # Django's form says so itself
        file = SimpleUploadedFile("hostile.csv", data)
        page = client_of(eddie).post(reverse("dataset_new"), {"predictions": file})
        assert b"The submitted file is empty." in page.content
        return
    upload = _bring(client_of(eddie), eddie, data, run_jobs)
    assert upload.state == Upload.State.REJECTED
    assert upload.error_count >= 1
    assert "\\u0000" not in json.dumps(upload.sniffed), "PostgreSQL keeps no NUL"
    for problem in upload.errors:
        assert problem["message"].endswith((".", "?", ")"))
        assert len(problem["message"]) < 700
        for text in (problem["column"] or "", problem["value"] or ""):
            assert len(text) < 700
            assert "\0" not in text
            text.encode()
    for kind in (Dataset, CandidateModel, PredictionBatch):
        assert not kind._default_manager.exists()
    assert _stored_files() == ({upload.blob} if upload.blob else set())


@given(data=st.binary(max_size=300))
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_bytes_whatever_break_the_upload(
    client_of: Callable[[User], Client], eddie: User, run_jobs: RunJobs, data: bytes
) -> None:
    Upload.objects.all().delete()
    Dataset.objects.all().delete()
    CandidateModel.objects.all().delete()
    if data:
        upload = _bring(client_of(eddie), eddie, data, run_jobs)
        assert upload.state in (Upload.State.REJECTED, Upload.State.COMMITTED)


def test_a_full_disk_is_said_and_nothing_is_kept(
    client_of: Callable[[User], Client],
    eddie: User,
    run_jobs: RunJobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from apps.catalog import store
    from apps.core import files

    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    client = client_of(eddie)
    monkeypatch.setattr(files, "put_path", full)
    file = SimpleUploadedFile("p.csv", PREDICTIONS.encode())
    page = client.post(reverse("dataset_new"), {"predictions": file})
    assert "disk is full" in page.content.decode()
    assert not Upload.objects.exists()
    monkeypatch.undo()
    file = SimpleUploadedFile("p.csv", PREDICTIONS.encode())
    client.post(reverse("dataset_new"), {"predictions": file})
    monkeypatch.setattr(store, "write_predictions", full)
    upload = Upload.objects.get()
    confirm_upload(user=eddie, upload=upload)
    (job,) = run_jobs()
    assert "disk is full" in job.error
    assert not Dataset.objects.exists()
    monkeypatch.undo()
    confirm_upload(user=eddie, upload=upload)
    run_jobs()
    assert Dataset.objects.count() == 1
    assert not LabelBatch.objects.exists()
