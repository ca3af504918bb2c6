"""`auto`, our own router and the default."""

from .router import Auto

__all__ = ["Auto"]
