"""What the first page shows of routing."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone

from apps.core.home import Entry, Section, needs, register
from apps.routing import queries
from apps.routing.models import EvaluationResult
from apps.teams.access import MemberRequest

NEWS = timedelta(days=7)
"""How long a changed verdict is told."""


@needs(order=16)
def changed_verdicts(request: MemberRequest) -> Iterable[Entry]:
    """Evaluations whose verdict is another than before, since outcomes or prices changed."""
    before = EvaluationResult.objects.filter(
        evaluation=OuterRef("pk"), created_at__lt=OuterRef("current__created_at")
    ).order_by("-created_at")
    rows = (
        queries.evaluations(request.user)
        .filter(team=request.team, current__created_at__gte=timezone.now() - NEWS)
        .annotate(before=Subquery(before.values("verdict")[:1]))
        .filter(before__isnull=False)
        .order_by("-current__created_at")
    )
    for evaluation in rows[:20]:
        if evaluation.current is None or evaluation.before == evaluation.current.verdict:
            continue
        url = reverse("evaluation_detail", args=[evaluation.pk])
        yield Entry(
            evaluation.name,
            url,
            sentence=f"Before: {evaluation.before} Now: {evaluation.current.verdict}",
            at=evaluation.current.created_at,
            kind="Evaluation",
            todo="Read why",
            todo_url=url,
        )


@register(order=12)
def latest_evaluations(request: MemberRequest) -> Section | None:
    """The three newest evaluations of the current team, each with its verdict."""
    found = list(queries.evaluations(request.user).filter(team=request.team)[:4])
    return Section(
        "Does routing help?",
        [
            Entry(
                evaluation.name,
                reverse("evaluation_detail", args=[evaluation.pk]),
                sentence=evaluation.current.verdict if evaluation.current else "",
                note="" if evaluation.current else "no numbers yet",
                at=evaluation.current.created_at if evaluation.current else evaluation.created_at,
            )
            for evaluation in found[:3]
        ],
        more_url=reverse("router_list") if len(found) > 3 else "",
    )
