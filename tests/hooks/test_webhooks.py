"""Other programs are told what happens here: signed, tried again, through the guard, by admins alone."""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.hooks.models import Delivery, Event, Webhook
from apps.hooks.services import (
    ATTEMPTS,
    DELIVER,
    MOST_FAILURES,
    UNTOLD,
    create_webhook,
    ping_webhook,
    redeliver,
    switch_webhook,
    tell,
)
from apps.jobs.models import Job, State
from apps.jobs.services import cancel, enqueue
from apps.leaderboards.models import Board
from apps.routing import services as routing
from apps.selection.services import Answer, record, start_session
from apps.teams.models import AuditEntry, Team, User
from tests.leaderboards.conftest import board, bring, labels, truth, version
from tests.routing.furniture import evaluation_of, version_with_outcomes

__all__ = ["board", "bring", "version"]

RunJobs = Callable[[], list[Job]]
ClientOf = Callable[[User], Client]
GOOD = {"seed": 1, "steps": 1, "pause": 0}


class Listener:
    """A program that listens on loopback; `status` is what it answers next."""

    def __init__(self) -> None:
        self.status = 200
        self.heard: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append((dict(self.headers), body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.heard]


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    made = Listener()
    settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{made.server.server_port}"]
    settings.JOB_RETRY_SECONDS = 0
    thread = Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def hook(listener: Listener, alice: User, team: Team) -> tuple[Webhook, str]:
    return create_webhook(
        user=alice, team=team, name="Chat", url=listener.url, events=list(Event.values)
    )


def test_a_job_that_ends_is_told_with_a_signature_that_holds(
    hook: tuple[Webhook, str], listener: Listener, team: Team, eddie: User, run_jobs: RunJobs
) -> None:
    enqueue(user=eddie, team=team, kind="jobs.selftest", title="Try", params=GOOD)
    run_jobs()
    ((headers, body),) = listener.heard
    message = json.loads(body)
    assert (message["event"], message["data"]["title"]) == ("job.finished", "Try")
    assert (headers["Assay-Event"], headers["Assay-Delivery"]) == ("job.finished", message["id"])
    signed = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["Assay-Signature"])
    assert signed is not None
    digest = hmac.new(hook[1].encode(), f"{signed[1]}.".encode() + body, hashlib.sha256)
    assert digest.hexdigest() == signed[2]
    assert abs(timezone.now().timestamp() - int(signed[1])) < 60
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("delivered", 200, 1)


def test_a_job_that_fails_is_told_and_telling_is_not_told_itself(
    hook: tuple[Webhook, str], listener: Listener, team: Team, eddie: User, run_jobs: RunJobs
) -> None:
    enqueue(user=eddie, team=team, kind="jobs.selftest", title="Try", params={})
    ran = run_jobs()
    assert listener.messages[0]["event"] == "job.failed"
    assert len(listener.heard) == 1
    assert {job.kind for job in ran} == {"jobs.selftest", "hooks.deliver"}


def test_what_was_not_asked_for_is_not_told(
    listener: Listener, alice: User, team: Team, run_jobs: RunJobs
) -> None:
    create_webhook(user=alice, team=team, name="Chat", url=listener.url, events=["job.failed"])
    enqueue(user=alice, team=team, kind="jobs.selftest", title="Try", params=GOOD)
    run_jobs()
    assert listener.heard == []


def test_another_teams_events_are_not_told(
    hook: tuple[Webhook, str],
    listener: Listener,
    other_team: Team,
    charlie: User,
    run_jobs: RunJobs,
) -> None:
    enqueue(user=charlie, team=other_team, kind="jobs.selftest", title="x", params=GOOD)
    run_jobs()
    assert listener.heard == []


