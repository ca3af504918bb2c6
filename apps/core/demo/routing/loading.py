"""Brings the routing example in: prompts, outcomes, prices; an evaluation and a router follow as jobs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.catalog.models import CandidateModel, Dataset, DatasetVersion
from apps.catalog.services import create_dataset, record_outcomes, set_price, update_model
from apps.catalog.store import Items
from apps.catalog.tables import OutcomeTable
from apps.core.demo.loading import DemoFailed
from apps.core.demo.routing.making import TO_LEARN, Tried
from apps.core.demo.routing.prompts import Question
from apps.core.demo.training import USD_PER_CORE_HOUR
from apps.routing.services import create_router, start_evaluation
from apps.teams.models import Team, User

NAME = "Short questions"
QUICK = ("knn", "linear")
CAUTIOUS = ("auto", *QUICK)
DESCRIPTION = (
    "A demonstration of routing: six small models of very different price, trained with scikit-learn on "
    f"{TO_LEARN:,} short questions, answer 2,100 others: sums, units, dates, strings, Python expressions, "
    "reviews, languages. Answers are checked against computed ones. Prices are the measured time of one "
    f"call on this machine at a stated {USD_PER_CORE_HOUR} USD per hour of a core."
)


def load(asked: list[Question], tried: list[Tried], *, user: User, team: Team) -> Dataset:
    """Keep the example in `team`; two evaluations and a router wait for a worker then.

    Raises:
        DemoFailed: something of it was refused.
    """
    try:
        with transaction.atomic():
            version = _outcomes(asked, tried, user, team)
            _prices(tried, user, team)
            _ask(version, user)
            Dataset.objects.filter(pk=version.dataset_id).update(demo=True)
    except ValidationError as error:
        raise DemoFailed(" ".join(error.messages)) from error
    return version.dataset


def _outcomes(asked: list[Question], tried: list[Tried], user: User, team: Team) -> DatasetVersion:
    ids = [f"question-{number:04d}" for number in range(len(asked))]
    texts = [question.text for question in asked]
    tasks = [question.task for question in asked]
    items = Items(ids=ids, texts=texts, slices={"task": tasks})
    version = create_dataset(user=user, team=team, name=NAME, items=items, description=DESCRIPTION)
    table = OutcomeTable.of(
        prompt_ids=ids,
        prompts=texts,
        model_names=[one.name for one in tried],
        score=np.column_stack([one.right for one in tried]).astype(float),
        latency_ms=np.column_stack([one.milliseconds for one in tried]),
        groups={"task": tasks},
    )
    record_outcomes(user=user, version=version, outcomes=table)
    return version


def _prices(tried: list[Tried], user: User, team: Team) -> None:
    known = {
        model.name: model
        for model in CandidateModel.objects.filter(team=team, name__in=[one.name for one in tried])
    }
    today = date(timezone.localdate().year, 1, 1)
    for one in tried:
        model = known[one.name]
        update_model(user=user, model=model, notes=f"{one.about}.", provider="scikit-learn")
        set_price(
            user=user,
            model=model,
            valid_from=today,
            per_call=Decimal(f"{one.usd_per_call:.12f}"),
            source=f"measured time of a call at {USD_PER_CORE_HOUR} USD per core-hour",
        )


def _ask(version: DatasetVersion, user: User) -> None:
    """On prompts like those learnt from; a router to try; and on kinds of questions never seen.

    The first asks the quickest routers, because its verdict is awaited; the last one also asks the
    default, which says so where it knows nothing, and takes half a minute for it.
    """
    common: dict[str, Any] = {"user": user, "version": version, "encoder": "hashing"}
    compared = {**common, "splits": 3}
    start_evaluation(
        name="Does routing help on short questions?", split="random", routers=QUICK, **compared
    )
    create_router(name=NAME, method="auto", **common)
    start_evaluation(
        name="Does it help on kinds of questions never seen?",
        split="group",
        routers=CAUTIOUS,
        **compared,
    )
