"""What the page of a tournament says: who won by how much, who left when, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.catalog.money import money
from apps.inference.models import Run, Tournament, TournamentPlace


@dataclass(frozen=True)
class Row:
    """A candidate, the winner first. Percentages and points, None where unknown."""

    name: str
    place: TournamentPlace
    prompts: int
    mean: float | None
    spend: str
    gap: dict[str, float] | None
    fate: str


def rows_of(tournament: Tournament) -> list[Row]:
    """The candidates in the order of the results; while it runs, those that remain first."""
    places = {place.name: place for place in tournament.places.all()}
    found = tournament.results.get("rows", {})
    order = tournament.results.get("order") or sorted(
        places, key=lambda name: (places[name].left_in is not None, -(places[name].left_in or 0))
    )
    return [_row(places[name], found.get(name), tournament) for name in order if name in places]


def _row(place: TournamentPlace, held: dict[str, Any] | None, tournament: Tournament) -> Row:
    run = place.run
    gap = (held or {}).get("gap")
    mean = held["mean"] if held else None
    spend = Decimal(held["spend"]) if held else (run.spend if run else Decimal(0))
    return Row(
        name=place.name,
        place=place,
        prompts=held["prompts"] if held else (run.answered if run else 0),
        mean=None if mean is None else 100 * mean,
        spend=_dollars(spend, priced=bool(run and run.estimate.get("usd"))),
        gap=gap and {"n": gap["n"], **{key: 100 * gap[key] for key in ("mean", "low", "high")}},
        fate=_fate(place, tournament),
    )


def _dollars(spend: Decimal, *, priced: bool) -> str:
    return money(float(spend)) if spend or priced else "unknown"


def spent(runs: list[Run]) -> str:
    """What these have cost together so far, in words."""
    total = sum((run.spend for run in runs), Decimal(0))
    if total or all(run.estimate.get("usd") for run in runs):
        return f"{money(float(total))} spent"
    return "price unknown"


def _fate(place: TournamentPlace, tournament: Tournament) -> str:
    if place.left_in is not None:
        return f"Left in round {place.left_in}{': ' if place.reason else '.'}{place.reason}"
    if not tournament.results:
        return "Still in."
    if tournament.results["order"][0] == place.name:
        return "Tied for the first place." if len(tournament.results["tied"]) > 1 else "Won."
    return "Stayed to the end."


def sentence(tournament: Tournament) -> str:
    """What the page begins with."""
    places = list(tournament.places.all())
    results = tournament.results
    if not results:
        number, left = len(tournament.rounds), sum(one.left_in is None for one in places)
        if tournament.finished:
            what = "was stopped" if tournament.state == "cancelled" else "did not come to its end"
            return f"The tournament {what} in round {number}, with {left} of {len(places)} candidates left."
        return f"Round {number}: {left} of {len(places)} candidates are left."
    order = results["order"]
    failed = sum(bool(place.reason) for place in places)
    remained = [name for name in order if all(p.name != name or not p.reason for p in places)]
    if not any(one.get("standings") for one in tournament.rounds):
        return "Nothing is known: the budget ended before all candidates had answered one prompt in common."
    if failed == len(places) - 1:
        return f"Only `{order[0]}` could be run: there is nothing to compare it with."
    return f"{_winner(results, remained)} {_earlier(results, remained)}{_saved(results)}".strip()


def _winner(results: dict[str, Any], remained: list[str]) -> str:
    first, second = remained[0], remained[1]
    gap = results["rows"][second]["gap"]
    if gap is None:
        return f"`{first}` is ahead, but shares no prompt with `{second}`."
    where = f"on the {gap['n']:,} prompts that both answered"
    low, high = 100 * gap["low"], 100 * gap["high"]
    interval = f"95% interval {low:.1f} to {high:.1f}, whichever two candidates are compared"
    if len(results["tied"]) > 1:
        names = " and ".join(f"`{name}`" for name in results["tied"])
        return f"{names} are tied {where} ({interval})."
    points = f"{100 * gap['mean']:.1f} points above `{second}` {where} ({interval})"
    if gap["low"] > 0:
        return f"Use `{first}`: {points}."
    return f"`{first}` is ahead, but chance could make the difference: {points}."


def _earlier(results: dict[str, Any], remained: list[str]) -> str:
    """Who left on few prompts may have been unlucky: say of how many that cannot be ruled out."""
    gaps = [results["rows"][name]["gap"] for name in remained[2:]]
    unclear = sum(gap is None or gap["low"] <= 0 for gap in gaps)
    if not unclear:
        return ""
    if unclear == 1:
        return "1 other candidate may be as good: its prompts were too few to tell. "
    return f"{unclear} other candidates may be as good: their prompts were too few to tell. "


def _saved(results: dict[str, Any]) -> str:
    full = results["full"]
    told = f"{results['answers']:,} answers were paid for"
    spend = Decimal(results["spend"])
    if spend:
        told += f", {money(float(spend))}"
    whole = f"{full['answers']:,}"
    if usd := full["usd"]:
        whole += f", about {money(usd)}"
    return f"{told}; all candidates on all prompts would have been {whole}."


def whole_price(tournament: Tournament) -> str:
    """What all candidates on all prompts would cost: as measured, or before the end as estimated."""
    if tournament.results:
        usd = tournament.results["full"]["usd"]
        return f"about {money(usd)}" if usd else ""
    known = [place.run.estimate.get("usd") for place in tournament.places.all() if place.run]
    if not known or None in known:
        return ""
    low, high = (money(float(f"{sum(one[end] for one in known):.3g}")) for end in (0, 1))
    return f"{low} to {high}"
