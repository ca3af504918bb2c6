"""What /metrics tells of background work and decisions, and that the dashboard asks for what is there."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from apps.core import metrics
from apps.jobs.models import Job, State, Worker
from apps.teams.models import Team

TOKEN = "scrape-me"
DASHBOARD = Path(__file__).resolve().parents[2] / "docker" / "grafana" / "assay.json"
# Words of PromQL and the labels that are grouped by; everything else in a query is a metric.
GRAMMAR = {"sum", "max", "by", "rate", "delta", "histogram_quantile", "clamp_min"}


@pytest.fixture(autouse=True)
def _asked_with_a_token(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN


def told(client: Client) -> str:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    return answer.content.decode()


def value(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found, f"{series} is not told"
    return float(found[1])


def job(team: Team, **fields: object) -> Job:
    made = Job.objects.create(team=team, kind="jobs.selftest", title="Sift", **fields)
    if (created := fields.get("created_at")) is not None:
        Job.objects.filter(pk=made.pk).update(created_at=created)
    return made


def test_an_idle_installation_tells_noughts_not_nothing(db: None, client: Client) -> None:
    text = told(client)
    assert value(text, 'assay_jobs{queue="gpu",state="failed"}') == 0
    assert value(text, 'assay_queue_age_seconds{queue="default"}') == 0
    assert value(text, 'assay_lease_age_seconds{queue="default"}') == 0
    assert value(text, 'assay_workers{queue="default"}') == 0


def test_waiting_and_silence_are_told_in_seconds(team: Team, client: Client) -> None:
    now = timezone.now()
    job(team, created_at=now - timedelta(seconds=300))
    job(team, created_at=now - timedelta(days=1), run_after=now + timedelta(hours=1))
    job(
        team,
        state=State.RUNNING,
        heartbeat_at=now - timedelta(seconds=20),
        leased_until=now + timedelta(seconds=10),
        started_at=now,
        worker=Worker.objects.create(name="host:1:1", queues=["default"], seen_at=now),
        attempts=1,
        fence=1,
    )
    text = told(client)
    assert value(text, 'assay_jobs{queue="default",state="queued"}') == 2
    assert 300 <= value(text, 'assay_queue_age_seconds{queue="default"}') < 360
    assert 20 <= value(text, 'assay_lease_age_seconds{queue="default"}') < 80
    assert value(text, 'assay_workers{queue="default"}') == 1


def test_a_database_that_fails_leaves_the_counters_and_says_so(
    db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> list[object]:
        raise OperationalError("gone")

    monkeypatch.setattr(metrics, "_gauges", [broken])
    text = told(client)
    assert value(text, "assay_gauges_unreadable") == 1
    assert "django_http_requests_total" in text


def test_decisions_are_counted_by_how_they_ended(db: None, client: Client) -> None:
    series = 'assay_decisions_total{outcome="decided"}'
    metrics.DECISIONS.labels("decided").inc()
    before = value(told(client), series)
    metrics.DECISIONS.labels("decided").inc(3)
    assert value(told(client), series) == before + 3


def test_the_dashboard_asks_only_for_what_is_told(db: None, client: Client) -> None:
    client.get("/healthz")
    metrics.DECISIONS.labels("decided")
    client.get("/no-such-page/")
    known = set(re.findall(r"^# TYPE (\S+)", told(client), re.MULTILINE))
    known |= {f"{name}{end}" for name in known for end in ("_bucket", "_count", "_sum")}
    queries = [
        target["expr"]
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel["targets"]
    ]
    assert len(queries) >= 10
    for query in queries:
        bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", " ", query)
        asked = set(re.findall(r"[a-z_][a-z0-9_]{2,}", bare)) - GRAMMAR
        assert asked, query
        assert asked <= known, f"{query}: {asked - known} is not told"
