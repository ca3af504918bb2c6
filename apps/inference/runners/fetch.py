"""Brings a model's files from the hub onto this machine, in a process of its own.

Only what can be read without running code: safetensors, JSON, texts, templates. Run as a module it
does so and prints {"folder", "revision"} or {"refused"}; `fetched` runs it without secrets.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from .base import RunnerFailed
from .process import OFFLINE, Start

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_PROXIES = ("HF_ENDPOINT", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE")


def fetched(hub_id: str, revision: str, *, online: bool, start: Start) -> tuple[Path, str]:
    """The folder of a hub model's files on this machine, and the commit that they are of.

    Args:
        revision: a commit; empty for the newest. online: whether the hub may be asked, or only what
            lies here already is used. start: starts a module in a process of its own.

    Raises:
        RunnerFailed: it is not to be had.
    """
    environment = OFFLINE
    if online:
        environment = {key: os.environ[key] for key in _PROXIES if key in os.environ}
    process = start(__name__, hub_id, revision, environment=environment)
    output, _ = process.communicate()
    try:
        said = json.loads(output)
    except ValueError:
        raise RuntimeError(f"Fetching {hub_id} ended with {process.returncode}.") from None
    if "refused" in said:
        raise RunnerFailed(said["refused"])
    return Path(said["folder"]), said["revision"]


def main(hub_id: str, revision: str) -> dict[str, str]:
    """What `fetched` reads."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    at = f"{hub_id} at revision {revision}" if revision else hub_id
    try:
        folder = snapshot_download(
            hub_id,
            revision=revision or None,
            allow_patterns=_WANTED,
            ignore_patterns=["*/*"],
            token=False,
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError, ValueError):
        return {
            "refused": f"{at} is neither on this machine nor to be had from the hub: the name or the "
            "commit may be wrong, it may need a licence to be accepted, or the hub may be out of reach."
        }
    return {"folder": folder, "revision": Path(folder).name}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
