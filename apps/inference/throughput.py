"""What a run costs beside the bare library: `manage.py bench inference`."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ITEMS, BATCH, ROUNDS = 1_024, 32, 3
PROMISE = 0.9


def inference(say: Callable[[str], None], items: int = ITEMS, rounds: int = ROUNDS) -> bool:
    """Classify the same texts with the same weights, batch and device through a runner, process and
    pipes and all, and by a bare loop of the transformers library; by turns, each `rounds` times.

    Both leave the loading of the weights out. Beside the loop over the texts as they come stands one
    over the texts sorted by length, as the runner has them. Returns whether the runner comes to 0.9 of
    the faster one.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as place:
        folder = Path(place)
        save_model(folder)
        texts = made_texts(items)
        loops: dict[str, Callable[[], list[int]]] = {
            "bare": _bare(folder, texts, device, by_length=False),
            "sorted": _bare(folder, texts, device, by_length=True),
        }
        seconds: dict[str, list[float]] = {"bare": [], "sorted": [], "runner": []}
        with _runner(folder, device) as runner:
            loops["runner"] = lambda: _answered(runner, texts)
            said = {name: loop() for name, loop in loops.items()}  # also warms all of them up
            for _ in range(rounds):
                for name, loop in loops.items():
                    start = time.perf_counter()
                    loop()
                    seconds[name].append(time.perf_counter() - start)
            place_of_work = str(runner.facts["device"])
    speed = {name: items / statistics.median(taken) for name, taken in seconds.items()}
    fastest = max(speed["bare"], speed["sorted"])
    share = speed["runner"] / fastest
    same = sum(one == other for one, other in zip(said["runner"], said["bare"], strict=True))
    say(
        f"{place_of_work}: {items:,} texts in batches of {BATCH}, median of {rounds}: runner "
        f"{speed['runner']:,.0f} items/s, bare loop {speed['bare']:,.0f}, bare loop sorted by length "
        f"{speed['sorted']:,.0f}: {share:.2f} of the faster (promised: {PROMISE}); {same:,} of "
        f"{items:,} answers are the same."
    )
    return share >= PROMISE and same == items


def save_model(folder: Path) -> None:
    """A BERT of four layers, 256 wide, with random weights and a vocabulary of 2,000 words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    words = {name: at for at, name in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])}
    words |= {f"word{at}": at + 4 for at in range(2_000)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        model_max_length=256,
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        id2label={at: f"label{at}" for at in range(4)},
        initializer_range=0.2,
    )
    BertForSequenceClassification(config).save_pretrained(folder)


def made_texts(items: int) -> list[str]:
    """Texts of 8 to 127 words."""
    return [
        " ".join(f"word{(n * 31 + at * 7) % 2_000}" for at in range(8 + n * 37 % 120))
        for n in range(items)
    ]


def _bare(
    folder: Path, texts: list[str], device: str, *, by_length: bool
) -> Callable[[], list[int]]:
    """What one would write without this product."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForSequenceClassification.from_pretrained(folder)
    model.eval().to(device)
    order = sorted(range(len(texts)), key=lambda at: len(texts[at])) if by_length else None

    def loop() -> list[int]:
        places = order or list(range(len(texts)))
        said = [-1] * len(texts)
        with torch.inference_mode():
            for start in range(0, len(places), BATCH):
                batch = places[start : start + BATCH]
                inputs = tokenizer(
                    [texts[at] for at in batch], return_tensors="pt", padding=True
                ).to(device)
                for at, label in zip(
                    batch, model(**inputs).logits.argmax(dim=1).tolist(), strict=True
                ):
                    said[at] = label
        return said

    return loop


def _runner(folder: Path, device: str) -> Any:
    from apps.inference.kinds.local import TEXT_CLASSIFICATION
    from apps.inference.runners.process import ProcessRunner

    settings = TEXT_CLASSIFICATION.clean({"batch_size": BATCH, "device": device})
    spec = {
        "kind": TEXT_CLASSIFICATION.name,
        "settings": settings,
        "classes": [],
    }
    return ProcessRunner(spec, lambda _: (folder, ""))


def _answered(runner: Any, texts: list[str]) -> list[int]:
    """The answers of a run's groups, in the order of the texts."""
    from apps.inference.kinds.local import TEXT_CLASSIFICATION
    from apps.inference.runners import Question

    said = [-1] * len(texts)
    size = TEXT_CLASSIFICATION.chunk
    for start in range(0, len(texts), size):
        asked = [Question(str(at), texts[at]) for at in range(start, min(start + size, len(texts)))]
        for answer in runner.answers(asked):
            said[int(answer.item_id)] = answer.label
    return said
