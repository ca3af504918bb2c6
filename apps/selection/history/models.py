"""A replay of a labelled version: what was asked, and the file of what came out."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.catalog.models import DatasetVersion
from apps.jobs.models import Job
from apps.teams.models import TeamOwned


class Replay(TeamOwned):
    """Never altered once its job has ended; another plan, or more labels, is another replay."""

    version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="replays")
    # As JSON: methods, pool, realisations, budget and seed of a `replay.Plan`.
    plan = models.JSONField()
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    # Content hash of the result (JSON of `history.services.result_of`); empty until the job has ended.
    blob = models.CharField(max_length=64, blank=True)
    # What the realisations so far have found, for whoever goes on with the job.
    partial_blob = models.CharField(max_length=64, blank=True)
    # Content hashes of the predictions and labels that the result rests on.
    inputs = models.JSONField(default=dict, blank=True)
    # What a list shows: the verdict, by that name.
    summary = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"Replay of {self.version}"

    @property
    def methods(self) -> list[str]:
        """The names of the methods replayed."""
        named: Any = self.plan["methods"]
        return list(named)
