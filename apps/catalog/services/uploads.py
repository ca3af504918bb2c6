"""Files on their way in: received, looked at, mapped and handed to a job."""

import errno
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.defaultfilters import filesizeformat

from apps.catalog.models import Dataset, DatasetVersion, Upload
from apps.catalog.readers import FileProblem, Mapping, sniff
from apps.catalog.readers.mapping import check_mapping
from apps.catalog.readers.npz_source import ITEM_COLUMN
from apps.catalog.readers.problems import name_fault, shown
from apps.catalog.services.datasets import name_taken
from apps.catalog.services.models_file import model_rows, preview_of
from apps.core import files
from apps.jobs.models import Job
from apps.jobs.services import enqueue
from apps.teams.models import Role, Team, User
from apps.teams.services import audit, require

JOB_KIND = "catalog.commit_upload"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ORDER = list(Upload.Purpose.values)  # in which the files of a group are taken over
_TOO_LATE = "This upload is being checked or has been taken over already."
_RANDOM = ("", "random", "uniform")


def role_for(purpose: str) -> Role:
    """Who may upload what: annotators bring labels, editors everything."""
    return Role.ANNOTATOR if purpose == Upload.Purpose.LABELS else Role.EDITOR


def receive_upload(
    *,
    user: User,
    team: Team,
    file: IO[bytes],
    filename: str,
    purpose: str,
    version: DatasetVersion | None = None,
    dataset_name: str = "",
    lead: Upload | None = None,
) -> Upload:
    """Take a file in: store it by its hash and look at its head. Nothing is taken over yet.

    Args:
        file: read once, never held in memory. filename: what its owner calls it.
        version: the version it is for; None makes a new dataset of predictions or items.
        lead: the upload it came together with.

    Raises:
        PermissionDenied: the role does not allow it. ValidationError: too large, no room, or no
        version where one is needed. FileProblem: it is no table that can be read; nothing is kept.
    """
    require(user=user, team=team, role=role_for(purpose))
    upload = Upload(
        team=team,
        created_by=user,
        purpose=purpose,
        version=version,
        lead=lead,
        dataset_name=dataset_name.strip(),
    )
    if version is None and lead is None and purpose == Upload.Purpose.LABELS:
        raise ValidationError("Labels belong to a dataset version: say which.")
    if lead is not None:
        _check_lead(lead, purpose, version)
    _take_in(upload, file, filename)
    if upload.version is None and lead is None and purpose != Upload.Purpose.MODELS:
        upload.dataset_name = upload.dataset_name or free_name(team, upload.filename)
    _save(upload)
    return upload


def _check_lead(lead: Upload, purpose: str, version: DatasetVersion | None) -> None:
    """Raise ValidationError where a file of this purpose cannot be taken over together with `lead`."""
    if _ORDER.index(lead.purpose) >= _ORDER.index(purpose):
        raise ValidationError(f"A file of {purpose} cannot come with one of {lead.purpose}.")
    if lead.lead_id is not None:
        raise ValidationError(f"{lead} came with another file itself: name that one.")
    if lead.version != version:
        raise ValidationError("Files that come together are for the same dataset version.")
    if not waits(lead):
        raise ValidationError(_TOO_LATE)


def record_rejection(
    *,
    user: User,
    team: Team,
    purpose: str,
    filename: str,
    problem: FileProblem,
    version: DatasetVersion | None = None,
    dataset_name: str = "",
    lead: Upload | None = None,
) -> Upload:
    """Keep a note of a file that could not even be looked at, so that another can take its place."""
    require(user=user, team=team, role=role_for(purpose))
    upload = Upload(
        team=team,
        created_by=user,
        purpose=purpose,
        version=version,
        lead=lead,
        dataset_name=dataset_name.strip()[:200] or _stem(filename),
        filename=_plain_name(filename),
        size=0,
    )
    _note(upload, problem)
    _save(upload)
    return upload


def replace_file(*, user: User, upload: Upload, file: IO[bytes], filename: str) -> Upload:
    """Put another file in the place of one that is not taken over; all else stays as it is.

    Raises:
        as `receive_upload`; the file that was there stays when the new one cannot be read.
    """
    require(user=user, team=upload.team, role=role_for(upload.purpose))
    _refuse_too_late(upload)
    _take_in(upload, file, filename)
    upload.errors, upload.error_count, upload.state = [], 0, Upload.State.SNIFFED
    with transaction.atomic():
        # A large file takes its time: the check may have been started meanwhile.
        if not waits(_locked(upload.lead or upload)):
            raise ValidationError(_TOO_LATE)
        _save(upload)
    return upload


