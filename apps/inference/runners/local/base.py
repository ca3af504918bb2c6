"""What local models share: where they run, batches by length, and what to do when memory runs out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import torch

from apps.inference.runners.base import Answer, Question, RunnerFailed

NOT_A_NUMBER = "The model's output for this item is not a number."
_NO_GPU = "There was no GPU: it ran on the CPU."


class LocalModel(ABC):
    """A model of the transformers library. Subclasses say how it is loaded, prepared for and asked.

    Attributes:
        classes: what the labels of its answers count. notes, facts: as `Runner` has them.
    """

    AUTO = ""
    HALF_ON_GPU = False  # whether half precision is the rule on a GPU

    def __init__(self, folder: str, settings: Mapping[str, Any], classes: tuple[str, ...]) -> None:
        self.settings = settings
        self.classes: tuple[str, ...] = classes
        self.notes: list[str] = []
        self.batch_size = int(settings["batch_size"])
        self.device = self._device()
        self.dtype = self._dtype()
        try:
            self.model = self._load(folder)
            self.read_beside(folder)
        except Exception as error:  # of whatever library reads which file
            if _out_of_memory(error):
                raise
            kind = self.AUTO.removeprefix("AutoModelFor")
            raise RunnerFailed(
                f"The model cannot be loaded for {kind}: {_first_sentence(error)}"
            ) from error
        import transformers

        self.facts: dict[str, Any] = {
            "device": self._device_name(),
            "dtype": str(self.dtype).removeprefix("torch."),
            "parameters": sum(weight.numel() for weight in self.model.parameters()),
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        }
        self.ready()

    @abstractmethod
    def read_beside(self, folder: str) -> None:
        """Load what stands beside the weights: a tokenizer, a processor of pictures."""

    @abstractmethod
    def ready(self) -> None:
        """Look at what was loaded; RunnerFailed where it is of no use here."""

    @abstractmethod
    def prepare(self, question: Question) -> Any:
        """What a batch is made of; an Answer where the question cannot be put to the model."""

    @abstractmethod
    def length(self, prepared: Any) -> int:
        """By which questions are sorted, so that those of a batch are of a size."""

    @abstractmethod
    def ask(self, questions: Sequence[Question], prepared: Sequence[Any]) -> list[Answer]:
        """The answers to one batch."""

    def answer(self, questions: Sequence[Question]) -> Iterator[list[Answer]]:
        """The answers, a batch at a time: the same questions make the same batches."""
        ready: list[tuple[Question, Any]] = []
        refused: list[Answer] = []
        for question, prepared in zip(questions, self.prepare_all(questions), strict=True):
            if isinstance(prepared, Answer):
                refused.append(prepared)
            else:
                ready.append((question, prepared))
        if refused:
            yield refused
        # The longest first: if memory does not suffice, it shows at once.
        ready.sort(key=lambda pair: -self.length(pair[1]))
        waiting = iter(ready)
        while batch := list(islice(waiting, self.batch_size)):
            yield from self._asked(batch)

    def prepare_all(self, questions: Sequence[Question]) -> Sequence[Any]:
        """What batches are made of, a place a question."""
        return [self.prepare(question) for question in questions]

    def note(self, sentence: str) -> None:
        """Tell the reader of the numbers, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _asked(self, batch: list[tuple[Question, Any]]) -> Iterator[list[Answer]]:
        """Ask a batch; where memory runs out, its halves, and from then on smaller ones."""
        start = time.perf_counter()
        try:
            with torch.inference_mode():
                answers = self.ask([one for one, _ in batch], [other for _, other in batch])
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            answers = None
        if answers is not None:
            part = (time.perf_counter() - start) * 1000 / len(batch)
            yield [replace(answer, latency_ms=round(part, 3)) for answer in answers]
            return
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(batch) == 1:
            reason = "There is not enough memory for this item, even alone."
            yield [Answer(batch[0][0].item_id, failure=reason)]
            return
        half = (len(batch) + 1) // 2
        self.batch_size = min(self.batch_size, half)
        self.notes = [one for one in self.notes if not one.startswith("Memory ran out")]
        self.note(f"Memory ran out: batches were made smaller, down to {self.batch_size}.")
        yield from self._asked(batch[:half])
        yield from self._asked(batch[half:])

    def _load(self, folder: str) -> Any:
        import transformers

        auto = getattr(transformers, self.AUTO)
        model = auto.from_pretrained(
            folder,
            dtype=self.dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
        return model.eval().to(self.device)

    def _device(self) -> torch.device:
        if self.settings["device"] == "cpu":
            return torch.device("cpu")
        if torch.cuda.is_available():
            return torch.device("cuda")
        self.note(_NO_GPU)
        return torch.device("cpu")

    def _device_name(self) -> str:
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return f"CPU, {torch.get_num_threads()} threads"

    def _dtype(self) -> torch.dtype:
        asked = str(self.settings["dtype"])
        if asked == "auto":
            half = self.HALF_ON_GPU and self.device.type == "cuda"
            return torch.bfloat16 if half and torch.cuda.is_bf16_supported() else torch.float32
        if asked == "float16" and self.device.type == "cpu":
            self.note("On the CPU it ran in bfloat16, not float16.")
            return torch.bfloat16
        chosen = {
            "float32": torch.float32,
            "bfloat16": torch.bfloat16,
            "float16": torch.float16,
        }
        return chosen[asked]


def padded(
    rows: Sequence[Sequence[int]], pad: int, device: torch.device, *, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask [n, longest], filled up on one side."""
    longest = max(map(len, rows))
    ids = torch.full((len(rows), longest), pad, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for place, row in enumerate(rows):
        where = slice(longest - len(row), longest) if left else slice(0, len(row))
        ids[place, where] = torch.tensor(row, dtype=torch.long)
        mask[place, where] = 1
    return ids.to(device), mask.to(device)


def read_tokenizer(folder: str) -> Any:
    """The tokenizer beside the weights."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def longest_input(tokenizer: Any, model: Any, asked: int) -> int:
    """Tokens that the model reads, special ones among them: its own limit, or what is asked for."""
    places = getattr(model.config, "max_position_embeddings", None) or asked
    # RoBERTa and its kin begin to count places after the padding's.
    offset = getattr(model.config, "pad_token_id", None) or 0
    if model.config.model_type in ("roberta", "xlm-roberta", "camembert", "longformer"):
        places -= offset + 1
    return int(min(asked, places, tokenizer.model_max_length))


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "not enough memory" in str(error)


def _first_sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}"