def test_a_deaf_listener_is_tried_again_with_the_same_message_and_then_given_up(
    hook: tuple[Webhook, str], listener: Listener, team: Team, run_jobs: RunJobs
) -> None:
    listener.status = 503
    tell(team=team, event=Event.JOB_FAILED, data={"job": "1"})
    run_jobs()
    assert len(listener.heard) == ATTEMPTS
    assert len({message["id"] for message in listener.messages}) == 1
    delivery = Delivery.objects.select_related("job").get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("failed", 503, ATTEMPTS)
    assert delivery.problem == "The server answered 503."
    assert delivery.job is not None
    assert (delivery.job.state, delivery.job.error) == (State.FAILED, UNTOLD)


def test_jobs_that_members_see_name_no_webhook_and_no_problem_of_it(
    hook: tuple[Webhook, str],
    listener: Listener,
    team: Team,
    vic: User,
    client_of: ClientOf,
    run_jobs: RunJobs,
) -> None:
    Webhook.objects.update(name="Zirconia listener")
    listener.status = 503
    tell(team=team, event=Event.JOB_FAILED, data={})
    for _ in ("waiting", "failed"):
        job = Job.objects.get(kind=DELIVER)
        for path in ("/jobs/", f"/jobs/{job.pk}/", "/api/v1/jobs/", f"/api/v1/jobs/{job.pk}/"):
            shown = client_of(vic).get(path).content.decode()
            assert "Tell a webhook" in shown
            assert "Zirconia" not in shown
            assert "The server answered" not in shown
        run_jobs()
    assert Delivery.objects.get().problem == "The server answered 503."


def test_pauses_grow_between_tries(
    hook: tuple[Webhook, str], listener: Listener, team: Team, run_jobs: RunJobs, settings: Any
) -> None:
    settings.JOB_RETRY_SECONDS = 10
    listener.status = 500
    tell(team=team, event=Event.JOB_FAILED, data={})
    waits = []
    for _ in range(4):
        run_jobs()
        job = Job.objects.get(kind="hooks.deliver")
        assert job.run_after is not None
        waits.append(round((job.run_after - timezone.now()).total_seconds(), -1))
        Job.objects.update(run_after=None)
    assert waits == [10, 20, 40, 80]


def test_it_is_turned_off_after_repeated_failures_with_a_note_and_on_again_by_an_admin(
    hook: tuple[Webhook, str], listener: Listener, team: Team, alice: User, run_jobs: RunJobs
) -> None:
    listener.status = 404
    for number in range(MOST_FAILURES + 1):
        tell(team=team, event=Event.JOB_FAILED, data={"job": str(number)})
        run_jobs()
    webhook = Webhook.objects.get()
    assert not webhook.active
    assert webhook.note.startswith("Turned off after 5 deliveries in a row came to nothing.")
    assert Delivery.objects.count() == MOST_FAILURES
    assert AuditEntry.objects.filter(action="webhook.gave_up").count() == 1
    listener.status = 200
    switch_webhook(user=alice, webhook=webhook, active=True)
    tell(team=team, event=Event.JOB_FAILED, data={"job": "x"})
    run_jobs()
    assert Webhook.objects.get().failures == 0
    assert Delivery.objects.first().state == "delivered"  # type: ignore[union-attr]


def test_a_listener_that_says_gone_is_asked_once(
    hook: tuple[Webhook, str], listener: Listener, team: Team, run_jobs: RunJobs
) -> None:
    listener.status = 410
    tell(team=team, event=Event.JOB_FAILED, data={})
    run_jobs()
    assert len(listener.heard) == 1
    assert not Webhook.objects.get().active


def test_a_success_in_between_forgives_failures(
    hook: tuple[Webhook, str], listener: Listener, team: Team, run_jobs: RunJobs
) -> None:
    for status in (500, 500, 200):
        listener.status = status
        tell(team=team, event=Event.JOB_FAILED, data={})
        run_jobs()
    assert Webhook.objects.get().failures == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x", "http://169.254.169.254/", "http://[::1]/", "http://2130706433/",
        "ftp://example.org/", "https://user:pass@93.184.215.14/", "nonsense", "",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(team: Team, alice: User, url: str) -> None:
    with pytest.raises(ValidationError):
        create_webhook(user=alice, team=team, name="Chat", url=url, events=["job.failed"])
    assert not Webhook.objects.exists()


