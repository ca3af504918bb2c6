"""The model's process: reads questions on its input, writes answers on its output.

Started by `ProcessRunner` with an environment that holds no secrets and no way to a hub. It ends when
its input does, in the middle of whatever it computes.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from typing import IO, Any

from . import wire
from .base import Answer, Question, RunnerFailed

Frame = tuple[dict[str, Any], bytes]


def main() -> None:
    """Load what the first frame names, then answer every further one."""
    # Whatever a library prints must not come between the frames.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    frames: queue.Queue[Frame] = queue.Queue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, frames), daemon=True).start()
    try:
        _serve(frames, output)
    except RunnerFailed as failure:
        wire.send(output, {"refused": str(failure)})
    except BaseException:
        traceback.print_exc()
    # Not in good order: another thread waits for input, and nothing here is worth tidying.
    sys.stderr.flush()
    os._exit(1)


def _read(stream: IO[bytes], frames: queue.Queue[Frame]) -> None:
    while (frame := wire.receive(stream)) is not None:
        frames.put(frame)
    os._exit(0)  # the worker is gone, or has enough


def _serve(frames: queue.Queue[Frame], output: IO[bytes]) -> None:
    spec, _ = frames.get()
    from .local import load

    model = load(spec)
    wire.send(
        output,
        {"facts": model.facts, "classes": list(model.classes), "notes": model.notes},
    )
    while True:
        asked, content = frames.get()
        for answers in model.answer(_questions(asked, content)):
            wire.send(output, {"answers": [_row(one) for one in answers]}, _stated(answers))
        wire.send(output, {"done": True, "notes": model.notes, "facts": model.facts})


def _questions(asked: dict[str, Any], content: bytes) -> list[Question]:
    found, at = [], 0
    for item, prompt, size in zip(asked["ids"], asked["prompts"], asked["images"], strict=True):
        found.append(Question(item, prompt, content[at : at + size] if size else None))
        at += size
    return found


def _row(answer: Answer) -> dict[str, Any]:
    given = {
        key: value
        for key, value in vars(answer).items()
        if key != "probabilities" and value not in (None, "")
    }
    return given | ({"stated": True} if answer.probabilities is not None else {})


def _stated(answers: list[Answer]) -> bytes:
    import numpy as np

    rows = [answer.probabilities for answer in answers if answer.probabilities is not None]
    return np.array(rows, "<f4").tobytes()


if __name__ == "__main__":
    main()
