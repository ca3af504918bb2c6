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

from .base import Kind, store, stored


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

    def page(
        self, request: HttpRequest, target: SelectionSession, blob: str, url: str
    ) -> Standing | None:
        """See `Kind.page`."""
        try:
            return Standing(stored(blob) if blob else standing_of(target), url)
        except ValueError:  # the predictions are gone
            return None

    def twins(
        self, request: HttpRequest, target: SelectionSession, blob: str, url: str
    ) -> Twins | None:
        """See `Kind.twins`."""
        standing = self.page(request, target, blob, url)
        return selection_twins(standing) if standing else None
