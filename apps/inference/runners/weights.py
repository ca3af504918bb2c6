"""A folder of weights: whether it may be loaded, and what exactly it holds.

Weights are safetensors and nothing else: a pickle runs code when it is read. Code that comes with a
model is never run.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

_DECIDES = {".json", ".safetensors", ".txt", ".model", ".jinja"}
_PICKLES = {".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack"}
_MOST_JSON = 64 << 20
_CHUNK = 1 << 20


def fingerprint(folder: Path) -> str:
    """SHA-256 in hex of what decides the answers: sizes, tokens, templates and weights."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _DECIDES:
            digest.update(path.name.encode())
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
    return digest.hexdigest()


def folder_below(root: Path, location: str) -> Path:
    """The folder that `location` names, from `root` on or whole.

    Raises:
        ValueError: one sentence: it is not below `root`, or there is no such folder.
    """
    if "\0" in location:
        raise ValueError("The name of the folder holds a NUL character.")
    base = root.resolve()
    folder = (base / location).resolve()
    if not folder.is_relative_to(base) or folder == base:
        raise ValueError(
            f"The folder {location} does not lie below the one for models, {root}: only what the "
            "administrator has put there can be run."
        )
    try:
        there = folder.is_dir()
    except OSError:  # a name that is longer than names can be
        there = False
    if not there:
        raise ValueError(f"There is no folder {location} below {root}.")
    for path in folder.rglob("*"):
        if not path.resolve().is_relative_to(base):
            raise ValueError(
                f"{path.name} in {location} leads out of the folder for models, {root}."
            )
    return folder


def check_folder(folder: Path, name: str) -> None:
    """Raise ValueError, in one sentence, where the model in a folder must not or cannot be loaded."""
    config = folder / "config.json"
    if not config.is_file():
        if (folder / "adapter_config.json").is_file():
            raise ValueError(f"{name} holds an adapter only; merge it into its model first.")
        raise ValueError(f"{name} holds no model: there is no config.json in it.")
    suffixes = {path.suffix for path in folder.iterdir()}
    if ".safetensors" not in suffixes:
        if suffixes & _PICKLES:
            raise ValueError(
                f"{name} holds its weights as pickles, which run code when they are read; convert "
                "them to safetensors first."
            )
        raise ValueError(f"{name} holds no weights: there is no file that ends in .safetensors.")
    for path in sorted(folder.glob("*.json")):
        if path.name.endswith(".index.json") or path.name in ("tokenizer.json", "vocab.json"):
            continue
        if _asks_for_code(_read(path, name)):
            raise ValueError(
                f"{name} brings code of its own (auto_map in {path.name}); such code is never run "
                "here, so this model cannot be."
            )


def _read(path: Path, name: str) -> Any:
    try:
        if path.stat().st_size > _MOST_JSON:
            raise ValueError
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} in {name} is not JSON that can be read.") from error


def _asks_for_code(value: Any) -> bool:
    """Whether `auto_map`, or a wish to trust code, stands anywhere in the JSON."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("auto_map") or one.get("trust_remote_code"):
                return True
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False
