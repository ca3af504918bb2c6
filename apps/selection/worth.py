"""What further labels and cheaper models are worth to a session, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.catalog.models import ModelOutput
from apps.catalog.money import PriceUnit, money
from apps.catalog.queries.prices import prices_of
from apps.catalog.tables import Floats, PredictionTable
from apps.selection.choosers import chooser_of
from apps.selection.meter import Meter
from apps.selection.methods.stopping import MIN_LABELS, outlook
from apps.selection.metrics.money import CheapEnough, LabelValue, cheapest_within, label_value
from apps.selection.models import SelectionSession
from apps.selection.queries import Basis


@dataclass(frozen=True)
class Worth:
    """What the session page says of money.

    Attributes:
        label: what a further label is worth, in words; empty where that was not asked.
        choice: which model is worth most, counting its price; empty where that is the leader.
        cheapest: the cheapest model that is good enough; empty without prices.
        value: the numbers behind `label` and `choice`, in US dollars; None below ten labels.
        pays: whether labelling on is worth its price; None where that cannot be said.
        best, cheap: names of the models of `choice` and `cheapest`.
        chance: at least this probable: the cheapest is within delta of the best.
    """

    label: SafeString | str
    choice: SafeString | str
    cheapest: SafeString | str
    value: LabelValue | None
    pays: bool | None
    best: str | None
    cheap: str | None
    chance: float | None

    def as_dict(self) -> dict[str, Any]:
        """For the API."""
        value = self.value
        return {
            "label_worth_at_most": value.per_label if value else None,
            "all_labels_worth_at_most": value.all_labels if value else None,
            "labelling_pays": self.pays,
            "worth_most": self.best,
            "cheapest_within_delta": self.cheap,
            "cheapest_chance": self.chance,
        }


def worth_of(session: SelectionSession, basis: Basis, meter: Meter) -> Worth | None:
    """What can be said of money; None where neither prices nor the worth of answers are known."""
    price = call_prices(session, basis.table)
    volume, answer = session.monthly_volume, session.answer_value
    priced = not np.isnan(price).all()
    if not priced and (volume is None or answer is None):
        return None
    if not basis.counting.score.additive:
        said = f"What labels are worth cannot be forecast for {basis.counting.name}."
        return Worth(said, "", "", None, None, None, None, None)
    if not meter.labels:
        return None
    with chooser_of(session, basis.table, basis.labels) as chooser:
        leader = chooser.leader()
        speaks = chooser.speaks
        assert chooser.rivals is not None  # noqa: S101 - additive
        held = chooser.rivals.rivals(leader)
        if not held.base:
            said = f"What labels are worth for {basis.counting.name} is forecast once one has that class."
            return Worth(said, "", "", None, None, None, None, None)
        cheap = (
            cheapest_within(
                chooser.rivals,
                leader=leader,
                price=price,
                delta=session.delta,
                alpha=session.alpha,
            )
            if priced
            else None
        )
        forecast = outlook(held)
    names = basis.table.model_names
    value = None
    if volume is not None and answer is not None and speaks:
        calls = volume * session.months
        value = label_value(
            forecast, value=float(answer) * calls, price=price * calls if priced else None
        )
    if cheap is not None and not (speaks or cheap.certain):
        cheap = None
    if cheap is not None and not price[cheap.model] <= np.nan_to_num(price[leader], nan=np.inf):
        cheap = None
    cost = None if session.label_price is None else float(session.label_price)
    asked = volume is not None and answer is not None
    return Worth(
        label=_label(session, value, cost, speaks) if asked else "",
        choice=_choice(names, value, leader, price, asked and priced),
        cheapest=_cheapest(session, meter, names, cheap, leader, price) if priced else "",
        value=value,
        pays=None if value is None or cost is None else value.per_label > cost,
        best=names[value.best] if value else None,
        cheap=names[cheap.model] if cheap else None,
        chance=cheap.chance if cheap else None,
    )


def call_prices(session: SelectionSession, table: PredictionTable) -> Floats:
    """US dollars of a prediction today, [n_models]; NaN where no price is known."""
    rows = ModelOutput.objects.filter(version=session.version).select_related("model")
    models = {output.model.name: output.model for output in rows}
    return prices_of(
        [models[name] for name in table.model_names],
        on=timezone.localdate(),
        input_tokens=session.input_tokens,
        output_tokens=session.output_tokens,
    )


def _label(
    session: SelectionSession, value: LabelValue | None, cost: float | None, speaks: bool
) -> str:
    if not speaks:
        return "What a label is worth can be forecast for labels chosen by Assay's own method only."
    if value is None:
        return f"What a label is worth is forecast from {MIN_LABELS} labels on."
    over = f"{session.months} month{'s' if session.months != 1 else ''}"
    said = (
        f"By the forecast that the stop rests on, a further label is worth at most "
        f"{money(_rounded(value.per_label))} over {over}, and knowing every label at most "
        f"{money(_rounded(value.all_labels))}."
    )
    if cost is None:
        return f"{said} No price of a label is set."
    if value.per_label > cost:
        return f"{said} A label costs {money(cost)}: labelling on is worth it."
    return f"{said} A label costs {money(cost)}: stop, further labels cost more than they bring."


def _choice(
    names: tuple[str, ...], value: LabelValue | None, leader: int, price: Floats, priced: bool
) -> SafeString | str:
    if value is None or not priced or value.best == leader:
        return ""
    if np.isnan(price[leader]):
        return format_html(
            "Of the models with a price, <code>{}</code> is worth most by the same forecast; the price of "
            "<code>{}</code> is unknown.",
            names[value.best],
            names[leader],
        )
    return format_html(
        "Counting what it costs, <code>{}</code> is worth more than <code>{}</code> by the same "
        "forecast; the chance that all labels would change this is at most {}.",
        names[value.best],
        names[leader],
        f"{value.chance:.0%}",
    )


def _cheapest(
    session: SelectionSession,
    meter: Meter,
    names: tuple[str, ...],
    cheap: CheapEnough | None,
    leader: int,
    price: Floats,
) -> SafeString | str:
    within = f"within {meter.counting.difference(session.delta)} of the best"
    if not session.delta:
        within = "as good as the best"
    unknown = int(np.isnan(price).sum())
    left_out = f" {unknown:,} without a price are left out." if unknown else ""
    if cheap is None:
        return f"No model with a price can be called {within} yet.{left_out}"
    sure = (
        "certain"
        if cheap.certain
        else f"at least {min(99, int(cheap.chance * 100))}% sure by the forecast"
    )
    unit = PriceUnit.of(float(one) for one in price[~np.isnan(price)])
    costs = unit.text(float(price[cheap.model]))
    if cheap.model == leader:
        return format_html(
            "<code>{}</code> is also the cheapest that can be called {}: {}, {}.{}",
            names[leader], within, costs, sure, left_out,
        )  # fmt: skip
    against = ""
    if not np.isnan(price[leader]):
        against = format_html(
            " instead of {} for <code>{}</code>", unit.amount(float(price[leader])), names[leader]
        )
    return format_html(
        "<code>{}</code> is the cheapest that can be called {}: {}{}, {}.{}",
        names[cheap.model], within, costs, against, sure, left_out,
    )  # fmt: skip


def _rounded(usd: float) -> float:
    """To two digits that count, upwards: it is an upper bound."""
    if usd < 0.0001:
        return 0.0
    place = 10.0 ** (np.floor(np.log10(usd)) - 1)
    return float(np.ceil(usd / place - 1e-9) * place)
