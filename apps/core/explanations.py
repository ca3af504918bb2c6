"""How every number on the pages was computed: each room tells it in its `explanations.py`.

The pages below /help/numbers/ show them, without an account too: who is sent a link to a board may ask
how its numbers came about.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.text import slugify


@dataclass(frozen=True)
class Explanation:
    """A number: its name as on the page, how it is computed, whose idea it is."""

    name: str
    how: str
    source: str = ""

    @property
    def anchor(self) -> str:
        return slugify(self.name)


@dataclass(frozen=True)
class Chapter:
    """The numbers of one kind of page. `start`: what to know before, in one or two sentences."""

    slug: str
    title: str
    start: str
    explanations: tuple[Explanation, ...]


_chapters: dict[str, tuple[int, Chapter]] = {}


def register(
    slug: str, title: str, start: str, explanations: Iterable[Explanation], *, order: int
) -> Chapter:
    """Add a chapter; two explanations of one may not share a name."""
    chapter = Chapter(slug, title, start, tuple(explanations))
    anchors = [one.anchor for one in chapter.explanations]
    if len(set(anchors)) != len(anchors) or slug in _chapters:
        raise ValueError(f"The chapter {slug} explains something twice.")
    _chapters[slug] = (order, chapter)
    return chapter


def chapters() -> list[Chapter]:
    """All of them, in their order."""
    return [chapter for _, chapter in sorted(_chapters.values(), key=lambda pair: pair[0])]


def chapter(slug: str) -> Chapter | None:
    """The one with this slug."""
    found = _chapters.get(slug)
    return found[1] if found else None
