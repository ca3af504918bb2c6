"""Checks that the tables share; each says in one sentence what is wrong, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

Array = TypeVar("Array", bound=NDArray[Any])


def names(values: Iterable[str], what: str, thing: str) -> tuple[str, ...]:
    names = tuple(str(value) for value in values)
    if not names:
        raise ValueError(f"A table needs at least one {thing}.")
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise ValueError(f"The {what} `{twice}` comes more than once.")
    return names


def whole_numbers(values: ArrayLike, what: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"{what} must be whole numbers, not {array.dtype}.")
    return array


def check_shape(array: NDArray[Any], shape: tuple[int, ...], what: str) -> None:
    if array.shape != shape:
        found, wanted = (
            " × ".join(map(str, sides)) or "a single one" for sides in (array.shape, shape)
        )
        raise ValueError(f"{what}: {found} where {wanted} were expected.")


def indices(
    chosen: Sequence[int] | NDArray[Any] | None, length: int, thing: str
) -> NDArray[np.intp]:
    if chosen is None:
        return np.arange(length)
    asked = np.asarray(chosen)
    if asked.dtype.kind == "b":
        check_shape(asked, (length,), f"The chosen {thing}s")
        asked = np.flatnonzero(asked)
    indices = whole_numbers(asked, f"The chosen {thing}s").astype(np.intp)
    if indices.ndim != 1 or not indices.size:
        raise ValueError(f"A list of at least one {thing} was expected.")
    outside = indices[(indices < 0) | (indices >= length)]
    if outside.size:
        raise ValueError(
            f"There is no {thing} with the index {outside[0]}: the table has {length}."
        )
    if np.unique(indices).size < indices.size:
        raise ValueError(f"The same {thing} was chosen more than once.")
    return indices


def read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
