"""Files kept by the hash of their content: written once, never changed, shared by whoever has the same.

The same code runs over a local folder and over S3-compatible storage (`STORAGES["default"]`).
"""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

from django.core.files.base import File
from django.core.files.storage import default_storage

CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# The libraries that speak to a remote store; they are not loaded where there is none.
_REMOTE = ("botocore", "boto3", "s3transfer", "urllib3")


class StoreUnavailable(OSError):
    """The file store did not do what was asked of it; the text is a sentence. Nothing was half written:
    whoever asked may ask again."""


@contextmanager
def _reaching() -> Iterator[None]:
    """Say in words why the store fails inside. A file that is not there stays a FileNotFoundError."""
    try:
        yield
    except (FileNotFoundError, StoreUnavailable):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StoreUnavailable(f"The file store is full ({error.strerror}).") from error
        if type(error).__module__.partition(".")[0] in _REMOTE:
            said = " ".join(str(error).split())[:300]
            raise StoreUnavailable(f"The file store does not do its work: {said}") from error
        raise


def _name(digest: str) -> str:
    return f"blobs/{digest[:2]}/{digest}"


def put(stream: IO[bytes]) -> str:
    """Store the whole of `stream` and return its SHA-256 in hex; storing the same twice is one file."""
    hasher = hashlib.sha256()
    with _reaching(), tempfile.TemporaryFile() as copy:
        while chunk := stream.read(CHUNK):
            hasher.update(chunk)
            copy.write(chunk)
        digest = hasher.hexdigest()
        copy.seek(0)
        if not _touch(_name(digest)):
            _write(_name(digest), copy)
    return digest


def _touch(name: str) -> bool:
    """Make a stored file young again, so that `older_than` spares it; False where it is not there.

    A remote store has no way to do so but to write the object once more.
    """
    try:
        os.utime(default_storage.path(name))
    except (NotImplementedError, FileNotFoundError):
        return False
    return True


def _write(name: str, stream: IO[bytes]) -> None:
    try:
        target = Path(default_storage.path(name))
    except NotImplementedError:  # a remote store writes an object whole or not at all
        default_storage.save(name, File(stream))
        return
    # Written aside and renamed: a killed writer leaves no half file under a hash.
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as draft:
        try:
            while chunk := stream.read(CHUNK):
                draft.write(chunk)
            draft.flush()
            Path(draft.name).chmod(0o644)
            Path(draft.name).replace(target)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise


def put_path(path: Path) -> str:
    """Store a file that lies on this machine and return its SHA-256 in hex."""
    with path.open("rb") as stream:
        return put(stream)


def open_blob(digest: str) -> BinaryIO:
    """Open a stored file for reading; FileNotFoundError where no such file is kept."""
    with _reaching():
        if not default_storage.exists(_name(digest)):
            raise FileNotFoundError(f"No stored file has the hash {digest}.")
        return default_storage.open(_name(digest), "rb")  # type: ignore[return-value]


@contextmanager
def local_path(digest: str) -> Iterator[Path]:
    """A path on this machine at which the stored file can be read, for as long as the block lasts."""
    try:
        path = Path(default_storage.path(_name(digest)))
    except NotImplementedError:  # a remote store has no paths: read a copy
        pass
    else:
        yield path
        return
    with tempfile.NamedTemporaryFile(suffix=".blob") as copy:
        with _reaching(), open_blob(digest) as stream:
            while chunk := stream.read(CHUNK):
                copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


def older_than(moment: datetime) -> Iterator[str]:
    """The names of stored files that were last put before `moment`.

    A name is a hash, or that of a draft whose writer was killed.
    """
    try:
        folders, _ = default_storage.listdir("blobs")
    except FileNotFoundError:
        return
    for folder in folders:
        for name in default_storage.listdir(f"blobs/{folder}")[1]:
            with suppress(FileNotFoundError):  # taken away by another process meanwhile
                if default_storage.get_modified_time(f"blobs/{folder}/{name}") < moment:
                    yield name


def delete(digest: str) -> None:
    """Forget a stored file; nothing happens where it is gone already."""
    default_storage.delete(_name(digest))


def delete_draft(name: str) -> None:
    """Remove what a killed writer left behind, by the name that `older_than` gave."""
    for folder in default_storage.listdir("blobs")[0]:
        default_storage.delete(f"blobs/{folder}/{name}")
