"""The routers there are. A new one is a file here and a line below; general checks run over all."""

from __future__ import annotations

from .base import RouterFactory
from .best_single import BestSingle
from .knn import Knn
from .linear import Linear
from .zero import Zero

METHODS: dict[str, RouterFactory] = {
    "best-single": BestSingle,
    "zero": Zero,
    "knn": Knn,
    "linear": Linear,
}
