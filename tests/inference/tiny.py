"""Tiny real models with random weights, saved as safetensors with a tokenizer made here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WORDS = (
    *(
        "the",
        "a",
        "cat",
        "dog",
        "bird",
        "house",
        "river",
        "stone",
        "gold",
        "silver",
        "runs",
        "sleeps",
    ),
    *("sings", "falls", "shines", "old", "new", "big", "small", "red", "blue", "in", "on", "under"),
    *("over", "and", "or", "not", "very", "well", "here", "there", "one", "two", "three", "four"),
)
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} {{ message['content'] }} "
    "{% endfor %}{% if add_generation_prompt %}the {% endif %}"
)


def text(n: int, words: int = 8) -> str:
    """The n-th of many texts that differ, of so many words."""
    return " ".join(WORDS[(n * 7 + place * (n % 5 + 1)) % len(WORDS)] for place in range(words))


def save_tokenizer(folder: Path, *, template: str = "", most: int = 64) -> Any:
    """A tokenizer of whole words, as BERT's."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: place for place, word in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        eos_token="[SEP]",
        model_max_length=most,
    )
    if template:
        fast.chat_template = template
    fast.save_pretrained(folder)
    return fast


def _bert(**more: Any) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(WORDS) + 5,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        **more,
    )


def classifier(folder: Path, labels: Sequence[str] = ("cat", "dog", "bird")) -> Path:
    """A BERT that chooses among labels."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(1)
    config = _bert(
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def masked(folder: Path, seed: int = 1) -> Path:
    """A masked BERT."""
    import torch
    from transformers import BertForMaskedLM

    torch.manual_seed(seed)
    config = _bert(initializer_range=0.2, tie_word_embeddings=False)
    BertForMaskedLM(config).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def causal(folder: Path, *, template: str = TEMPLATE) -> Path:
    """A small Llama."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(WORDS) + 5,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.5,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    save_tokenizer(folder, template=template)
    return folder


def images(folder: Path, labels: Sequence[str] = ("cat", "dog")) -> Path:
    """A small vision transformer."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(1)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=16,
        patch_size=8,
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
        initializer_range=0.5,
    )
    ViTForImageClassification(config).save_pretrained(folder)
    processor = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": 16, "width": 16},
        "do_rescale": True,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return folder


def spoil(folder: Path) -> Path:
    """Make the embedding of the word `gold` not a number."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    name = next(
        key for key in weights if key.endswith(("word_embeddings.weight", "embed_tokens.weight"))
    )
    weights[name][WORDS.index("gold") + 5] = float("nan")
    save_file(weights, path, metadata={"format": "pt"})
    return folder
