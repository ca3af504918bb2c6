"""Image classification."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from PIL import Image

from apps.inference.runners.base import Answer, Question

from .classifier import Labelled

_MOST_PIXELS = 64_000_000


class ImageClassifier(Labelled):
    """A classifier of pictures, prepared by the processor that comes with it."""

    AUTO = "AutoModelForImageClassification"

    def read_beside(self, folder: str) -> None:
        """See `LocalModel`."""
        from transformers import AutoImageProcessor

        self.processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, trust_remote_code=False, local_files_only=True
        )

    def prepare(self, question: Question) -> Any:
        """The picture as the model takes it [channels, height, width]."""
        try:
            with Image.open(io.BytesIO(question.image or b"")) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    return Answer(question.item_id, failure="The picture is too large.")
                plain = picture.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            return Answer(question.item_id, failure="The picture cannot be read.")
        return self.processor(images=plain, return_tensors="pt")["pixel_values"][0]

    def length(self, prepared: Any) -> int:
        """See `LocalModel`."""
        return int(prepared.numel())

    def ask(self, questions: Sequence[Question], prepared: Sequence[Any]) -> list[Answer]:
        """See `LocalModel`."""
        pixels = torch.stack(list(prepared)).to(self.device, self.dtype)
        answers = self.answers_from(questions, self.model(pixel_values=pixels).logits)
        return [replace(answer, input_tokens=0, output_tokens=0) for answer in answers]
