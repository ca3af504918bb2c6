"""`auto`, our own router and the default."""

from .newcomer import Choice, informative_prompts
from .router import Auto

__all__ = ["Auto", "Choice", "informative_prompts"]
