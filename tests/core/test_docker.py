"""The container files say what the settings and the package need; building them needs a Docker engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
SETTINGS = (ROOT / "docs/reference/settings.md").read_text()


def services(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / name).read_text())["services"]
    return found


EVERY = services("compose.yaml") | services("compose.gpu.yaml")


@pytest.mark.parametrize("name", EVERY)
def test_every_service_is_watched_pinned_and_comes_back(name: str) -> None:
    service = EVERY[name]
    own = "build" in service
    assert own or re.search(r":\d+\.\d+", service["image"]), "an image without a version moves on"
    assert own or "healthcheck" in service
    assert service["restart"] in ("unless-stopped", "on-failure")
    if own:
        assert "HEALTHCHECK" in (ROOT / service["build"]["dockerfile"]).read_text()


def test_whatever_is_set_is_a_setting() -> None:
    named = set(re.findall(r"^([A-Z_]+)=", (DOCKER / "example.env").read_text(), re.MULTILINE))
    for service in EVERY.values():
        if "build" in service:
            named |= service.get("environment", {}).keys()
    ours = {name for name in named if name not in ("POSTGRES_PASSWORD", "RABBITMQ_PASSWORD")}
    assert {"SECRET_KEY", "DATABASE_URL", "SITE_URL"} <= ours
    assert {name for name in ours if f"`{name}`" not in SETTINGS} == set()


def test_no_secret_has_a_default() -> None:
    text = "".join(path.read_text() for path in DOCKER.glob("compose*.yaml"))
    assert re.findall(r"PASSWORD:?-", text) == []
    for name in ("POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "SECRET_KEY"):
        assert re.search(rf"^{name}=$", (DOCKER / "example.env").read_text(), re.MULTILINE)
    assert "docker/.env" in (ROOT / ".gitignore").read_text()


def test_the_images_install_what_the_package_pins_and_take_what_they_copy() -> None:
    sent = set(re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    torch = re.search(r'"(torch==[\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert torch
    for path in DOCKER.glob("Dockerfile*"):
        text = path.read_text()
        assert torch[1] in text
        assert re.search(r"^USER assay$", text, re.MULTILINE)
        for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
            assert set(line.split()) <= sent
            assert all((ROOT / name).exists() for name in line.split())


def test_both_queues_have_a_worker() -> None:
    text = "".join(path.read_text() for path in DOCKER.glob("Dockerfile*"))
    assert set(re.findall(r'"--queues", "(\w+)"', text)) == {"default", "gpu"}
