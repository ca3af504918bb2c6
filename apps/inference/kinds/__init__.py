"""The kinds of models that can be run, by explicit import."""

from .base import Estimate, Gives, Kind
from .endpoint import EndpointKind
from .judge import JudgeKind
from .local import CAUSAL_LM, IMAGE_CLASSIFICATION, MASKED_LM_LOSS, TEXT_CLASSIFICATION
from .settings import Setting, clean_settings

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        TEXT_CLASSIFICATION,
        CAUSAL_LM,
        MASKED_LM_LOSS,
        IMAGE_CLASSIFICATION,
        EndpointKind(),
        JudgeKind(),
    )
}

__all__ = ["KINDS", "Estimate", "Gives", "Kind", "Setting", "clean_settings"]
