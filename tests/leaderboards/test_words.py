"""The verdict says what the numbers say, and nothing surer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.money import PriceUnit, money
from apps.core.prose import plain
from apps.leaderboards.words import (
    cheaper,
    points,
    probability,
    verdict,
)


def row(model: str, correct: int, **more: Any) -> dict[str, Any]:
    """A row of a board on 400 labels: right on `correct` of every 50."""
    return {
        "model": model,
        "correct": correct * 8,
        "answered": 400,
        "accuracy": correct / 50,
        "low": correct / 50 - 0.1,
        "high": correct / 50 + 0.1,
        "compared": True,
        "p_best": 0.5,
        "p_within_delta": 0.6,
        "p": 1e-6,
        "price": None,
    } | more


def result(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A result of which the first row is the chosen model."""
    ranking = {
        "chosen": rows[0]["model"],
        "cheapest_within_delta": rows[0]["model"],
        "tied_with": [],
        "separations": [],
        "delta": 0.01,
        "alpha": 0.05,
        "rows": list(rows),
    }
    ranking |= {key: more.pop(key) for key in list(more) if key in ranking}
    return {
        "ranking": ranking,
        "problem": "",
        "models": len(rows),
        "items": 850,
        "labels": 400,
        "chosen_labels": 0,
        "not_run": 0,
        "all_agree": False,
        "certificate": {
            "holds": False,
            "leader": rows[0]["model"],
            "worst_case_labels_left": 41,
            "delta": 0.01,
        },
        "next": {"method": "MODEL SELECTOR", "items": [{"index": 0, "id": "a"}] * 20},
    } | more


def tied(more_labels: int | None, **more: Any) -> dict[str, Any]:
    return result(
        row("a", 45),
        row("b", 44),
        row("c", 43),
        row("d", 10),
        tied_with=["b", "c"],
        separations=[{"a": "a", "b": "b", "more_labels": more_labels}],
        **more,
    )


def test_without_labels_nothing_is_said_of_the_models() -> None:
    said = verdict(result(row("a", 0), row("b", 0)) | {"ranking": None, "labels": 0})
    assert said.sentence == (
        "No item is labelled yet, so nothing can be said about these 2 models: "
        "label the 20 items below first."
    )
    assert not said.decided


def test_one_model_is_not_called_the_best() -> None:
    said = verdict(result(row("a", 45, p_best=1.0, p_within_delta=1.0)))
    assert said.sentence.startswith("`a` is the only model here: 90% right of 400 labelled items")


def test_where_no_model_is_right_none_is_named() -> None:
    said = verdict(result(row("a", 0), row("b", 0)))
    assert said.sentence.startswith("No model is right on any of the 400 labelled items, so none")
    assert not said.decided
    assert said.support == ()
    assert verdict(result(row("a", 1), row("b", 0), tied_with=[])).sentence.startswith("Use `a`")


def test_the_cheapest_good_enough_is_recommended_with_its_price() -> None:
    said = verdict(
        result(
            row("big", 45, p_best=0.7, price=0.012),
            row("small", 45, p_within_delta=0.967, price=0.001),
            cheapest_within_delta="small",
        )
    )
    assert said.sentence == (
        "Use `small`: within 1 point of the best with 96% probability, "
        "at a twelfth of the price of `big`."
    )
    assert said.decided


def test_a_cheap_model_that_is_not_sure_enough_is_not_recommended() -> None:
    said = verdict(
        result(
            row("big", 45, p_best=0.97, p_within_delta=0.99, price=0.012),
            row("small", 45, p_within_delta=0.7, price=0.001),
            cheapest_within_delta="small",
        )
    )
    assert said.sentence == "Use `big`: the best with 97% probability."
    assert any("`small` is the cheapest" in line and "70%" in line for line in said.support)


def test_no_resampling_makes_few_labels_sure() -> None:
    flawless = row("a", 50, answered=60, p_best=0.6, p_within_delta=1.0)
    few = result(
        flawless,
        row("b", 49, answered=60),
        tied_with=["b"],
        separations=[{"a": "a", "b": "b", "more_labels": 300}],
    )
    assert not verdict(few).decided
    many = result(row("a", 50, p_best=0.6, p_within_delta=1.0), row("b", 49))
    assert verdict(many).sentence == "Use `a`: within 1 point of the best with 98% probability."


@pytest.mark.parametrize("labels", range(1, 5))
def test_an_old_snapshot_makes_nobody_the_best_by_a_few_labels(labels: int) -> None:
    one_sided = 0.5**labels  # one model right on all of them, the other on none
    leader = row("a", 50, answered=labels, p_best=1.0, p_within_delta=1.0)
    rival = row("b", 0, answered=labels, p_best=0.0, p_within_delta=0.0, p=2 * one_sided)
    few = {"labels": labels, "tied_with": ["b"]}
    few |= {"separations": [{"a": "a", "b": "b", "more_labels": 3}]}
    said = verdict(result(leader, rival, **few))
    assert said.sentence.startswith("Use `a` for now: `b` may be as good")
    assert f"the best with {probability(1 - one_sided)} probability" in said.support[0]


def test_without_a_tolerance_the_best_is_as_sure_as_it_is() -> None:
    rows = row("a", 45, p_best=0.9, p_within_delta=0.9), row("b", 40, compared=False)
    said = verdict(result(*rows, delta=0.0))
    assert "is the best with only 90% probability" in said.sentence


