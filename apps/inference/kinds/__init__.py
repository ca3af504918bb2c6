"""The kinds of models that can be run, by explicit import."""

from .base import Estimate, Gives, Kind
from .endpoint import EndpointKind
from .judge import JudgeKind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (EndpointKind(), JudgeKind())}

__all__ = ["KINDS", "Estimate", "Gives", "Kind"]
