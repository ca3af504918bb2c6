"""Datasets, and a kind of model that needs no weights, for tests of runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from apps.catalog.models import CandidateModel, DatasetVersion
from apps.catalog.services import add_labels, create_dataset, create_model
from apps.catalog.store import Items
from apps.core.models import new_slug
from apps.inference import services
from apps.inference.kinds import Gives, Setting
from apps.inference.models import ModelSource, Run, RunAnswer, Tournament, TournamentPlace
from apps.inference.runners import Answer, Question
from apps.teams.models import Team, User

GAP = {"n": 4, "mean": 0.0, "low": -0.5, "high": 0.5}
Say = Callable[[Question], Answer]
CPU = {"device": "cpu"}


def echo(question: Question) -> Answer:
    """What was asked, as the answer."""
    words = len(question.prompt.split())
    return Answer(question.item_id, question.prompt, input_tokens=words, output_tokens=words)


@dataclass
class Parrot:
    """A kind of model whose answers a function makes; `asked` remembers the questions."""

    say: Say = echo
    name: str = "parrot"
    title: str = "Parrot"
    gives: Gives = Gives.TEXT
    settings: tuple[Setting, ...] = ()
    reads_images: bool = False
    local: bool = False
    chunk: int = 1
    classes: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)

    def clean(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {"max_new_tokens": 10, **settings}

    def check(self, source: ModelSource) -> None:
        """Anything will do."""

    def open(self, run: Run, classes: Sequence[str]) -> ParrotRunner:
        return ParrotRunner(self, tuple(classes) or self.classes)


class ParrotRunner:
    """Answers one after the other."""

    def __init__(self, kind: Parrot, classes: tuple[str, ...]) -> None:
        self.kind, self.classes = kind, classes
        self.notes: list[str] = []
        self.facts: dict[str, Any] = {"revision": "r1"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kind = Parrot(say=lambda question: Answer(question.item_id, failure="closed"))

    def tend(self, fenced: Any) -> None:
        """Needs nothing."""

    def answers(self, questions: Iterable[Question]) -> Iterator[Answer]:
        for question in questions:
            self.kind.asked.append(question.item_id)
            yield self.kind.say(question)


def prompts(
    team: Team, owner: User, texts: Sequence[str], labels: Sequence[str] = (), **declared: Any
) -> DatasetVersion:
    """A dataset of texts, item-0 and on, whose first items have labels."""
    ids = [f"item-{n}" for n in range(len(texts))]
    version = create_dataset(
        user=owner, team=team, name="Prompts", items=Items(ids, texts=list(texts)), **declared
    )
    if labels:
        add_labels(
            user=owner,
            version=version,
            labels=dict(zip(ids, labels, strict=False)),
            chosen=False,
        )
    return version


def source_of(user: User, team: Team, kind: str, place: str, **options: Any) -> ModelSource:
    """Weights on this machine, of a candidate called after them."""
    name = f"m {place}"
    model = CandidateModel.objects.filter(name=name).first() or create_model(
        user=user, team=team, name=name
    )
    return services.add_source(
        user=user, model=model, kind=kind, location=place, settings=CPU, **options
    )


def run_of(version: DatasetVersion, owner: User, name: str) -> Run:
    """A run of a classifier with a failure and an answer, cancelled while it waited."""
    model = create_model(user=owner, team=version.team, name=name)
    source = services.add_source(
        user=owner, model=model, kind="text-classification", location="mill/tiny"
    )
    run = services.start_run(user=owner, version=version, source=source)
    services.cancel(user=owner, work=run)
    RunAnswer.objects.create(run=run, position=0, payload={"label": f"{name} class"})
    RunAnswer.objects.create(
        run=run, position=1, failed=True, payload={"failure": f"{name} failed."}
    )
    Run.objects.filter(pk=run.pk).update(answered=1, failed=1, notes=[f"{name} note"])
    run.refresh_from_db()
    return run


def tournament_of(run: Run, name: str) -> Tournament:
    """A tournament that is over, with the run as its winner; the others' runs have been deleted."""
    names = [name, f"{name} two", f"{name} three"]
    rows = {
        one: {"prompts": 4, "mean": 0.5, "spend": "0", "gap": None if one == name else GAP}
        for one in names
    }
    tournament = Tournament.objects.create(
        team=run.team,
        created_by=run.created_by,
        slug=new_slug(name),
        version=run.version,
        budget=12,
        rounds=[{"asked": 4, "candidates": names, "standings": [[one, 0.5] for one in names]}],
        results={
            "order": names,
            "tied": names,
            "rows": rows,
            "answers": 12,
            "spend": "0",
            "full": {"answers": 12, "usd": None},
        },
    )
    for one in names:
        TournamentPlace.objects.create(
            tournament=tournament, name=one, run=run if one == name else None
        )
    return tournament
