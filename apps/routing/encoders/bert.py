"""BERT's encoder (Devlin et al., 2019, arXiv 1810.04805) in plain torch.

transformers takes seconds to import; this reads the same weights in a tenth of one, which is what a
web worker and a command wait for. It knows one architecture: post-norm layers, learned positions,
GELU. `Tryage` trains it, `minilm` only reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """Sizes of a BERT, in the words of its `config.json`."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    layer_norm_eps: float = 1e-12

    @classmethod
    def read(cls, path: Path) -> Shape:
        """The sizes in a `config.json`.

        Raises:
            ValueError: it describes another architecture.
        """
        config = json.loads(path.read_text())
        kind = (config.get("model_type"), config.get("hidden_act"))
        if kind != ("bert", "gelu"):
            raise ValueError(f"{path} describes {kind[0]} with {kind[1]}, not a BERT with gelu.")
        return cls(**{name: config[name] for name in cls.__dataclass_fields__ if name in config})


class Bert(nn.Module):
    """Token ids to one vector a text: the mean over its tokens in the last layer."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.words = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.positions = nn.Embedding(shape.max_position_embeddings, shape.hidden_size)
        self.kind = nn.Parameter(torch.zeros(shape.hidden_size))  # of the first segment, the only
        self.norm = nn.LayerNorm(shape.hidden_size, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(_Layer(shape, dropout) for _ in range(shape.num_hidden_layers))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Vectors [n, hidden_size] from ids int64 [n, tokens] and mask bool [n, tokens]."""
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.dropout(self.norm(self.words(ids) + self.positions(places) + self.kind))
        # Without padding the mask says nothing, and attention is faster without it.
        attend = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, attend)
        kept = mask[:, :, None].to(hidden.dtype)
        return (hidden * kept).sum(1) / kept.sum(1)  # type: ignore[no-any-return]

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take over weights under the names in which transformers publishes a BERT.

        Raises:
            ValueError: a weight is missing.
        """
        try:
            self.load_state_dict(_renamed(weights, self.shape.num_hidden_layers))
        except KeyError as error:
            raise ValueError(f"The weights of a BERT lack {error.args[0]}.") from error


class _Layer(nn.Module):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        width = shape.hidden_size
        self.heads = shape.num_attention_heads
        self.attention = nn.Linear(width, 3 * width)  # queries, keys and values in one product
        self.attended = nn.Linear(width, width)
        self.attended_norm = nn.LayerNorm(width, eps=shape.layer_norm_eps)
        self.inner = nn.Linear(width, shape.intermediate_size)
        self.outer = nn.Linear(shape.intermediate_size, width)
        self.outer_norm = nn.LayerNorm(width, eps=shape.layer_norm_eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, attend: Tensor | None) -> Tensor:
        n, tokens, width = hidden.shape
        parts = self.attention(hidden).view(n, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=attend)
        seen = self.attended(seen.transpose(1, 2).reshape(n, tokens, width))
        hidden = self.attended_norm(hidden + self.dropout(seen))
        inner = self.outer(functional.gelu(self.inner(hidden)))
        return self.outer_norm(hidden + self.dropout(inner))  # type: ignore[no-any-return]


def _renamed(weights: Mapping[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    pairs = {
        "words.weight": "embeddings.word_embeddings.weight",
        "positions.weight": "embeddings.position_embeddings.weight",
        "norm.weight": "embeddings.LayerNorm.weight",
        "norm.bias": "embeddings.LayerNorm.bias",
    }
    found = {}
    for layer in range(n_layers):
        here, there = f"layers.{layer}", f"encoder.layer.{layer}"
        for part in ("weight", "bias"):
            pairs |= {
                f"{here}.attended.{part}": f"{there}.attention.output.dense.{part}",
                f"{here}.attended_norm.{part}": f"{there}.attention.output.LayerNorm.{part}",
                f"{here}.inner.{part}": f"{there}.intermediate.dense.{part}",
                f"{here}.outer.{part}": f"{there}.output.dense.{part}",
                f"{here}.outer_norm.{part}": f"{there}.output.LayerNorm.{part}",
            }
            found[f"{here}.attention.{part}"] = torch.cat(
                [
                    weights[f"{there}.attention.self.{one}.{part}"]
                    for one in ("query", "key", "value")
                ]
            )
    found |= {ours: weights[theirs] for ours, theirs in pairs.items()}
    found["kind"] = weights["embeddings.token_type_embeddings.weight"][0]
    return found
