"""The kinds of models that can be run, by explicit import."""

from .base import Estimate, Gives, Kind
from .endpoint import EndpointKind

KINDS: dict[str, Kind] = {kind.name: kind for kind in (EndpointKind(),)}

__all__ = ["KINDS", "Estimate", "Gives", "Kind"]
