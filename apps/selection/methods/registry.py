"""The methods there are. A new one is a file here and a line below; general checks run over all."""

from __future__ import annotations

from .active_testing import ActiveTesting
from .amc import Amc
from .auto import Auto
from .base import MethodFactory
from .coda import Coda
from .gini import Gini
from .margin import Margin
from .model_picker import ModelPicker
from .model_selector import ModelSelector
from .qbc import QueryByCommittee
from .random import RandomSampling
from .top_two import TopTwo
from .uncertainty import Uncertainty
from .vma import Vma

DEFAULT = "auto"

METHODS: dict[str, MethodFactory] = {
    "auto": Auto,
    "model_selector": ModelSelector,
    "coda": Coda,
    "gini": Gini,
    "top_two": TopTwo,
    "margin": Margin,
    "uncertainty": Uncertainty,
    "qbc": QueryByCommittee,
    "vma": Vma,
    "amc": Amc,
    "active_testing": ActiveTesting,
    "model_picker": ModelPicker,
    "random": RandomSampling,
}

CALIBRATED = frozenset({"auto"})
"""Methods with whose labels and leader the calibrated stop was found right at its rate; with those
of others it can be wrong in three of ten cases, and only the certificate speaks."""

DRAWN = frozenset({"random"})
"""Methods whose suggestions are draws from which intervals follow (see `estimates`).

The weighted draws of vma, amc and active_testing give unbiased estimates as well, but weigh items so
unevenly that intervals from 60 of them missed too often; the probabilities of all others only settle
ties. With those methods a part of the items is drawn uniformly for the estimates' sake."""