def discard_upload(*, user: User, upload: Upload) -> None:
    """Forget an upload that was not taken over, and what came with it.

    Raises:
        PermissionDenied: somebody else's, and below editor. ValidationError: taken over already.
    """
    require(user=user, team=upload.team, role=role_for(upload.purpose))
    if upload.created_by_id != user.pk:
        require(user=user, team=upload.team, role=Role.EDITOR)
    if not waits(upload):
        raise ValidationError(_TOO_LATE)
    upload.delete()


def choose_columns(
    *, user: User, upload: Upload, mapping: Mapping | None, **options: Any
) -> Upload:
    """Say which column of the file means what (None: as guessed).

    Args:
        options: `chosen` (labels: picked to tell candidates apart, not drawn at random),
            `class_names` (the classes declared for a new version).

    Raises:
        PermissionDenied. FileProblem: the file has no such column. ValidationError: it is being
        checked or was taken over already.
    """
    require(user=user, team=upload.team, role=role_for(upload.purpose))
    _refuse_too_late(upload)
    if mapping is not None:
        check_mapping(mapping, upload.sniffed.get("columns", []), upload.filename)
        upload.mapping = {**upload.mapping, **mapping.as_dict()}
    upload.mapping = {**upload.mapping, **options}
    upload.save(update_fields=["mapping"])
    return upload


def name_dataset(*, user: User, upload: Upload, name: str) -> Upload:
    """Say what the dataset that an upload makes will be called.

    Raises:
        PermissionDenied. ValidationError: no name, or a dataset of the team has it.
    """
    require(user=user, team=upload.team, role=role_for(upload.purpose))
    upload.dataset_name = name.strip()
    if not upload.dataset_name:
        raise ValidationError("Give the dataset a name.")
    if Dataset.objects.filter(team=upload.team, name__iexact=upload.dataset_name).exists():
        raise ValidationError(name_taken(upload.dataset_name))
    upload.save(update_fields=["dataset_name"])
    return upload


def take_labels_inside(*, user: User, upload: Upload) -> Upload:
    """Have the labels of an .npz file of predictions taken over together with it.

    Raises:
        PermissionDenied. ValidationError: it has no labels.
    """
    require(user=user, team=upload.team, role=Role.EDITOR)
    if "labels" not in upload.sniffed.get("columns", []):
        raise ValidationError(f"{upload.filename} holds no labels.")
    there: Upload | None = upload.companions.filter(purpose=Upload.Purpose.LABELS).first()
    if there is not None:
        return there
    inside = Upload(
        team=upload.team,
        created_by=user,
        purpose=Upload.Purpose.LABELS,
        lead=upload.lead or upload,
        version=upload.version,
        filename=upload.filename,
        size=upload.size,
        blob=upload.blob,
        sniffed=upload.sniffed,
        mapping=Mapping(item=ITEM_COLUMN, label="labels").as_dict(),
    )
    _save(inside)
    return inside


def confirm_upload(*, user: User, upload: Upload) -> Job:
    """Have an upload, and what came with it, checked whole and taken over in the background.

    Raises:
        PermissionDenied. ValidationError: it is being checked or was taken over already, or one of
        its files could not be read.
    """
    group = [upload, *upload.companions.all()]
    for one in group:
        require(user=user, team=one.team, role=role_for(one.purpose))
    if unread := [one for one in group if not one.blob]:
        raise ValidationError(f"Choose another file in place of {unread[0].filename} first.")
    with transaction.atomic():
        if not waits(_locked(upload)):
            raise ValidationError(_TOO_LATE)
        job = enqueue(
            user=user,
            team=upload.team,
            kind=JOB_KIND,
            title=f"Check and take over {upload.filename}"[:200],
            params={"upload": str(upload.pk)},
            key=f"upload:{upload.pk}",
        )
        Upload.objects.filter(pk__in=[one.pk for one in group]).update(
            state=Upload.State.CHECKING, errors=[], error_count=0, job=job
        )
        audit(
            user=user,
            team=upload.team,
            action="upload.confirmed",
            target=upload,
            blob=upload.blob,
        )
    upload.refresh_from_db()
    return job


def confirm_mapping(*, user: User, upload: Upload, mapping: Mapping | None = None) -> Job:
    """`choose_columns` and `confirm_upload` in one call; without a mapping the guess is taken."""
    return confirm_upload(
        user=user, upload=choose_columns(user=user, upload=upload, mapping=mapping)
    )


