"""Runs that are disturbed: over an endpoint that misbehaves, and of a model whose process is killed."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from django.db.models import Model
from django.utils import timezone

from apps.catalog import queries as catalog
from apps.catalog.models import CandidateModel, DatasetVersion, ModelOutcome, ModelOutput
from apps.catalog.services import add_labels, create_dataset, create_model, set_price
from apps.catalog.store import Items
from apps.inference import answers, services
from apps.inference.answers import Kept
from apps.inference.chaos import faulty
from apps.inference.chaos.faulty import Fault, Faulty
from apps.inference.endpoints.forward import NotForwarded, forward
from apps.inference.endpoints.services import create_endpoint
from apps.inference.models import ModelSource, Run, RunAnswer
from apps.inference.throughput import made_texts, save_model
from apps.jobs.chaos.watch import MANY_ATTEMPTS, Watch
from apps.jobs.models import Job
from apps.jobs.runner import run_next
from apps.teams.models import Membership, Role, Team, User

if TYPE_CHECKING:
    from apps.jobs.chaos.crew import Crew

LIVE_RUNS = 2
MOST_RESUMES = 50
IN_FLIGHT, A_MINUTE = 16, 6_000
PROMPTS = 300
CHUNKS = 2
_MODEL_PROCESS = "apps.inference.runners.child"


class Runs(Watch):
    """Two runs at once; one that ended without all answers is resumed, as its owner would do."""

    seconds_between_kills = 1.0

    def __init__(self, team: Team, folder: Path, rng: Random) -> None:
        super().__init__(team, folder, rng)
        self.user = User.objects.create_user("chaos@example.org")
        Membership.objects.create(team=team, user=self.user, role=Role.ADMIN)
        self.runs: list[Run] = []
        self._resumed: dict[str, int] = {}

    @abstractmethod
    def source(self, model: CandidateModel) -> ModelSource:
        """How the model is run."""

    def dataset(self, prompts: Sequence[str]) -> DatasetVersion:
        """These texts, item-0 and on."""
        items = Items([f"item-{n}" for n in range(len(prompts))], texts=list(prompts))
        return create_dataset(user=self.user, team=self._team, name="Prompts", items=items)

    def start(self, version: DatasetVersion, name: str, scorer: str = "") -> Run:
        """A run of a model of that name."""
        model = create_model(user=self.user, team=self._team, name=name)
        run = services.start_run(
            user=self.user, version=version, source=self.source(model), scorer=scorer
        )
        return self._again(run)

    @staticmethod
    def _again(run: Run) -> Run:
        Job.objects.filter(pk=str(run.job_id)).update(max_attempts=MANY_ATTEMPTS)
        return run

    def live(self) -> int:
        """See `Watch`; what ended too soon goes on first."""
        # Counted before the runs are read: where no job is left, each run is read as it ended.
        live = super().live()
        for place, held in enumerate(self.runs):
            run = Run.objects.select_related("job").get(pk=held.pk)
            whole = run.answers_blob and run.answered == run.total
            times = self._resumed.get(run.slug, 0)
            if run.finished and not whole and times < MOST_RESUMES:
                self._resumed[run.slug] = times + 1
                self.counts["resumed"] += 1
                run = self._again(services.resume_run(user=self.user, run=run))
                live += 1
            self.runs[place] = run
        return live

    def unfinished(self) -> int:
        """How many runs go on."""
        self.live()
        return sum(not run.finished for run in self.runs)

    def kept_of(self, run: Run) -> list[Kept]:
        """The answers that a run came to."""
        found = answers.read(run.answers_blob) if run.answers_blob else []
        return [one for one in found if not one.failure]

    def missed(self, run: Run, kept: Sequence[Kept], batches: type[Model]) -> tuple[int, int]:
        """How many answers of a run were lost, and how many doubled, in `batches` of the catalog too."""
        places = {one.position for one in kept}
        lost = 0 if str(run.job_id) in self.stuck else run.total - len(places)
        held = batches._default_manager.filter(version=run.version, model=run.source.model)
        return lost, len(kept) - len(places) + (held.count() > 1)


class EndpointRuns(Runs):
    """Over one endpoint, which answers rightly, with a chat of somebody else now and then."""

    faults_met: tuple[Fault, ...] = ()

    def __init__(self, team: Team, folder: Path, rng: Random) -> None:
        super().__init__(team, folder, rng)
        self._server = Faulty(self.faults_met, rng.randrange(2**31))
        self._endpoint = create_endpoint(
            user=self.user,
            team=team,
            name="Faulty",
            base_url=self._server.start(),
            key="sk-chaos-0123456789",
            concurrency=IN_FLIGHT,
            requests_per_minute=A_MINUTE,
            timeout_seconds=1,
        )
        self._prompts = [f"Question {n}: what is {n} times {n % 97}?" for n in range(PROMPTS)]
        self._version = self.dataset(self._prompts)
        # Every third label is another one, so that a score says something.
        labels = {
            f"item-{n}": "another" if n % 3 == 0 else faulty.answer_to(prompt)
            for n, prompt in enumerate(self._prompts)
        }
        add_labels(user=self.user, version=self._version, labels=labels, chosen=False)
        # How often each (model, prompt) had been asked when its answer was first seen to be kept.
        self._asked_for_it: dict[tuple[str, str], int] = {}

    def source(self, model: CandidateModel) -> ModelSource:
        """See `Runs`."""
        set_price(
            user=self.user,
            model=model,
            valid_from=timezone.localdate() - timedelta(days=1),
            input_per_million=Decimal(1),
            output_per_million=Decimal(2),
        )
        return services.add_source(
            user=self.user,
            model=model,
            kind="endpoint",
            location=model.name,
            settings={"endpoint": self._endpoint.slug},
        )

    def enqueue(self) -> None:
        """See `Watch`."""
        for _ in range(LIVE_RUNS - self.unfinished()):
            self.runs.append(self.start(self._version, f"model {len(self.runs)}", "exact"))
        chat = {"messages": [{"role": "user", "content": "How do you do?"}]}
        with suppress(NotForwarded):
            forward(user=self.user, team=self._team, model="model 0", chat=chat)
            self.counts["chats"] += 1

    def live(self) -> int:
        """See `Watch`; notes which answers are kept by now."""
        rows = RunAnswer.objects.filter(run__in=self.runs, failed=False)
        for name, place in rows.values_list("run__source__location", "position"):
            question = name, self._prompts[place]
            self._asked_for_it.setdefault(question, self._server.asked[question])
        return super().live()

    def faults(self) -> dict[str, int]:
        """See `Watch`."""
        lost = doubled = differing = 0
        for run in self.runs:
            kept = self.kept_of(run)
            missing, twice = self.missed(run, kept, ModelOutcome)
            lost, doubled = lost + missing, doubled + twice
            differing += sum(not self._right(run, one) for one in kept)
            differing += run.spend != sum(
                (Decimal(repr(one.cost)) for one in kept if one.cost), Decimal(0)
            )
            name = run.source.location
            strange = any(model == name for model, _ in self._server.by_stranger)
            differing += strange and not any(faulty.STRANGER in note for note in run.notes)
        self.met.update(self._server.met)
        asked = self._server.asked
        return {
            "jobs": len(self.runs),
            "lost": lost,
            "doubled": doubled,
            "differing": differing,
            "paid_twice": sum(len(keys) - 1 for keys in self._server.keys.values())
            + sum(asked[question] > then for question, then in self._asked_for_it.items()),
            "over_limit": self._over_limit(),
        }

    def _over_limit(self) -> int:
        """By how many questions more were out at once than may be, or went out in a while."""
        if self.faults_met is faulty.HANGS:
            return 0  # a worker that sleeps leaves calls behind that only the endpoint could end
        window = 5.0
        # A turn may be taken a second late.
        allowed = (window + 1) * A_MINUTE / 60 + 1
        most = self._server.busiest(window)
        return max(0, self._server.most_open - IN_FLIGHT) + max(0, most - int(allowed))

    def _right(self, run: Run, kept: Kept) -> bool:
        """Whether an answer is what an honest endpoint would have said, as far as it can be known."""
        prompt = self._prompts[kept.position]
        counts = [(len(prompt), faulty.TOKENS_OUT)]
        if (run.source.location, prompt) in self._server.without_tokens:
            counts.append((None, None))  # type: ignore[arg-type]
        return (
            kept.text == faulty.answer_to(prompt)
            and kept.score == float(kept.position % 3 != 0)
            and (kept.input_tokens, kept.output_tokens) in counts
        )


class Hangs(EndpointRuns):
    """Over one that says nothing, or not all."""

    faults_met = faulty.HANGS


class Lies(EndpointRuns):
    """Over one that answers with what is no answer."""

    faults_met = faulty.LIES


class Floods(EndpointRuns):
    """Over one that sends more than can be read, or refuses all at once."""

    faults_met = faulty.FLOODS


class LocalRuns(Runs):
    """A classifier whose weights are loaded here; the numbers are those of a run that nobody disturbed."""

    seconds_between_kills = 3.0

    def __init__(self, team: Team, folder: Path, rng: Random) -> None:
        super().__init__(team, folder, rng)
        place = Path(settings.INFERENCE_MODELS_DIR) / "tiny"
        place.mkdir(parents=True)
        save_model(place)
        self._version = self.dataset(made_texts(CHUNKS * 512))
        self._undisturbed = self.start(self._version, "undisturbed")
        while run_next():
            pass

    def source(self, model: CandidateModel) -> ModelSource:
        """See `Runs`."""
        return services.add_source(
            user=self.user, model=model, kind="text-classification", location="folder:tiny"
        )

    def enqueue(self) -> None:
        """See `Watch`."""
        for _ in range(LIVE_RUNS - self.unfinished()):
            self.runs.append(self.start(self._version, f"model {len(self.runs)}"))

    def kill(self, crew: Crew) -> bool:
        """The worker, or the process of the model that it has started; while that loads, or in a chunk."""
        loading = self._rng.random() < 0.3
        running = Job.objects.filter(state="running", kind=services.RUN)
        wanted = running.filter(message="Loading the model")
        if not loading:
            wanted = running.exclude(message="Loading the model")
        deadline = time.monotonic() + 20
        while not wanted.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(self._rng.uniform(0, 0.5))
        if self._rng.random() < 0.5 and crew.kill_below(_MODEL_PROCESS):
            self.counts["model"] += 1
            return True
        return crew.kill()

    def faults(self) -> dict[str, int]:
        """See `Watch`."""
        table = catalog.predictions_of(self._version)
        row = {name: place for place, name in enumerate(table.model_names)}
        sure = table.probabilities
        lost = doubled = differing = 0
        for run in self.runs:
            missing, twice = self.missed(run, self.kept_of(run), ModelOutput)
            lost, doubled = lost + missing, doubled + twice
            if run.source.model.name in row and sure is not None:
                mine, true = row[run.source.model.name], row["undisturbed"]
                same = table.predictions[mine] == table.predictions[true]
                same &= sure[mine] == sure[true]
                differing += int(np.sum(~same))
        return {"jobs": len(self.runs), "lost": lost, "doubled": doubled, "differing": differing}
