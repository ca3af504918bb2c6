"""Outcomes: scores, costs and tokens of several models on prompts, from any file that holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from apps.catalog.readers.coding import look_alikes
from apps.catalog.readers.harness_source import HarnessSource
from apps.catalog.readers.limits import (
    MAX_ITEMS,
    MAX_MODELS,
    MAX_NAME_CHARS,
    MAX_OUTCOMES,
    MAX_TEXT_BYTES,
    MAX_TEXT_TOTAL_BYTES,
    MB,
)
from apps.catalog.readers.mapping import Mapping, check_mapping
from apps.catalog.readers.outcome_columns import guess_outcomes, model_of, wide_columns
from apps.catalog.readers.problems import Problem, name_fault, sentence, shown
from apps.catalog.readers.source import Batch, Progress, Reading, Source
from apps.catalog.readers.tables_source import open_outcomes
from apps.catalog.tables import Floats, OutcomeTable
from apps.core.spreadsheets import as_written, names_as_written

_LONG = ("cost", "in_tokens", "out_tokens", "latency_ms")
_TRUTH = {"true": 1.0, "false": 0.0}
_SCORE = "is not a score between 0 and 1; leave the cell empty where the model was not run"
_NUMBER = "is not a number of 0 or more; leave the cell empty where it is unknown"


def read_outcomes(
    path: Path,
    mapping: Mapping | None = None,
    *,
    name: str | None = None,
    known_items: Sequence[str] | None = None,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> OutcomeTable:
    """Read and validate a whole file, folder or .zip of outcomes.

    Wide: a row a prompt, `score__<model>` and where known `cost__`, `in_tokens__`, `out_tokens__` and
    `latency_ms__<model>`; RouteLLM's and RouterBench's layouts too. Long: a row a prompt and model.
    lm-evaluation-harness: a folder with `--log_samples`. A file without scores is a spend log: rows on
    other prompts than `known_items` are passed over, and several calls of a model on a prompt count as
    their mean.

    Args:
        mapping: which column is what; None takes the guess. name: what its owner calls the file.
        known_items: the ids of the prompts it must be on; None takes all, and their texts.

    Returns:
        Prompts and models in the order of the file; NaN where a cell is empty. The prompts are empty
        where no column of them is chosen, which only `known_items` allows.

    Raises:
        FileProblem: the first 100 things wrong with the file, and the count of all.
        ReadingStopped: `should_stop` said so.
    """
    name = path.name if name is None else name
    reading = Reading(path, name, progress=progress, should_stop=should_stop)
    source = open_outcomes(path, name=name)
    mapping = guess_outcomes(source) if mapping is None else mapping
    check_mapping(mapping, source.columns, name)
    try:
        return _Reader(source, reading, mapping, known_items).read()
    finally:
        pa.default_memory_pool().release_unused()


class _Reader:
    def __init__(
        self, source: Source, reading: Reading, mapping: Mapping, known: Sequence[str] | None
    ) -> None:
        self.source, self.reading, self.mapping = source, reading, mapping
        self.problems = reading.problems
        self.known = None if known is None else set(known)
        self.items: dict[str, int] = {}
        self.models: dict[str, int] = {}
        self.strange = 0
        self.texts: list[str] = []
        self.weight = 0
        self.groups: dict[str, list[str]] = {name: [] for name in mapping.slices}
        self.first_row: dict[tuple[int, int], tuple[str, int]] = {}
        self.parts: list[tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Floats]]] = []
        self.long = mapping.model is not None
        self.usage = self.long and not mapping.scores

    def read(self) -> OutcomeTable:
        if not self.long and not self.mapping.models:
            self.problems.fail(
                "No column of scores is found: name them `score__` and the model, or have a column "
                "`model` and a column `score`."
            )
        if self.known is None and self.mapping.text is None:
            self.problems.fail(
                "These rows have no scores; they can be added to prompts that are here already."
                if self.usage
                else "Say which column holds the prompts' texts."
            )
        if self.long:
            self._read_long()
        else:
            self._read_wide()
        self._check_names()
        self.problems.raise_any()
        return self._table()

    def _read_long(self) -> None:
        chosen = self.mapping
        columns = {name: column for name in _LONG if (column := getattr(chosen, name))}
        if self.usage and not columns:
            self.problems.fail("Choose a column of scores, of costs or of tokens.")
        coded = [chosen.item, chosen.model or "", *chosen.slices, *chosen.scores, *columns.values()]
        texts = [chosen.text] if chosen.text else []
        for batch in self.source.batches(self.reading, coded=coded, texts=texts):
            items = self._items(batch)
            models = self._model_codes(batch, chosen.model or "")
            measures = {
                name: self._numbers(batch, column, np.inf, _NUMBER)
                for name, column in columns.items()
            }
            if chosen.scores:
                score = np.full(batch.rows.size, np.nan)
                for column in chosen.scores:
                    open_ = np.isnan(score)
                    found = self._numbers(batch, column, 1.0, _SCORE, where=open_)
                    score = np.where(open_, found, score)
                measures["score"] = score
            good = (items >= 0) & (models >= 0)
            if not self.usage:
                self._check_repeats(batch, items, models, good)
            self.parts.append(
                (items[good], models[good], {name: v[good] for name, v in measures.items()})
            )
            self._check_size()

    def _read_wide(self) -> None:
        chosen = self.mapping
        where = {column: wide_columns(column, self.source.columns) for column in chosen.models}
        others = dict.fromkeys(name for found in where.values() for name in found.values())
        for column in chosen.models:
            self._model(model_of(column), column)
        extra = [name for name in others if name not in (*chosen.models, *chosen.slices)]
        coded = [chosen.item, *chosen.slices, *chosen.models, *extra]
        texts = [chosen.text] if chosen.text else []
        for batch in self.source.batches(self.reading, coded=coded, texts=texts):
            items = self._items(batch)
            good = items >= 0
            self._check_repeats(batch, items, np.zeros_like(items), good)
            known = {name: self._numbers(batch, name, np.inf, _NUMBER) for name in others}
            for place, column in enumerate(chosen.models):
                measures = {name: known[source][good] for name, source in where[column].items()}
                measures["score"] = self._numbers(batch, column, 1.0, _SCORE)[good]
                # What all models have in common says nothing of one that was not run.
                for name in ("in_tokens",):
                    if name in measures:
                        measures[name] = np.where(
                            np.isnan(measures["score"]), np.nan, measures[name]
                        )
                self.parts.append((items[good], np.full(good.sum(), place), measures))
            self._check_size()

    def _items(self, batch: Batch) -> NDArray[np.int64]:
        """Codes of the prompts; -1 where a row is not taken. New prompts bring text and groups."""
        column = self.mapping.item
        values = batch.data[column].to_pylist()
        texts = batch.data[self.mapping.text].to_pylist() if self.mapping.text else None
        groups = {name: batch.data[name].to_pylist() for name in self.mapping.slices}
        codes = np.full(len(values), -1, np.int64)
        for index, value in enumerate(values):
            item = (value or "").strip()
            if self.known is not None and item not in self.known:
                item = as_written(item)
            code = self.items.get(item)
            if code is None:
                if not self._admits(batch, index, item, column):
                    continue
                code = self.items[item] = len(self.items)
                self._describe(batch, index, texts, groups)
            elif texts is not None and not isinstance(self.source, HarnessSource):
                self._compare(batch, index, code, item, texts[index] or "")
            codes[index] = code
        return codes

    def _admits(self, batch: Batch, index: int, item: str, column: str) -> bool:
        if self.known is not None and item and item not in self.known:
            self.strange += 1
            if not self.usage:
                self._at(batch, index, "is not a prompt of this dataset", column, item)
            return False
        fault = name_fault(item) if item else "is empty"
        if fault:
            self._at(batch, index, fault, column, item or None)
            return False
        if len(self.items) >= MAX_ITEMS:
            self.problems.fail(
                f"There are more than {MAX_ITEMS:,} prompts, the most that is taken."
            )
        return True

    def _describe(
        self,
        batch: Batch,
        index: int,
        texts: list[str | None] | None,
        groups: dict[str, list[str | None]],
    ) -> None:
        for name, values in groups.items():
            value = (values[index] or "").strip()
            if value and (fault := name_fault(value)):
                self._at(batch, index, fault, name, value)
            self.groups[name].append(value[:MAX_NAME_CHARS])
        if texts is None:
            self.texts.append("")
            return
        text, column = texts[index] or "", self.mapping.text or ""
        size = len(text.encode("utf-8", "replace"))
        if not text.strip():
            self._at(batch, index, "is empty: every prompt needs a text", column)
        elif size > MAX_TEXT_BYTES:
            self._at(batch, index, f"is longer than {MAX_TEXT_BYTES:,} bytes", column, text[:80])
        elif "\0" in text:
            self._at(batch, index, "holds a NUL character", column)
        self.weight += size
        if self.weight > MAX_TEXT_TOTAL_BYTES:
            self.problems.fail(
                f"The prompts are more than {MAX_TEXT_TOTAL_BYTES // MB:,} MB in all."
            )
        self.texts.append(text)

    def _compare(self, batch: Batch, index: int, code: int, item: str, text: str) -> None:
        if text and text != self.texts[code]:
            reason = f"differs from the text that prompt `{shown(item)}` has in an earlier row"
            self._at(batch, index, reason, self.mapping.text, text)

    def _model_codes(self, batch: Batch, column: str) -> NDArray[np.int64]:
        array = batch.data[column]
        table = np.full(len(array.dictionary) + 1, -1, np.int64)
        faults: dict[int, str] = {}
        for place, value in enumerate(array.dictionary.to_pylist()):
            model = (value or "").strip()
            fault = name_fault(model) if model else "is empty"
            if fault:
                faults[place] = fault
            else:
                table[place] = self._model(model, column)
        places = _places(array)
        codes = table[places]
        for index in np.flatnonzero(codes < 0).tolist():
            value = (array[index].as_py() or "").strip() or None
            self._at(batch, index, faults.get(int(places[index]), "is empty"), column, value)
        return codes

    def _model(self, model: str, column: str) -> int:
        if model not in self.models:
            if fault := name_fault(model):
                self.problems.fail(f"The model `{shown(model)}` {fault}.", column=column)
            if len(self.models) >= MAX_MODELS:
                self.problems.fail(
                    f"Column `{shown(column)}` names more than {MAX_MODELS:,} models; is it the right "
                    "column?",
                    column=column,
                )
            self.models[model] = len(self.models)
        return self.models[model]

    def _numbers(
        self,
        batch: Batch,
        column: str,
        most: float,
        reason: str,
        *,
        where: NDArray[np.bool_] | None = None,
    ) -> Floats:
        """A column as numbers, NaN for an empty cell; a problem for each that is not in 0..most."""
        array = batch.data[column]
        table = np.full(len(array.dictionary) + 1, np.nan)
        bad = np.zeros(len(table), bool)
        for place, value in enumerate(array.dictionary.to_pylist()):
            text = (value or "").strip().lower()
            if text:
                number = _TRUTH[text] if most == 1.0 and text in _TRUTH else _number(text)
                bad[place] = not 0 <= number <= min(most, np.finfo(np.float64).max)
                table[place] = np.nan if bad[place] else number
        places = _places(array)
        wrong = bad[places] if where is None else bad[places] & where
        for index in np.flatnonzero(wrong).tolist():
            self._at(batch, index, reason, column, array[index].as_py())
        return np.asarray(table[places])

    def _check_repeats(
        self,
        batch: Batch,
        items: NDArray[np.int64],
        models: NDArray[np.int64],
        good: NDArray[np.bool_],
    ) -> None:
        ids: list[str] = []
        for index in np.flatnonzero(good).tolist():
            key = int(items[index]), int(models[index])
            here = batch.file, int(batch.rows[index])
            file, row = self.first_row.setdefault(key, here)
            if (file, row) == here:
                continue
            ids = ids or list(self.items)
            item = shown(ids[key[0]])
            again = "is there twice"
            if self.long:
                again = f"has a second outcome of `{shown(list(self.models)[key[1]])}`"
            first = f"row {row:,}" + (f" of {shown(file)}" if file else "")
            message = f"{_place(batch, index)}: prompt `{item}` {again}; the first is in {first}."
            self.problems.add(Problem(message, here[1], self.mapping.item, item))

    def _check_size(self) -> None:
        if len(self.items) * len(self.models) > MAX_OUTCOMES:
            self.problems.fail(
                f"{len(self.items):,} prompts x {len(self.models):,} models is more than the "
                f"{MAX_OUTCOMES:,} outcomes that are taken."
            )

    def _check_names(self) -> None:
        if self.strange and not self.items:
            self.problems.count = 0
            self.problems.kept.clear()
            self.problems.fail(
                f"These outcomes are for other prompts: not one of their ids in column "
                f"`{shown(self.mapping.item)}` is in this dataset version."
            )
        for thing, names in (("prompt", self.items), ("model", self.models)):
            for earlier, later in look_alikes(list(names)):
                self.problems.add(
                    Problem(
                        f"The {thing}s `{shown(earlier)}` and `{shown(later)}` differ only in case or "
                        "white space.",
                        value=later,
                    )
                )

    def _table(self) -> OutcomeTable:
        shape = len(self.items), len(self.models)
        if not all(shape):
            self.problems.fail("The file holds no outcome.")
        measures = self._filled(shape)
        score = measures.pop("score", np.full(shape, np.nan))
        if not self.usage:
            empty = np.flatnonzero(np.isnan(score).all(axis=0)).tolist()
            for column in empty:
                model = shown(list(self.models)[column])
                self.problems.add(
                    Problem(f"The model `{model}` has no score on any prompt; leave it out.")
                )
            self.problems.raise_any()
        return OutcomeTable.of(
            prompt_ids=self.items,
            prompts=self.texts,
            model_names=names_as_written(self.models),
            score=score,
            groups=self.groups,
            **measures,
        )

    def _filled(self, shape: tuple[int, int]) -> dict[str, Any]:
        """The matrices; the mean where a cell is given several times, None where all is unknown."""
        names = dict.fromkeys(name for _, _, measures in self.parts for name in measures)
        found: dict[str, Any] = {}
        for name in names:
            total, count = np.zeros(shape), np.zeros(shape)
            for items, models, measures in self.parts:
                values = measures.get(name)
                if values is not None:
                    there = ~np.isnan(values)
                    cells = items[there], models[there]
                    np.add.at(total, cells, values[there])
                    np.add.at(count, cells, 1.0)
            if count.any():
                found[name] = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
        return found

    def _at(
        self, batch: Batch, index: int, reason: str, column: str | None, value: str | None = None
    ) -> None:
        if not self.problems.room:
            self.problems.skip(1)
            return
        row = int(batch.rows[index])
        message = sentence(row, reason, column, value)
        if batch.file:
            message = f"{shown(batch.file)}, {message[0].lower()}{message[1:]}"
        self.problems.add(Problem(message, row, column, value))


def _place(batch: Batch, index: int) -> str:
    row = f"ow {int(batch.rows[index]):,}"
    return f"{shown(batch.file)}, r{row}" if batch.file else f"R{row}"


def _places(array: Any) -> NDArray[np.int64]:
    """The place of each row's value in the dictionary; one past it for null."""
    filled = array.indices.fill_null(len(array.dictionary))
    return np.asarray(filled.to_numpy(zero_copy_only=False), np.int64)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
