"""The container files say what the settings and the package need; building them needs a Docker engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

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


def test_health_checks_ask_what_there_is_to_ask() -> None:
    """Workers answer no remote control: their check reads what they say in the database."""
    known = set(get_commands())
    for path in DOCKER.glob("Dockerfile*"):
        asked = re.findall(r'"manage\.py", "(\w+)"', path.read_text())
        assert asked
        assert set(asked) <= known
    assert not settings.CELERY_WORKER_ENABLE_REMOTE_CONTROL


def test_whoever_is_waited_for_can_be_found_ready() -> None:
    for service in EVERY.values():
        for name, wish in service.get("depends_on", {}).items():
            if wish["condition"] == "service_healthy":
                assert "healthcheck" in EVERY[name]


def test_workers_have_time_to_give_their_jobs_back_and_somebody_to_bury_their_children() -> None:
    for name in ("worker", "gpu-worker"):
        assert EVERY[name]["init"] is True
        assert int(EVERY[name]["stop_grace_period"].removesuffix("s")) >= 60
    gpu = (DOCKER / "Dockerfile.gpu").read_text()
    assert '"--concurrency", "1", "--queues", "gpu"' in gpu
    (device,) = EVERY["gpu-worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["count"] == 1


def test_nothing_but_the_web_server_is_reached_and_that_from_this_machine_alone() -> None:
    ports = {name: service["ports"] for name, service in EVERY.items() if "ports" in service}
    assert ports == {"web": ["127.0.0.1:8000:8000"]}


def test_volumes_are_declared_and_images_are_built_from_files_that_are_there() -> None:
    whole = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    for service in EVERY.values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in whole["volumes"]
        if build := service.get("build"):
            text = (ROOT / build["dockerfile"]).read_text()
            assert "target" not in build or f" AS {build['target']}\n" in text


@pytest.mark.parametrize("path", sorted(DOCKER.glob("Dockerfile*")), ids=lambda path: path.name)
def test_images_are_made_as_their_makers_advise(path: Path) -> None:
    text = re.sub(r"\\\n", " ", path.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    verbs = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert "ADD" not in verbs
    assert all(
        re.search(r":\d", line) or " AS " in line for line in lines if line.startswith("FROM")
    )
    assert all(line.split(" ", 1)[1].startswith("[") for line in lines if line.startswith("CMD"))
    # What changes most often is copied last, or every change installs everything anew.
    assert text.index("pip install") < text.index("COPY apps")
    assert text.index("COPY apps") < text.index("USER assay")
    assert "PIP_NO_CACHE_DIR=1" in text
    assert "STOPSIGNAL SIGTERM" in text


def test_both_queues_have_a_worker() -> None:
    text = "".join(path.read_text() for path in DOCKER.glob("Dockerfile*"))
    assert set(re.findall(r'"--queues", "(\w+)"', text)) == {"default", "gpu"}
