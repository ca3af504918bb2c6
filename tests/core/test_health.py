"""What probes and Prometheus are told."""

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from apps.core import health
from apps.jobs.models import Worker


def a_worker(**fields: object) -> Worker:
    return Worker.objects.create(
        name="host:1:1", queues=["default"], seen_at=timezone.now(), **fields
    )


def test_the_process_lives_even_when_nothing_else_does(client: Client) -> None:
    response = client.get("/healthz")  # no database: the test has asked for none
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_all_parts_there_is_ready(db: None, client: Client) -> None:
    a_worker()
    response = client.get("/readyz")
    assert response.status_code == 200
    assert {"database", "storage", "broker", "worker"} <= set(response.json()["checks"])


def test_no_worker_is_not_ready_and_says_so(db: None, client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["worker"] == {
        "ok": False,
        "detail": "no worker has been seen lately",
    }


def test_a_worker_that_stopped_does_not_count(db: None, client: Client) -> None:
    a_worker(stopped_at=timezone.now())
    assert client.get("/readyz").status_code == 503


def test_a_broken_part_is_named_without_its_secrets(
    db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> health.Finding:
        raise OperationalError("could not connect with password hunter2")

    a_worker()
    monkeypatch.setitem(health._checks, "database", broken)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == {"ok": False, "detail": "OperationalError"}
    assert "hunter2" not in response.content.decode()


def test_asking_leaves_no_file_behind(db: None, client: Client) -> None:
    client.get("/readyz")
    assert default_storage.listdir("health")[1] == []


def test_metrics_need_their_token(
    db: None, client: Client, settings: "pytest.FixtureRequest"
) -> None:
    settings.METRICS_TOKEN = "scrape-me"  # type: ignore[attr-defined]
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 403
    response = client.get("/metrics", headers={"authorization": "Bearer scrape-me"})
    assert response.status_code == 200
    assert b"django_http_requests_total" in response.content


def test_metrics_without_a_token_are_for_this_machine_alone(
    db: None, client: Client, settings: "pytest.FixtureRequest"
) -> None:
    settings.METRICS_TOKEN = ""  # type: ignore[attr-defined]
    settings.EMBEDDED = True  # type: ignore[attr-defined]
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    settings.EMBEDDED = False  # type: ignore[attr-defined]
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 403


def test_probes_are_answered_without_tls_where_pages_are_not(
    db: None, client: Client, settings: "pytest.FixtureRequest"
) -> None:
    settings.SECURE_SSL_REDIRECT = True  # type: ignore[attr-defined]
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code in (200, 503)
    assert client.get("/").status_code == 301
