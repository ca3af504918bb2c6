"""Tryage in miniature: where its texts come from, and what its table says."""

from pathlib import Path

import numpy as np
import pytest

from apps.core.demo.tryage import corpus, example, experts


@pytest.mark.parametrize("kind", corpus.KINDS)
def test_any_machine_with_python_has_texts_of_each_kind(kind: str) -> None:
    found = corpus.collect(kind, 60, seed=1)
    assert len({text.text for text in found}) == 60
    assert len({text.file for text in found}) >= 5
    assert all(60 < len(text.text) <= 2 * corpus.LETTERS for text in found)
    assert found == corpus.collect(kind, 60, seed=1)


def test_code_comes_without_its_docstrings_and_docstrings_without_code(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text('"""What it is."""\n# a remark\ndef f():\n    """Does."""\n    return 1\n')
    assert corpus._code(path) == "def f():\n    return 1"
    assert corpus._docstrings(path) == "What it is.\nDoes."


def test_no_file_gives_texts_to_learn_from_and_to_be_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        corpus,
        "collect",
        lambda kind, wanted, seed: [
            corpus.Text(kind, number // 7, f"{kind} {number}") for number in range(40)
        ],
    )
    learnt, put = example.texts(10)
    asked = {(text.kind, text.file) for text in put}
    assert len(put) == 40
    for kind, texts in learnt.items():
        files = {int(text.split()[1]) // 7 for text in texts}
        assert not {(kind, file) for file in files} & asked


def test_an_expert_is_kept_as_safetensors_and_its_loss_falls(tmp_path: Path) -> None:
    texts = ["all rights reserved, as is, without warranty of any kind"] * 40
    tokenizer = experts.shared_tokenizer(texts)
    before = experts.train(texts, tokenizer, tmp_path / "first", steps=5, seed=0)
    after = experts.train(texts, tokenizer, tmp_path / "second", steps=60, seed=0)
    assert after < before
    kept = {path.name for path in (tmp_path / "second").iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= kept


def test_a_choice_is_right_where_it_takes_the_expert_of_least_loss() -> None:
    losses = np.array([[1.0, 9.0], [8.0, 2.0], [4.0, 5.0], [7.0, 6.0]])
    units = np.array([0, 0, 1, 2])
    first = np.eye(2)[[0, 0, 0, 0]]
    result = example._result("first", first, losses, units)
    assert result.accuracy[0] == 0.5
    assert result.accuracy[1] < 0.5 < result.accuracy[2]
    random = example._result("random", np.full((4, 2), 0.5), losses, units)
    assert random.accuracy == pytest.approx((0.5, 0.5, 0.5))
    assert "50.0% (50.0% to 50.0%)" in example.as_table([random])
