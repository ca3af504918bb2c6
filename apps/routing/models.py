"""Evaluations of routers on recorded outcomes, routers in use, and the versions of each."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from apps.catalog.models import DatasetVersion
from apps.core.models import Base
from apps.core.prose import plain
from apps.jobs.models import Job
from apps.teams.models import TeamOwned

MOST_SPLITS = 100


class Evaluation(TeamOwned):
    """The question whether routing helps on a version's outcomes; `EvaluationResult` answers it."""

    name = models.CharField(max_length=200)
    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="evaluations")
    # As in `manage.py bench routing`: random, group, unseen:COLUMN, transfer:COLUMN=TRAIN/TEST.
    split = models.CharField(max_length=200, default="group")
    splits = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(MOST_SPLITS)]
    )
    encoder = models.CharField(max_length=300)
    routers = models.JSONField()  # names in the registry
    seed = models.PositiveIntegerField(default=0)
    # The job that answers it anew, while there is one.
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    current = models.ForeignKey(
        "EvaluationResult", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # Outcomes or prices have changed since `current` was computed.
    stale = models.BooleanField(default=False)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(splits__gte=1, splits__lte=MOST_SPLITS), name="evaluation_has_splits"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def verdict(self) -> str:
        """The verdict as plain text; empty where there is none yet."""
        return plain(self.current.verdict) if self.current else ""


class EvaluationResult(Base):
    """An evaluation's numbers for one state of its data: immutable, recomputable from what it names.

    `inputs`: content hashes of outcomes and prices, settings; `inputs_hash` is their SHA-256, so the
    same data give one result. `blob`: all numbers as JSON.
    """

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="results")
    inputs = models.JSONField()
    inputs_hash = models.CharField(max_length=64)
    blob = models.CharField(max_length=64)
    verdict = models.CharField(max_length=1000)
    # For lists, so that they need not open the file: {"prompts", "models", "splits", "priced"}
    summary = models.JSONField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["evaluation", "inputs_hash"], name="evaluation_result_once_per_inputs"
            )
        ]


class Router(TeamOwned):
    """A router that decides which model a prompt goes to; `RouterVersion` is what it has learnt.

    `current` serves. A training that fails leaves it as it is.
    """

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="routers")
    method = models.CharField(max_length=40)
    encoder = models.CharField(max_length=300)
    seed = models.PositiveIntegerField(default=0)
    # The last job that trained it or added a model.
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    current = models.ForeignKey(
        "RouterVersion", models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.name


class RouterVersion(Base):
    """What a router learnt at one time: immutable.

    `artifacts`: content hashes of its files (safetensors and JSON) by their names; `decision.json`
    among them holds guard and dial. `inputs_hash`: of the outcomes, prices and settings it was
    trained on. `facts`: what pages show, {"models", "prompts", "seconds", "held_out": {...}}.
    """

    router = models.ForeignKey(Router, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    artifacts = models.JSONField()
    inputs = models.JSONField()
    inputs_hash = models.CharField(max_length=64)
    facts = models.JSONField()
    # The model that joined from few prompts, where this is what made the version.
    added_model = models.CharField(max_length=200, blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["router", "number"], name="router_version_number_unique"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A version of a router is never altered; train another one.")
        super().save(*args, **kwargs)
