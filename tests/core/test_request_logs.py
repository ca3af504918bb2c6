"""Every log line of a request or a job can be found by its name, its team and its person."""

from collections.abc import Callable
from typing import Any

import pytest
import structlog
from django.test import Client
from structlog.testing import LogCapture

from apps.jobs import runner
from apps.jobs.models import Job
from apps.teams.models import Team, User

ClientOf = Callable[[User], Client]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is logged meanwhile, with everything that is bound to it."""
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    for module in ("apps.core.middleware", "apps.jobs.runner"):
        monkeypatch.setattr(f"{module}.log", structlog.get_logger(module))
    yield capture.entries
    structlog.configure(processors=before)


def test_a_request_is_one_line_with_who_where_and_how_it_ended(
    alice: User, team: Team, client_of: ClientOf, lines: list[dict[str, Any]], settings: Any
) -> None:
    settings.LOG_REQUESTS = True
    response = client_of(alice).get("/jobs/", headers={"X-Request-ID": "from-the-proxy-1"})
    (line,) = [entry for entry in lines if entry["event"] == "request"]
    assert response["X-Request-ID"] == line["request"] == "from-the-proxy-1"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/jobs/", 200)
    assert line["team"] == str(team.pk)
    assert line["user"] == alice.pk


def test_a_name_that_could_break_a_log_is_replaced(db: None, client: Client) -> None:
    for given in ("short", "x" * 65, "two\nlines-of-it", 'quote"quote'):
        assert client.get("/healthz", HTTP_X_REQUEST_ID=given)["X-Request-ID"] != given


def test_probes_write_no_lines(
    db: None, client: Client, lines: list[dict[str, Any]], settings: Any
) -> None:
    settings.LOG_REQUESTS = True
    client.get("/healthz")
    assert not lines


def test_nothing_of_one_request_is_said_of_the_next(
    alice: User, client_of: ClientOf, client: Client, lines: list[dict[str, Any]], settings: Any
) -> None:
    settings.LOG_REQUESTS = True
    client_of(alice).get("/jobs/")
    client.get("/accounts/login/")
    assert "team" not in lines[-1]
    assert lines[0]["request"] != lines[-1]["request"]


def test_what_a_job_logs_names_the_job_and_its_team(
    team: Team, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: object) -> None:
        raise ZeroDivisionError

    job = Job.objects.create(team=team, kind="jobs.selftest", title="Sift", params={})
    monkeypatch.setattr("apps.jobs.runner.registry.find", lambda _: breaks)
    runner.run_next()
    (line,) = [entry for entry in lines if entry["event"] == "job.error"]
    assert line["job"] == str(job.pk)
    assert line["team"] == str(team.pk)
    assert line["kind"] == "jobs.selftest"
