"""A prompt is encoded once on this machine, however often it is asked for."""

from collections.abc import Sequence

import numpy as np
import pytest

from apps.routing import embedding
from apps.routing.embedding import embed
from apps.routing.encoders import Vectors


class Counting:
    """Writes down what it was asked to encode."""

    dimensions = 3
    slow = True

    def __init__(self, name: str = "counting@1") -> None:
        self.name = name
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        rows = [[len(text), text.count("a"), len(self.name)] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(-1, 3)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr(embedding, "encoder", lambda name: made)
    return made


def test_each_distinct_prompt_is_encoded_once(reader: Counting) -> None:
    vectors, name = embed("counting", ["aa", "b", "aa"])
    again, _ = embed("counting", ["b", "new", "aa"])
    assert name == "counting@1"
    assert sorted(reader.encoded) == ["aa", "b", "new"]
    np.testing.assert_array_equal(vectors, [[2, 2, 10], [1, 0, 10], [2, 2, 10]])
    np.testing.assert_array_equal(again, [[1, 0, 10], [3, 0, 10], [2, 2, 10]])


def test_another_revision_of_an_encoder_has_its_own_vectors(reader: Counting) -> None:
    embed("counting", ["aa"])
    reader.name = "counting@22"
    vectors, _ = embed("counting", ["aa"])
    np.testing.assert_array_equal(vectors, [[2, 2, 11]])


def test_what_was_encoded_before_a_stop_is_kept(
    reader: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "_BATCH", 2)
    told: list[tuple[int, int, str]] = []

    def stop() -> None:
        if len(reader.encoded) >= 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        embed("counting", ["a", "b", "c"], stop_if_asked=stop, progress=lambda *at: told.append(at))
    assert [(done, total) for done, total, _ in told] == [(2, 3)]
    embed("counting", ["a", "b", "c"])
    assert reader.encoded == ["a", "b", "c"]


def test_the_oldest_vectors_make_room(reader: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_MOST", 2)
    for prompt in ("old", "newer", "newest"):
        embed("counting", [prompt])
    embed("counting", ["newer", "newest"])
    assert reader.encoded == ["old", "newer", "newest"]
    embed("counting", ["old"])
    assert reader.encoded[-1] == "old"


def test_no_prompts_are_no_vectors(reader: Counting) -> None:
    assert embed("counting", [])[0].shape == (0, 3)


def test_any_text_can_be_kept(reader: Counting) -> None:
    odd = ["", "\0", "\ud800", "日本", "a" * 100_000]
    embed("counting", odd)
    embed("counting", odd)
    assert len(reader.encoded) == len(odd)
