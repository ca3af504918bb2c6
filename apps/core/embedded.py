"""What the embedded set-up makes for itself at its first start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def make_folders(data_dir: Path) -> Path:
    """The data folder, made with what belongs in it where it is missing.

    Raises ImproperlyConfigured, with one sentence, where it cannot be written.
    """
    with _writing(data_dir):
        for folder in ("files", "queue", "queue-control", "static"):
            (data_dir / folder).mkdir(parents=True, exist_ok=True)
    return data_dir


def secret_key(data_dir: Path) -> str:
    """The secret key kept in `data_dir`, made there (readable by its owner only) where it is missing.

    Raises ImproperlyConfigured, with one sentence, where the folder cannot be written.
    """
    path = data_dir / "secret_key"
    with _writing(data_dir):
        if not path.exists():
            # Written aside and linked into place: of two processes that start at once, one key wins.
            draft = data_dir / f".secret_key.{os.getpid()}"
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(get_random_secret_key())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text()


@contextmanager
def _writing(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImproperlyConfigured(
            f"Assay cannot write its data folder {data_dir} ({error.strerror}); "
            "set ASSAY_DATA_DIR to a folder that it may write."
        ) from error
