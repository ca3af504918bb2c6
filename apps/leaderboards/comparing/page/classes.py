"""Confusions by class, and the slices of a comparison."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from django.utils.html import escape
from django.utils.safestring import mark_safe

from apps.leaderboards.comparing.page.base import Comparison
from apps.leaderboards.comparing.page.forest import forest_gap, half_width, interval, percent


class Classes(Comparison):
    """What each model took for what, and where the models differ more or less."""

    @property
    def confusions(self) -> list[dict[str, Any]]:
        """A matrix or a list of the most frequent confusions, one a model."""
        return [
            self._confusion(number, model, entry)
            for number, (model, entry) in enumerate(
                zip(self.state.models, self.numbers["confusions"], strict=True)
            )
        ]

    def _confusion(self, number: int, model: str, entry: dict[str, Any]) -> dict[str, Any]:
        classes = self.numbers["classes"]
        # A matrix has many links: what they share is made once.
        shared = escape(self.link(show_all=True, by="", said="", label="", slice=None, answers=()))
        of = quote_plus(model)

        def items(label: int, said: int, count: int) -> str:
            said_as, labelled_as = quote_plus(classes[said]), quote_plus(classes[label])
            where = f"{shared}&amp;by={of}&amp;said={said_as}&amp;label={labelled_as}#items"
            return f'<a href="{where}">{count:,}</a>' if count else "0"

        if "matrix" in entry:
            rows = [
                f'<tr><th scope="row">{escape(classes[label])}</th>'
                + "".join(
                    f'<td class="number level-{_level(n, sum(row))}'
                    f'{" diagonal" if said == label else ""}">{items(label, said, n)}</td>'
                    for said, n in enumerate(row)
                )
                + "</tr>"
                for label, row in enumerate(entry["matrix"])
            ]
            return {"model": model, "classes": classes, "body": mark_safe("".join(rows))}  # noqa: S308
        most = [
            (classes[label], classes[said], mark_safe(items(label, said, n)))  # noqa: S308
            for label, said, n in entry["most"]
        ]
        return {"model": model, "most": most}

    @property
    def slices(self) -> list[dict[str, Any]]:
        """Each slice value with the other models against the first."""
        rows = self.numbers["slices"]
        widest = half_width([gap for row in rows for gap in row["differences"] if gap["shared"]])
        alpha = self.numbers["alpha"]
        return [
            {
                "slice": row["slice"],
                "value": row["value"],
                "labels": row["labels"],
                "base": percent(row["lines"][0]["accuracy"]),
                "gaps": [
                    {
                        "text": interval(gap) if gap["difference"] is not None else "",
                        "decided": bool(gap["difference"]) and gap["p_adjusted"] <= alpha,
                        "forest": forest_gap(gap, widest),
                    }
                    for gap in row["differences"]
                ],
                "url": self.link(slice=(row["slice"], row["value"]), fragment="items"),
            }
            for row in rows
        ]


def _level(count: int, total: int) -> int:
    """How deep a cell of a matrix is shaded, 0 to 4, by its share of the row."""
    return min(4, -(-4 * count // total)) if total else 0
