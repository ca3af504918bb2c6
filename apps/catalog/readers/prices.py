"""Price lists and lists of models, read liberally: the columns are told from their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from apps.catalog.readers.encodings import Utf8Stream, detect_encoding
from apps.catalog.readers.jsonl_source import BadJson, Row, parse_object
from apps.catalog.readers.limits import MAX_MODELS, MAX_SMALL_FILE_BYTES, MB
from apps.catalog.readers.opening import open_source
from apps.catalog.readers.problems import FileProblem, Problem, Problems, listed, name_fault, shown
from apps.catalog.readers.source import Reading

_MODEL = ("model", "model_name", "name", "candidate", "llm", "system")
_DATE = ("valid_from", "from", "date", "since", "as_of")
_INPUT = re.compile(r"(input|prompt|in)(_|$)")
_OUTPUT = re.compile(r"(output|completion|out)(_|$)")
_CALL = re.compile(
    r"(price|cost|usd|call|per_call|request|price_.*|cost_.*|usd_per_call|.*per_call)$"
)
_RELEASED = ("release_date", "released", "release")
_PARAMETERS = ("parameters", "params", "parameter_count", "n_parameters")
_LICENCE = ("licence", "license")
_MOST_USD = Decimal(1_000_000)  # a price above this is in another unit
_PLACES = 12
_SCALE = {"k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmbt]?)", re.IGNORECASE)

Cells = dict[str, str]


@dataclass(frozen=True)
class Price:
    """What a model costs in USD: per million tokens in and out, or per call. None = not stated."""

    model: str
    valid_from: date | None
    input_usd_per_1m: Decimal | None
    output_usd_per_1m: Decimal | None
    usd_per_call: Decimal | None
    row: int


@dataclass(frozen=True)
class ModelRow:
    """A candidate model as a file describes it; None or "" = not stated."""

    name: str
    provider: str
    parameters: int | None
    released: date | None
    licence: str
    tags: tuple[str, ...]
    price: Price | None
    row: int


def read_prices(path: Path, *, name: str) -> list[Price]:
    """Read a price list.

    Taken are tables with a column for the model and columns for prices (`model,price` per call;
    `model,input,output` in USD per million tokens; `valid_from`), and the JSON objects
    {model: price per call} and {model: {"input_usd_per_1m": 2.5, "output_usd_per_1m": 10}}.

    Raises:
        FileProblem: the first 100 things wrong with the file, and the count of all.
    """
    problems = Problems(name)
    found = [
        price
        for row, cells in _rows(path, name, problems)
        if (price := _price(row, cells, problems)) is not None
    ]
    _refuse_repeats([(one.model, one.valid_from, one.row) for one in found], problems)
    problems.raise_any()
    if not found:
        problems.fail("The file holds no price.")
    return found


def read_models(path: Path, *, name: str) -> list[ModelRow]:
    """Read a list of models: a column `model` or `name`, and whichever of provider, parameters
    (7B is understood), release_date, licence, tags (split at ; or ,) and prices there are.

    Raises:
        FileProblem: the first 100 things wrong with the file, and the count of all.
    """
    problems = Problems(name)
    found = [
        model
        for row, cells in _rows(path, name, problems)
        if (model := _model(row, cells, problems)) is not None
    ]
    _refuse_repeats([(one.name, None, one.row) for one in found], problems)
    problems.raise_any()
    return found


def _rows(path: Path, name: str, problems: Problems) -> Iterator[tuple[int, Cells]]:
    """Rows as plain column name -> text, from JSON or any table."""
    try:
        if path.stat().st_size > MAX_SMALL_FILE_BYTES:
            problems.fail(f"The file is larger than {MAX_SMALL_FILE_BYTES // MB} MB.")
        document = _whole_object(path, name)
    except OSError as error:
        problems.fail(f"The file cannot be read ({error.strerror}).")
    if document is not None:
        yield from _json_rows(document, problems)
        return
    source = open_source(path, name=name)
    keys = [_plain(column) for column in source.columns]
    if source.format == "npz" or not any(key in _MODEL for key in keys):
        problems.fail(f"No column names the model; the file has {listed(source.columns)}.", row=1)
    reading = Reading(path, name)
    reading.problems = problems
    count = 0
    for batch in source.batches(reading, coded=(), texts=source.columns):
        columns = [batch.data[column].fill_null("").to_pylist() for column in source.columns]
        count += batch.rows.size
        if count > 100 * MAX_MODELS:
            problems.fail(f"The file has more than {100 * MAX_MODELS:,} rows.")
        for row, *cells in zip(batch.rows.tolist(), *columns, strict=True):
            yield row, {key: cell.strip() for key, cell in zip(keys, cells, strict=True)}


def _whole_object(path: Path, name: str) -> Row | None:
    """The file as one JSON object of prices by model; None when it is no such thing."""
    with path.open("rb") as file:
        if not file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return None
    with Utf8Stream(path, detect_encoding(path, name=name), name=name) as stream:
        text = stream.readall().decode("utf-8")
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        first = parse_object(lines[0])
    except BadJson:
        first = None
    if first is not None and (len(lines) > 1 or any(_plain(key) in _MODEL for key in first)):
        return None
    try:
        return parse_object(text)
    except BadJson as error:
        raise FileProblem(name, [Problem(f"The file {error}.")]) from None


def _json_rows(document: Row, problems: Problems) -> Iterator[tuple[int, Cells]]:
    for row, (model, value) in enumerate(document.items(), start=1):
        if isinstance(value, str):
            yield row, {"model": model.strip(), "price": value}
        elif isinstance(value, dict):
            cells = {_plain(key): "" if cell is None else cell for key, cell in value.items()}
            if all(isinstance(cell, str) for cell in cells.values()):
                yield row, {**cells, "model": model.strip()}
            else:
                problems.at(row, "has a price that is not a number", value=model)
        else:
            problems.at(row, "has a price that is not a number", value=model)


def _plain(key: str) -> str:
    return re.sub(r"[\s\-/.]+", "_", key.strip().lower())


def _price(row: int, cells: Cells, problems: Problems) -> Price | None:
    before = problems.count
    model = _named(row, cells, problems)
    amounts: dict[str, Decimal | None] = {"input": None, "output": None, "call": None}
    for key, text in cells.items():
        kind = _kind(key)
        if kind is None or not text:
            continue
        amount = _amount(row, key, text, problems)
        if amounts[kind] is not None:
            problems.at(row, f"is a second {kind} price", column=key, value=text)
        amounts[kind] = amount
    valid_from = _date(row, cells, _DATE, problems)
    if problems.count > before:
        return None
    if all(amount is None for amount in amounts.values()):
        return None
    return Price(
        model=model,
        valid_from=valid_from,
        input_usd_per_1m=amounts["input"],
        output_usd_per_1m=amounts["output"],
        usd_per_call=amounts["call"],
        row=row,
    )


def _kind(key: str) -> str | None:
    if key in _MODEL or key in _DATE:
        return None
    if "token" in key and "usd" not in key and "price" not in key and "cost" not in key:
        return None
    for kind, pattern in (("input", _INPUT), ("output", _OUTPUT)):
        if pattern.search(key):
            return kind
    return "call" if _CALL.fullmatch(key) else None


def _amount(row: int, column: str, text: str, problems: Problems) -> Decimal | None:
    try:
        amount = Decimal(text.removeprefix("$").strip())
    except InvalidOperation:
        amount = Decimal("NaN")
    reason = None
    if not amount.is_finite() or not 0 <= amount <= _MOST_USD:
        reason = f"is not a price in USD between 0 and {int(_MOST_USD):,}"
    elif int(amount.as_tuple().exponent) < -_PLACES:
        amount = round(amount, _PLACES)
    if reason:
        problems.at(row, reason, column=column, value=text)
        return None
    return amount


def _named(row: int, cells: Cells, problems: Problems) -> str:
    key = next((key for key in _MODEL if key in cells), "model")
    model = cells.get(key, "")
    fault = name_fault(model) if model else "is empty"
    if fault is not None:
        problems.at(row, fault, column=key, value=model or None)
    return model


def _date(row: int, cells: Cells, keys: tuple[str, ...], problems: Problems) -> date | None:
    key = next((key for key in keys if cells.get(key)), None)
    if key is None:
        return None
    try:
        return date.fromisoformat(cells[key][:10])
    except ValueError:
        reason = "is not a date like 2026-01-31"
        problems.at(row, reason, column=key, value=cells[key])
        return None


def _model(row: int, cells: Cells, problems: Problems) -> ModelRow | None:
    before = problems.count
    name = _named(row, cells, problems)
    price = _price(row, cells, problems) if problems.count == before else None
    released = _date(row, cells, _RELEASED, problems)
    tags = [tag.strip() for tag in re.split("[;,]", cells.get("tags", "")) if tag.strip()]
    provider = cells.get("provider", "")
    licence = next((cells[key] for key in _LICENCE if cells.get(key)), "")
    for key, value in [("provider", provider), ("licence", licence)] + [("tags", t) for t in tags]:
        if value and (fault := name_fault(value)):
            problems.at(row, fault, column=key, value=value)
    parameters = _parameters(row, cells, problems)
    if problems.count > before:
        return None
    return ModelRow(name, provider, parameters, released, licence, tuple(tags), price, row)


def _parameters(row: int, cells: Cells, problems: Problems) -> int | None:
    key = next((key for key in _PARAMETERS if cells.get(key)), None)
    if key is None:
        return None
    match = _COUNT.fullmatch(cells[key].replace(",", "")) if len(cells[key]) < 30 else None
    if match is None:
        reason = "is not a number of parameters like 7000000000 or 7B"
        problems.at(row, reason, column=key, value=cells[key])
        return None
    return int(Decimal(match.group(1)) * _SCALE.get(match.group(2).lower(), 1))


def _refuse_repeats(found: list[tuple[str, date | None, int]], problems: Problems) -> None:
    rows: dict[tuple[str, date | None], int] = {}
    for model, when, row in found:
        first = rows.setdefault((model, when), row)
        if first != row:
            message = (
                f"Row {row:,}: model `{shown(model)}` is there twice; "
                f"the first is in row {first:,}."
            )
            problems.add(Problem(message, row, None, model))
