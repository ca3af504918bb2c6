"""A transformer that reads the prompt itself, with one regression head a model, trained end to end.

Hari and Thomson, *Tryage: Real-time, Intelligent Routing of User Prompts to Large Language Models*,
2023 (arXiv 2308.11601): a perceptive router predicts each expert's loss L(z, M_i) on a prompt z by
argmin_W sum_z sum_i D(L(z, M_i), L'(z, M_i; W)), and the decision adds what the user's flags weigh.
Here the loss is one minus the score, and the divergence D the cross-entropy, which is least at the
expected score as the squared error is, and keeps scores within 0..1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from apps.catalog.tables import Floats, OutcomeTable
from apps.routing.encoders.pretrained import pretrained
from apps.routing.encoders.tokens import LETTERS_A_TOKEN, batches, tokenised

from .base import Embeddings
from .fitted import logit, sigmoid
from .networked import Networked

if TYPE_CHECKING:
    import torch

    from apps.routing.encoders.bert import Bert

_TOKENS = 128
_VOCABULARY = 8000
_BATCH = 32
_TOKENS_AT_ONCE = 2048
_DROPOUT = 0.1
_HELD_OUT = 0.1
_EPOCHS = 30
_READ = (
    16_000  # prompts, over all epochs, where a known encoder is trained on: minutes on two cores
)
_PATIENCE = 3
_LOOK = 200  # prompts trained on, at least, between two looks at those held out
_RATE = 1e-3
_RATE_PRETRAINED = 5e-5
_RATE_HEADS = 1e-3
_TOKENIZER = "tokenizer.json"


class Tryage(Networked):
    """Prompts are read by the BERT behind the embeddings' encoder, of which the upper half of the
    layers is trained; where there is none, by two layers of 128 trained from scratch, with a
    vocabulary learnt from the prompts. A tenth of the prompts says when to stop."""

    NAME = "tryage"
    VALUES = ("shape",)

    shape: dict[str, Any]
    """Of the transformer, as in its `config.json`."""
    _tokenizer: Any

    def fit(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        """See `Router.fit`."""
        if outcomes.n_prompts < 10:
            raise ValueError(
                f"`tryage` needs at least 10 prompts to learn from; there are {outcomes.n_prompts}."
            )
        super().fit(outcomes, embeddings)

    def save(self, folder: Path) -> None:
        """See `Router.save`."""
        super().save(folder)
        (folder / _TOKENIZER).write_text(self._tokenizer.to_str(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Router.load`."""
        from tokenizers import Tokenizer

        router = super().load(folder)
        try:
            router._tokenizer = Tokenizer.from_str((folder / _TOKENIZER).read_text("utf-8"))
        except Exception as problem:  # the library raises nothing more precise
            raise ValueError(f"{folder.name} holds no tokenizer of `{cls.NAME}`.") from problem
        return router

    def _learn(self, outcomes: OutcomeTable, embeddings: Embeddings) -> None:
        import torch

        # Dropout draws from the global generator; whoever else uses it must not notice.
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            bert, groups, most = self._start(embeddings)
            self.shape = asdict(bert.shape)
            self._network = _with_heads(bert, outcomes.n_models)
            with torch.no_grad():
                self._network["heads"].weight.zero_()
                level = torch.from_numpy(logit(self.mean_score).astype(np.float32))
                self._network["heads"].bias.copy_(level)
            groups.append({"params": list(self._network["heads"].parameters()), "lr": _RATE_HEADS})
            optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
            self._train(outcomes, embeddings.prompts, optimiser, most)

    def _start(self, embeddings: Embeddings) -> tuple[Bert, list[dict[str, Any]], int | None]:
        """The transformer, what of it is trained with which step size, and on how many prompts at most."""
        from apps.routing.encoders.bert import Bert, Shape

        known = pretrained(embeddings.encoder, dropout=_DROPOUT)
        if known is not None:
            bert, self._tokenizer = known
            # The lower layers know language already; half of the work is saved.
            bert.requires_grad_(False)
            upper = bert.layers[len(bert.layers) // 2 :].requires_grad_(True)
            return bert, [{"params": list(upper.parameters()), "lr": _RATE_PRETRAINED}], _READ
        self._tokenizer = _own_tokenizer(embeddings.prompts)
        shape = Shape(
            vocab_size=self._tokenizer.get_vocab_size(),
            hidden_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=512,
            max_position_embeddings=_TOKENS,
        )
        bert = Bert(shape, _DROPOUT)
        return bert, [{"params": list(bert.parameters()), "lr": _RATE}], None

    def _train(
        self,
        outcomes: OutcomeTable,
        prompts: Sequence[str],
        optimiser: torch.optim.Optimizer,
        most: int | None,
    ) -> None:
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        device = "cuda" if torch.cuda.is_available() else "cpu"
        network = self._network.to(device)
        ids = self._ids(prompts)
        ran = torch.from_numpy(np.asarray(outcomes.ran, dtype=np.float32)).to(device)
        score = torch.from_numpy(np.nan_to_num(outcomes.score).astype(np.float32)).to(device)
        random = np.random.default_rng(self.seed)
        order = random.permutation(len(ids))
        held, rest = np.split(order, [max(2, int(_HELD_OUT * len(ids)))])

        def loss(rows: NDArray[np.intp], logits: torch.Tensor) -> torch.Tensor:
            return binary_cross_entropy_with_logits(
                logits, score[rows], weight=ran[rows], reduction="sum"
            )

        passes = max(1, _LOOK // len(rest))
        epochs = min(_EPOCHS, 10 + len(rest) // 50)
        if most is not None:
            epochs = min(epochs, max(1, most // (passes * len(rest))))
        best, found, since = float("inf"), {}, 0
        for _ in range(epochs):
            network.train()
            for rows, padded, mask in chain.from_iterable(
                _shuffled(ids, rest, random) for _ in range(passes)
            ):
                optimiser.zero_grad()
                logits = _logits(network, padded, mask)
                (loss(rows, logits) / ran[rows].sum().clamp(min=1)).backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
            network.eval()
            with torch.inference_mode():
                logits = self._all_logits([ids[row] for row in held])
                now = float(loss(held, logits) / ran[held].sum().clamp(min=1))
            since += 1
            if now < best:
                best, since = now, 0
                found = {name: value.clone() for name, value in network.state_dict().items()}
            if since >= _PATIENCE:
                break
        network.load_state_dict(found)
        self._network = network.to("cpu")

    def _scores(self, embeddings: Embeddings) -> Floats:
        import torch

        ids = self._ids(embeddings.prompts)
        with torch.inference_mode():
            return sigmoid(self._all_logits(ids).numpy().astype(np.float64))

    def _ids(self, prompts: Sequence[str]) -> list[list[int]]:
        longest = int(self.shape["max_position_embeddings"])
        return tokenised(self._tokenizer, prompts, min(_TOKENS, longest))

    def _all_logits(self, ids: Sequence[Sequence[int]]) -> torch.Tensor:
        import torch

        made = torch.zeros(
            len(ids), len(self.model_names), device=self._network["heads"].weight.device
        )
        for rows, padded, mask in batches(ids, tokens=_TOKENS_AT_ONCE):
            made[rows] = _logits(self._network, padded, mask)
        return made

    def _built(self) -> torch.nn.ModuleDict:
        from apps.routing.encoders.bert import Bert, Shape

        return _with_heads(Bert(Shape(**self.shape)), len(self.model_names))


def _with_heads(bert: Bert, n_models: int) -> torch.nn.ModuleDict:
    import torch

    heads = torch.nn.Linear(bert.shape.hidden_size, n_models)
    return torch.nn.ModuleDict({"bert": bert, "heads": heads})


def _logits(network: Any, padded: NDArray[np.int64], mask: NDArray[np.bool_]) -> torch.Tensor:
    import torch

    device = network["heads"].weight.device
    seen = network["bert"](torch.from_numpy(padded).to(device), torch.from_numpy(mask).to(device))
    return network["heads"](seen)  # type: ignore[no-any-return]


def _shuffled(
    ids: Sequence[Sequence[int]], rows: NDArray[np.intp], random: np.random.Generator
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.bool_]]]:
    """Batches in random order, of texts that are about equally long."""
    lengths = np.array([len(ids[row]) for row in rows])
    order = rows[np.argsort(lengths + random.uniform(0, 8, len(rows)))]
    parts = np.array_split(order, max(1, len(order) // _BATCH))
    for place in random.permutation(len(parts)):
        part = parts[place]
        ((within, padded, mask),) = batches([ids[row] for row in part], tokens=_BATCH * 4 * _TOKENS)
        yield part[within], padded, mask


def _own_tokenizer(prompts: Sequence[str]) -> Any:
    """The words that are most frequent in the prompts, and letters for all others; BERT's rules for
    cutting a text into words. The library's own training breaks ties by chance."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    normalizer = normalizers.BertNormalizer(lowercase=True)
    cutter = pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for prompt in prompts:
        text = normalizer.normalize_str(prompt[: LETTERS_A_TOKEN * _TOKENS])
        words.update(word for word, _ in cutter.pre_tokenize_str(text))
    letters = sorted({letter for word in words for letter in word})[: _VOCABULARY // 4]
    frequent = sorted(words, key=lambda word: (-words[word], word))[:_VOCABULARY]
    pieces = dict.fromkeys([*special, *letters, *(f"##{one}" for one in letters), *frequent])
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = cutter
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer
