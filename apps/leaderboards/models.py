"""A board: candidates on one dataset version, ranked on the labels there are."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from apps.catalog.models import DatasetVersion
from apps.core.models import Base
from apps.core.prose import plain
from apps.jobs.models import Job
from apps.teams.models import TeamOwned


class Board(TeamOwned):
    """The question asked of a dataset version; `Snapshot` holds the answers as the data grow."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="boards")
    delta = models.FloatField(default=0.01, validators=[MinValueValidator(0), MaxValueValidator(1)])
    alpha = models.FloatField(
        default=0.05, validators=[MinValueValidator(0.001), MaxValueValidator(0.5)]
    )
    # Prices are compared for one call of this many tokens.
    input_tokens = models.PositiveIntegerField(default=1000)
    output_tokens = models.PositiveIntegerField(default=200)
    seed = models.PositiveIntegerField(default=0)
    # The job that brings the board up to date, while there is one.
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    # The answer for the data as they stand; not always the newest: withdrawn labels bring an older one back.
    current = models.ForeignKey(
        "Snapshot", models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(delta__gte=0, delta__lte=1), name="board_delta_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(alpha__gt=0, alpha__lt=1), name="board_alpha_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def verdict(self) -> str:
        """The current verdict as plain text; empty where there is none yet."""
        return plain(self.current.summary["verdict"]) if self.current else ""


class Snapshot(Base):
    """A board's numbers for one state of its data: immutable, recomputable from what it names.

    `blob`: JSON of the result (`compute.compute`). `inputs`: content hashes of predictions and labels,
    prices, settings; `inputs_hash` is their SHA-256, so the same data give one snapshot.
    """

    board = models.ForeignKey(Board, models.CASCADE, related_name="snapshots")
    inputs = models.JSONField()
    inputs_hash = models.CharField(max_length=64)
    blob = models.CharField(max_length=64)
    # What the board may still be asked, as who beats whom (`compute.kept_arrays`); empty where nothing is
    # ranked, and in snapshots of before there was such a file.
    pairs_blob = models.CharField(max_length=64, blank=True)
    # For lists, so that they need not open the file: {"chosen" with its "accuracy", "low", "high", "p_best",
    # "labels", "models", "verdict", "decided"}
    summary = models.JSONField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["board", "inputs_hash"], name="snapshot_once_per_inputs"
            )
        ]
