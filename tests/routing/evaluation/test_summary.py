"""From the splits to figures with intervals."""

from __future__ import annotations

import numpy as np
import pytest

from apps.routing.evaluation import Estimate, RouterResult, RouterSplit, SplitResult
from apps.routing.evaluation.summary import summarised
from apps.routing.evaluation.verdict import verdict


def split(**routers: RouterSplit) -> SplitResult:
    return SplitResult(
        number=0,
        n_train=70,
        n_test=30,
        leak=0.0,
        best_single="large",
        best_accuracy=0.7,
        best_cost=None,
        routers={name.replace("_", "-"): one for name, one in routers.items()},
        weights=[1.0] * 50,
    )


def routed(accuracy: float, error: float = 0.0) -> RouterSplit:
    draws = np.linspace(0.6, 0.8, 50) + error
    return RouterSplit(accuracy=accuracy + error, draws={"accuracy": draws.tolist()})


@pytest.mark.parametrize("error", [3e-15, -3e-15])
def test_what_rounding_leaves_of_no_difference_is_no_gain_and_no_loss(error: float) -> None:
    found = split(best_single=routed(0.7), zero=routed(0.7), linear=routed(0.7, error))
    result = summarised([found], "linear", 30.0)
    gain = result.accuracy_minus_best
    assert gain is not None
    assert [f"{end:+.1f}" for end in (gain.mean, gain.low, gain.high)] == ["+0.0"] * 3
    said, helps = verdict(result, "large", "none", priced=False, agreed=True)
    assert said.startswith("No evidence that routing helps here: use `large`.")
    assert helps is False


@pytest.mark.parametrize(
    ("money", "said"),
    [("usd", "over mixing single models by price"), ("calls", "over drawing lots between the two")],
)
def test_a_gain_is_said_to_be_over_what_it_was_measured_against(money: str, said: str) -> None:
    saved = {"mean": 0.1, "low": 0.0, "high": 0.2, "worst": 0.0, "splits_reached": 1}
    result = RouterResult(None, aiq_minus_zero=Estimate(1.0, 0.2, 2.0), cost_save=saved)
    sentence, helps = verdict(result, "large", money, priced=money == "usd", agreed=True)
    assert said in sentence
    assert "the quality of `large` for less" in sentence
    assert helps is True


@pytest.mark.parametrize("money", ["usd", "calls"])
def test_what_trainings_do_not_agree_on_is_named_for_no_comparison(money: str) -> None:
    saved = {"mean": 0.4, "low": 0.2, "high": 0.6, "worst": 0.3, "splits_reached": 1}
    result = RouterResult(None, aiq_minus_zero=Estimate(1.0, 0.2, 2.0), cost_save=saved)
    sentence, _ = verdict(result, "large", money, priced=money == "usd", agreed=False)
    assert "large" not in sentence
    assert "(that of the best single model in training)" in sentence


def test_savings_of_nothing_have_no_sign() -> None:
    draws = {"accuracy": [0.7] * 50, "aiq": [0.7] * 50, "held": [0.7] * 50, "cost_save": [0.0] * 50}
    zero = RouterSplit(accuracy=0.7, aiq=0.7, held=0.7, cost_save=0.0, draws=draws)
    saved = summarised([split(best_single=zero, zero=zero)], "zero", 30.0).cost_save
    assert saved is not None
    assert [f"{100 * saved[end]:.0f}" for end in ("low", "high")] == ["0", "0"]


def test_from_few_groups_no_difference_is_larger_than_scores_allow() -> None:
    worse = RouterSplit(accuracy=0.3, draws={"accuracy": np.linspace(0.0, 0.7, 50).tolist()})
    result = summarised([split(best_single=routed(0.7), zero=worse)], "zero", 2.0)
    against_best = result.accuracy_minus_best
    assert against_best is not None
    assert -100 <= against_best.low < against_best.mean < against_best.high <= 100
