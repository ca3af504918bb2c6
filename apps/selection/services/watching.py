"""Tells webhooks, once, that a selection needs no more labels."""

from __future__ import annotations

from apps.hooks import queries as hooks
from apps.hooks import services as telling
from apps.hooks.models import Event
from apps.jobs.context import JobContext, JobFailed
from apps.jobs.models import Job, State
from apps.jobs.services import enqueue
from apps.selection import queries
from apps.selection.meter import meter_of
from apps.selection.models import SelectionSession

WATCH = "selection.watch"


def watch(session: SelectionSession) -> None:
    """A job that looks at the session after a label, where a webhook wants to know; called inside
    the transaction of the label. One that still waits will do."""
    if not hooks.wanted(session.team, Event.MAY_STOP) or _told(session):
        return
    waiting = Job.objects.filter(team=session.team, kind=WATCH, state=State.QUEUED)
    if not waiting.filter(params={"session": str(session.pk)}).exists():
        enqueue(
            user=None,
            team=session.team,
            kind=WATCH,
            title=f"See whether {session.name} may stop"[:200],
            params={"session": str(session.pk)},
        )


def look(ctx: JobContext) -> None:
    """The job: tell it if the rule says that labelling may stop."""
    rows = SelectionSession.objects.select_related("version__dataset", "team")
    session = rows.filter(pk=ctx.params["session"]).first()
    if session is None:
        raise JobFailed("The selection has been deleted.")
    try:
        meter = meter_of(session, queries.basis_of(session))
    except ValueError as error:
        raise JobFailed(str(error)) from error
    with ctx.finishing({"may_stop": meter.stop.stop}):
        if meter.stop.stop and not _told(session):
            telling.tell(
                team=session.team,
                event=Event.MAY_STOP,
                data={
                    "selection": str(session.pk),
                    "name": session.name,
                    "leader": meter.leader,
                    "labels": meter.labels,
                    "sentence": meter.sentence,
                },
            )


def _told(session: SelectionSession) -> bool:
    return hooks.told(session.team, Event.MAY_STOP, selection=str(session.pk))
