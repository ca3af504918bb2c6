"""A file of models and prices: the model list and the price book, filled from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from apps.catalog.models import CandidateModel
from apps.catalog.readers import FileProblem, ModelRow, Problem, read_models, read_prices
from apps.catalog.readers import Price as FilePrice
from apps.catalog.services.models import put_price
from apps.catalog.services.records import candidates, twins
from apps.teams.models import Team, User

_PREVIEW = 20
_CALL_PLACES = Decimal("1e-12")
_TOKEN_PLACES = Decimal("1e-6")


@dataclass(frozen=True)
class Taken:
    """What a file of models changed."""

    new: int
    described: int
    prices: int
    priced: tuple[CandidateModel, ...]

    @property
    def sentence(self) -> str:
        """In words."""
        parts = [
            f"{count:,} {word}{'' if count == 1 else 's'}"
            for count, word in ((self.new, "new model"), (self.prices, "price"))
            if count
        ]
        return f"{' and '.join(parts)}." if parts else "Everything was there already."


def model_rows(path: Path, *, name: str) -> list[ModelRow]:
    """Models with their facts; or a price book, where a model may have several dated prices.

    Raises:
        FileProblem: neither can be read from it, or models differ only in case.
    """
    try:
        rows = read_models(path, name=name)
    except FileProblem as problem:
        try:
            prices = read_prices(path, name=name)
        except FileProblem:
            raise problem from None
        rows = [ModelRow(one.model, "", None, None, "", (), one, one.row) for one in prices]
    alike = twins(list(dict.fromkeys(row.name for row in rows)))
    if alike or not rows:
        raise FileProblem(name, [Problem(alike or "The file names no model.")])
    if faults := [fault for row in rows if (fault := _price_fault(row.price))]:
        raise FileProblem(name, faults)
    return rows


def _price_fault(price: FilePrice | None) -> Problem | None:
    """A price of one direction alone is no price that a call could be charged by."""
    if price is None or price.usd_per_call is not None:
        return None
    if price.input_usd_per_1m is not None and price.output_usd_per_1m is not None:
        return None
    missing = "output" if price.output_usd_per_1m is None else "input"
    return Problem(f"Row {price.row:,}: the price of {missing} tokens is missing.", price.row)


def preview_of(rows: Sequence[ModelRow]) -> dict[str, Any]:
    """What was read, as the upload page shows it."""
    columns = ["model", "provider", "parameters", "released", "licence", "tags"]
    columns += ["valid from", "input $/M", "output $/M", "$ per call"]
    return {
        "format": "models",
        "columns": columns,
        "preview": [_cells(row) for row in rows[:_PREVIEW]],
        "rows": len(rows),
    }


def _cells(row: ModelRow) -> list[str]:
    price = row.price
    figures = (
        (price.valid_from, price.input_usd_per_1m, price.output_usd_per_1m, price.usd_per_call)
        if price
        else (None,) * 4
    )
    cells = (row.name, row.provider, row.parameters, row.released, row.licence)
    return [
        "" if cell is None else f"{cell.normalize():f}" if isinstance(cell, Decimal) else str(cell)
        for cell in (*cells, ", ".join(row.tags), *figures)
    ]


def take_models(
    *, user: User | None, team: Team, rows: Sequence[ModelRow], today: date, source: str
) -> Taken:
    """Write models and prices inside the caller's transaction.

    What the file says replaces what was known; what it leaves out stays. Prices without a day count
    from `today`.
    """
    names = list(dict.fromkeys(row.name for row in rows))
    known = CandidateModel.objects.filter(team=team).count()
    models = candidates(user=user, team=team, names=names)
    new = CandidateModel.objects.filter(team=team).count() - known
    described, prices = 0, 0
    priced: dict[Any, CandidateModel] = {}
    for row in rows:
        model = models[row.name]
        described += _describe(model, row)
        if row.price is not None:
            _, changed = put_price(
                model=model,
                valid_from=row.price.valid_from or today,
                source=source,
                input_per_million=_rounded(row.price.input_usd_per_1m, _TOKEN_PLACES),
                output_per_million=_rounded(row.price.output_usd_per_1m, _TOKEN_PLACES),
                per_call=_rounded(row.price.usd_per_call, _CALL_PLACES),
            )
            if changed:
                prices += 1
                priced[model.pk] = model
    return Taken(new, described, prices, tuple(priced.values()))


def _rounded(amount: Decimal | None, places: Decimal) -> Decimal | None:
    return None if amount is None else amount.quantize(places)


def _describe(model: CandidateModel, row: ModelRow) -> bool:
    facts = {
        "provider": row.provider,
        "parameters": row.parameters,
        "released_on": row.released,
        "licence": row.licence,
        "tags": list(row.tags),
    }
    stated = {name: value for name, value in facts.items() if value}
    changed = any(getattr(model, name) != value for name, value in stated.items())
    if changed:
        for name, value in stated.items():
            setattr(model, name, value)
        try:
            model.full_clean(validate_constraints=False, validate_unique=False)
        except ValidationError as error:
            raise ValidationError(f"Row {row.row:,}: {' '.join(error.messages)}") from error
        model.save()
    return changed
