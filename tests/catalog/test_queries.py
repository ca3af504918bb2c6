"""What a version holds, as tables and prices."""

from datetime import date
from decimal import Decimal
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.catalog import queries, store
from apps.catalog.cache import RecentlyUsed
from apps.catalog.models import CandidateModel, DatasetVersion, LabelBatch, Upload
from apps.catalog.services import create_dataset, create_model, set_price, withdraw_labels
from apps.catalog.signals import version_changed
from apps.catalog.store import Items
from apps.teams.models import Team, User
from tests.catalog.conftest import LABELS, PRICES, Bring, version_of

pytestmark = pytest.mark.django_db


def test_prices_are_those_in_force_on_the_day(team: Team, eddie: User) -> None:
    model, other = (create_model(user=eddie, team=team, name=name) for name in ("m", "n"))
    set_price(
        user=eddie,
        model=model,
        valid_from=date(2026, 1, 1),
        input_per_million=Decimal(2),
        output_per_million=Decimal(10),
    )
    set_price(user=eddie, model=model, valid_from=date(2026, 6, 1), per_call=Decimal("0.5"))

    def on(day: date) -> list[float]:
        found = queries.prices_of([model, other], on=day, input_tokens=1000, output_tokens=200)
        return [float(price) for price in found]

    assert on(date(2026, 5, 31))[0] == pytest.approx(0.002 + 0.002)
    assert on(date(2026, 6, 1))[0] == 0.5
    assert np.isnan(on(date(2025, 12, 31))[0])
    assert np.isnan(on(date(2026, 6, 1))[1])


def test_what_a_result_rests_on_changes_with_every_input(
    version: DatasetVersion, bring: Bring, eddie: User
) -> None:
    seen = [queries.inputs_of(version)]
    bring(LABELS, "labels", version=version)
    seen.append(queries.inputs_of(version))
    bring(PRICES, "models")
    seen.append(queries.inputs_of(version))
    bring("item_id,new\na,cat\n", version=version)
    seen.append(queries.inputs_of(version))
    withdraw_labels(user=eddie, batch=LabelBatch.objects.get())
    seen.append(queries.inputs_of(version))
    for index, inputs in enumerate(seen):
        assert inputs not in seen[:index]
    assert queries.inputs_of(version) == seen[-1]
    assert queries.inputs_of(version, on=date(2000, 1, 1))["prices"] == []


def test_other_rooms_hear_of_every_change(
    version: DatasetVersion, bring: Bring, eddie: User
) -> None:
    heard: list[DatasetVersion] = []

    def listen(*, version: DatasetVersion, **_: object) -> None:
        heard.append(version)

    version_changed.connect(listen)
    try:
        bring(LABELS, "labels", version=version)
        bring(PRICES, "models")
        model = CandidateModel.objects.get(name="llama")
        set_price(user=eddie, model=model, valid_from=date(2026, 1, 1), per_call=Decimal(1))
        withdraw_labels(user=eddie, batch=LabelBatch.objects.get())
        assert heard == [version] * 4
        set_price(user=eddie, model=model, valid_from=date(2026, 1, 1), per_call=Decimal(1))
        bring("item_id,label\nnope,cat\n", "labels", version=version)
        assert len(heard) == 4
    finally:
        version_changed.disconnect(listen)


def test_labels_outside_the_classes_asked_for_are_an_error(
    version: DatasetVersion, bring: Bring
) -> None:
    bring(LABELS, "labels", version=version)
    with pytest.raises(ValueError, match="The label `dog` is not one of the classes asked for"):
        queries.labels_of(version, ["cat"])


def test_items_that_do_not_exist_are_an_error(version: DatasetVersion) -> None:
    with pytest.raises(IndexError):
        queries.items_of(version, [4])


def test_classes_that_are_numbers_are_counted_as_numbers(bring: Bring) -> None:
    version = version_of(bring("item_id,m\na,10\nb,9\nc,2\n", dataset_name="N"))
    bring("item_id,label\na,11\n", "labels", version=version)
    assert queries.predictions_of(version).class_names == ("2", "9", "10", "11")


def test_a_dataset_can_be_made_without_a_file(team: Team, eddie: User) -> None:
    items = Items(["a", "b"], texts=["x", None], slices={"kind": ["p", "q"]})
    version = create_dataset(
        user=eddie, team=team, name="Made", items=items, class_names=["no", "yes"]
    )
    assert queries.item_ids_of(version) == ("a", "b")
    assert [item.text for item in queries.items_of(version, [0, 1])] == ["x", None]
    assert version.class_names == ["no", "yes"]


def test_labels_that_arrive_while_others_are_compared_are_compared_too(
    version: DatasetVersion, bring: Bring, eddie: User
) -> None:
    from apps.catalog.services import commit, labels
    from apps.catalog.services.records import StoredLabels, record_labels

    calls: list[labels.Arrival] = []

    def meddling(*args: object, **how: object) -> labels.Arrival:
        """Compare; the first time, somebody else's labels come in just afterwards."""
        arrival = labels.compare(*args, **how)  # type: ignore[arg-type]
        if not calls:
            blob = store.write_labels(["b"], ["dog"], None)
            stored = StoredLabels(blob=blob, count=1, chosen=False)
            record_labels(user=eddie, version=version, stored=stored)
        calls.append(arrival)
        return arrival

    with patch.object(commit, "compare", meddling):
        upload = bring("item_id,label\nb,cat\n", "labels", version=version)
    assert upload.state == Upload.State.REJECTED
    assert "but `dog` is stored" in upload.errors[0]["message"]
    assert queries.labels_of(version, ("cat", "dog")).labels.tolist() == [-1, 1, -1, -1]


@given(data=st.data())
@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_stored_predictions_come_back_as_they_went_in(db: None, data: st.DataObject) -> None:
    models, items = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 30))
    top = data.draw(st.sampled_from([1, 10, 40_000]))
    seed = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    matrix = seed.integers(-1, top, (models, items))
    sure = seed.random((models, items)).astype(np.float32) if data.draw(st.booleans()) else None
    names = [f"model {index}" for index in range(models)]
    blob = store.write_predictions(names, matrix, sure)
    order = data.draw(st.permutations(range(models)))
    codes, stated = store.read_predictions(blob, [names[index] for index in order])
    assert (codes == matrix[order]).all()
    if sure is None:
        assert stated is None
    else:
        assert stated is not None
        assert (stated == sure[order]).all()


def test_the_cache_keeps_what_was_used_last_within_its_size() -> None:
    cache: RecentlyUsed[str] = RecentlyUsed(10, len)
    made: list[str] = []

    def get(key: str) -> str:
        def make() -> str:
            made.append(key)
            return key * 4

        return cache.get(key, make)

    for key in "abacab":
        get(key)
    assert made == ["a", "b", "c", "b"]
    assert cache.get("big", lambda: "x" * 11) == "x" * 11
    get("b")
    assert made == ["a", "b", "c", "b"]
