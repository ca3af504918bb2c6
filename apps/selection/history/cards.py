"""Result cards of replays."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.core.cards import Claim, Progress, Recount, register
from apps.selection.history import queries, services
from apps.selection.history.models import Replay
from apps.selection.replay import Plan, outcome_of, realisations

_CLOCKED = "seconds_per_step"
_NAMED = "collection"  # what the dataset was called


def claim_of(replay: Replay) -> Claim:
    """What a card says of a finished replay: without its name, and without what a clock measured."""
    asked = dict(replay.plan)
    return Claim(
        kind="replay",
        id=str(replay.pk),
        name=str(replay),
        priced_on=timezone.localdate(replay.created_at).isoformat(),  # no price counts here
        inputs=replay.inputs,
        seed=asked.pop("seed"),
        parameters=asked,
        result=_timeless(queries.result_of(replay)),
    )


@register
class Replays(Recount):
    """Labels the same pools by the same methods anew."""

    kind = "replay"

    def find(self, pk: UUID) -> Replay | None:
        """See `Recount.find`; one that has not ended claims nothing."""
        rows = Replay.objects.exclude(blob="").select_related("version__dataset", "version__team")
        return rows.filter(pk=pk).first()

    def inputs(self, target: Replay, claim: Claim) -> dict[str, Any]:
        """See `Recount.inputs`."""
        return services.inputs_of(target.version)

    def result(self, target: Replay, claim: Claim, progress: Progress) -> dict[str, Any]:
        """See `Recount.result`."""
        collection, chosen = queries.collection_of(target.version)
        plan = services.checked_plan(_plan(claim), collection)
        total = plan.realisations * len(plan.methods)

        def before(number: int, method: str) -> None:
            done = number * len(plan.methods) + plan.methods.index(method)
            progress(done, total, f"Pool {number + 1:,} of {plan.realisations:,}: {method}")

        found = list(realisations(collection, plan, before=before))
        return _timeless(
            services.result_of(outcome_of(collection, plan, found), collection, chosen)
        )

    def kept(self, target: Replay, claim: Claim) -> dict[str, Any] | None:
        """See `Recount.kept`."""
        same = target.inputs == claim.inputs and services.plain(_plan(claim)) == target.plan
        return _timeless(queries.result_of(target)) if same else None


def _plan(claim: Claim) -> Plan:
    asked = dict(claim.parameters)
    return Plan(methods=tuple(asked.pop("methods")), seed=claim.seed, **asked)


def _timeless(result: dict[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in result["outcome"].items() if key != _NAMED}
    found["methods"] = {
        name: {key: value for key, value in one.items() if key != _CLOCKED}
        for name, one in found["methods"].items()
    }
    return {**result, "outcome": found}
