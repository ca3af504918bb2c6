"""Where tests of models that run on this machine find them."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def models(tmp_path: Path, settings: Any) -> Path:
    """The folder that the administrator allows."""
    settings.INFERENCE_MODELS_DIR = str(tmp_path / "models")
    settings.INFERENCE_HUB = False
    # A test is one transaction, into which no heartbeat looks: none comes while a model starts.
    settings.JOB_HEARTBEAT_SECONDS = 600
    folder = tmp_path / "models"
    folder.mkdir()
    return folder