def test_an_address_that_is_private_by_now_is_not_called(
    hook: tuple[Webhook, str], listener: Listener, team: Team, run_jobs: RunJobs, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = []
    tell(team=team, event=Event.JOB_FAILED, data={})
    run_jobs()
    assert listener.heard == []
    assert "not a public address" in Delivery.objects.get().problem


def test_the_secret_is_shown_once_and_sealed_to_its_address(
    hook: tuple[Webhook, str], listener: Listener, team: Team, alice: User, run_jobs: RunJobs,
    client_of: ClientOf,
) -> None:  # fmt: skip
    webhook, secret = hook
    assert secret not in str(list(Webhook.objects.values()))
    assert secret not in str(list(AuditEntry.objects.values()))
    client = client_of(alice)
    for page in ("/settings/webhooks/", f"/settings/webhooks/{webhook.pk}/"):
        assert secret not in client.get(page).content.decode()
    Webhook.objects.update(url=f"{listener.url}/elsewhere")
    tell(team=team, event=Event.JOB_FAILED, data={})
    run_jobs()
    assert listener.heard == []
    assert Delivery.objects.get().state == "failed"


def test_only_admins_make_see_and_send(
    hook: tuple[Webhook, str], listener: Listener, team: Team, eddie: User, charlie: User,
    run_jobs: RunJobs, client_of: ClientOf, api_of: Callable[[User], APIClient],
) -> None:  # fmt: skip
    delivery = ping_webhook(user=team.members.get(name="alice"), webhook=hook[0])
    with pytest.raises(PermissionDenied):
        create_webhook(user=eddie, team=team, name="x", url=listener.url, events=["job.failed"])
    for user in (eddie, charlie):
        with pytest.raises(PermissionDenied):
            redeliver(user=user, delivery=delivery)
        assert api_of(user).get("/api/v1/webhooks/").json()["results"] == []
        assert api_of(user).get("/api/v1/deliveries/").json()["results"] == []
        assert client_of(user).get(f"/settings/webhooks/{hook[0].pk}/").status_code == 404
    assert client_of(eddie).get("/settings/webhooks/").status_code == 403


def test_an_admin_does_it_all_on_the_pages(
    listener: Listener, alice: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    client = client_of(alice)
    refused = client.post("/settings/webhooks/", {"name": "Chat", "url": "http://127.0.0.1/"})
    assert refused.status_code == 400
    made = client.post(
        "/settings/webhooks/",
        {"name": "Chat", "url": listener.url, "events": ["job.failed", "job.finished"]},
    )
    assert re.search(r"whsec_[\w-]{43}", made.content.decode())
    page = f"/settings/webhooks/{Webhook.objects.get().pk}/"
    client.post(f"{page}test/")
    run_jobs()
    assert listener.messages[0]["event"] == "ping"
    log = client.get(page).content.decode()
    assert "<code>ping</code>" in log
    assert "delivered" in log
    client.post(f"/settings/deliveries/{Delivery.objects.get().pk}/again/")
    run_jobs()
    assert listener.messages[0] == listener.messages[1]
    client.post(f"{page}switch/", {"do": "off"})
    assert "It is off" in client.get(page).content.decode()
    client.post(f"{page}delete/")
    assert not Webhook.objects.exists()


def test_programs_do_it_all_too(
    listener: Listener, alice: User, api_of: Callable[[User], APIClient], run_jobs: RunJobs
) -> None:
    api = api_of(alice)
    asked = {"name": "Chat", "url": listener.url, "events": ["job.failed"]}
    made = api.post("/api/v1/webhooks/", asked)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    one = f"/api/v1/webhooks/{made.json()['id']}/"
    assert "secret" not in api.get(one).json()
    sent = api.post(f"{one}test/")
    assert sent.status_code == 202
    run_jobs()
    delivery = f"/api/v1/deliveries/{sent.json()['id']}/"
    assert api.get(delivery).json()["state"] == "delivered"
    assert api.post(f"{delivery}redeliver/").status_code == 202
    listed = api.get(f"/api/v1/deliveries/?webhook={made.json()['id']}&state=waiting").json()
    assert listed["count"] == 1
    assert api.post(f"{one}switch/", {"active": False}).json()["active"] is False
    assert api.get("/api/v1/webhooks/?active=true").json()["count"] == 0
    assert api.delete(one).status_code == 204
    assert api.post("/api/v1/webhooks/", {**asked, "events": ["nothing"]}).status_code == 400


def test_the_log_goes_back_a_month(
    hook: tuple[Webhook, str], team: Team, run_jobs: RunJobs
) -> None:
    tell(team=team, event=Event.JOB_FAILED, data={})
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    tell(team=team, event=Event.JOB_FAILED, data={})
    assert Delivery.objects.count() == 1


def test_a_board_that_recommends_another_model_is_told(
    board: Board, hook: tuple[Webhook, str], bring: Callable[..., Any]
) -> None:
    assert not Delivery.objects.filter(event=Event.RECOMMENDATION).exists()
    bring(labels(range(40, 45)), "labels", version=board.version)
    assert not Delivery.objects.filter(event=Event.RECOMMENDATION).exists()
    turned = "\n".join(["item_id,label", *(f"i{n},{truth(n + 1)}" for n in range(45, 60))])
    bring(turned, "labels", version=board.version)
    told = [one.payload["data"] for one in Delivery.objects.filter(event=Event.RECOMMENDATION)]
    for one in told:
        assert one["board"] == board.slug
        assert one["before"] != one["after"]


def test_a_selection_that_may_stop_is_told_once(
    board: Board, hook: tuple[Webhook, str], eddie: User, run_jobs: RunJobs
) -> None:
    session = start_session(user=eddie, version=board.version, name="Pets", delta=0.2)
    for item in range(40, 60):
        record(user=eddie, session=session, answer=Answer(item, "label", truth(item)))
        run_jobs()
    (told,) = Delivery.objects.filter(event=Event.MAY_STOP)
    assert told.payload["data"]["selection"] == str(session.pk)
    assert told.payload["data"]["leader"] in ("ada", "bea")


def test_an_evaluation_that_changes_its_verdict_is_told(
    team: Team, alice: User, hook: tuple[Webhook, str], run_jobs: RunJobs
) -> None:
    evaluation = evaluation_of(version_with_outcomes(team, alice), alice)
    assert evaluation.current is not None
    summary = {**evaluation.current.summary, "helps": "never computed"}
    type(evaluation.current).objects.update(summary=summary, inputs_hash="0" * 64)
    routing.refresh_evaluation(user=alice, evaluation=evaluation)
    run_jobs()
    (told,) = Delivery.objects.filter(event=Event.VERDICT)
    data = told.payload["data"]
    assert (data["evaluation"], data["helped"]) == (str(evaluation.pk), "never computed")
    assert data["helps"] in (True, False, None)


@pytest.mark.parametrize("how", ["cancelled", "broken"])
def test_a_delivery_whose_job_ends_otherwise_is_not_under_way_for_ever(
    hook: tuple[Webhook, str],
    alice: User,
    run_jobs: RunJobs,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    made = ping_webhook(user=alice, webhook=hook[0])
    if how == "cancelled":
        assert made.job is not None
        cancel(user=alice, job=made.job)
    else:
        monkeypatch.setattr("apps.core.outbound.call", lambda *_, **__: 1 / 0)
        run_jobs()
    made.refresh_from_db()
    assert made.state == Delivery.State.FAILED
    assert ("cancelled" if how == "cancelled" else "ZeroDivisionError") in made.problem
