"""What a link needs to know of the sort of thing that it shows."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from apps.core import files
from apps.core.twins import Twins
from apps.teams.models import TeamOwned, User


@dataclass(frozen=True)
class Opening:
    """What one reader of a link gets to see.

    Attributes:
        target: the object.
        blob: the hash that `Kind.freeze` gave; empty for a link that follows the object.
        heading: what the object is called there.
        url: the page's own address: everything in it leads there.
        picture: the address of the page's picture.
        drawn: charts and files are part of it.
        prompts: prompts are named.
    """

    target: Any
    blob: str
    heading: str
    url: str
    picture: str
    drawn: bool
    prompts: bool


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
        items: whether its page can name prompts.
        live: whether a link may follow it; what never changes is shared frozen.
        related: what `page` needs of the object, for one query.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    key: ClassVar[str]
    home: ClassVar[str]
    template: ClassVar[str]
    items: ClassVar[bool] = False
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
    def page(self, request: HttpRequest, opening: Opening) -> Any:
        """What the page shows: an object with `sentence` (HTML), `title` (text) and `twins` (links to
        files), given to the template as `page`; a response of its own for a fragment; None while there
        is nothing.
        """

    @abstractmethod
    def twins(self, request: HttpRequest, opening: Opening) -> Twins | None:
        """The files of the page: they hold nothing that it does not; None while there is nothing."""

    def lookup(self, target: Any) -> str:
        """What stands in the object's address."""
        return str(getattr(target, self.key.split(":")[1]))

    def address(self, target: TeamOwned) -> str:
        """The object's own page, for members."""
        return reverse(self.home, args=[self.lookup(target)])


def store(document: dict[str, Any]) -> str:
    """Keep a document as JSON; its content hash."""
    return files.put(io.BytesIO(json.dumps(document).encode()))


def stored(blob: str) -> dict[str, Any]:
    """A document that was kept."""
    with files.open_blob(blob) as stream:
        document: dict[str, Any] = json.load(stream)
    return document
