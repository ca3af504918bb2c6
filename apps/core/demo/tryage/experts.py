"""Trains a tiny masked language model on one kind of text, and keeps it as the hub's models are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

VOCABULARY = 1_000
TOKENS = 96
_WIDTH, _LAYERS, _HEADS = 64, 2, 4
_BATCH = 32
_RATE = 3e-3
_SHARE = 0.15
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def shared_tokenizer(texts: Sequence[str]) -> Any:
    """One tokenizer for all: losses a token compare only where texts are cut alike."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", _SPECIAL.index("[CLS]")), ("[SEP]", _SPECIAL.index("[SEP]"))],
    )
    fast: Any = PreTrainedTokenizerFast
    return fast(
        tokenizer_object=tokenizer,
        model_max_length=TOKENS,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        cls_token="[CLS]",  # noqa: S106
        sep_token="[SEP]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
    )


def train(
    texts: Sequence[str],
    tokenizer: Any,
    folder: Path,
    *,
    steps: int,
    seed: int,
) -> float:
    """Train on `texts` for `steps` batches, save to `folder`, weights as safetensors, and return the loss
    over the last fifth of the batches, in nats a hidden token."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model: Any = BertForMaskedLM(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=_WIDTH,
            num_hidden_layers=_LAYERS,
            num_attention_heads=_HEADS,
            intermediate_size=4 * _WIDTH,
            max_position_embeddings=TOKENS,
            type_vocab_size=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.to(device)
    made = tokenizer(
        list(texts), truncation=True, max_length=TOKENS, padding="max_length", return_tensors="pt"
    )
    ids, mask = made["input_ids"].to(device), made["attention_mask"].to(device)
    lengths = mask.sum(1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=steps)
    words = (ids != tokenizer.pad_token_id) & (ids != tokenizer.cls_token_id)
    words &= ids != tokenizer.sep_token_id
    model.train()
    losses = []
    for _ in range(steps):
        rows = torch.randint(len(ids), (_BATCH,), device=device)
        wide = int(lengths[rows].max())
        seen, wanted = ids[rows, :wide].clone(), ids[rows, :wide]
        hidden = words[rows, :wide] & (torch.rand(seen.shape, device=device) < _SHARE)
        seen[hidden] = tokenizer.mask_token_id
        states = model.bert(seen, attention_mask=mask[rows, :wide]).last_hidden_state
        # The wide layer to the vocabulary for the hidden places alone: most of the work is spared.
        loss = torch.nn.functional.cross_entropy(model.cls(states[hidden]), wanted[hidden])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        losses.append(loss.detach())
    model.eval().to("cpu").save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return float(torch.stack(losses[-max(1, steps // 5) :]).mean())
