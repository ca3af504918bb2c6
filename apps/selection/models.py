"""A session that asks for labels one at a time, the log of what was answered, and who has which item."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from apps.catalog.models import DatasetVersion
from apps.core.models import Base
from apps.selection.history.models import Replay
from apps.teams.models import TeamOwned, User

__all__ = ["LabelEvent", "Replay", "Reservation", "SelectionSession"]


class SelectionSession(TeamOwned):
    """The question put to annotators: which candidate on this version is best, for few labels?

    The labels of a session are the fold of its events (`queries.labelling_of`); nothing else is kept,
    so it can be gone on with at any time, in any process, on any machine.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        PAUSED = "paused", "paused"
        CLOSED = "closed", "closed"

    class Metric(models.TextChoices):
        ACCURACY = "accuracy", "Accuracy"
        SLICE = "slice", "Accuracy within a slice"
        COST = "cost", "Lowest expected cost, by a cost matrix"
        CREDIT = "credit", "Graded score, by a matrix of partial credit"
        RECALL = "recall", "Recall of a class"
        MACRO_F1 = "macro_f1", "Macro-F1"
        WORST_CLASS = "worst_class", "Recall of the worst class"

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="selections")
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    method = models.CharField(max_length=40)
    delta = models.FloatField(default=0.01, validators=[MinValueValidator(0), MaxValueValidator(1)])
    alpha = models.FloatField(
        default=0.05, validators=[MinValueValidator(0.001), MaxValueValidator(0.5)]
    )
    seed = models.PositiveIntegerField(default=0)
    # Share of the items drawn uniformly from those without a label: what honest estimates rest on.
    audit_share = models.FloatField(
        default=0.1, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    # Share of the labels, at most, that are further opinions on items with a label.
    second_share = models.FloatField(
        default=0.1, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    budget = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    # What a label costs, in US dollars.
    label_price = models.DecimalField(
        max_digits=10, decimal_places=4, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    # What makes a model good; `counting.checked_options` says what each needs beside its name.
    metric = models.CharField(max_length=12, choices=Metric.choices, default=Metric.ACCURACY)
    metric_options = models.JSONField(default=dict, blank=True)
    # Predictions a month that the chosen model will make, for so many months.
    monthly_volume = models.PositiveBigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(10**12)]
    )
    months = models.PositiveSmallIntegerField(
        default=12, validators=[MinValueValidator(1), MaxValueValidator(120)]
    )
    # What a right answer is worth, in US dollars; with another score, one of 1 instead of 0.
    answer_value = models.DecimalField(
        max_digits=12, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    # The size of a prediction, for models that are priced by the token.
    input_tokens = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(10_000_000)]
    )
    output_tokens = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(10_000_000)]
    )
    # The number of the last event; whoever adds one holds this row.
    event_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "selection"
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(delta__gte=0, delta__lte=1), name="session_delta_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(alpha__gt=0, alpha__lt=1), name="session_alpha_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(audit_share__gte=0, audit_share__lte=1),
                name="session_audit_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(second_share__gte=0, second_share__lte=1),
                name="session_second_share_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=1), name="session_budget_buys"
            ),
            models.CheckConstraint(
                condition=Q(label_price__isnull=True) | Q(label_price__gte=0),
                name="session_label_price_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(monthly_volume__isnull=True) | Q(monthly_volume__gte=1),
                name="session_volume_is_some",
            ),
            models.CheckConstraint(
                condition=Q(answer_value__isnull=True) | Q(answer_value__gte=0),
                name="session_answer_value_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(months__gte=1, months__lte=120), name="session_months_are_some"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LabelEvent(Base):
    """What an annotator said of an item; added to the end of the log, never altered.

    `number` counts the events of a session from 1. `probability` is the one with which the item was
    drawn for this annotator, given the labels before; None where the item was not asked for, and for
    a second opinion.
    `seconds` passed from when the item was first shown to them until they answered.
    """

    class Kind(models.TextChoices):
        LABEL = "label", "label"
        SKIP = "skip", "skipped"
        UNSURE = "unsure", "unsure"
        UNDO = "undo", "undone"
        # An editor's word on an item that annotators called differently.
        SETTLE = "settle", "settled"

    session = models.ForeignKey(SelectionSession, models.CASCADE, related_name="events")
    number = models.PositiveIntegerField()
    item = models.PositiveIntegerField()  # its index in the version
    annotator = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    label = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=1000, blank=True)
    seconds = models.FloatField(null=True)
    probability = models.FloatField(null=True)
    # Drawn uniformly, for the audit; else chosen by the method.
    audit = models.BooleanField(default=False)
    # Whether the candidates' answers were shown before this one was given.
    revealed = models.BooleanField(default=False)
    undoes = models.OneToOneField("self", models.CASCADE, null=True, related_name="undone_by")

    class Meta:
        ordering = ["session", "number"]
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="event_number_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=["label", "settle"], label__gt="")
                | (~Q(kind__in=["label", "settle"]) & Q(label="")),
                name="event_has_a_label_if_it_is_one",
            ),
            models.CheckConstraint(
                condition=Q(kind="undo", undoes__isnull=False)
                | (~Q(kind="undo") & Q(undoes__isnull=True)),
                name="event_undoes_one_if_it_is_an_undo",
            ),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__gt=0, probability__lte=1),
                name="event_probability_is_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("An event is never altered; add one that undoes it.")
        super().save(*args, **kwargs)


class Reservation(Base):
    """An item that is in front of one annotator, so that nobody else gets it meanwhile.

    Past `until` anybody else may be given the item; until that happens it stays theirs.
    """

    session = models.ForeignKey(SelectionSession, models.CASCADE, related_name="reservations")
    annotator = models.ForeignKey(User, models.CASCADE, related_name="+")
    item = models.PositiveIntegerField()
    until = models.DateTimeField()
    probability = models.FloatField(null=True)
    audit = models.BooleanField(default=False)
    # Others have labelled the item; it is asked again to hear whether somebody else agrees.
    second = models.BooleanField(default=False)
    revealed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "item"], name="reservation_one_an_item"),
            models.UniqueConstraint(
                fields=["session", "annotator"], name="reservation_one_an_annotator"
            ),
        ]
