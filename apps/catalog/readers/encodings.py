"""Which encoding a text file is in, and its bytes as UTF-8."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from pathlib import Path

from charset_normalizer import from_bytes

from apps.catalog.readers.limits import MB, SAMPLE_BYTES
from apps.catalog.readers.problems import FileProblem, Problem

_CHUNK = MB
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = ["cp1252", "latin_1"]


def detect_encoding(path: Path, *, name: str) -> str:
    """Tell a text file's encoding: a Python codec name.

    UTF-8 is taken when every byte of the file agrees with it. Only then are Windows-1252 and
    Latin-1 asked for. A file that is UTF-8 up to a broken place is reported, not reinterpreted,
    since reading it as Windows-1252 would turn every accented letter before it into two.

    Raises:
        FileProblem: no encoding fits.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    if guess := _utf16_without_bom(head):
        return guess
    broken = _first_byte_not_utf8(path)
    if broken is None:
        return "utf-8"
    offset, row, other_utf8 = broken
    if other_utf8:
        message = (
            f"Row {row:,}: the text is UTF-8 up to here, but not at byte {offset + 1:,}; "
            "was it cut or damaged?"
        )
        raise FileProblem(name, [Problem(message, row)])
    return _western(path, offset, name)


def _utf16_without_bom(head: bytes) -> str | None:
    """UTF-16 shows as NUL in every other byte for mostly Western text."""
    pairs = len(head) // 2
    if pairs < 2:
        return None
    first, second = head[: 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if second > 0.7 * pairs and first == 0:
        return "utf-16-le"
    if first > 0.7 * pairs and second == 0:
        return "utf-16-be"
    return None


def _first_byte_not_utf8(path: Path) -> tuple[int, int, bool] | None:
    """Offset and row of the first byte that is not UTF-8; whether other non-ASCII came before."""
    offset, rows, other = 0, 1, False
    carry = b""
    with path.open("rb") as file:
        while True:
            read = file.read(_CHUNK)
            chunk = carry + read
            try:
                _, used = codecs.utf_8_decode(chunk, "strict", not read)
            except UnicodeDecodeError as error:
                good = chunk[: error.start]
                return offset + error.start, rows + good.count(b"\n"), other or not good.isascii()
            if not read:
                return None
            other = other or not chunk[:used].isascii()
            rows += chunk.count(b"\n", 0, used)
            offset += used
            carry = chunk[used:]


def _western(path: Path, offset: int, name: str) -> str:
    with path.open("rb") as file:
        file.seek(max(0, offset - SAMPLE_BYTES // 2))
        sample = file.read(SAMPLE_BYTES)
    best = from_bytes(sample, cp_isolation=_WESTERN).best()
    if best is not None:
        return str(best.encoding)
    message = "The text is neither UTF-8, UTF-16 nor Windows-1252; please save the file as UTF-8."
    raise FileProblem(name, [Problem(message)])


class Utf8Stream(io.RawIOBase):
    """A text file read as UTF-8 bytes without byte order mark, in bounded memory.

    Args:
        path: the file; encoding: a codec name from `detect_encoding`; name: for messages.
        skip: UTF-8 bytes to leave out at the start (the header).
        heard: called with the count of the file's own bytes read so far.
    """

    def __init__(
        self,
        path: Path,
        encoding: str,
        *,
        name: str,
        skip: int = 0,
        heard: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._name = name
        self._heard = heard
        self._left = b""
        self._rows = 1
        self._decoder: codecs.IncrementalDecoder | None = None
        if encoding == "utf-8-sig":
            skip += len(codecs.BOM_UTF8)
        if encoding in ("utf-8", "utf-8-sig"):
            self._file.seek(skip)
        else:
            self._decoder = codecs.getincrementaldecoder(encoding)("strict")
            while skip > 0:
                got = self.read(skip)
                if not got:
                    break
                skip -= len(got)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes of UTF-8 (at least one unless the file has ended)."""
        wanted = _CHUNK if size is None or size < 0 else size
        while not self._left:
            raw = self._file.read(wanted)
            self._left = self._utf8(raw)
            if self._heard:
                self._heard(self._file.tell())
            if not raw:
                break
        out, self._left = self._left[:wanted], self._left[wanted:]
        return out

    def readall(self) -> bytes:
        """The whole rest; only for small files."""
        return b"".join(iter(lambda: self.read(_CHUNK), b""))

    def _utf8(self, raw: bytes) -> bytes:
        if self._decoder is None:
            return raw
        try:
            out = self._decoder.decode(raw, final=not raw).encode("utf-8")
        except UnicodeError:
            message = (
                f"Near row {self._rows:,}: the text is not valid in its encoding "
                "(half a character); was the file cut or damaged?"
            )
            raise FileProblem(self._name, [Problem(message, self._rows)]) from None
        self._rows += out.count(b"\n")
        return out

    def close(self) -> None:
        self._file.close()
        super().close()
