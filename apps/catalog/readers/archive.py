"""Files packed into one .zip, or lying in one folder: taken out under names of our own."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from apps.catalog.readers.limits import MAX_ARCHIVE_FILES, MAX_UNPACKED_BYTES, MB
from apps.catalog.readers.problems import FileProblem, Problems, shown

_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
_MOST_BYTES = MAX_UNPACKED_BYTES // 4
_CHUNK = 1 * MB


@dataclass(frozen=True)
class Member:
    """One file: how its owner calls it (with its folders, `/` between them), and where it lies."""

    name: str
    path: Path

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.name).parent)

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem


class Archive:
    """The tables and JSON files of a .zip or a folder; anything else in it is left alone.

    Raises:
        FileProblem: it cannot be opened, or would unpack to more than is taken, or names a place
        outside itself.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._problems = Problems(name)
        self._folder = tempfile.TemporaryDirectory(prefix="assay-")  # goes with this object
        self.members: list[Member] = []
        if path.is_dir():
            self._list(path)
        else:
            self._unpack(path)
        if not self.members:
            self._problems.fail(
                "There is no CSV, JSON, JSON Lines or Parquet file in it; please unpack files that "
                "are packed one by one, such as `.csv.gz`."
            )
        self.members.sort(key=lambda member: member.name)

    def _list(self, folder: Path) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and _wanted(path.relative_to(folder).as_posix()):
                self.members.append(Member(path.relative_to(folder).as_posix(), path))
            if len(self.members) > MAX_ARCHIVE_FILES:
                self._too_many()

    def _unpack(self, path: Path) -> None:
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
                if len(infos) > MAX_ARCHIVE_FILES:
                    self._too_many()
                wanted = [info for info in infos if self._admits(info)]
                size = sum(info.file_size for info in wanted)
                if size > _MOST_BYTES:
                    self._problems.fail(
                        f"The archive unpacks to {size // MB:,} MB; at most "
                        f"{_MOST_BYTES // MB:,} MB is taken."
                    )
                for number, info in enumerate(wanted):
                    self._take_out(archive, info, Path(self._folder.name) / str(number))
        except FileProblem:
            raise
        except OSError:
            raise
        except Exception:  # damaged bytes make zipfile and zlib raise almost anything
            self._problems.fail("The archive cannot be opened; was it cut or damaged?")

    def _admits(self, info: zipfile.ZipInfo) -> bool:
        """Whether a member is to be taken out; fails on those that nobody packs in good faith."""
        name = info.filename.replace("\\", "/")
        if name.startswith("/") or ".." in PurePosixPath(name).parts or ":" in name[:2]:
            self._problems.fail(f"The archive holds `{shown(name)}`, a place outside itself.")
        if info.is_dir() or not _wanted(name):
            return False
        if stat.S_ISLNK(info.external_attr >> 16):
            self._problems.fail(f"`{shown(name)}` in the archive is a link, not a file.")
        if info.flag_bits & 0x1:
            self._problems.fail(f"`{shown(name)}` in the archive is encrypted.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            self._problems.fail(
                f"`{shown(name)}` in the archive is packed in an unusual way; use plain zip."
            )
        return True

    def _take_out(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> None:
        with archive.open(info) as packed, path.open("wb") as file:
            shutil.copyfileobj(packed, file, _CHUNK)
        self.members.append(Member(info.filename.replace("\\", "/"), path))

    def _too_many(self) -> None:
        self._problems.fail(
            f"There are more than {MAX_ARCHIVE_FILES:,} files in it, the most that are taken."
        )


def _wanted(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
    return not hidden and name.lower().endswith(_SUFFIXES)
