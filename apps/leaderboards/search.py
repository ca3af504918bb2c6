"""What search finds of boards, and what may be done with them from anywhere."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.core.search import Hit, Words, matching, register, register_actions
from apps.leaderboards import queries
from apps.teams.access import asker_may
from apps.teams.models import Role


@register("Boards", order=10)
def boards(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = queries.boards(user)
    for board in matching(rows, words, "name", "version__dataset__name")[:most]:
        yield Hit(board.name, reverse("board_detail", args=[board.slug]), board.verdict)


@register_actions(order=20)
def board_actions(request: HttpRequest) -> Iterable[Hit]:
    if asker_may(request, Role.EDITOR):
        yield Hit("Make a board", reverse("board_new"), "another question to a dataset")
