"""Local models against transformers itself, in this process: the same numbers, and honest failures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from apps.inference.kinds import KINDS
from apps.inference.runners import Answer, Question, RunnerFailed
from apps.inference.runners.local import load
from apps.inference.runners.local.base import LocalModel
from apps.inference.runners.local.masked import hidden_places
from tests.inference import tiny


def loaded(kind: str, folder: Path, classes: tuple[str, ...] = (), **settings: Any) -> LocalModel:
    cleaned = KINDS[kind].clean({"device": "cpu", **settings})
    return load({"kind": kind, "folder": str(folder), "settings": cleaned, "classes": classes})


def answered(model: LocalModel, questions: list[Question]) -> dict[str, Answer]:
    return {answer.item_id: answer for batch in model.answer(questions) for answer in batch}


def questions(count: int) -> list[Question]:
    return [Question(f"q{n}", tiny.text(n, 3 + n % 9)) for n in range(count)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Each tiny model once a module."""
    kept: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in kept:
            kept[name] = getattr(tiny, name)(tmp_path_factory.mktemp(name) / "model")
        return kept[name]

    return make


def test_a_classifier_gives_what_transformers_gives(made: Callable[..., Path]) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = made("classifier")
    asked = questions(20)
    found = answered(loaded("text-classification", folder, batch_size=4), asked)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for question in asked:
        with torch.inference_mode():
            logits = model(**tokenizer(question.prompt, return_tensors="pt")).logits
        answer = found[question.item_id]
        assert answer.label == int(logits.argmax())
        np.testing.assert_allclose(
            answer.probabilities or (), logits.softmax(1)[0].numpy(), atol=1e-5
        )
        assert answer.input_tokens == len(question.prompt.split()) + 2


def test_labels_find_their_classes_by_name_and_by_the_map(made: Callable[..., Path]) -> None:
    plain = loaded("text-classification", made("classifier"))
    named = loaded("text-classification", made("classifier"), ("bird", "other", "cat"),
                   labels={"dog": "other"})  # fmt: skip
    asked = questions(10)
    before, after = answered(plain, asked), answered(named, asked)
    wanted = {"cat": "cat", "dog": "other", "bird": "bird"}
    for item, answer in before.items():
        assert answer.label is not None
        label = after[item].label
        assert label is not None
        assert named.classes[label] == wanted[plain.classes[answer.label]]


def test_two_labels_may_be_one_class_and_their_probabilities_add_up(
    made: Callable[..., Path],
) -> None:
    model = loaded("text-classification", made("classifier"), ("bird", "mammal"),
                   labels={"cat": "mammal", "dog": "mammal"})  # fmt: skip
    for answer in answered(model, questions(10)).values():
        assert sum(answer.probabilities or ()) == pytest.approx(1, abs=1e-5)
        assert len(answer.probabilities or ()) == 2


@pytest.mark.parametrize(
    ("classes", "labels", "sentence"),
    [
        (("cat", "dog"), {}, "label `bird` is no class of the dataset, which has `cat`, `dog`"),
        (("cat", "dog", "bird"), {"wolf": "dog"}, "has no label `wolf`; it has `cat`, `dog`"),
        (("x", "y"), {}, "labels `cat`, `dog`, `bird` are no class.*for example cat = x"),
    ],
)
def test_a_label_that_is_no_class_is_named(
    made: Callable[..., Path], classes: tuple[str, ...], labels: dict[str, str], sentence: str
) -> None:
    with pytest.raises(RunnerFailed, match=sentence):
        loaded("text-classification", made("classifier"), classes, labels=labels)


def test_long_texts_are_cut_and_that_is_said(made: Callable[..., Path]) -> None:
    model = loaded("text-classification", made("classifier"), max_tokens=8)
    answered(model, [Question("a", tiny.text(1, 6))])
    assert model.notes == []
    found = answered(model, [Question("b", tiny.text(1, 7))])
    assert found["b"].input_tokens == 8
    assert model.notes == [
        "Some texts are longer than the 8 tokens that were read: their ends were cut off."
    ]


def test_a_masked_model_gives_the_loss_of_what_is_hidden(made: Callable[..., Path]) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    folder, asked = made("masked"), questions(12)
    found = answered(loaded("masked-lm-loss", folder, batch_size=5), asked)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder).eval()
    for question in asked:
        batch = tokenizer(question.prompt, return_tensors="pt", return_offsets_mapping=True)
        starts = batch.pop("offset_mapping")[0, 1:-1, 0].tolist()
        hidden = [1 + place for place in hidden_places(question.prompt, starts, 0.15, 0)]
        labels = torch.full_like(batch["input_ids"], -100)
        labels[0, hidden] = batch["input_ids"][0, hidden]
        batch["input_ids"][0, hidden] = tokenizer.mask_token_id
        with torch.inference_mode():
            loss = float(model(**batch, labels=labels).loss)
        assert found[question.item_id].loss == pytest.approx(loss, abs=1e-5)


def test_what_is_hidden_follows_from_the_text_alone() -> None:
    text = tiny.text(3, 20)
    starts = [0, *(place + 1 for place, letter in enumerate(text) if letter == " ")]
    hidden = hidden_places(text, starts, 0.15, 0)
    assert len(hidden) == 3
    assert hidden == hidden_places(text, starts, 0.15, 0)
    assert hidden != hidden_places(text, starts, 0.15, 1)
    # A tokenizer that cuts the last word in two hides the same words elsewhere.
    finer = hidden_places(text, [*starts, len(text) - 1], 0.15, 0)
    assert len(set(finer) & set(hidden)) >= 2


