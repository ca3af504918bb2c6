"""How candidates are run, and the runs themselves. What a run brings is the catalog's."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from apps.catalog.models import CandidateModel, DatasetVersion, OutcomeBatch, PredictionBatch
from apps.inference.answers import Kept
from apps.inference.endpoints.models import Endpoint, EndpointUse
from apps.jobs.models import FINAL, Job, State
from apps.teams.models import TeamOwned

__all__ = [
    "Endpoint",
    "EndpointUse",
    "ModelSource",
    "Run",
    "RunAnswer",
    "Tournament",
    "TournamentPlace",
]


class ModelSource(TeamOwned):
    """Where a candidate's answers come from: a kind of runner and what that needs to know.

    `location`: a hub id, or a folder below the one that the administrator allows. `revision`: the hub's
    commit or the hash of the folder's files; empty until it is first run, never changed after.
    """

    model = models.ForeignKey(CandidateModel, models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=40)
    location = models.CharField(max_length=500, blank=True)
    revision = models.CharField(max_length=64, blank=True)
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"{self.model.name} ({self.kind})"


class Worked(TeamOwned):
    """What a job works on, and what stays when the job is gone."""

    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True

    @property
    def ended_well(self) -> bool:
        """Whether it came to its end at some time."""
        raise NotImplementedError

    @property
    def state(self) -> str:
        """The state of its job; `cancelled` where that is gone and nothing came of it."""
        if self.job is not None:
            return self.job.state
        return State.SUCCEEDED if self.ended_well else State.CANCELLED

    @property
    def finished(self) -> bool:
        """Whether nothing works on it any more."""
        return self.state in FINAL


class Run(Worked):
    """A candidate put to the items of a dataset version. Its job says how far it is.

    While it runs, answers are rows of `RunAnswer`; when it has ended well they are one file
    (`answers_blob`), and one batch of the catalog holds what boards and routers need of them.
    """

    slug = models.SlugField(max_length=60, unique=True)
    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="runs")
    source = models.ForeignKey(ModelSource, models.CASCADE, related_name="runs")
    # For answers in words: a name in `scorers.SCORERS`, its settings, and what is compared with:
    # empty for the labels, else the name of a slice.
    scorer = models.CharField(max_length=40, blank=True)
    scorer_settings = models.JSONField(default=dict, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    # As the kind's `clean` made them, defaults filled in: all that the answers follow from.
    settings = models.JSONField(default=dict, blank=True)
    # So many items drawn at random, the same ones every time, and more of them where it grows.
    sample = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    # Kept up to date with every chunk of answers; of the answers that stand.
    total = models.PositiveIntegerField()
    answered = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    # What was really used and paid: a failed answer that is tried again has cost as well.
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    spend = models.DecimalField(max_digits=18, decimal_places=12, default=Decimal(0))
    # As `kinds.Estimate`: {"prompts", "input_tokens": [low, high], "output_tokens", "usd" or null}
    estimate = models.JSONField(default=dict, blank=True)
    cap = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    notes = models.JSONField(default=list, blank=True)
    # What the machine was and how it was used: {"device", "dtype", "revision", "seconds", ...}
    facts = models.JSONField(default=dict, blank=True)

    answers_blob = models.CharField(max_length=64, blank=True)
    predictions = models.ForeignKey(
        PredictionBatch, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    outcomes = models.ForeignKey(
        OutcomeBatch, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at", "id"]
        indexes = [models.Index(fields=["team", "-created_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(cap__isnull=True) | Q(cap__gte=0), name="run_cap_not_negative"
            ),
            models.CheckConstraint(condition=Q(spend__gte=0), name="run_spend_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.source.model.name} on {self.version}"

    @property
    def ended_well(self) -> bool:
        """See `Worked`: it has left answers."""
        return bool(self.answers_blob)


class RunAnswer(models.Model):
    """An answer that has come, until the run ends: a prompt that stands here is not paid twice.

    `payload`: {"text", "label", "confidence", "loss", "latency_ms", "failure", "score", "why"}, each
    only where there is one. `cost`: US dollars, null where no price is known.
    """

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, models.CASCADE, related_name="journal")
    # The item's place in the version.
    position = models.PositiveIntegerField()
    failed = models.BooleanField(default=False)
    payload = models.JSONField()
    input_tokens = models.PositiveIntegerField(null=True, blank=True)
    output_tokens = models.PositiveIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=18, decimal_places=12, null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="answer_once_a_position")
        ]

    @property
    def kept(self) -> Kept:
        """The row as the file of a run will hold it."""
        return Kept(
            position=self.position,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost=None if self.cost is None else float(self.cost),
            **self.payload,
        )


class Tournament(Worked):
    """Candidates put to more and more of the same prompts, the worse half leaving after each round.

    Each has one ordinary run, whose `sample` grows from round to round. The job of all of them is the
    tournament's.
    """

    slug = models.SlugField(max_length=60, unique=True)
    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="tournaments")
    # Answers in all, and US dollars in all: one of them at least.
    budget = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    cap = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    # {"asked": prompts each candidate has answered by its end, "candidates": names,
    # "standings": [[name, mean score]], best first, "left": names}; the last two once it has ended.
    rounds = models.JSONField(default=list)
    # Once it is over: see `services.tournament.results_of`.
    results = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(budget__isnull=False) | Q(cap__isnull=False),
                name="tournament_has_a_budget",
            ),
            models.CheckConstraint(
                condition=Q(cap__isnull=True) | Q(cap__gte=0), name="tournament_cap_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"Tournament on {self.version}"

    @property
    def ended_well(self) -> bool:
        """See `Worked`: it has results."""
        return bool(self.results)


class TournamentPlace(models.Model):
    """A candidate in a tournament. `left_in`: the round it left in; `reason`: why, in a sentence."""

    tournament = models.ForeignKey(Tournament, models.CASCADE, related_name="places")
    name = models.CharField(max_length=200)
    run = models.ForeignKey(Run, models.SET_NULL, null=True, blank=True, related_name="places")
    left_in = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=600, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["tournament", "name"], name="place_once_a_tournament")
        ]

    def __str__(self) -> str:
        return self.name
