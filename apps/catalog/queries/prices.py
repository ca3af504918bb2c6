"""What models cost, from the dated price book."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.catalog.models import CandidateModel, Price

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Quote:
    """The price of a model in force on some day."""

    model: CandidateModel
    price: Price

    def per_call(self, *, input_tokens: int, output_tokens: int) -> Decimal:
        """US dollars of one call: the fee per call, and the tokens where they are priced."""
        total = self.price.per_call or Decimal(0)
        if self.price.input_per_million is not None and self.price.output_per_million is not None:
            tokens = (
                self.price.input_per_million * input_tokens
                + self.price.output_per_million * output_tokens
            )
            total += tokens / _MILLION
        return total

    def as_texts(self) -> list[str]:
        """Day and figures, written in one way whichever database they come from."""
        price = self.price
        figures = (price.input_per_million, price.output_per_million, price.per_call)
        return [
            price.valid_from.isoformat(),
            *("" if figure is None else f"{figure.normalize():f}" for figure in figures),
        ]


def quotes_of(models: Iterable[CandidateModel], *, on: date) -> dict[UUID, Quote]:
    """The last price of each model that is valid on a day; a model without one is absent."""
    by_id = {model.pk: model for model in models}
    rows = Price.objects.filter(model__in=list(by_id), valid_from__lte=on).order_by("valid_from")
    return {row.model_id: Quote(by_id[row.model_id], row) for row in rows}


def prices_of(
    models: Sequence[CandidateModel], *, on: date, input_tokens: int, output_tokens: int
) -> NDArray[np.float64]:
    """US dollars of one call, [n_models]; NaN where no price is known on that day.

    Args:
        on: the day whose prices count. input_tokens, output_tokens: the size of the call.
    """
    quotes = quotes_of(models, on=on)
    return np.array(
        [
            float(quote.per_call(input_tokens=input_tokens, output_tokens=output_tokens))
            if (quote := quotes.get(model.pk))
            else np.nan
            for model in models
        ],
        dtype=np.float64,
    )
