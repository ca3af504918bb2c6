"""Boards that the tests of this room and of sharing look at."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.base import ContentFile

from apps.catalog.models import CandidateModel, DatasetVersion
from apps.catalog.services import confirm_mapping, receive_upload, set_price
from apps.jobs.models import Job
from apps.leaderboards.models import Board
from apps.teams.models import Team, User

CLASSES = ("cat", "dog")
ITEMS = 60

RunJobs = Callable[[], list[Job]]
Bring = Callable[..., DatasetVersion]


def truth(item: int) -> str:
    return CLASSES[item % 2]


def wrong(item: int) -> str:
    return CLASSES[1 - item % 2]


def predictions(errors: dict[str, int]) -> str:
    """Wide CSV: each model is wrong on its first `errors` items."""
    rows = ["item_id," + ",".join(errors)]
    for item in range(ITEMS):
        answers = [wrong(item) if item < most else truth(item) for most in errors.values()]
        rows.append(f"i{item}," + ",".join(answers))
    return "\n".join(rows)


def labels(items: range) -> str:
    return "\n".join(["item_id,label", *(f"i{item},{truth(item)}" for item in items)])


@pytest.fixture
def bring(team: Team, eddie: User, run_jobs: RunJobs) -> Bring:
    """Upload a file as an editor and take it over; the version it went to."""

    def do(text: str, purpose: str = "predictions", **how: Any) -> DatasetVersion:
        upload = receive_upload(
            user=eddie,
            team=team,
            file=ContentFile(text.encode()),
            filename=f"{purpose}.csv",
            purpose=purpose,
            **how,
        )
        confirm_mapping(user=eddie, upload=upload)
        run_jobs()
        upload.refresh_from_db()
        assert upload.state == "committed", upload.errors
        assert upload.version is not None
        return upload.version

    return do


@pytest.fixture
def version(bring: Bring, eddie: User, run_jobs: RunJobs) -> DatasetVersion:
    """Three priced models, wrong on 2, 3 and 40 of 60 items, of which the first 40 are labelled."""
    made = bring(predictions({"ada": 2, "bea": 3, "cyd": 40}), dataset_name="Pets")
    bring(labels(range(40)), "labels", version=made)
    for name, price in (("ada", 12), ("bea", 1)):
        set_price(
            user=eddie,
            model=CandidateModel.objects.get(name=name),
            valid_from=date(2026, 1, 1),
            per_call=Decimal(price) / 1000,
        )
    run_jobs()
    return made


@pytest.fixture
def board(version: DatasetVersion) -> Board:
    """The board that made itself for `version`."""
    rows = Board.objects.select_related("version__dataset", "current", "team")
    found: Board = rows.get(version=version)
    return found
