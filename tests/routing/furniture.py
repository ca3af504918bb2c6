"""Outcomes, evaluations and routers for tests, made once a process where making them takes long."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

from apps.catalog.models import DatasetVersion
from apps.catalog.services import create_dataset, record_outcomes
from apps.catalog.store import Items
from apps.catalog.tables import OutcomeTable
from apps.core import files
from apps.routing import queries
from apps.routing.bundle import Bundle
from apps.routing.models import Evaluation, EvaluationResult, Router, RouterVersion
from apps.routing.services.evaluations import summary_of
from apps.teams.models import Team, User
from tests.routing.prompts import world

PROMPTS = 60


@cache
def outcomes() -> OutcomeTable:
    """Three models on 60 prompts of three topics; each is good at one of them."""
    return world(PROMPTS, 3)[0]


def version_with_outcomes(
    team: Team, owner: User, name: str = "Prompts", table: OutcomeTable | None = None
) -> DatasetVersion:
    """A dataset of prompts with their outcomes, brought in through the services."""
    table = table or outcomes()
    items = Items(
        ids=list(table.prompt_ids),
        texts=list(table.prompts),
        slices={name: list(values) for name, values in table.groups.items()},
    )
    version = create_dataset(user=owner, team=team, name=name, items=items)
    record_outcomes(user=owner, version=version, outcomes=table)
    return version


@cache
def measured() -> dict[str, Any]:
    """The result of an evaluation of those outcomes."""
    from apps.routing.encoders import encoder
    from apps.routing.evaluation import Plan, evaluate
    from apps.routing.methods.base import Embeddings

    table = outcomes()
    vectors = encoder("hashing").encode(table.prompts)
    embeddings = Embeddings(table.prompts, vectors, "hashing", table.groups["task"])
    found = evaluate(table, embeddings, Plan(("knn",), split="random", splits=1)).as_dict()
    found["facts"] = {"dataset": "Prompts", "version": 1, "inputs": "0" * 64}
    found["texts"] = dict(zip(table.prompt_ids, table.prompts, strict=True))
    json_found: dict[str, Any] = json.loads(json.dumps(found))
    return json_found


def evaluation_of(version: DatasetVersion, owner: User, name: str = "Does it help?") -> Evaluation:
    """An evaluation with numbers, as its job would have left it."""
    made = Evaluation.objects.create(
        team=version.team,
        created_by=owner,
        version=version,
        name=name,
        split="random",
        splits=1,
        encoder="hashing",
        routers=["knn"],
    )
    inputs = queries.evaluation_inputs(made)
    made.current = EvaluationResult.objects.create(
        evaluation=made,
        inputs=inputs,
        inputs_hash=queries.digest_of(inputs),
        blob=files.put(io.BytesIO(json.dumps(measured()).encode())),
        verdict=measured()["verdict"],
        summary=summary_of(measured()),
    )
    made.save(update_fields=["current"])
    return made


@cache
def _trained() -> tuple[Bundle, dict[str, Any]]:
    from apps.routing.encoders import encoder
    from apps.routing.methods.base import Embeddings

    table = outcomes()
    vectors = encoder("hashing").encode(table.prompts)
    embeddings = Embeddings(table.prompts, vectors, "hashing", table.groups["task"])
    bundle, held_out = Bundle.fit("knn", table, embeddings, seed=0)
    return bundle, {**bundle.facts(held_out, table), "asked": list(table.prompt_ids[:10])}


def router_of(version: DatasetVersion, owner: User, name: str = "Front door") -> Router:
    """A router whose first version serves, as its job would have left it."""
    bundle, facts = _trained()
    made = Router.objects.create(
        team=version.team,
        created_by=owner,
        version=version,
        name=name,
        slug=f"{name.lower().replace(' ', '-')}-{version.pk.hex[:6]}",
        method="knn",
        encoder="hashing",
    )
    inputs = queries.router_inputs(made)
    made.current = RouterVersion.objects.create(
        router=made,
        number=1,
        artifacts=bundle.put(),
        inputs=inputs,
        inputs_hash=queries.digest_of(inputs),
        facts=facts,
    )
    made.save(update_fields=["current"])
    return made
