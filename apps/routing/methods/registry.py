"""The routers there are. A new one is a file here and a line below; general checks run over all."""

from __future__ import annotations

from .auto import Auto
from .base import RouterFactory
from .best_single import BestSingle
from .kmeans import KMeans
from .knn import Knn
from .linear import Linear
from .logistic import Logistic
from .matrix_factorisation import MatrixFactorisation
from .mirt import Mirt
from .mlp import Mlp
from .prompt_length import PromptLength
from .random_mix import RandomMix
from .task_table import TaskTable
from .zero import Zero

METHODS: dict[str, RouterFactory] = {
    "auto": Auto,
    "knn": Knn,
    "linear": Linear,
    "logistic": Logistic,
    "mlp": Mlp,
    "matrix-factorisation": MatrixFactorisation,
    "kmeans": KMeans,
    "mirt": Mirt,
    "best-single": BestSingle,
    "zero": Zero,
    "random-mix": RandomMix,
    "prompt-length": PromptLength,
    "task-table": TaskTable,
}

DEFAULT = "auto"

NULLS = ("best-single", "zero", "random-mix", "prompt-length", "task-table")
"""Shown beside every router: what one gets without looking at what the prompt says."""

TOLD = frozenset({"task-table"})
"""Told the task of a prompt; nobody else is."""