def test_a_tie_says_what_to_use_and_how_many_labels_would_separate_it() -> None:
    said = verdict(tied(183))
    assert said.sentence == (
        "Use `a` for now: two other models may be as good; "
        "about 180 more labels would separate it from `b`."
    )
    assert not said.decided
    assert not any("more labels" in line for line in said.support), "said once is enough"


@pytest.mark.parametrize("more_labels", [451, None])
def test_where_no_number_of_random_labels_helps_all_of_them_do(more_labels: int | None) -> None:
    assert verdict(tied(more_labels)).sentence == (
        "Use `a` for now: two other models may be as good; "
        "labelling all the remaining 450 items would settle it."
    )


def test_a_tie_with_every_item_labelled_asks_for_more_items() -> None:
    said = verdict(tied(183, labels=850)).sentence
    assert said.endswith("every item is labelled, so only more items can tell them apart.")


def test_a_tie_of_two_names_both() -> None:
    every = result(
        row("a", 45),
        row("b", 44),
        tied_with=["b"],
        separations=[{"a": "a", "b": "b", "more_labels": 7}],
    )
    assert verdict(every).sentence == (
        "Use `a` for now: `b` may be as good; about 7 more labels would separate it from `b`."
    )


def test_models_that_agree_everywhere_are_decided_by_price() -> None:
    same = result(row("a", 45, price=0.2), row("b", 45, price=0.1), all_agree=True)
    said = verdict(same)
    assert said.sentence.startswith("Use `b`: both models give the same answer to every item")
    unpriced = verdict(result(row("a", 45), row("b", 45), all_agree=True))
    assert unpriced.sentence.endswith("no label can tell them apart, so choose by price.")


def test_a_certificate_decides_where_probabilities_do_not() -> None:
    proof = {"holds": True, "leader": "a", "worst_case_labels_left": 0, "delta": 0.01}
    said = verdict(tied(9, certificate=proof))
    assert said.sentence == (
        "Use `a`: within 1 point of the best on these 850 items, whatever their missing labels are."
    )


def test_a_certificate_over_missing_answers_says_how_it_counts_them() -> None:
    proof = {"holds": True, "leader": "a", "worst_case_labels_left": 0, "delta": 0.01}
    said = verdict(tied(9, certificate=proof, not_run=5))
    assert said.sentence.endswith(", if every answer that a model did not give counts as wrong.")


def test_chosen_labels_take_the_sureness_back() -> None:
    said = verdict(result(row("a", 45, p_best=0.99), row("b", 5), chosen_labels=20))
    assert said.sentence.endswith(
        "if the labelled items were drawn at random, which 20 of 400 were not."
    )
    assert any("chosen to tell the models apart" in line for line in said.cautions)


def test_unknown_prices_are_said_to_be_unknown() -> None:
    none = verdict(result(row("a", 45), row("b", 44)))
    some = verdict(result(row("a", 45, price=1.0), row("b", 44)))
    assert "No price is known, so nothing can be said about cost." in none.cautions
    assert any(line.startswith("The price of one model is unknown") for line in some.cautions)


def test_names_cannot_break_out_of_their_marks() -> None:
    said = verdict(result(row("a`b", 45, p_best=0.99), row("c", 5)))
    assert said.sentence.startswith("Use `a'b`:")
    assert plain(said.sentence).startswith("Use a'b:")


@given(st.floats(0, 1))
def test_a_probability_is_never_rounded_up(p: float) -> None:
    text = probability(p)
    if text == "over 99%":
        assert p > 0.99
    elif text != "under 1%":
        assert int(text[:-1]) / 100 <= p + 1e-9


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0"),
        (0.00125, "$0.00125"),
        (12.5, "$12.50"),
        (20, "$20.00"),
        (0.5, "$0.50"),
        (1234567, "$1,234,567"),
        (2e-7, "$0.0000002"),
    ],
)
def test_money_keeps_three_digits_that_count(usd: float, text: str) -> None:
    assert money(usd) == text


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (1.0, "at a twelfth of the price of `m`"),
        (5.9, "at about half the price of `m`"),
        (0.12, "at 1/100 of the price of `m`"),
        (9.0, "25% cheaper than `m`"),
        (0.0, "free of charge, where `m` costs $12.00 a call"),
    ],
)
def test_prices_are_compared_in_words(price: float, text: str) -> None:
    assert cheaper(price, 12.0, "m", PriceUnit(1)) == text


@pytest.mark.parametrize(
    ("prices", "first"),
    [
        ([0.042, 0.03, None], "$0.042 a call"),
        ([0.0008, 0.042, 0.0008], "$0.80 per 1,000 calls"),
        ([9.95e-7, 8e-6, 8e-6], "$0.995 per million calls"),
        ([9.95e-10, 2e-9, 3e-8], "$0.995 per billion calls"),
        ([9.7e-13, 1e-12], "$0.00097 per billion calls"),
        ([0], "$0 a call"),
    ],
)
def test_prices_are_told_in_the_unit_that_reads_well(
    prices: list[float | None], first: str
) -> None:
    assert PriceUnit.of(prices).text(prices[0] or 0) == first


@given(st.lists(st.floats(1e-11, 1e3), min_size=1))
def test_half_of_all_prices_are_a_cent_or_more_in_their_unit(prices: list[float]) -> None:
    unit = PriceUnit.of(prices)
    assert sum(price * unit.calls >= 0.01 for price in prices) * 2 >= len(prices)


def test_points_are_singular_for_one_alone() -> None:
    assert (points(0.01), points(0.005), points(0.02)) == ("1 point", "0.5 points", "2 points")
