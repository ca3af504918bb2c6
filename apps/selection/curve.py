"""How the lead grew label by label, as numbers and as a small drawing.

Only geometry attributes and classes: the content security policy allows no style in the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import ceil

import numpy as np
from django.utils.safestring import SafeString, mark_safe

from apps.catalog.tables import NOT_LABELLED
from apps.selection.queries import Basis

WIDTH, HEIGHT = 640, 180
_LEFT, _TOP, _BOTTOM = 36, 22, 26


@dataclass(frozen=True)
class Reign:
    """From which to which number of labels a model led."""

    model: str
    start: int
    end: int


@dataclass(frozen=True)
class Curve:
    """`leads`: right answers of the leader minus those of the next model, after 0, 1, 2... labels of the
    session; what the dataset had before stands at 0."""

    leads: tuple[int, ...]
    reigns: tuple[Reign, ...]

    @property
    def svg(self) -> SafeString:
        """The curve; the page has the same as a table."""
        last, top = len(self.leads) - 1, max(4, *self.leads)
        step = (WIDTH - _LEFT - 8) / max(1, last)
        high = HEIGHT - _TOP - _BOTTOM

        def x(label: int) -> float:
            return round(_LEFT + label * step, 1)

        def y(lead: int) -> float:
            return round(_TOP + high * (1 - lead / top), 1)

        path = f"M{x(0)} {y(self.leads[0])}" + "".join(
            f"H{x(at)}V{y(lead)}" for at, lead in enumerate(self.leads[1:], 1)
        )
        ticks = "".join(
            f'<text x="{_LEFT - 6}" y="{y(lead) + 4}" text-anchor="end">{lead}</text>'
            f'<path class="ref" d="M{_LEFT} {y(lead)}H{WIDTH}"/>'
            for lead in range(0, top + 1, max(1, ceil(top / 4)))
        )
        marks = "".join(
            f'<path class="change" d="M{x(reign.start)} {_TOP}V{HEIGHT - _BOTTOM}"/>'
            for reign in self.reigns[1:]
        )
        ends = (
            f'<text x="{_LEFT}" y="{HEIGHT - 6}">0</text>'
            f'<text x="{WIDTH}" y="{HEIGHT - 6}" text-anchor="end">{last} labels</text>'
            f'<text x="{WIDTH}" y="12" text-anchor="end">{escape(self.reigns[-1].model[:60])}</text>'
            f'<text x="0" y="12">lead, in right answers</text>'
        )
        return mark_safe(  # noqa: S308 - numbers, and one escaped name
            f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="The lead after each label; the table below says the same">'
            f'{ticks}{marks}<path class="line" d="{path}"/>{ends}</svg>'
        )


def curve_of(basis: Basis) -> Curve | None:
    """The curve of a session's labels in the order given; None where there is none yet, and where
    something else than right answers counts."""
    table, labelling = basis.table, basis.labelling
    if not basis.counting.plain:
        return None
    inside = basis.counting.inside(table.n_items)
    items = [item for item in labelling.labels if basis.labels[item] != NOT_LABELLED]
    items = [item for item in items if inside[item]]
    if not items or table.n_models < 2:
        return None
    known = (basis.stored != NOT_LABELLED) & inside
    known[items] = False  # what the dataset has taken over was given here
    before = np.flatnonzero(known)
    start = (table.predictions[:, before] == basis.labels[before]).sum(axis=1)
    right = (table.predictions[:, items] == basis.labels[items]).cumsum(axis=1)
    counts = np.column_stack([np.zeros(table.n_models, int), right]) + start[:, None]
    two = np.sort(counts, axis=0)[-2:]
    reigns: list[Reign] = []
    leader = int(counts[:, -1].argmax())  # of those equal at first, the one that leads at the end
    for label, column in enumerate(counts.T):
        if column[leader] < column.max():
            leader = int(column.argmax())
        name = table.model_names[leader]
        if reigns and reigns[-1].model == name:
            reigns[-1] = Reign(name, reigns[-1].start, label)
        else:
            reigns.append(Reign(name, label, label))
    return Curve(tuple(int(lead) for lead in two[1] - two[0]), tuple(reigns))
