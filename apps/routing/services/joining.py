"""Let a model join a router from its outcomes on 20 to 50 prompts."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.catalog import queries as catalog
from apps.catalog.models import DatasetVersion
from apps.catalog.tables import OutcomeTable
from apps.core.spreadsheets import as_written
from apps.jobs.context import JobContext, JobFailed
from apps.jobs.models import Job
from apps.jobs.services import enqueue
from apps.routing import queries
from apps.routing.models import Router
from apps.routing.services.routers import keep_version, point_at_job, router_of
from apps.routing.services.shared import embedded, queue_for
from apps.teams.models import Role, User
from apps.teams.services import audit, require
from apps.teams.services.base import one_line

ADD_MODEL = "routing.add_model"
FEWEST, MOST = 5, 500
MOST_BYTES = 1 << 20  # of a file with the new model's outcomes
Given = dict[str, tuple[float, float | None]]


def read_outcomes(content: bytes) -> Given:
    """Scores and costs by prompt id, from a CSV with `prompt_id`, `score` and optionally `cost_usd`.

    `cost` is read as well: unread, it would take the router its budget dial without a word. Rows
    without a score are left out.

    Raises:
        ValidationError: one sentence that names the row.
    """
    if len(content) > MOST_BYTES:
        raise ValidationError(
            f"The file has more than {MOST_BYTES >> 20} MB: leave out the column of the prompts' texts."
        )
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValidationError("This is no CSV file in UTF-8.") from error
    if not rows or not {"prompt_id", "score"} <= rows[0].keys():
        raise ValidationError("The file needs a head with the columns prompt_id and score.")
    paid = "cost_usd" if "cost_usd" in rows[0] else "cost"
    given: Given = {}
    for number, row in enumerate(rows, 2):
        prompt, score = (row["prompt_id"] or "").strip(), (row["score"] or "").strip()
        cost = (row.get(paid) or "").strip()
        if not score:
            continue
        if prompt in given:
            raise ValidationError(f"Row {number}: the prompt `{prompt[:60]}` comes twice.")
        given[prompt] = (
            _number(score, number, "score", 1.0),
            _number(cost, number, paid, 1e6) if cost else None,
        )
    return given


def _number(text: str, row: int, column: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= most:
        raise ValidationError(
            f"Row {row}: `{text[:40]}` in column `{column}` is no number from 0 to {most:g}."
        )
    return value


@transaction.atomic
def add_model(
    *, user: User, router: Router, name: str, given: Mapping[str, tuple[float, float | None]]
) -> Job:
    """Let a model join the version that serves; a new version comes of it.

    Args:
        given: score 0..1 and cost in US dollars (None unknown) by the id of the prompt.

    Raises:
        PermissionDenied: below editor. ValidationError: no version serves, the name is taken, too few
        or unknown prompts.
    """
    require(user=user, team=router.team, role=Role.EDITOR)
    wanted = one_line(name)[:200]
    if router.current is None:
        raise ValidationError("Train the router first: a model joins a version that serves.")
    if not wanted:
        raise ValidationError("Name the new model.")
    if wanted.lower() in {known.lower() for known in router.current.facts["models"]}:
        raise ValidationError(f"This router has a model `{wanted}` already.")
    if not FEWEST <= len(given) <= MOST:
        raise ValidationError(
            f"{len(given)} prompts with a score were given; {FEWEST} to {MOST} are needed."
        )
    ids = set(catalog.item_ids_of(router.version))
    given = {
        prompt if prompt in ids else as_written(prompt): pair for prompt, pair in given.items()
    }
    if strange := [prompt for prompt in given if prompt not in ids]:
        raise ValidationError(f"{router.version} has no prompt `{strange[0][:60]}`.")
    audit(user=user, team=router.team, action="router.model_added", target=router, model=wanted)
    job = enqueue(
        user=user,
        team=router.team,
        kind=ADD_MODEL,
        title=f"Let {wanted} join the router {router.name}"[:200],
        params={
            "router": str(router.pk),
            "model": wanted,
            "outcomes": {prompt: list(pair) for prompt, pair in given.items()},
        },
        key=f"{router.pk}:{queries.digest_of({'model': wanted, **given})[:32]}",
        queue=queue_for([router.method], router.encoder),
    )
    point_at_job(router, job)
    return job


def join(ctx: JobContext) -> None:
    """The job of a model that joins; without training anything anew."""
    from apps.routing.bundle import Bundle
    from apps.routing.joining import joined, table_of

    router, name = router_of(ctx), ctx.params["model"]
    current = router.current
    if current is None:
        raise JobFailed("The router has no version that a model could join.")
    given: Given = {prompt: (pair[0], pair[1]) for prompt, pair in ctx.params["outcomes"].items()}
    try:
        known = _known(router.version, current.facts["models"])
        every = embedded(ctx, router.encoder, known)
        own = table_of(known, name, given)
        place = {prompt: row for row, prompt in enumerate(known.prompt_ids)}
        near = every.subset([place[prompt] for prompt in own.prompt_ids])
        ctx.raise_if_stopped()
        ctx.progress(1, 2, f"Placing {name} among {known.n_models} models")
        bundle, curve = joined(
            lambda: Bundle.open(current.artifacts), name, own, near, known, every
        )
    except ValueError as error:
        raise JobFailed(str(error)) from error
    facts = {**current.facts, "models": list(bundle.model_names), "joined": curve}
    inputs = {**current.inputs, "joined": {**current.inputs.get("joined", {}), name: given}}
    keep_version(ctx, router, bundle.put(), inputs, facts, added_model=name)


def _known(version: DatasetVersion, models: list[str]) -> OutcomeTable:
    """The outcomes of the models that the router knows from them; others joined it earlier."""
    table = catalog.outcomes_of(version)
    held = [place for place, name in enumerate(table.model_names) if name in models]
    if len(held) < len(models):
        raise ValueError(
            "A model has joined this version already. Bring its outcomes into the dataset and train "
            "the router again before another one joins."
        )
    return table.subset(models=held)
