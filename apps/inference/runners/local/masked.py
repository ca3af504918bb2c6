"""How well a masked language model knows a text: its loss where words are hidden from it.

Source: S. Hari and M. Thomson, "Tryage", 2023 (arXiv 2308.11601): what the router of experts learns to
foretell. 15% of the tokens are hidden. Which ones follows from the text alone: a token's turn comes by a
draw for the letter at which it begins, so that experts whose tokenizers cut a text alike see the same
places hidden, whatever the batch, the machine or the day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from apps.inference.runners.base import Answer, Question, RunnerFailed

from .base import NOT_A_NUMBER, LocalModel, longest_input, padded, read_tokenizer
from .classifier import CUT


class MaskedLoss(LocalModel):
    """A masked language model; its answer is a loss in nats a hidden token."""

    AUTO = "AutoModelForMaskedLM"

    def read_beside(self, folder: str) -> None:
        """See `LocalModel`."""
        self.tokenizer = read_tokenizer(folder)

    def ready(self) -> None:
        """See `LocalModel`."""
        if self.tokenizer.mask_token_id is None or not self.tokenizer.is_fast:
            raise RunnerFailed("The model's tokenizer has no token that hides a word.")
        self.facts["vocabulary"] = self.model.config.vocab_size

    def prepare(self, question: Question) -> Any:
        """Token ids, and the places to hide."""
        most = longest_input(self.tokenizer, self.model, self.settings["max_tokens"])
        found = self.tokenizer(
            question.prompt,
            truncation=True,
            max_length=most,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        ids, offsets = found["input_ids"], found["offset_mapping"]
        if len(ids) == most and offsets[-2][1] < len(question.prompt.rstrip()):
            self.note(CUT.format(f"{most:,}"))
        words = [place for place, special in enumerate(found["special_tokens_mask"]) if not special]
        if not words:
            return Answer(question.item_id, failure="The tokenizer finds nothing in this text.")
        starts = [offsets[place][0] for place in words]
        hidden = hidden_places(
            question.prompt, starts, self.settings["share"], self.settings["seed"]
        )
        return ids, [words[place] for place in hidden]

    def length(self, prepared: Any) -> int:
        """See `LocalModel`."""
        return len(prepared[0])

    def ask(self, questions: Sequence[Question], prepared: Sequence[Any]) -> list[Answer]:
        """See `LocalModel`."""
        ids, mask = padded(
            [one for one, _ in prepared], self.tokenizer.pad_token_id or 0, self.device
        )
        rows = torch.tensor(
            [row for row, (_, hidden) in enumerate(prepared) for _ in hidden], device=self.device
        )
        places = torch.tensor(
            [place for _, hidden in prepared for place in hidden], device=self.device
        )
        wanted = ids[rows, places]
        ids[rows, places] = self.tokenizer.mask_token_id
        logits = self.model(input_ids=ids, attention_mask=mask).logits[rows, places]
        losses = functional.cross_entropy(logits.float(), wanted, reduction="none").tolist()
        answers, at = [], 0
        for question, (tokens, hidden) in zip(questions, prepared, strict=True):
            loss = float(np.mean(losses[at : at + len(hidden)]))
            at += len(hidden)
            answers.append(
                Answer(
                    question.item_id,
                    loss=loss if np.isfinite(loss) else None,
                    failure="" if np.isfinite(loss) else NOT_A_NUMBER,
                    input_tokens=len(tokens),
                    output_tokens=0,
                )
            )
        return answers


def hidden_places(text: str, starts: Sequence[int], share: float, seed: int) -> list[int]:
    """Which of the tokens that begin at `starts` are hidden: at least one, in their order.

    >>> hidden_places("one two three four five six", [0, 4, 8, 14, 19, 24], 0.34, 0)
    [3, 5]
    """
    digest = hashlib.sha256(f"{seed}\n{text}".encode("utf-8", "surrogatepass")).digest()
    drawn = np.random.default_rng(int.from_bytes(digest[:8], "little")).random(len(text) + 1)
    count = max(1, round(share * len(starts)))
    turns = sorted(range(len(starts)), key=lambda place: (drawn[starts[place]], place))
    return sorted(turns[:count])