def test_a_language_model_writes_what_transformers_writes(made: Callable[..., Path]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, asked = made("causal"), questions(9)
    model = loaded("causal-lm", folder, batch_size=4, max_new_tokens=6, instructions="the old")
    found = answered(model, asked)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    plain: Any = AutoModelForCausalLM.from_pretrained(folder)
    plain.eval()
    for question in asked:
        prompt = f"system the old user {question.prompt} the "
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt").input_ids
        written = plain.generate(ids, max_new_tokens=6, do_sample=False)[0, ids.shape[1] :]
        answer = found[question.item_id]
        assert answer.text == str(tokenizer.decode(written, skip_special_tokens=True)).strip()
        assert (answer.input_tokens, answer.output_tokens) == (ids.shape[1], len(written))
    assert model.facts["chat_template"] is True
    assert model.facts["generation"]["max_new_tokens"] == 6


def test_a_model_without_a_template_is_given_the_plain_prompt(tmp_path: Path) -> None:
    model = loaded("causal-lm", tiny.causal(tmp_path / "m", template=""), max_new_tokens=2)
    found = answered(model, [Question("a", "the cat")])
    assert found["a"].input_tokens == 4  # with the tokens at both ends
    assert model.facts["chat_template"] is False


def test_sampling_is_repeatable(made: Callable[..., Path]) -> None:
    asked = questions(6)
    options: dict[str, Any] = {"max_new_tokens": 8, "temperature": 1.5, "batch_size": 3}
    first, again, other = (
        [one.text for one in answered(loaded("causal-lm", made("causal"), seed=seed, **options),
                                      asked).values()]
        for seed in (1, 1, 2)
    )  # fmt: skip
    assert first == again
    assert first != other


def test_a_prompt_that_leaves_no_room_is_a_failure_not_a_cut_prompt(
    made: Callable[..., Path],
) -> None:
    model = loaded("causal-lm", made("causal"), max_new_tokens=60)
    found = answered(model, questions(10))
    assert found["q8"].failure.startswith("The prompt has 13 tokens; the model reads 4 beside")
    with pytest.raises(RunnerFailed, match="no room is left for a prompt"):
        loaded("causal-lm", made("causal"), max_new_tokens=64)


def picture(n: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 12), (n * 11 % 255, n * 57 % 255, n * 91 % 255)).save(stream, "PNG")
    return stream.getvalue()


def test_an_image_classifier_gives_what_transformers_gives(made: Callable[..., Path]) -> None:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    folder = made("images")
    asked = [Question(f"q{n}", "", picture(n)) for n in range(7)]
    found = answered(loaded("image-classification", folder, batch_size=3), asked)
    processor = AutoImageProcessor.from_pretrained(folder)  # type: ignore[no-untyped-call]
    model = AutoModelForImageClassification.from_pretrained(folder).eval()
    for question in asked:
        image = Image.open(io.BytesIO(question.image or b""))
        with torch.inference_mode():
            logits = model(**processor(images=image, return_tensors="pt")).logits
        np.testing.assert_allclose(
            found[question.item_id].probabilities or (), logits.softmax(1)[0].numpy(), atol=1e-5
        )


def test_a_picture_that_is_none_is_a_failure_of_its_own(made: Callable[..., Path]) -> None:
    model = loaded("image-classification", made("images"))
    found = answered(model, [Question("a", "", b"no picture"), Question("b", "", picture(1))])
    assert found["a"].failure == "The picture cannot be read."
    assert found["b"].label is not None


@pytest.mark.parametrize("kind", ["text-classification", "masked-lm-loss", "causal-lm"])
def test_an_output_that_is_no_number_is_a_failure_of_its_item(tmp_path: Path, kind: str) -> None:
    makers: dict[str, Callable[[Path], Path]] = {
        "text-classification": tiny.classifier,
        "masked-lm-loss": tiny.masked,
        "causal-lm": tiny.causal,
    }
    options: dict[str, Any] = {"max_new_tokens": 4} if kind == "causal-lm" else {}
    model = loaded(kind, tiny.spoil(makers[kind](tmp_path / "m")), **options)
    found = answered(
        model, [Question("bad", "the gold river"), Question("good", "the silver river")]
    )
    assert found["bad"].failure == "The model's output for this item is not a number."
    assert found["bad"].label is None
    assert found["good"].failure == ""


def test_where_memory_runs_out_batches_are_halved(
    made: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("text-classification", made("classifier"), batch_size=8)
    asked = questions(20)
    want = answered(loaded("text-classification", made("classifier"), batch_size=8), asked)
    plain, sizes = model.model.forward, []

    def scarce(**inputs: Any) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if len(inputs["input_ids"]) > 3:
            raise torch.OutOfMemoryError("no room")
        return plain(**inputs)

    monkeypatch.setattr(model.model, "forward", scarce)
    found = answered(model, asked)
    assert {item: one.label for item, one in found.items()} == {
        item: one.label for item, one in want.items()
    }
    assert sizes[:3] == [8, 4, 2]
    assert max(sizes[7:]) == 2
    assert model.notes == ["Memory ran out: batches were made smaller, down to 2."]


def test_an_item_that_never_fits_is_a_failure(
    made: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("text-classification", made("classifier"), batch_size=2)

    def none(**inputs: Any) -> Any:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(model.model, "forward", none)
    assert {one.failure for one in answered(model, questions(3)).values()} == {
        "There is not enough memory for this item, even alone."
    }


def test_without_a_gpu_it_runs_on_the_cpu_and_says_so(
    made: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    model = loaded("text-classification", made("classifier"), device="cuda")
    assert model.notes == ["There was no GPU: it ran on the CPU."]
    assert loaded("text-classification", made("classifier"), device="cpu").notes == []


def test_a_model_of_another_kind_is_refused(made: Callable[..., Path]) -> None:
    with pytest.raises(RunnerFailed, match="cannot be loaded for ImageClassification"):
        loaded("image-classification", made("causal"))
