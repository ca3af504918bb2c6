"""Outcomes of several models on a version's prompts: stored once, priced whenever they are read."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from apps.catalog import queries
from apps.catalog.models import CandidateModel, DatasetVersion
from apps.catalog.services import (
    create_dataset,
    create_model,
    delete_model,
    delete_outcomes,
    record_outcomes,
    set_price,
    update_model,
)
from apps.catalog.signals import version_changed
from apps.catalog.store import Items
from apps.catalog.tables import OutcomeTable
from apps.teams.models import Team, User

pytestmark = pytest.mark.django_db

NAN = float("nan")


def table(**changes: Any) -> OutcomeTable:
    """Two models on the prompts b and a, with tokens of the first and recorded costs of both."""
    parts: dict[str, Any] = {
        "prompt_ids": ["b", "a"],
        "prompts": ["", ""],
        "model_names": ["small", "Large"],
        "score": [[0.0, 1.0], [1.0, NAN]],
        "cost": [[0.5, 2.0], [NAN, NAN]],
        "in_tokens": [[1000.0, NAN], [2000.0, NAN]],
        "out_tokens": [[100.0, NAN], [200.0, NAN]],
    }
    return OutcomeTable.of(**{**parts, **changes})


@pytest.fixture
def prompts(team: Team, eddie: User) -> DatasetVersion:
    items = Items(["a", "b", "c"], ["One?", "Two?", "Three?"], slices={"task": ["x", "y", ""]})
    return create_dataset(user=eddie, team=team, name="Prompts", items=items)


def price(eddie: User, name: str, **figures: Any) -> None:
    set_price(
        user=eddie,
        model=CandidateModel.objects.get(name=name),
        valid_from=date(2026, 1, 1),
        **figures,
    )


def test_outcomes_follow_the_prompts_and_the_names_of_models(
    prompts: DatasetVersion, eddie: User
) -> None:
    record_outcomes(user=eddie, version=prompts, outcomes=table())
    found = queries.outcomes_of(prompts)
    assert found.prompt_ids == ("a", "b", "c")
    assert found.prompts == ("One?", "Two?", "Three?")
    assert found.groups == {"task": ("x", "y", "")}
    assert found.model_names == ("Large", "small")
    np.testing.assert_array_equal(found.score, [[NAN, 1], [1, 0], [NAN, NAN]])
    np.testing.assert_array_equal(found.cost, [[NAN, NAN], [2.0, 0.5], [NAN, NAN]])
    assert found.latency_ms is None


def test_a_cost_is_tokens_at_the_price_of_the_day_else_what_was_recorded_else_unknown(
    prompts: DatasetVersion, eddie: User
) -> None:
    record_outcomes(user=eddie, version=prompts, outcomes=table())
    price(eddie, "small", input_per_million=Decimal(1), output_per_million=Decimal(10))
    price(eddie, "Large", input_per_million=Decimal(5), output_per_million=Decimal(50))
    found = queries.outcomes_of(prompts)
    np.testing.assert_allclose(found.cost, [[NAN, 0.004], [2.0, 0.002], [NAN, NAN]])
    before = queries.outcomes_of(prompts, on=date(2025, 12, 31))
    np.testing.assert_array_equal(before.cost, [[NAN, NAN], [2.0, 0.5], [NAN, NAN]])


def test_a_fee_per_call_needs_no_tokens(prompts: DatasetVersion, eddie: User) -> None:
    record_outcomes(user=eddie, version=prompts, outcomes=table())
    price(eddie, "Large", per_call=Decimal("0.25"))
    assert queries.outcomes_of(prompts).cost[:2, 0].tolist() == [0.25, 0.25]


def test_what_a_result_rests_on_changes_with_outcomes_prices_and_names(
    prompts: DatasetVersion, eddie: User
) -> None:
    seen = [queries.outcome_inputs_of(prompts)]
    batch = record_outcomes(user=eddie, version=prompts, outcomes=table())
    seen.append(queries.outcome_inputs_of(prompts))
    price(eddie, "small", per_call=Decimal(1))
    seen.append(queries.outcome_inputs_of(prompts))
    assert queries.outcome_inputs_of(prompts, on=date(2025, 1, 1)) == seen[1]
    update_model(user=eddie, model=CandidateModel.objects.get(name="small"), name="tiny")
    seen.append(queries.outcome_inputs_of(prompts))
    assert queries.outcomes_of(prompts).model_names == ("Large", "tiny")
    assert all(inputs not in seen[:index] for index, inputs in enumerate(seen))
    delete_outcomes(user=eddie, batch=batch)
    assert queries.outcome_inputs_of(prompts) == seen[0]


def test_other_rooms_hear_of_new_outcomes_and_new_prices(
    prompts: DatasetVersion, eddie: User
) -> None:
    heard: list[DatasetVersion] = []

    def listen(*, version: DatasetVersion, **_: object) -> None:
        heard.append(version)

    version_changed.connect(listen)
    try:
        batch = record_outcomes(user=eddie, version=prompts, outcomes=table())
        price(eddie, "small", per_call=Decimal(1))
        delete_outcomes(user=eddie, batch=batch)
    finally:
        version_changed.disconnect(listen)
    assert heard == [prompts] * 3


def test_a_spend_log_says_what_calls_took_and_its_scores_come_from_elsewhere(
    prompts: DatasetVersion, eddie: User
) -> None:
    log = table(score=np.full((2, 2), NAN), cost=[[0.7, 3.0], [0.6, 0.2]], in_tokens=None)
    record_outcomes(user=eddie, version=prompts, outcomes=log)
    with pytest.raises(ValueError, match="no outcomes yet"):
        queries.outcomes_of(prompts)
    record_outcomes(user=eddie, version=prompts, outcomes=table())
    found = queries.outcomes_of(prompts)
    np.testing.assert_array_equal(found.cost, [[0.2, 0.6], [3.0, 0.7], [NAN, NAN]])
    np.testing.assert_array_equal(found.score, [[NAN, 1], [1, 0], [NAN, NAN]])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prompt_ids": ["b", "z"]}, "This version has no prompt `z`."),
        (
            {"score": [[1.0, NAN], [0.0, NAN]]},
            "`Large` has no outcome on any prompt; leave it out.",
        ),
        ({"model_names": ["Large", "large"]}, "differ only in case"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_and_nothing_is_written(
    prompts: DatasetVersion, eddie: User, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValidationError, match=sentence.replace(".", r"\.")):
        record_outcomes(user=eddie, version=prompts, outcomes=table(**changes))
    assert not prompts.outcome_batches.exists()
    assert not CandidateModel.objects.exists()


def test_outcomes_of_a_model_are_taken_once(prompts: DatasetVersion, eddie: User) -> None:
    record_outcomes(user=eddie, version=prompts, outcomes=table())
    with pytest.raises(
        ValidationError, match="`Large`, `small` have outcomes on Prompts v1 already"
    ):
        record_outcomes(user=eddie, version=prompts, outcomes=table(model_names=["LARGE", "Small"]))


def test_items_without_texts_are_no_prompts(team: Team, eddie: User) -> None:
    bare = create_dataset(user=eddie, team=team, name="Bare", items=Items(["a", "b"]))
    with pytest.raises(ValidationError, match="have no texts"):
        record_outcomes(user=eddie, version=bare, outcomes=table())


def test_annotators_bring_no_outcomes(prompts: DatasetVersion, eddie: User, anna: User) -> None:
    with pytest.raises(PermissionDenied):
        record_outcomes(user=anna, version=prompts, outcomes=table())
    batch = record_outcomes(user=eddie, version=prompts, outcomes=table())
    with pytest.raises(PermissionDenied):
        delete_outcomes(user=anna, batch=batch)


def test_a_model_with_outcomes_cannot_be_deleted(
    team: Team, prompts: DatasetVersion, eddie: User
) -> None:
    small = create_model(user=eddie, team=team, name="Small")
    record_outcomes(user=eddie, version=prompts, outcomes=table())
    with pytest.raises(ValidationError, match="has predictions or outcomes on Prompts v1"):
        delete_model(user=eddie, model=small)


def test_the_summary_tells_means_and_how_much_is_priced(
    prompts: DatasetVersion, eddie: User
) -> None:
    assert queries.outcome_summaries(prompts) == []
    record_outcomes(user=eddie, version=prompts, outcomes=table())
    large, small = queries.outcome_summaries(prompts)
    assert (large.model.name, large.answered, large.priced, large.score, large.cost) == (
        "Large", 1, 1, 1.0, 2.0,
    )  # fmt: skip
    assert (small.answered, small.priced, small.score, small.cost) == (2, 1, 0.5, 0.5)
    assert small.latency_ms is None
