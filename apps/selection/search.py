"""What search finds of selections and replays, and what may be done with them from anywhere."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.core.search import Hit, Words, matching, register, register_actions
from apps.selection import queries
from apps.selection.history.queries import replays as replays_of
from apps.teams.access import asker_may
from apps.teams.models import Role


@register("Selections", order=20)
def selections(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = queries.sessions(user)
    for session in matching(rows, words, "name", "version__dataset__name")[:most]:
        url = reverse("selection_detail", args=[session.pk])
        yield Hit(session.name, url, f"{session.get_state_display()}, on {session.version}")


@register("Replays", order=25)
def replays(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = replays_of(user)
    for replay in matching(rows, words, "version__dataset__name")[:most]:
        url = reverse("replay_detail", args=[replay.pk])
        yield Hit(f"Replay on {replay.version}", url, replay.summary.get("verdict", ""))


@register_actions(order=30)
def selection_actions(request: HttpRequest) -> Iterable[Hit]:
    if asker_may(request, Role.EDITOR):
        yield Hit("Start a selection", reverse("selection_new"), "find the best model by labelling")
        yield Hit("Replay labels you have", reverse("replay_new"), "how few would have done")
