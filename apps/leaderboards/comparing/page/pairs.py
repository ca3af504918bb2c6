"""The table of the pairs of a comparison."""

from __future__ import annotations

from typing import Any

from apps.leaderboards.comparing.page.base import Comparison
from apps.leaderboards.comparing.page.forest import forest_gap, half_width, interval
from apps.leaderboards.comparing.words import decided, p_value


class Pairs(Comparison):
    """Each pair, or each model against the first."""

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """What the table of pairs shows, with links to the items behind each count."""
        models, widest = self.state.models, half_width(self.numbers["pairs"])
        found = []
        for pair in self.numbers["pairs"]:
            a, b = models[pair["a"]], models[pair["b"]]
            links = {
                key: self.link(answers=((a, says), (b, other)), show_all=True, fragment="items")
                for key, says, other in (
                    ("both_right", "right", "right"),
                    ("only_a", "right", "wrong"),
                    ("only_b", "wrong", "right"),
                    ("both_wrong", "wrong", "wrong"),
                )
            }
            found.append(
                {
                    "a": a,
                    "b": b,
                    "counts": [
                        (label, pair[key], links[key])
                        for label, key in (
                            ("both right", "both_right"),
                            (f"only {a} right", "only_a"),
                            (f"only {b} right", "only_b"),
                            ("both wrong", "both_wrong"),
                        )
                    ],
                    "gap": interval(pair) if pair["difference"] is not None else "",
                    "p": p_value(pair["p_adjusted"]).removeprefix("p = ").removeprefix("p "),
                    "mid_p": p_value(pair["mid_p_adjusted"])
                    .removeprefix("p = ")
                    .removeprefix("p "),
                    "says": _says(pair, a, b, self.numbers["alpha"]),
                    "decided": decided(pair, self.numbers["alpha"]),
                    "forest": forest_gap(pair, widest),
                }
            )
        return found

    @property
    def family_url(self) -> str:
        """The same with the other family of tests."""
        return self.link(first_only=not self.state.first_only)


def _says(pair: dict[str, Any], a: str, b: str, alpha: float) -> str:
    if pair["difference"] is None:
        return "no shared label"
    if not decided(pair, alpha):
        return "not told apart"
    return f"{a if pair['difference'] > 0 else b} is better"