def waits(upload: Upload) -> bool:
    """Whether something can still be done about an upload: no job has it, and it is not taken over."""
    if upload.state == Upload.State.CHECKING:
        return upload.job is None or upload.job.finished
    return upload.state != Upload.State.COMMITTED


def _refuse_too_late(upload: Upload) -> None:
    if not waits(upload.lead or upload):
        raise ValidationError(_TOO_LATE)


def _locked(upload: Upload) -> Upload:
    """The upload as it is now, locked until the transaction ends."""
    rows = Upload.objects.select_for_update(of=("self",)).select_related("job")
    current: Upload = rows.get(pk=upload.pk)
    return current


def _take_in(upload: Upload, file: IO[bytes], filename: str) -> None:
    """Spool, measure, sniff and store a file, and write what was found into `upload`."""
    upload.filename = _plain_name(filename)
    with _spooled(file, upload.filename) as (path, size):
        sniffed, mapping = _sniff(path, upload.purpose, upload.filename)
        upload.blob, upload.size = files.put_path(path), size
    upload.sniffed, upload.mapping = sniffed, {**_kept(upload.mapping), **mapping}


def _kept(mapping: dict[str, Any]) -> dict[str, Any]:
    return {key: mapping[key] for key in ("class_names",) if key in mapping}


@contextmanager
def _spooled(file: IO[bytes], filename: str) -> Iterator[tuple[Path, int]]:
    """The stream as a file on this machine, and its size; refused beyond the size that is taken."""
    most, size = settings.UPLOAD_MAX_BYTES, 0
    try:
        with tempfile.NamedTemporaryFile(
            prefix="assay-", dir=settings.FILE_UPLOAD_TEMP_DIR
        ) as copy:
            while chunk := file.read(files.CHUNK):
                size += len(chunk)
                if size > most:
                    raise ValidationError(
                        f"{filename} is larger than {filesizeformat(most)}, the most that is taken."
                    )
                copy.write(chunk)
            copy.flush()
            yield Path(copy.name), size
    except OSError as error:
        raise ValidationError(no_room(filename, error)) from error


def no_room(filename: str, error: OSError) -> str:
    """A sentence for a file that could not be stored."""
    if error.errno in _FULL:
        return f"{filename} could not be stored: the server's disk is full. Nothing was kept."
    return f"{filename} could not be stored ({error.strerror or 'input/output error'})."


def _sniff(path: Path, purpose: str, filename: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a file seems to be and the guessed mapping, both as plain JSON."""
    if purpose == Upload.Purpose.MODELS:
        return preview_of(model_rows(path, name=filename)), {}
    sniffed = sniff(path, purpose=purpose, name=filename)  # type: ignore[arg-type]
    mapping = sniffed.mapping.as_dict()
    found = {key: value for key, value in asdict(sniffed).items() if key != "mapping"}
    if purpose == Upload.Purpose.LABELS:
        mapping["chosen"] = _says_chosen(sniffed.columns, sniffed.preview)
    return json.loads(json.dumps(found)), json.loads(json.dumps(mapping))


def _says_chosen(columns: tuple[str, ...], preview: list[list[str]]) -> bool:
    """Whether a list of items says of itself that a method picked them (`selected_by`)."""
    if "selected_by" not in columns:
        return False
    place = columns.index("selected_by")
    return any(row[place].strip().lower() not in _RANDOM for row in preview)


def _plain_name(filename: str) -> str:
    """A file's name without folders, as it may stand in a message and a column."""
    name = PurePosixPath(filename.replace("\\", "/")).name.strip()
    return shown(name)[:255] or "file"


def _stem(filename: str) -> str:
    stem = PurePosixPath(_plain_name(filename)).stem.strip()
    return stem if stem and name_fault(stem) is None else "Dataset"


def free_name(team: Team, filename: str) -> str:
    """A name for a dataset from that of a file, which no dataset of the team has yet."""
    stem = _stem(filename)
    held = Dataset.objects.filter(team=team, name__istartswith=stem)
    taken = {name.lower() for name in held.values_list("name", flat=True)}
    name, number = stem, 2
    while name.lower() in taken:
        name, number = f"{stem} {number}", number + 1
    return name


def _note(upload: Upload, problem: FileProblem) -> None:
    """Write a file's problems into its upload."""
    upload.state = Upload.State.REJECTED
    upload.errors = [asdict(one) for one in problem.problems]
    upload.error_count = problem.count


def _save(upload: Upload) -> None:
    upload.full_clean(exclude=["team", "created_by", "version", "lead", "job"])
    upload.save()
