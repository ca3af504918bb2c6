"""Selections behind a link: who leads, what stopping needs, how the lead grew. No item, no annotator."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.twins import Twins
from apps.selection import queries
from apps.selection.models import SelectionSession
from apps.selection.standing import Standing, standing_of
from apps.selection.twins import selection_twins
from apps.teams.models import User

from .base import Kind, Opening, store, stored


class Selections(Kind):
    """A selection's verdict, its models and its curve."""

    name, noun, plural, key = "selection", "selection", "selections", "uuid:pk"
    home = "selection_detail"
    template = "selection/partials/standing.html"
    related = ("version__dataset", "version__team")

    def visible(self, user: User) -> QuerySet[SelectionSession]:
        """See `Kind.visible`."""
        return queries.sessions(user)

    def freeze(self, target: SelectionSession) -> str:
        """See `Kind.freeze`."""
        try:
            return store(standing_of(target))
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def page(self, request: HttpRequest, opening: Opening) -> Standing | None:
        """See `Kind.page`."""
        try:
            shown = stored(opening.blob) if opening.blob else standing_of(opening.target)
        except ValueError:  # the predictions are gone
            return None
        return Standing(shown, opening.url, opening.drawn)

    def twins(self, request: HttpRequest, opening: Opening) -> Twins | None:
        """See `Kind.twins`."""
        standing = self.page(request, opening)
        return selection_twins(standing) if standing else None
