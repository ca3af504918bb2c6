"""What answers questions: plain Python, one way to run a model a module."""

from .base import Answer, Question, Runner, RunnerFailed, Unaffordable

__all__ = ["Answer", "Question", "Runner", "RunnerFailed", "Unaffordable"]
