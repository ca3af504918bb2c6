"""Models whose weights are loaded in this process, by explicit import; only `child` comes here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import LocalModel
from .causal import CausalModel
from .classifier import TextClassifier
from .images import ImageClassifier
from .masked import MaskedLoss

MODELS: dict[str, type[LocalModel]] = {
    "text-classification": TextClassifier,
    "image-classification": ImageClassifier,
    "causal-lm": CausalModel,
    "masked-lm-loss": MaskedLoss,
}


def load(spec: Mapping[str, Any]) -> LocalModel:
    """The model that a worker asks for: {"kind", "folder", "settings", "classes"}.

    Raises:
        RunnerFailed: it cannot be loaded, however often it is tried.
    """
    return MODELS[spec["kind"]](spec["folder"], spec["settings"], tuple(spec["classes"]))
