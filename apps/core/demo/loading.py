"""Brings the demo in through the same door as any upload: four files, one job, one board."""

import base64
import csv
import io
import os
from collections.abc import Callable, Iterable

from django.core.exceptions import ValidationError

from apps.catalog.models import CandidateModel, Dataset, Upload
from apps.catalog.readers import Mapping
from apps.catalog.services import (
    choose_columns,
    confirm_upload,
    receive_upload,
    update_dataset,
    update_model,
)
from apps.core.demo.training import USD_PER_CORE_HOUR, Demo, png
from apps.jobs import presence
from apps.jobs.models import State
from apps.jobs.runner import run_next
from apps.teams.models import Team, User

NAME = "Handwritten digits"
DESCRIPTION = (
    "A demonstration: 36 scikit-learn classifiers trained on 700 of its handwritten digits read the "
    "other 1,097; 60 of those, drawn at random, are labelled. Prices are the measured time of one call "
    f"on this machine at a stated {USD_PER_CORE_HOUR} USD per hour of a core."
)


class DemoFailed(Exception):
    """Why the demo could not be brought in, in one sentence."""


def load(demo: Demo, *, user: User, team: Team, say: Callable[[str], None]) -> Dataset:
    """Upload the demo for `user` into `team`, take it over and compute its board, in this process.

    Raises:
        DemoFailed: the files were refused or a job failed.
    """
    try:
        lead = _receive(demo, user=user, team=team)
        confirm_upload(user=user, upload=lead)
    except ValidationError as error:
        raise DemoFailed(" ".join(error.messages)) from error
    _run_jobs(say)
    lead.refresh_from_db()
    if lead.version is None:
        raise DemoFailed(lead.job.error if lead.job else "The demo's files were not taken over.")
    _describe(demo, lead.version.dataset, user)
    _run_jobs(say)
    return lead.version.dataset


def _receive(demo: Demo, *, user: User, team: Team) -> Upload:
    lead = receive_upload(
        user=user,
        team=team,
        file=_table(["item_id", "image", "ink"], _items(demo)),
        filename="digits.csv",
        purpose=Upload.Purpose.ITEMS,
        dataset_name=NAME,
    )
    choose_columns(
        user=user, upload=lead, mapping=Mapping(item="item_id", image="image", slices=("ink",))
    )
    names = [trained.candidate.name for trained in demo.trained]
    answers = zip(demo.item_ids, *(t.predictions.tolist() for t in demo.trained), strict=True)
    labels = zip((demo.item_ids[index] for index in demo.sample), demo.labels, strict=True)
    for purpose, filename, header, rows in (
        (Upload.Purpose.PREDICTIONS, "digits-answers.csv", ["item_id", *names], answers),
        (Upload.Purpose.LABELS, "digits-labels.csv", ["item_id", "label"], labels),
        (
            Upload.Purpose.MODELS,
            f"measured time at {USD_PER_CORE_HOUR} USD per core-hour.csv",
            ["model", "provider", "licence", "tags", "price"],
            _models(demo),
        ),
    ):
        receive_upload(
            user=user,
            team=team,
            file=_table(header, rows),
            filename=filename,
            purpose=purpose,
            lead=lead,
        )
    return lead


def _items(demo: Demo) -> Iterable[tuple[str, str, str]]:
    for item, image, ink in zip(demo.item_ids, demo.images, demo.ink, strict=True):
        yield item, f"data:image/png;base64,{base64.b64encode(png(image)).decode()}", ink


def _models(demo: Demo) -> Iterable[tuple[str, ...]]:
    for trained in demo.trained:
        candidate = trained.candidate
        price = f"{trained.usd_per_call:.12f}"
        yield candidate.name, "scikit-learn", "BSD-3-Clause", candidate.family, price


def _table(header: list[str], rows: Iterable[Iterable[object]]) -> io.BytesIO:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode())


def _describe(demo: Demo, dataset: Dataset, user: User) -> None:
    update_dataset(user=user, dataset=dataset, name=dataset.name, description=DESCRIPTION)
    Dataset.objects.filter(pk=dataset.pk).update(demo=True)
    notes = {trained.candidate.name: trained.candidate.note for trained in demo.trained}
    for model in CandidateModel.objects.filter(team=dataset.team, name__in=list(notes)):
        update_model(user=user, model=model, notes=notes[model.name])


def _run_jobs(say: Callable[[str], None]) -> None:
    """Run what is queued here: no worker need be up yet."""
    try:
        while (job := run_next()) is not None:
            if job.state == State.FAILED:
                raise DemoFailed(job.error)
            say(f"{job.title}: {job.get_state_display()}")
    finally:
        presence.stopped(os.getpid())
