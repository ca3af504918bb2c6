"""Sequential halving: known values, and what holds whatever the candidates are."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.inference import halving
from apps.inference.halving import Scores, Share, Standing

Played = tuple[list[str], int, list[int]]  # the last round's order, answers, how many played each


def play(arms: dict[str, Scores], budget: int, items: int) -> Played:
    """The rule with arms that answer at once."""
    playing, asked, spent, sizes = list(arms), 0, 0, []
    rounds = halving.rounds_of(len(arms))

    def more(staying: list[str], left: int) -> int:
        left = min(left, halving.rounds_of(len(staying)))
        if left < 1:
            return 0
        share = Share(Decimal(budget - spent), Decimal(len(staying)))
        return halving.allotment([share], rounds_left=left, room=items - asked)

    extra, ranked = more(playing, rounds), []
    while extra:
        sizes.append(len(playing))
        asked += extra
        spent += extra * len(playing)
        seen = {name: {n: arms[name][n] for n in range(asked)} for name in playing}
        found = halving.standings(seen, {})
        ranked = [one.name for one in found]
        left = rounds - len(sizes)
        stay = halving.better_half(found, lambda some: more([one.name for one in some], left))  # noqa: B023
        extra = more([one.name for one in stay], left)
        if extra:
            playing = [one.name for one in stay]
    return ranked, spent, sizes


def arms_of(rates: dict[str, float], items: int, seed: int = 1) -> dict[str, Scores]:
    return {
        name: {n: float(random.Random(f"{seed} {name} {n}").random() < rate) for n in range(items)}
        for name, rate in rates.items()
    }


@pytest.mark.parametrize(("candidates", "rounds"), [(2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4)])
def test_as_many_rounds_as_halve_the_candidates_to_one(candidates: int, rounds: int) -> None:
    assert halving.rounds_of(candidates) == rounds


def test_a_round_has_an_even_part_of_the_budget_shared_evenly() -> None:
    # Karnin et al.: floor(T / (|S| ceil(log2 K))), here 240 / (8 * 3), 160 / (4 * 2), 80 / (2 * 1)
    for left, remaining, rounds, each in ((240, 8, 3, 10), (160, 4, 2, 20), (80, 2, 1, 40)):
        share = Share(Decimal(left), Decimal(remaining))
        assert halving.allotment([share], rounds_left=rounds, room=1_000) == each


def test_the_tighter_of_two_budgets_counts_and_so_do_the_prompts_that_are_left() -> None:
    answers = Share(Decimal(100), Decimal(4))
    dollars = Share(Decimal("0.30"), Decimal("0.10"))
    free = Share(Decimal(1), Decimal(0))
    assert halving.allotment([answers, dollars, free], rounds_left=1, room=50) == 3
    assert halving.allotment([answers], rounds_left=1, room=7) == 7
    assert halving.allotment([Share(Decimal(-1), Decimal(4))], rounds_left=1, room=7) == 0


def test_ties_at_the_cut_stay_while_they_can_be_paid() -> None:
    ranked = [Standing(name, mean) for name, mean in zip("abcd", (0.9, 0.5, 0.5, 0.1), strict=True)]
    assert [one.name for one in halving.better_half(ranked, lambda _: 1)] == ["a", "b", "c"]
    assert [one.name for one in halving.better_half(ranked, lambda _: 0)] == ["a", "b"]


def test_the_last_two_are_compared_and_not_cut() -> None:
    ranked = [Standing("a", 1.0), Standing("b", 0.0)]
    assert halving.better_half(ranked, lambda _: 1) == ranked


def test_candidates_are_ranked_on_the_prompts_that_all_have_answered() -> None:
    scores = {"a": {0: 1.0, 1: 0.0}, "b": {1: 1.0, 2: 1.0}, "c": {1: 1.0}}
    ranked = halving.standings(scores, {"b": 2.0, "c": 1.0})
    assert [(one.name, one.mean) for one in ranked] == [("c", 1.0), ("b", 1.0), ("a", 0.0)]
    assert halving.standings({"a": {0: 1.0}, "b": {1: 1.0}}, {}) == []


def test_the_interval_is_bonett_and_prices() -> None:
    # 9 prompts won by the first, 3 by the second, 28 alike: (b - c) / (n + 2) = 6 / 42
    first = {n: float(n < 9) for n in range(40)}
    second = {n: float(9 <= n < 12) for n in range(40)}
    found = halving.difference(first, second, comparisons=1)
    assert found is not None
    won, lost = 10 / 42, 4 / 42
    half = 1.959964 * math.sqrt((won + lost - (won - lost) ** 2) / 42)
    assert found.n == 40
    assert found.mean == pytest.approx(6 / 40)
    assert found.low == pytest.approx(6 / 42 - half, abs=1e-6)
    assert found.high == pytest.approx(6 / 42 + half, abs=1e-6)
    wider = halving.difference(first, second, comparisons=28)
    assert wider is not None
    assert wider.low < found.low < found.high < wider.high
    assert halving.difference(first, {99: 1.0}, comparisons=1) is None


@given(
    rates=st.lists(st.floats(0, 1), min_size=3, max_size=12),
    budget=st.integers(1, 600),
    items=st.integers(1, 80),
)
def test_the_budget_is_never_exceeded(rates: list[float], budget: int, items: int) -> None:
    arms = arms_of({f"m{n}": rate for n, rate in enumerate(rates)}, items)
    _, spent, sizes = play(arms, budget, items)
    assert spent <= budget
    assert len(sizes) <= halving.rounds_of(len(rates))
    assert sizes == sorted(sizes, reverse=True)


@given(st.permutations([f"m{n}" for n in range(7)]), st.integers(20, 400))
def test_the_order_in_which_candidates_are_named_changes_nothing(
    names: list[str], budget: int
) -> None:
    rates = dict.fromkeys(names, 0.5)
    assert play(arms_of(rates, 60), budget, 60) == play(
        arms_of(dict(sorted(rates.items())), 60), budget, 60
    )


def test_the_best_is_found_where_the_gap_is_clear() -> None:
    rates = {f"m{n}": 0.3 for n in range(15)} | {"best": 0.9}
    won = sum(play(arms_of(rates, 200, seed), 640, 200)[0][0] == "best" for seed in range(200))
    assert won >= 195  # of 200; a fifth of what all on all would cost


def test_candidates_that_are_alike_all_stay_and_are_told_as_tied() -> None:
    arms: dict[str, Scores] = {f"m{n}": dict.fromkeys(range(50), 1.0) for n in range(4)}
    ranked, spent, sizes = play(arms, 80, 50)
    assert (sizes, spent, len(ranked)) == ([4, 4], 80, 4)
