"""Text classification: a label of the model is a class of the dataset, by its name or by a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from apps.inference.runners.base import Answer, Question, RunnerFailed

from .base import NOT_A_NUMBER, LocalModel, longest_input, padded, read_tokenizer

CUT = "Some texts are longer than the {} tokens that were read: their ends were cut off."
_SHOWN = 6


class Labelled(LocalModel):
    """A model whose answer is one of its labels."""

    def ready(self) -> None:
        """Find the class of each label."""
        config = self.model.config
        if config.num_labels < 2 or getattr(config, "problem_type", None) in (
            "regression",
            "multi_label_classification",
        ):
            raise RunnerFailed("The model does not choose one label of several.")
        labels = [str(config.id2label[place]) for place in range(config.num_labels)]
        self.classes, index = classes_of(labels, self.settings["labels"], self.classes)
        self._class_of = torch.tensor(index, device=self.device)

    def answers_from(self, questions: Sequence[Question], logits: torch.Tensor) -> list[Answer]:
        """A class and the probability of each; a failure where a logit is not a number."""
        sane = torch.isfinite(logits).all(dim=1).tolist()
        stated = torch.zeros((len(questions), len(self.classes)), device=self.device)
        stated.index_add_(1, self._class_of, torch.softmax(logits.float(), dim=1))
        rows = stated.cpu().clamp(0, 1).tolist()
        chosen = stated.argmax(dim=1).tolist()
        return [
            Answer(question.item_id, label=chosen[place], probabilities=tuple(rows[place]))
            if sane[place]
            else Answer(question.item_id, failure=NOT_A_NUMBER)
            for place, question in enumerate(questions)
        ]


class TextClassifier(Labelled):
    """A sequence classifier."""

    AUTO = "AutoModelForSequenceClassification"

    def read_beside(self, folder: str) -> None:
        """See `LocalModel`."""
        self.tokenizer = read_tokenizer(folder)

    def prepare_all(self, questions: Sequence[Question]) -> Sequence[Any]:
        """Token ids, cut at what the model reads."""
        most = longest_input(self.tokenizer, self.model, self.settings["max_tokens"])
        prompts = [question.prompt for question in questions]
        found = self.tokenizer(prompts, truncation=True, max_length=most)["input_ids"]
        if any(len(ids) >= most for ids in found):
            whole = self.tokenizer(prompts)["input_ids"]
            if any(len(ids) > most for ids in whole):
                self.note(CUT.format(f"{most:,}"))
        return found  # type: ignore[no-any-return]

    def prepare(self, question: Question) -> Any:
        """See `LocalModel`."""
        return self.prepare_all([question])[0]

    def length(self, prepared: Any) -> int:
        """See `LocalModel`."""
        return len(prepared)

    def ask(self, questions: Sequence[Question], prepared: Sequence[Any]) -> list[Answer]:
        """See `LocalModel`."""
        pad = self.tokenizer.pad_token_id or 0
        ids, mask = padded(prepared, pad, self.device)
        logits = self.model(input_ids=ids, attention_mask=mask).logits
        return [
            replace(answer, input_tokens=len(tokens), output_tokens=0)
            for answer, tokens in zip(self.answers_from(questions, logits), prepared, strict=True)
        ]


def classes_of(
    labels: Sequence[str], given: Mapping[str, str], classes: Sequence[str]
) -> tuple[tuple[str, ...], list[int]]:
    """The classes, and for each label of a model the index of its class.

    Args:
        given: the class of a label, where the two are not called the same.
        classes: the dataset's; none where it names none: then the model's are taken.

    Raises:
        RunnerFailed: one sentence: a label is no class, or the map names a label that is none.
    """
    strange = [label for label in given if label not in labels]
    if strange:
        raise RunnerFailed(f"The model has no label {_listed(strange)}; it has {_listed(labels)}.")
    named = [given.get(label, label) for label in labels]
    if not classes:
        classes = tuple(dict.fromkeys(named))
    place = {name: index for index, name in enumerate(classes)}
    unseen = [label for label, name in zip(labels, named, strict=True) if name not in place]
    if unseen:
        raise RunnerFailed(
            f"The model's {'label' if len(unseen) == 1 else 'labels'} {_listed(unseen)} "
            f"{'is' if len(unseen) == 1 else 'are'} no class of the dataset, which has "
            f"{_listed(classes)}. Say which is which, for example {unseen[0]} = {classes[0]}."
        )
    return tuple(classes), [place[name] for name in named]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name[:60]}`" for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"
