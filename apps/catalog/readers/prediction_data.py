"""What reading predictions gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PredictionData:
    """Validated predictions.

    Attributes:
        predictions: int16 [n_models, n_items], a class index; -1 = not run.
        probabilities: float32 [n_models, n_items] in [0, 1], how sure the model said it was of its
            prediction; NaN = not stated. None when the file states none.
    """

    item_ids: tuple[str, ...]
    model_names: tuple[str, ...]
    class_names: tuple[str, ...]
    predictions: NDArray[np.int16]
    probabilities: NDArray[np.float32] | None
