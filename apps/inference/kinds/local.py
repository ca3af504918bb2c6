"""Models whose weights are loaded here, from a folder that the administrator allows or from the hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError

from apps.inference.runners import RunnerFailed
from apps.inference.runners.fetch import HUB_ID, fetched
from apps.inference.runners.process import ProcessRunner, Start
from apps.inference.runners.weights import check_folder, fingerprint, folder_below

from .base import Gives
from .settings import Setting, clean_settings

if TYPE_CHECKING:
    from apps.inference.models import ModelSource, Run
    from apps.inference.runners import Runner

FOLDER = "folder:"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = re.compile(r"[0-9a-f]{64}")

_DEVICE = Setting(
    "device",
    "auto",
    "Device",
    "auto takes a GPU where the worker has one, and else the CPU.",
    choices=("auto", "cuda", "cpu"),
)
_DTYPE = Setting(
    "dtype",
    "auto",
    "Precision",
    "auto is float32, and bfloat16 for language models on a GPU.",
    choices=("auto", "float32", "bfloat16", "float16"),
)
_LABELS = Setting(
    "labels",
    {},
    "Labels",
    "Where the model's labels are not called as the classes: LABEL_0 = negative, one a line.",
)
_TOKENS = Setting(
    "max_tokens",
    512,
    "Tokens read",
    "Longer texts are cut, and the run says so.",
    low=4,
    high=1 << 20,
)


def _batch(default: int, most: int) -> Setting:
    return Setting(
        "batch_size",
        default,
        "Batch size",
        "Items at a time; halved by itself where memory runs out.",
        low=1,
        high=most,
    )


_SEED = Setting("seed", 0, "Seed", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class LocalKind:
    """A kind of model of the transformers library. `location` is a hub id, or `folder:` and a path."""

    name: str
    title: str
    gives: Gives
    settings: tuple[Setting, ...]
    chunk: int
    reads_images: bool = False
    local: bool = True

    def clean(self, settings: dict[str, Any]) -> dict[str, Any]:
        """See `Kind`."""
        return clean_settings(self.settings, settings)

    def check(self, source: ModelSource) -> None:
        """See `Kind`; a folder that lies on this machine is looked into as well."""
        location, revision = source.location, source.revision
        if not location.startswith(FOLDER):
            _check_hub(location, revision)
            return
        if revision and not _HASH.fullmatch(revision):
            raise ValidationError(
                {"revision": "The revision of a folder is the 64 letters of its hash, or empty."}
            )
        try:
            folder = _folder(location)
            check_folder(folder, location.removeprefix(FOLDER))
        except ValueError as error:
            raise ValidationError({"location": str(error)}) from error

    def open(self, run: Run, classes: Sequence[str]) -> Runner:
        """See `Kind`."""
        known = list(classes)
        if classes and not run.version.class_names:
            # None is declared: the map may name further ones.
            known += sorted(set(run.settings.get("labels", {}).values()) - set(known))
        spec = {
            "kind": self.name,
            "settings": run.settings,
            "classes": known if self.gives == Gives.LABEL else [],
        }
        return ProcessRunner(spec, lambda start: placed(run.source, start))


def placed(source: ModelSource, start: Start) -> tuple[Path, str]:
    """The folder on this machine with exactly the source's files, and their revision.

    `start`: starts a module in a process of its own. No database is asked.

    Raises:
        RunnerFailed: they are not to be had, or are others than those that the source is pinned to.
    """
    try:
        if not source.location.startswith(FOLDER):
            online = django_settings.INFERENCE_HUB
            folder, revision = fetched(source.location, source.revision, online=online, start=start)
            check_folder(folder, source.location)
        else:
            name = source.location.removeprefix(FOLDER)
            folder = _folder(source.location)
            check_folder(folder, name)
            revision = fingerprint(folder)
    except ValueError as error:
        raise RunnerFailed(str(error)) from error
    if source.revision and revision != source.revision:
        raise RunnerFailed(
            f"{source.location.removeprefix(FOLDER)} has changed: it holds revision "
            f"{revision[:12]}, and the model was set up with {source.revision[:12]}. Set up what it "
            "holds now as a model of its own."
        )
    return folder, revision


def _folder(location: str) -> Path:
    return folder_below(
        Path(django_settings.INFERENCE_MODELS_DIR), location.removeprefix(FOLDER).strip()
    )


def _check_hub(location: str, revision: str) -> None:
    if not HUB_ID.fullmatch(location) or ".." in location or "--" in location:
        raise ValidationError(
            {
                "location": "Give a hub id such as organisation/model, or folder: and the name of a "
                "folder below the one for models."
            }
        )
    if revision and not _COMMIT.fullmatch(revision):
        raise ValidationError(
            {
                "revision": "Give the whole commit, 40 letters and digits, or leave it empty: then the "
                "first run takes the newest and stays with it."
            }
        )


TEXT_CLASSIFICATION = LocalKind(
    name="text-classification",
    title="Text classifier",
    gives=Gives.LABEL,
    settings=(_LABELS, _batch(32, 512), _TOKENS, _DEVICE, _DTYPE),
    chunk=512,
)
IMAGE_CLASSIFICATION = LocalKind(
    name="image-classification",
    title="Image classifier",
    gives=Gives.LABEL,
    settings=(_LABELS, _batch(32, 256), _DEVICE, _DTYPE),
    chunk=256,
    reads_images=True,
)
CAUSAL_LM = LocalKind(
    name="causal-lm",
    title="Language model",
    gives=Gives.TEXT,
    settings=(
        Setting("instructions", "", "Instructions", "Stand before every prompt."),
        Setting("max_new_tokens", 256, "New tokens, at most", low=1, high=65_536),
        Setting(
            "temperature", 0.0, "Temperature", "0 takes the likeliest token always.", low=0, high=5
        ),
        Setting("top_p", 1.0, "Top p", "Where the temperature is above 0.", low=0.01, high=1),
        _SEED,
        _batch(8, 64),
        _DEVICE,
        _DTYPE,
    ),
    chunk=64,
)
MASKED_LM_LOSS = LocalKind(
    name="masked-lm-loss",
    title="Masked language model, by its loss",
    gives=Gives.LOSS,
    settings=(
        Setting("share", 0.15, "Share of tokens hidden", "0.15 is customary.", low=0.01, high=0.9),
        _SEED,
        _batch(32, 256),
        _TOKENS,
        _DEVICE,
        _DTYPE,
    ),
    chunk=256,
)
