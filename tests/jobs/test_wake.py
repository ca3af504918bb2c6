"""A broker that is away or says nothing costs a request about a second at most, and no job."""

import threading

import pytest

from apps.jobs import wake
from apps.jobs.tasks import work


@pytest.fixture(autouse=True)
def _fresh_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "_publisher", None)
    monkeypatch.setattr(wake, "PATIENCE_SECONDS", 0.05)


def test_a_silent_broker_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, sent = threading.Event(), []
    done = threading.Semaphore(0)

    def publish(queue: str) -> None:
        answered.wait()
        sent.append(queue)
        done.release()

    monkeypatch.setattr(wake, "_publish", publish)
    wake.wake("default")  # returns although nothing was sent
    wake.wake("gpu")
    wake.wake("gpu")
    assert sent == []
    answered.set()
    assert done.acquire(timeout=10)
    assert done.acquire(timeout=10)
    assert sent == ["default", "gpu"]  # asked for twice meanwhile, sent once


def test_a_broker_that_is_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise ConnectionError("nothing answers")

    monkeypatch.setattr(work, "apply_async", refuse)
    wake.wake("default")


def test_a_wake_up_goes_to_the_queue_under_its_prefix(
    monkeypatch: pytest.MonkeyPatch, settings: pytest.FixtureRequest
) -> None:
    settings.JOB_QUEUE_PREFIX = "here-"  # type: ignore[attr-defined]
    sent: list[object] = []
    monkeypatch.setattr(wake, "PATIENCE_SECONDS", 10)
    monkeypatch.setattr(work, "apply_async", lambda **options: sent.append(options["queue"]))
    wake.wake("default")
    assert sent == ["here-default"]
