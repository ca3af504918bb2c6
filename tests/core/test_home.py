"""The first page: what needs this person, what is going on, and the guide for newcomers."""

from collections.abc import Callable
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from apps.catalog.models import Dataset
from apps.jobs.models import Job, State
from apps.leaderboards.models import Board, Snapshot
from apps.teams.models import Team, User
from tests.routes import build_world

ClientOf = Callable[[User], Client]
RunJobs = Callable[[], list[Job]]


def home(client: Client) -> str:
    return client.get("/").content.decode()


def test_an_empty_team_is_told_that_nothing_waits_and_what_comes_next(
    alice: User, client_of: ClientOf
) -> None:
    page = home(client_of(alice))
    assert "Nothing waits for you." in page
    assert 'href="/datasets/new/"' in page
    assert ">done<" not in page


def test_a_failed_job_needs_somebody_until_it_is_tried_again(
    team: Team, alice: User, client_of: ClientOf
) -> None:
    job = Job.objects.create(
        team=team,
        kind="jobs.selftest",
        title="Grind the ore",
        state=State.FAILED,
        error="The mill broke.",
        attempts=1,
        finished_at=timezone.now(),
    )
    page = home(client_of(alice))
    assert "Job failed" in page
    assert "The mill broke." in page
    Job.objects.create(team=team, kind="jobs.selftest", title="Again", retry_of=job)
    page = home(client_of(alice))
    assert "The mill broke." not in page
    assert "Under way" in page


def test_a_changed_recommendation_is_told_for_a_week(
    team: Team, alice: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    build_world(team, alice, run_jobs)
    board = Board.objects.filter(team=team, current__isnull=False).first()
    assert board is not None
    assert board.current is not None
    client = client_of(alice)
    assert "It recommends" not in home(client)
    now, old = board.current.created_at, board.current.summary
    Snapshot.objects.filter(board=board).exclude(pk=board.current.pk).delete()
    earlier = Snapshot.objects.create(
        board=board, inputs={}, inputs_hash="0", blob="", summary={**old, "chosen": "pyrite"}
    )
    Snapshot.objects.filter(pk=earlier.pk).update(created_at=now - timedelta(hours=1))
    assert "<code>pyrite</code> before" in home(client)
    Snapshot.objects.filter(board=board).update(created_at=now - timedelta(days=8))
    assert "It recommends" not in home(client)


def test_an_open_selection_asks_annotators_for_labels_and_shows_viewers_that_it_waits(
    team: Team, alice: User, anna: User, vic: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    build_world(team, alice, run_jobs)
    assert "Label its next item" in home(client_of(anna))
    page = home(client_of(vic))
    assert "Label its next item" not in page
    assert "Selections that wait for labels" in page


def test_the_guide_checks_itself_off_and_is_gone_when_all_is_done(
    team: Team, alice: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    client = client_of(alice)
    assert home(client).count("Put this guide away") == 1
    world = build_world(team, alice, run_jobs)
    assert world.team == team
    assert "Put this guide away" not in home(client)  # uploaded, labelled, read, shared, invited


def test_what_came_with_the_demo_checks_nothing_off(
    team: Team, alice: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    build_world(team, alice, run_jobs)
    Dataset.objects.update(demo=True)
    assert home(client_of(alice)).count(">done<") == 2  # the link and the colleague


def test_the_guide_can_be_put_away_and_brought_back(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    client.post("/settings/account/guide/")
    assert "Put this guide away" not in home(client)
    assert "Show the guide again" in client.get("/settings/account/").content.decode()
    client.post("/settings/account/guide/", {"show": "yes"})
    assert "Put this guide away" in home(client)
