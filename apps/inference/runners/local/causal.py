"""Language models that write on: the chat template where there is one, else the plain prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch

from apps.inference.runners.base import Answer, Question, RunnerFailed

from .base import NOT_A_NUMBER, LocalModel, longest_input, padded, read_tokenizer


class CausalModel(LocalModel):
    """A causal language model; greedy unless a temperature is asked for."""

    AUTO = "AutoModelForCausalLM"
    HALF_ON_GPU = True

    def read_beside(self, folder: str) -> None:
        """See `LocalModel`."""
        self.tokenizer = read_tokenizer(folder)

    def ready(self) -> None:
        """Set how it writes, and say so in the facts."""
        config = self.model.generation_config
        config.max_new_tokens, config.max_length = self.settings["max_new_tokens"], None
        config.do_sample = self.settings["temperature"] > 0
        config.temperature = self.settings["temperature"] or None
        config.top_p = self.settings["top_p"] if config.do_sample else None
        config.top_k = None if not config.do_sample else config.top_k
        config.num_return_sequences = 1
        ends = config.eos_token_id
        if ends is None and self.tokenizer.eos_token_id is not None:
            ends = config.eos_token_id = self.tokenizer.eos_token_id
        self._ends = set(ends if isinstance(ends, list) else [ends]) - {None}
        self._pad = self.tokenizer.pad_token_id
        if self._pad is None:
            self._pad = next(iter(self._ends), 0)
        config.pad_token_id = self._pad
        self._chat = bool(self.tokenizer.chat_template)
        self.facts["chat_template"] = self._chat
        self.facts["generation"] = {
            key: value
            for key, value in config.to_diff_dict().items()
            if isinstance(value, str | int | float | bool | list)
        }
        self._most = (
            longest_input(self.tokenizer, self.model, 1 << 30) - self.settings["max_new_tokens"]
        )
        if self._most < 1:
            raise RunnerFailed(
                f"The model has {self._most + self.settings['max_new_tokens']:,} places: no room is "
                f"left for a prompt beside {self.settings['max_new_tokens']:,} new tokens."
            )

    def prepare(self, question: Question) -> Any:
        """Token ids of the prompt, as the model was trained to be asked."""
        instructions = self.settings["instructions"]
        if self._chat:
            talk = [{"role": "system", "content": instructions}] if instructions else []
            talk.append({"role": "user", "content": question.prompt})
            try:
                text = self.tokenizer.apply_chat_template(
                    talk, tokenize=False, add_generation_prompt=True
                )
            except Exception as error:  # a template is a small program of the model's author
                return Answer(
                    question.item_id, failure=f"The chat template fails: {str(error)[:200]}"
                )
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        else:
            text = f"{instructions}\n\n{question.prompt}" if instructions else question.prompt
            ids = self.tokenizer(text)["input_ids"]
        if len(ids) > self._most:
            return Answer(
                question.item_id,
                failure=f"The prompt has {len(ids):,} tokens; the model reads {self._most:,} beside "
                "what it writes.",
            )
        return ids or Answer(question.item_id, failure="The tokenizer finds nothing in this text.")

    def length(self, prepared: Any) -> int:
        """See `LocalModel`."""
        return len(prepared)

    def ask(self, questions: Sequence[Question], prepared: Sequence[Any]) -> list[Answer]:
        """See `LocalModel`."""
        from transformers import LogitsProcessorList

        ids, mask = padded(prepared, self._pad, self.device, left=True)
        if self.model.generation_config.do_sample:
            torch.manual_seed(self._seed(questions))
        watch = _Watch(len(questions))
        written = self.model.generate(
            input_ids=ids, attention_mask=mask, logits_processor=LogitsProcessorList([watch])
        )[:, ids.shape[1] :].tolist()
        bad = watch.bad.tolist()
        answers = []
        for place, (question, tokens) in enumerate(zip(questions, written, strict=True)):
            used = self._used(tokens)
            text = self.tokenizer.decode(tokens[:used], skip_special_tokens=True)
            answers.append(
                Answer(
                    question.item_id,
                    text="" if bad[place] else text.strip(),
                    failure=NOT_A_NUMBER if bad[place] else "",
                    input_tokens=len(prepared[place]),
                    output_tokens=used,
                )
            )
        return answers

    def _used(self, tokens: Sequence[int]) -> int:
        """Tokens written, the one that ends the text among them; what follows fills the batch."""
        return next(
            (place + 1 for place, token in enumerate(tokens) if token in self._ends), len(tokens)
        )

    def _seed(self, questions: Sequence[Question]) -> int:
        """The same batch writes the same, whatever was written before."""
        names = "\n".join(question.item_id for question in questions)
        digest = hashlib.sha256(f"{self.settings['seed']}\n{names}".encode()).digest()
        return int.from_bytes(digest[:8], "little") >> 1


class _Watch:
    """Sees each step's scores: the choice among numbers that are none would look like an answer."""

    def __init__(self, n: int) -> None:
        self.bad = torch.zeros(n, dtype=torch.bool)

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        wrong = torch.isnan(scores).any(dim=1) | torch.isposinf(scores).any(dim=1)
        self.bad = self.bad.to(scores.device) | wrong
        return torch.where(wrong[:, None], torch.zeros_like(scores), scores)
