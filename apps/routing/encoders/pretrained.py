"""The BERT behind an encoder's name, for whoever wants to train it further."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import hub, minilm

if TYPE_CHECKING:
    from .bert import Bert


def pretrained(name: str, *, dropout: float = 0.0) -> tuple[Bert, Any] | None:
    """A BERT and its tokenizer (of the library tokenizers), freshly read.

    None where the name is not that of a BERT whose files lie on this machine.
    """
    folder = _folder(name)
    if folder is None:
        return None
    from safetensors.torch import load_file
    from tokenizers import Tokenizer

    from .bert import Bert, Shape

    try:
        bert = Bert(Shape.read(folder / "config.json"), dropout)
        bert.load_published(load_file(folder / "model.safetensors"))
        return bert, Tokenizer.from_file(str(folder / "tokenizer.json"))
    except (OSError, ValueError):
        return None


def _folder(name: str) -> Path | None:
    if name == minilm.MiniLM.name:
        return minilm.folder()
    if not name.startswith(hub.PREFIX):
        return None
    source, _, revision = name.removeprefix(hub.PREFIX).partition("@")
    if Path(source).is_dir():
        return Path(source)
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(source, "config.json", revision=revision or None)
    return Path(found).parent if isinstance(found, str) else None
