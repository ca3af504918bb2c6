"""Candidate models with a dated price book, datasets with immutable versions, outputs and labels.

The database says who, what and when; predictions, labels and items themselves are Parquet files kept
by content hash (`apps.core.files`).
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.core.models import Base
from apps.jobs.models import Job
from apps.teams.models import TeamOwned


class CandidateModel(TeamOwned):
    """A model that a team may use: known to the predictions files by its name."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    provider = models.CharField(max_length=100, blank=True)
    parameters = models.BigIntegerField(null=True, blank=True, help_text="Number of parameters.")
    released_on = models.DateField(null=True, blank=True)
    licence = models.CharField(max_length=100, blank=True)
    tags = models.JSONField(default=list, blank=True)
    notes = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("team", Lower("name"), name="model_name_unique_in_team"),
            models.CheckConstraint(
                condition=Q(parameters__isnull=True) | Q(parameters__gte=0),
                name="model_parameters_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Price(Base):
    """What a model costs from a day on, in US dollars; unknown is absent, never 0."""

    model = models.ForeignKey(CandidateModel, models.CASCADE, related_name="prices")
    valid_from = models.DateField()
    input_per_million = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    output_per_million = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    per_call = models.DecimalField(max_digits=18, decimal_places=12, null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["model", "valid_from"], name="price_one_a_day"),
            models.CheckConstraint(
                condition=(
                    Q(per_call__isnull=False, per_call__gte=0)
                    | Q(
                        input_per_million__isnull=False,
                        input_per_million__gte=0,
                        output_per_million__isnull=False,
                        output_per_million__gte=0,
                    )
                ),
                name="price_whole_and_not_negative",
            ),
        ]


class Dataset(TeamOwned):
    """A collection of items that candidates are compared on."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    description = models.TextField(blank=True)
    # Came with the product: what is done with it is no step of somebody's own.
    demo = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint("team", Lower("name"), name="dataset_name_unique_in_team")
        ]

    def __str__(self) -> str:
        return self.name


class DatasetVersion(TeamOwned):
    """An immutable list of items. `items_blob`: Parquet with `item_id` and optional `text`,
    `image` (PNG bytes) and `slice:<name>` columns, in the order that every prediction array follows."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    item_count = models.PositiveIntegerField()
    items_blob = models.CharField(max_length=64)
    # Declared classes in order; empty means: whatever the predictions and labels name.
    class_names = models.JSONField(default=list, blank=True)
    has_text = models.BooleanField(default=False)
    has_images = models.BooleanField(default=False)
    slice_names = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="version_number_unique")
        ]

    def __str__(self) -> str:
        return f"{self.dataset.name} v{self.number}"


class Upload(TeamOwned):
    """A file on its way in: stored, sniffed, mapped by its owner, checked whole, then committed or not.

    `errors` holds the first 100 problems ({"message", "row", "column", "value"}), `error_count` all.
    """

    class Purpose(models.TextChoices):
        ITEMS = "items", "items"
        PREDICTIONS = "predictions", "predictions"
        LABELS = "labels", "labels"
        OUTCOMES = "outcomes", "outcomes"
        MODELS = "models", "models and prices"

    class State(models.TextChoices):
        SNIFFED = "sniffed", "waiting for its columns to be confirmed"
        CHECKING = "checking", "being checked"
        COMMITTED = "committed", "taken over"
        REJECTED = "rejected", "rejected"

    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.SNIFFED)
    filename = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    blob = models.CharField(max_length=64, blank=True)
    # The file it came together with: both are taken over in one go, or neither is.
    lead = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="companions"
    )
    # The version it is for; empty while a first file of predictions or items makes a new dataset.
    version = models.ForeignKey(
        DatasetVersion, models.CASCADE, null=True, blank=True, related_name="uploads"
    )
    dataset_name = models.CharField(max_length=200, blank=True)
    sniffed = models.JSONField(default=dict, blank=True)
    mapping = models.JSONField(default=dict, blank=True)
    errors = models.JSONField(default=list, blank=True)
    error_count = models.PositiveIntegerField(default=0)
    # What taking it over brought: {"sentence": ...} and counts.
    summary = models.JSONField(default=dict, blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.filename


class PredictionBatch(TeamOwned):
    """Predictions committed together. `blob`: Parquet, one row an item of the version in its order, a
    column `pred:<model>` with a class index (-1 = not run) and optionally `prob:<model>`."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="prediction_batches")
    upload = models.ForeignKey(Upload, models.SET_NULL, null=True, blank=True, related_name="+")
    blob = models.CharField(max_length=64)
    class_names = models.JSONField(default=list)

    class Meta:
        ordering = ["created_at", "id"]


class ModelOutput(Base):
    """That a model has been run on a version, and which batch holds what it said."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="outputs")
    # Results rest on it: a model with predictions cannot be deleted.
    model = models.ForeignKey(CandidateModel, models.RESTRICT, related_name="outputs")
    batch = models.ForeignKey(PredictionBatch, models.CASCADE, related_name="outputs")
    # The model's name in the batch's file; the model itself may be renamed later.
    column = models.CharField(max_length=200)
    answered = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "model"], name="output_once_a_version")
        ]


class LabelBatch(TeamOwned):
    """Labels committed together; the labels of a version are all its batches, which never disagree.

    `blob`: Parquet with `item_id`, `label` and optionally `annotator`."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="label_batches")
    upload = models.ForeignKey(Upload, models.SET_NULL, null=True, blank=True, related_name="+")
    blob = models.CharField(max_length=64)
    count = models.PositiveIntegerField()
    # Drawn at random, or chosen to tell candidates apart: after a choice the plain statistics mislead.
    chosen = models.BooleanField(default=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]


class OutcomeBatch(TeamOwned):
    """Outcomes committed together. `blob`: Parquet, one row a prompt of the version in its order, and for
    a model any of the columns `score:<model>` (0..1), `cost:` (USD), `in_tokens:`, `out_tokens:` and
    `latency_ms:`; null where unknown."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="outcome_batches")
    upload = models.ForeignKey(Upload, models.SET_NULL, null=True, blank=True, related_name="+")
    blob = models.CharField(max_length=64)

    class Meta:
        ordering = ["created_at", "id"]


class ModelOutcome(Base):
    """That a model's outcomes on a version's prompts are known, and which batch holds them.

    `usage`: the batch says only what its calls took (a spend log); the scores are in another batch.
    """

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="outcomes")
    # Results rest on it: a model with outcomes cannot be deleted.
    model = models.ForeignKey(CandidateModel, models.RESTRICT, related_name="outcomes")
    batch = models.ForeignKey(OutcomeBatch, models.CASCADE, related_name="outcomes")
    # The model's name in the batch's file; the model itself may be renamed later.
    column = models.CharField(max_length=200)
    usage = models.BooleanField(default=False)
    answered = models.PositiveIntegerField(help_text="Number of prompts.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "model", "usage"], name="outcomes_once_a_version"
            )
        ]
