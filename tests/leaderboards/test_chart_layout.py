"""The chart's geometry: names cover nothing, and no model far below flattens the others."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.charts import SIZES
from apps.leaderboards import chart_layout, charts
from tests.leaderboards.test_words import result
from tests.leaderboards.test_words import row as board_row

WIDE, HIGH = SIZES["wide"]
PRICES = st.floats(1e-9, 1e3)


def row(model: str, price: float, accuracy: float, *, frontier: bool = True) -> dict[str, Any]:
    return {
        "model": model,
        "price": price,
        "accuracy": accuracy,
        "low": max(0, accuracy - 0.05),
        "high": min(1, accuracy + 0.05),
        "on_frontier": frontier,
    }


def laid_out(rows: list[dict[str, Any]], first: list[str]) -> dict[str, chart_layout.Label]:
    across = chart_layout.prices([one["price"] for one in rows], WIDE)
    return chart_layout.labels(rows, across, chart_layout.accuracies(rows, HIGH), first)


def box(label: chart_layout.Label) -> tuple[float, float, float, float]:
    """Where a name stands, at a cautious seven pixels a letter."""
    wide = 7 * len(label.text)
    left = label.x if label.align == "left" else label.x - wide
    return left, label.y - 7, left + wide, label.y + 7


@given(
    st.lists(
        st.tuples(st.text("abc", min_size=1, max_size=40), PRICES, st.floats(0, 1)),
        min_size=1,
        max_size=40,
        unique_by=lambda one: one[0],
    )
)
def test_no_name_covers_another_or_leaves_the_chart(
    found: list[tuple[str, float, float]],
) -> None:
    labels = laid_out([row(*one) for one in found], [found[0][0]]).values()
    for one, other in combinations(map(box, labels), 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart
    assert all(at[0] >= -1 and at[2] <= WIDE + 1 for at in map(box, labels))


def test_the_chosen_is_named_even_in_a_crowd() -> None:
    crowd = [row(f"model-{number}", 1 + number / 1e4, 0.9) for number in range(60)]
    assert "model-7" in laid_out(crowd, ["model-7"])


def test_a_name_far_from_its_dot_is_known_to_be_far() -> None:
    labels = laid_out([row("a", 1, 0.9), row("b", 2, 0.5)], ["a"])
    assert not labels["a"].far


@given(st.lists(st.one_of(st.just(0.0), PRICES), min_size=1), st.floats(0, 1))
def test_a_pixel_and_its_value_are_one_place(found: list[float], share: float) -> None:
    axis = chart_layout.prices(found, WIDE)
    pixel = share * WIDE
    assert axis.at(axis.value(pixel)) == pytest.approx(pixel, abs=1e-3)
    assert all(-1e-6 <= axis.at(price) <= WIDE + 1e-6 for price in found)


@given(st.lists(st.one_of(st.just(0.0), PRICES), min_size=1))
def test_prices_on_the_axis_lie_on_it(found: list[float]) -> None:
    axis = chart_layout.prices(found, WIDE)
    if axis.kind != "linear":
        assert all(axis.low <= at <= axis.high for at in chart_layout.ticks(axis))


def test_the_accuracy_axis_is_fitted_to_the_data() -> None:
    axis = chart_layout.accuracies([row("a", 1, 0.93), row("b", 1, 0.91)], HIGH)
    assert (axis.low, axis.high) == (1.0, 0.85)


def drawn_of(*rows: dict[str, Any]) -> list[str]:
    return [point["model"] for point in charts.points(result(*rows))]


def test_a_model_far_below_the_others_is_told_in_words_alone() -> None:
    good = [board_row(f"m{at}", 45 + at % 3, price=0.1, on_frontier=False) for at in range(8)]
    bad = board_row("guesses", 5, price=0.001, on_frontier=True)
    assert "guesses" not in drawn_of(*good, bad)
    assert charts.left_out(result(*good, bad)) == (
        "One model far below the others (10% right) is in the table alone."
    )
    assert charts.left_out(result(*good)) == ""


def test_what_is_recommended_is_always_drawn() -> None:
    good = [board_row(f"m{at}", 45, price=0.1, on_frontier=False) for at in range(8)]
    assert "guesses" in drawn_of(board_row("guesses", 5, price=0.1, on_frontier=True), *good)
