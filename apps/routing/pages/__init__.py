"""What an evaluation's page shows, made from a result alone: the same for members and for shared links."""

from apps.routing.pages import charts, words
from apps.routing.pages.evaluation import EvaluationPage, evaluation_page

__all__ = ["EvaluationPage", "charts", "evaluation_page", "words"]
