"""Any encoder of the transformers library, from a folder or from the hub, pinned to a revision.

Weights are read as safetensors only, and no code that comes with a model is ever run. A vector is
the mean over the tokens of the last layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apps.inference.runners.weights import fingerprint

from .base import Vectors, normalised

PREFIX = "transformers:"
_TOKENS = 512
_BATCH = 4096
_DIGITS = 12  # of a folder's hash: what tells versions of one encoder apart


class TransformersEncoder:
    """See the module. The name holds the hub's commit, or a hash of the folder's files."""

    slow = True

    def __init__(self, place: str) -> None:
        source, _, revision = place.partition("@")
        if not source:
            raise ValueError(f"Name a hub id or a folder after {PREFIX}.")
        folder = Path(source)
        if folder.is_dir():
            found = fingerprint(folder)[:_DIGITS]
            if revision and revision != found:
                raise ValueError(
                    f"The folder {source} holds revision {found} of its encoder, not {revision}."
                )
            self._load(source, None)
        else:
            self._load(source, revision or None)
            found = revision or getattr(self._model.config, "_commit_hash", None) or "main"
        self.name = f"{PREFIX}{source}@{found}"

    def _load(self, source: str, revision: str | None) -> None:
        from transformers import AutoModel, AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(
                source, revision=revision, trust_remote_code=False
            )
            self._model = AutoModel.from_pretrained(
                source, revision=revision, trust_remote_code=False, use_safetensors=True
            ).eval()
        except (OSError, ValueError) as error:
            raise ValueError(
                f"The encoder {source} cannot be loaded: there is neither such a folder with "
                "safetensors weights and a tokenizer, nor is such a model in the local cache or on "
                "a hub that can be reached."
            ) from error
        self.dimensions = int(self._model.config.hidden_size)
        longest = getattr(self._model.config, "max_position_embeddings", _TOKENS)
        self._longest = int(min(self._tokenizer.model_max_length, longest, _TOKENS))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 [n_texts, dimensions]; see `Encoder`."""
        import torch

        from .tokens import LETTERS_A_TOKEN, batches

        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not texts:
            return vectors
        cut = [text[: self._longest * LETTERS_A_TOKEN] for text in texts]
        ids = self._tokenizer(cut, truncation=True, max_length=self._longest)["input_ids"]
        device = self._model.device
        with torch.inference_mode():
            for rows, padded, mask in batches(
                ids, tokens=_BATCH, pad=self._tokenizer.pad_token_id or 0
            ):
                kept = torch.from_numpy(mask).to(device)
                hidden = self._model(
                    input_ids=torch.from_numpy(padded).to(device), attention_mask=kept.long()
                ).last_hidden_state
                weights = kept[:, :, None].to(hidden.dtype)
                mean = (hidden * weights).sum(1) / weights.sum(1)
                vectors[rows] = mean.float().cpu().numpy()
        return normalised(vectors)
