"""Replays behind a link: curves and table. A replay never changes, so a link to it is frozen."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.twins import Twins
from apps.selection.history import queries
from apps.selection.history.exports import replay_twins
from apps.selection.history.models import Replay
from apps.selection.history.pages import ReplayPage
from apps.teams.models import User

from .base import Kind, Opening


class Replays(Kind):
    """What each method would have needed."""

    name, noun, plural, key = "replay", "replay", "replays", "uuid:pk"
    home = "replay_detail"
    template = "selection/history/partials/replay.html"
    live = False
    related = ("version__dataset",)

    def visible(self, user: User) -> QuerySet[Replay]:
        """See `Kind.visible`."""
        return queries.replays(user)

    def freeze(self, target: Replay) -> str:
        """See `Kind.freeze`: its result is a file already."""
        if not target.blob:
            raise ValidationError("This replay has no numbers yet: there is nothing to share.")
        return target.blob

    def page(self, request: HttpRequest, opening: Opening) -> ReplayPage:
        """See `Kind.page`."""
        result = queries.read(opening.blob)
        return ReplayPage(result, opening.picture, opening.url, opening.drawn, shared=True)

    def twins(self, request: HttpRequest, opening: Opening) -> Twins:
        """See `Kind.twins`."""
        page, show = self.page(request, opening), request.GET.get("show", "")
        return replay_twins(page, opening.heading, opening.blob, show)
