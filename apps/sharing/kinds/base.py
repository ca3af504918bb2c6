"""What a link needs to know of the sort of thing that it shows."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.core import files
from apps.core.twins import Twins
from apps.teams.models import TeamOwned, User


class Kind(ABC):
    """One sort of thing that can be shared.

    Whoever has a link signs in to nothing, so what `page` and `twins` answer must hold nothing but
    what belongs to the one object, and no address but the link's own.

    Attributes:
        name: the foreign key of `ShareLink` that points at it, and the word in the API.
        noun: what a sentence calls it.
        plural: the first part of its pages' addresses.
        key: the parameter of its addresses, with its converter: `slug:slug` or `uuid:pk`.
        home: the name of its own page's route, for members.
        template: what the shared page shows under the verdict.
        live: whether a link may follow it; what never changes is shared frozen.
        related: what `page` needs of the object, for one query.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    key: ClassVar[str]
    home: ClassVar[str]
    template: ClassVar[str]
    live: ClassVar[bool] = True
    related: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def visible(self, user: User) -> QuerySet[Any]:
        """Those that `user` may see."""

    @abstractmethod
    def freeze(self, target: Any) -> str:
        """Store what the object shows now; the file's content hash.

        Raises:
            ValidationError: there is nothing to show yet.
        """

    @abstractmethod
    def page(self, request: HttpRequest, target: Any, blob: str, url: str) -> Any:
        """What the page shows: an object with `sentence` (HTML), `title` (text) and `twins` (links to
        files), given to the template as `page`; a response of its own for a fragment; None while there
        is nothing.

        Args:
            target: the object.
            blob: the hash that `freeze` gave; empty for a link that follows the object.
            url: the address of the link itself; `picture(url)` is that of its picture.
        """

    @abstractmethod
    def twins(self, request: HttpRequest, target: Any, blob: str, url: str) -> Twins | None:
        """The files of the page: they hold nothing that it does not; None while there is nothing."""

    def lookup(self, target: Any) -> str:
        """What stands in the object's address."""
        return str(getattr(target, self.key.split(":")[1]))

    def address(self, target: TeamOwned) -> str:
        """The object's own page, for members."""
        return reverse(self.home, args=[self.lookup(target)])


def picture(url: str) -> str:
    """The address of the SVG of the page at `url`."""
    return f"{url.rstrip('/')}.svg"


def store(document: dict[str, Any]) -> str:
    """Keep a document as JSON; its content hash."""
    return files.put(io.BytesIO(json.dumps(document).encode()))


def stored(blob: str) -> dict[str, Any]:
    """A document that was kept."""
    with files.open_blob(blob) as stream:
        document: dict[str, Any] = json.load(stream)
    return document
