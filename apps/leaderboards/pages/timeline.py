"""A board's history drawn: the leading model's accuracy with its interval, over the number of models.

Only geometry attributes and classes: the content security policy allows no style in the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor

from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe

from apps.leaderboards.pages.history import Answer

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT = 44, 14
_TOP, _MIDDLE, _LOW, _BOTTOM = 34, 208, 238, 292  # of the accuracies, and of the numbers of models
_LINKS = 20  # dots that lead to their rows: closer ones could not be told apart by a finger
_LETTER = 6.5  # a letter's width
_LONGEST = 28  # letters of a name; a longer one is cut


class Timeline:
    """Answers that name a leading model, oldest first; the newest of them stands at the right."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = [answer for answer in reversed(answers) if answer.accuracy is not None]
        low = min((answer.low for answer in self.answers), default=0.0)
        high = max((answer.high for answer in self.answers), default=1.0)
        self._start, self._end = max(0, floor(low * 10)) / 10, min(10, ceil(high * 10)) / 10
        self._most = max((answer.models for answer in self.answers), default=1)

    def __bool__(self) -> bool:
        """One answer alone is no history."""
        return len(self.answers) > 1

    @property
    def described(self) -> str:
        """The drawing in a sentence."""
        first, last = self.answers[0], self.answers[-1]
        return (
            f"The leading model's accuracy over {len(self.answers):,} answers, from "
            f"{first.percent} with {first.models:,} to {last.percent} with {last.models:,} models."
        )

    @property
    def svg(self) -> SafeString:
        """The drawing; answers are links to their rows, `answer-<number>`, that say their numbers: all
        of them, or of many every second, third and so on from the newest back."""
        return self._drawn(linked=True)

    @property
    def picture(self) -> SafeString:
        """The same without links, to stand by itself."""
        return self._drawn(linked=False)

    def _drawn(self, *, linked: bool) -> SafeString:
        said = f'role="{"group" if linked else "img"}" aria-label="{escape(self.described)}"'
        line = "M" + "L".join(
            f"{self._x(at)} {self._y(answer.accuracy or 0)}"
            for at, answer in enumerate(self.answers)
        )
        models = f"M{self._x(0)} {self._count(self.answers[0].models)}" + "".join(
            f"H{self._x(at)}V{self._count(answer.models)}"
            for at, answer in enumerate(self.answers[1:], 1)
        )
        last, each = len(self.answers) - 1, ceil(len(self.answers) / _LINKS)
        points = "".join(
            self._point(at, answer, linked=linked and (last - at) % each == 0)
            for at, answer in enumerate(self.answers)
        )
        return mark_safe(  # noqa: S308 - numbers, dates, and names that are escaped
            f'<svg class="timeline" viewBox="0 0 {WIDTH} {HEIGHT}" {said}>'
            f"{self._grid()}{self._leaders()}"
            f'<path class="line" d="{line}"/><path class="line" d="{models}"/>{points}</svg>'
        )

    def _x(self, at: int) -> float:
        wide = WIDTH - _LEFT - 2 * _RIGHT
        return round(_LEFT + _RIGHT + wide * at / max(1, len(self.answers) - 1), 1)

    def _y(self, accuracy: float) -> float:
        share = (accuracy - self._start) / (self._end - self._start)
        return round(_MIDDLE - share * (_MIDDLE - _TOP), 1)

    def _count(self, models: int) -> float:
        return round(_BOTTOM - models / self._most * (_BOTTOM - _LOW), 1)

    def _grid(self) -> str:
        middle = (self._start + self._end) / 2
        levels = [
            (self._y(share), f"{share * 100:g}%") for share in (self._start, middle, self._end)
        ]
        levels += [(self._count(n), f"{n:,}") for n in (0, self._most)]
        first, last = (date_format(self.answers[end].at, "j M Y") for end in (0, -1))
        return "".join(
            f'<path class="ref" d="M{_LEFT} {y}H{WIDTH}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{text}</text>'
            for y, text in levels
        ) + (
            f'<text x="{_LEFT}" y="{_LOW - 8}">models</text>'
            f'<text x="{_LEFT}" y="{HEIGHT - 8}">{first}</text>'
            f'<text x="{WIDTH}" y="{HEIGHT - 8}" text-anchor="end">{last}</text>'
        )

    def _leaders(self) -> str:
        """A line where another model took the lead, with its name where there is room for it."""
        found, free, before = [], float(_LEFT), None
        for at, answer in enumerate(self.answers):
            if answer.chosen == before:
                continue
            x = self._x(at)
            if before is not None:
                found.append(f'<path class="change" d="M{x} {_TOP - 8}V{_BOTTOM}"/>')
            before = name = answer.chosen
            name = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
            wide = len(name) * _LETTER
            start = min(x, WIDTH - wide)
            if start >= free:
                found.append(f'<text x="{start:g}" y="{_TOP - 14}">{escape(name)}</text>')
                free = start + wide + 2 * _LETTER
        return "".join(found)

    def _point(self, at: int, answer: Answer, *, linked: bool) -> str:
        x, kind = self._x(at), " current" if answer.current else ""
        mark = (
            f'<path d="M{x} {self._y(answer.low)}V{self._y(answer.high)}"/>'
            f'<circle cx="{x}" cy="{self._y(answer.accuracy or 0)}" r="3.5"/>'
        )
        if not linked:
            return f'<g class="point{kind}">{mark}</g>'
        said = escape(
            f"{date_format(answer.at, 'j F Y, H:i')}: {answer.chosen} {answer.percent} "
            f"({answer.interval}), {answer.models:,} models, {answer.labels:,} labels"
        )
        return (
            f'<a class="point{kind}" href="#answer-{answer.number}" aria-label="{said}">'
            f"<title>{said}</title>{mark}</a>"
        )
