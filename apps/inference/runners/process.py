"""A model in a process of its own: without secrets, ended at once when it is not wanted any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import numpy as np

from . import wire
from .base import Answer, Question, RunnerFailed

_ROOT = Path(__file__).resolve().parents[3]
_LET_THROUGH = {
    "PATH", "HOME", "LANG", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "XDG_CACHE_HOME",
    "HF_HOME", "HF_HUB_CACHE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
    "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF",
}  # fmt: skip
_FAMILIES = ("LC_", "CUDA_", "NVIDIA_")
_FIXED = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_TOKEN_PATH": os.devnull,
    "TOKENIZERS_PARALLELISM": "false",
    "USE_HUB_KERNELS": "0",
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
_TOLD = 400  # characters of what a process said last


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what a model has no business to know."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key in _LET_THROUGH or key.startswith(_FAMILIES)
    }
    return kept | _FIXED | more


class Start(Protocol):
    """Starts a module in a process of its own."""

    def __call__(
        self, module: str, *arguments: str, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]: ...


class Stopped(Exception):
    """The runner was closed while it was getting ready."""


class ProcessRunner:
    """Runs `apps.inference.runners.child`. Answers come a batch at a time.

    Args:
        spec: what the child loads and how: {"kind", "settings", "classes"}.
        placed: gives the folder of the weights and their revision; what it has to start meanwhile, such
            as a download, it starts by the function that it is given.
    """

    def __init__(
        self, spec: Mapping[str, Any], placed: Callable[[Start], tuple[Path, str]]
    ) -> None:
        self._spec, self._placed = dict(spec), placed
        self.facts: dict[str, Any] = {}
        self.notes: list[str] = []
        self.classes: Sequence[str] = ()
        self._lock = threading.Lock()
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__

    def __enter__(self) -> Self:
        folder, revision = self._placed(self._start)
        self._start("apps.inference.runners.child", environment=OFFLINE)
        self._send({"do": "load", "folder": str(folder), **self._spec})
        ready, _ = self._receive()
        self.facts = {"revision": revision, **ready["facts"]}
        self.classes = tuple(ready["classes"])
        self.notes = list(ready["notes"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            if self._process is not None:
                with suppress(ProcessLookupError, PermissionError):  # it has ended by itself
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._said.close()

    def _start(
        self, module: str, *arguments: str, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a module of this package, of which one runs at a time; it ends with the runner."""
        with self._lock:
            if self._closed:
                raise Stopped
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=_ROOT,
                env=clean_environment(**environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,
            )
            return self._process

    def tend(self, fenced: Callable[[], AbstractContextManager[None]]) -> None:
        """See `Runner`: its process needs nothing meanwhile."""

    def answers(self, questions: Iterable[Question]) -> Iterator[Answer]:
        """See `Runner`; the questions of one call are put together, shortest with shortest."""
        asked = list(questions)
        self._send(
            {
                "do": "ask",
                "ids": [question.item_id for question in asked],
                "prompts": [question.prompt for question in asked],
                "images": [len(question.image or b"") for question in asked],
            },
            b"".join(question.image or b"" for question in asked),
        )
        while True:
            message, content = self._receive()
            self.notes = list(message.get("notes", self.notes))
            self.facts |= message.get("facts", {})
            if message.get("done"):
                return
            yield from _answers(message["answers"], content, len(self.classes))

    def _send(self, message: dict[str, Any], content: bytes = b"") -> None:
        assert self._process is not None  # noqa: S101
        assert self._process.stdin is not None  # noqa: S101
        try:
            wire.send(self._process.stdin, message, content)
        except (BrokenPipeError, ValueError) as error:
            raise RuntimeError(self._epitaph()) from error

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        assert self._process is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        received = wire.receive(self._process.stdout)
        if received is None:
            raise RuntimeError(self._epitaph())
        if refused := received[0].get("refused"):
            raise RunnerFailed(str(refused))
        return received

    def _epitaph(self) -> str:
        """Why the process is no more, as far as can be told."""
        code = self._process.wait() if self._process is not None else None
        if code == -signal.SIGKILL:
            return "The model's process was killed, probably because the machine ran out of memory."
        try:
            self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _TOLD))
            said = self._said.read().decode(errors="replace").strip().rsplit("\n", 1)[-1]
        except ValueError:  # closed meanwhile
            said = ""
        return f"The model's process ended with {code}: {said or 'it said nothing'}"


def _answers(rows: list[dict[str, Any]], content: bytes, n_classes: int) -> Iterator[Answer]:
    """Answers of one batch; their probabilities come as float32, row after row."""
    stated = np.frombuffer(content, "<f4").reshape(-1, n_classes or 1)
    at = 0
    for row in rows:
        probabilities = None
        if row.pop("stated", False):
            probabilities = tuple(stated[at].tolist())
            at += 1
        yield Answer(**row, probabilities=probabilities)
