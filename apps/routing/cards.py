"""Result cards of evaluations of routers."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.catalog import queries as catalog
from apps.core.cards import Claim, Progress, Recount, register
from apps.routing import queries
from apps.routing.models import Evaluation, EvaluationResult
from apps.routing.services.evaluations import finished_result, plan_of

_ASKED = ("split", "splits", "encoder", "routers")
_CLOCKED = ("train_seconds", "milliseconds_per_prompt")


def claim_of(evaluation: Evaluation, result: EvaluationResult) -> Claim:
    """What a card says of a result: without prompts, and without what a clock measured."""
    return Claim(
        kind="evaluation",
        id=str(evaluation.pk),
        name=evaluation.name,
        priced_on=timezone.localdate(result.created_at).isoformat(),
        inputs=result.inputs,
        parameters={name: result.inputs[name] for name in _ASKED},
        seed=result.inputs["seed"],
        result=_timeless(queries.result_at(result.blob)),
    )


@register
class Evaluations(Recount):
    """Trains and tries all routers anew."""

    kind = "evaluation"

    def find(self, pk: UUID) -> Evaluation | None:
        """See `Recount.find`."""
        return Evaluation.objects.select_related("version__dataset").filter(pk=pk).first()

    def inputs(self, target: Evaluation, claim: Claim) -> dict[str, Any]:
        """See `Recount.inputs`."""
        return queries.evaluation_inputs(target, on=date.fromisoformat(claim.priced_on))

    def result(self, target: Evaluation, claim: Claim, progress: Progress) -> dict[str, Any]:
        """See `Recount.result`: what is asked is the evaluation's own, which equals the claim's."""
        from apps.routing.embedding import embed
        from apps.routing.evaluation import evaluate
        from apps.routing.methods.base import Embeddings
        from apps.routing.methods.tasks import task_labels

        outcomes = catalog.outcomes_of(target.version, on=date.fromisoformat(claim.priced_on))
        vectors, pinned = embed(target.encoder, outcomes.prompts, progress=progress)
        embeddings = Embeddings(outcomes.prompts, vectors, pinned, task_labels(outcomes))
        found = evaluate(outcomes, embeddings, plan_of(target), progress=progress).as_dict()
        digest = queries.digest_of(self.inputs(target, claim))
        return _timeless(finished_result(target, found, outcomes, digest))

    def kept(self, target: Evaluation, claim: Claim) -> dict[str, Any] | None:
        """See `Recount.kept`."""
        digest = queries.digest_of(claim.inputs)
        result: EvaluationResult | None = target.results.filter(inputs_hash=digest).first()
        return _timeless(queries.result_at(result.blob)) if result else None


def _timeless(result: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in result.items() if key != "texts"}
    kept["routers"] = {
        name: {key: value for key, value in router.items() if key not in _CLOCKED}
        for name, router in result["routers"].items()
    }
    return kept
