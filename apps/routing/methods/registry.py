"""The routers there are. A new one is a file here and a line below; general checks run over all."""

from __future__ import annotations

from functools import partial

from .auto import Auto
from .base import RouterFactory
from .best_single import BestSingle
from .cascade import Cascade
from .kmeans import KMeans
from .knn import Knn
from .linear import Linear
from .llm_bandit import LlmBandit, LlmBanditPolicy
from .logistic import Logistic
from .matrix_factorisation import MatrixFactorisation
from .mirt import Mirt
from .mlp import Mlp
from .prompt_length import PromptLength
from .random_mix import RandomMix
from .replayed import ReplayFactory
from .task_table import TaskTable
from .tryage import Tryage
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
    "tryage": Tryage,
    "llm-bandit": LlmBandit,
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

REPLAYS: dict[str, ReplayFactory] = {
    "cascade-judge-error-10": partial(Cascade, judge_error=0.1),
    "cascade-judge-error-20": partial(Cascade, judge_error=0.2),
    "cascade-judge-error-40": partial(Cascade, judge_error=0.4),
    "llm-bandit-policy": LlmBanditPolicy,
}
"""Evaluated beside routers when asked for by name, but not to be deployed: see `replayed`. The judge
of a cascade is simulated, at the error rate that the name says and at the price of a call of the
cheapest model."""
