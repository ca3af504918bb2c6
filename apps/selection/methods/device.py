"""Where the heavy steps run: numpy, or torch on a device. Both give the same picks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from apps.catalog.tables import Floats

NUMPY = "numpy"
AUTO = "auto"

LARGE = 20_000_000
"""Votes from which a GPU, where there is one, is taken: below, a step takes well under a second."""


def resolved(device: str, n_votes: int) -> str:
    """`numpy`, or the torch device to use.

    Args:
        device: `auto` (CUDA where torch finds it and the pool is `LARGE`, else numpy), `numpy`, or
            a device of torch as `cpu` or `cuda:1`.
        n_votes: models times items.

    Raises:
        ValueError: no such device.
    """
    if device == NUMPY or (device == AUTO and n_votes < LARGE):
        return NUMPY
    import torch

    if device == AUTO:
        return "cuda" if torch.cuda.is_available() else NUMPY
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as problem:
        raise ValueError(f"There is no device `{device}` here to compute on.") from problem
    return device


def namespace(device: str) -> Any:
    """The functions for arrays on the device: numpy's or torch's, alike where they are used."""
    if device == NUMPY:
        return np
    import torch

    return torch


def placed(array: Any, device: str) -> Any:
    """The numpy array on the device."""
    return array if device == NUMPY else namespace(device).as_tensor(array, device=device)


def fetched(array: Any) -> Floats:
    """The array as one of numpy's floats."""
    return np.asarray(array if isinstance(array, np.ndarray) else array.cpu(), dtype=float)


def camps(start: Any, models: Any, counted: Floats, n_models: int, device: str) -> Any:
    """The matrix [n_groups, n_models] that sums models' values by groups: `matrix @ values`.

    Args:
        start: [n_groups], where each group begins in `models`.
        models: [n_votes], who votes, group after group.
        counted: [n_votes], what each vote counts.
        n_models: how many models there are.
        device: see `resolved`.
    """
    ends = np.append(start, len(models)).astype(np.int32)
    columns, shape = models.astype(np.int32), (len(start), n_models)
    if device != NUMPY:
        import torch

        ends, columns, values = (placed(part, device) for part in (ends, columns, counted))
        with warnings.catch_warnings():  # "CSR tensors are in beta state"
            warnings.simplefilter("ignore", UserWarning)
            return torch.sparse_csr_tensor(
                ends, columns, values, size=shape, check_invariants=False
            )
    # Imported here: web servers start without computing anything.
    from scipy.sparse import csr_array

    return csr_array((counted, columns, ends), shape=shape)
