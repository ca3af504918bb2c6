"""Recorded outcomes of real models, and a file large enough to show that memory is bounded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from apps.catalog.readers import read_items, read_labels, read_predictions, read_prices, sniff

REPO = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("ASSAY_DATA", REPO / "../shared/data"))
SHAPES = {
    "cifar10-nets": (30, 10_000, 10),
    "imagenet-34nets": (34, 50_000, 1_000),
    "llmbar-judges": (130, 419, 3),
    "mmlu-pro-llms": (29, 12_032, 11),
}
real = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real data is not here")


@real
@pytest.mark.parametrize("folder", sorted(SHAPES))
def test_the_recorded_predictions_are_read_as_numpy_reads_them(folder: str) -> None:
    path = DATA / "selection" / folder / "predictions.npz"
    found = sniff(path, purpose="predictions", name=path.name)
    data = read_predictions(path, found.mapping, name=path.name)
    labels = read_labels(path, sniff(path, purpose="labels", name="f").mapping, name="f")
    with np.load(path, allow_pickle=False) as raw:
        np.testing.assert_array_equal(data.predictions, raw["predictions"])
        codes = [data.class_names.index(label) for label in labels.labels]
        assert codes == raw["labels"].tolist()
    assert (*data.predictions.shape, len(data.class_names)) == SHAPES[folder]


@real
def test_the_recorded_subsets_are_slices() -> None:
    path = DATA / "selection" / "llmbar-judges" / "predictions.npz"
    items = read_items(path, sniff(path, purpose="items", name="f").mapping, name="f")
    assert len(set(items.slices["subset"])) == 5


@real
@pytest.mark.parametrize(("folder", "models"), [("llmrouter-9", 9), ("zeroeval-29", 29)])
def test_the_recorded_prices_are_read(folder: str, models: int) -> None:
    path = DATA / "routing" / folder / "prices.json"
    prices = read_prices(path, name=path.name)
    assert len(prices) == models
    assert all(one.input_usd_per_1m is not None for one in prices)


_READ = """
import resource, sys
from pathlib import Path
from apps.catalog.readers import read_predictions, sniff
path = Path(sys.argv[1])
found = sniff(path, purpose="predictions", name="f")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = read_predictions(path, found.mapping, name="f")
assert data.predictions.shape == (400, 5_000), data.predictions.shape
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_two_million_predictions_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    classes = ["cat", "dog", "bird"]
    with path.open("w") as file:
        file.write("item_id,model,prediction\n")
        for model in range(400):
            file.writelines(
                f"item{i:05d},m{model},{classes[(i + model) % 3]}\n" for i in range(5_000)
            )
    shown = subprocess.run(
        [sys.executable, "-c", _READ, str(path)],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert int(shown.stdout) < 250
