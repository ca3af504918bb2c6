"""Arrays and documents made from files: made once, mapped, made again where they are gone."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.core import derived


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "derived"


def test_an_array_is_made_once_and_cannot_be_changed(folder: Path) -> None:
    made = []

    def make() -> Any:
        made.append(1)
        return np.arange(5)

    for _ in range(2):
        found = derived.array(["a", 1], make)
        assert found.tolist() == [0, 1, 2, 3, 4]
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 7
    assert len(made) == 1
    assert derived.array(["a", 2], lambda: np.empty(0, np.float32)).size == 0
    assert derived.array(["a", 2], lambda: np.ones(1)).size == 0


def test_what_is_broken_or_gone_is_made_again(folder: Path) -> None:
    derived.document(["d"], lambda: {"n": 1})
    (path,) = folder.iterdir()
    path.write_bytes(b"{")
    assert derived.document(["d"], lambda: {"n": 2}) == {"n": 2}
    path.unlink()
    assert derived.document(["d"], lambda: {"n": 3}) == {"n": 3}


def test_what_was_used_least_recently_makes_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derived, "MOST_BYTES", 3000)
    held = derived.array(["old"], lambda: np.zeros(1000, np.uint8))
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    derived.array(["middle"], lambda: np.ones(1000, np.uint8))
    derived.array(["new"], lambda: np.ones(1000, np.uint8))
    assert len(list(folder.iterdir())) == 2
    assert derived.array(["middle"], lambda: np.zeros(1)).size == 1000
    assert held.sum() == 0  # whoever still looks at it may do so


def test_a_machine_that_cannot_keep_it_still_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("not a folder")
    assert derived.array(["x"], lambda: np.arange(3)).tolist() == [0, 1, 2]
    assert derived.document(["x"], lambda: [1]) == [1]
