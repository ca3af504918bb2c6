"""The kinds of models that can be run, by explicit import."""

from .base import Estimate, Gives, Kind

KINDS: dict[str, Kind] = {}

__all__ = ["KINDS", "Estimate", "Gives", "Kind"]
