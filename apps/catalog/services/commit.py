"""Taking uploads over: what was checked is named by rows in one transaction, the one that ends the job."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import timezone

from apps.catalog.garbage import collect_garbage
from apps.catalog.models import Dataset, DatasetVersion, Upload
from apps.catalog.queries import stored_labels, upload_group
from apps.catalog.readers import FileProblem
from apps.catalog.services.check import Plan, Rejected, read_all
from apps.catalog.services.datasets import name_taken
from apps.catalog.services.labels import Arrival, compare, strangers
from apps.catalog.services.models import announce, versions_with
from apps.catalog.services.models_file import take_models
from apps.catalog.services.outcomes import name_outcomes, outcomes_there
from apps.catalog.services.records import (
    already_there,
    known_otherwise,
    make_dataset,
    make_version,
    record_labels,
    record_predictions,
)
from apps.catalog.services.uploads import no_room
from apps.jobs.context import JobContext, JobFailed
from apps.teams.services import audit

_TRIES = 5  # of the last transaction, when others write to the same version at the same time


class _Overtaken(Exception):
    """Labels came or went while these were being compared: look again."""


def commit_upload(ctx: JobContext) -> None:
    """Take over the upload of a job, and those that came with it: all of it, or nothing.

    Raises:
        JobFailed: a file is rejected (its upload holds the problems), or the disk is full.
    """
    group = _group(ctx)
    try:
        plan = read_all(ctx, group)
        for _ in range(_TRIES):
            try:
                _Writing(ctx, group, plan).write()
                return
            except (IntegrityError, _Overtaken):
                ctx.raise_if_stopped()
        raise JobFailed("Others keep changing this dataset at the same time; please try again.")
    except Rejected as rejected:
        _reject(ctx, group, rejected)
        collect_garbage()
        raise JobFailed(str(rejected.problem)) from rejected
    except (Dataset.DoesNotExist, DatasetVersion.DoesNotExist) as error:
        raise JobFailed("The dataset has been deleted meanwhile.") from error
    except OSError as error:
        raise JobFailed(no_room(group[0].filename, error)) from error


def _group(ctx: JobContext) -> list[Upload]:
    lead = (
        Upload.objects.select_related("team", "version__dataset", "version__team")
        .filter(pk=ctx.params["upload"])
        .first()
    )
    if lead is None:
        raise JobFailed("The upload, or the dataset it was for, has been deleted.")
    return upload_group(lead)


def _reject(ctx: JobContext, group: list[Upload], rejected: Rejected) -> None:
    """Write the problems into the upload that has them; the others wait as they did before."""
    with ctx.fenced():
        for upload in group:
            mine = upload.pk == rejected.upload.pk
            problem = rejected.problem
            Upload.objects.filter(pk=upload.pk).update(
                state=Upload.State.REJECTED if mine else Upload.State.SNIFFED,
                errors=[asdict(one) for one in problem.problems] if mine else [],
                error_count=problem.count if mine else 0,
            )


class _Writing:
    """One try of the transaction."""

    def __init__(self, ctx: JobContext, group: list[Upload], plan: Plan) -> None:
        self.ctx, self.group, self.plan = ctx, group, plan
        self.user = ctx.job.created_by
        self.sentences: dict[UUID, str] = {}
        self.arrival: Arrival | None = None
        self.batches: frozenset[UUID] = frozenset()
        self._compare_labels()

    def write(self) -> None:
        """Write all rows; they and the job's success become true together.

        Raises:
            Rejected, IntegrityError, _Overtaken: nothing was written.
        """
        result: dict[str, Any] = {}
        with self.ctx.finishing(result):
            version = self._version()
            if version is not None:
                result.update(self._fill(version))
            if self.plan.models is not None:
                self._take_models()
            for upload in self.group:
                self._close(upload, version)
            result["sentences"] = list(self.sentences.values())

    def _compare_labels(self) -> None:
        """Hold the labels against the stored ones, outside the transaction: it may take a while."""
        if self.plan.labels is None:
            return
        upload, data, _ = self.plan.labels
        known: dict[str, str] = {}
        if upload.version is not None:
            known, self.batches = stored_labels(upload.version)
        try:
            self.arrival = compare(
                data.item_ids, data.labels, data.rows, stored=known, name=upload.filename
            )
        except FileProblem as problem:
            raise Rejected(upload, problem) from problem

    def _version(self) -> DatasetVersion | None:
        """The version to write to, locked: the one uploaded for, or a new one."""
        lead = self.group[0]
        if self.plan.items is None:
            if lead.version_id is None:
                return None
            rows = DatasetVersion.objects.select_for_update(of=("self",))
            held: DatasetVersion = rows.select_related("dataset", "team").get(pk=lead.version_id)
            return held
        upload, stored = self.plan.items
        version = make_version(user=self.user, dataset=self._dataset(lead), items=stored)
        count = version.item_count
        self.sentences[upload.pk] = f"{count:,} {'item' if count == 1 else 'items'}."
        return version

    def _dataset(self, lead: Upload) -> Dataset:
        if lead.version is not None:
            dataset: Dataset = Dataset.objects.select_related("team").get(versions=lead.version)
            return dataset
        name = lead.dataset_name
        if Dataset.objects.filter(team=lead.team, name__iexact=name).exists():
            raise Rejected.because(lead, name_taken(name))
        try:
            return make_dataset(user=self.user, team=lead.team, name=name)
        except ValidationError as error:
            raise Rejected.because(lead, *error.messages) from error

    def _fill(self, version: DatasetVersion) -> dict[str, Any]:
        """Write predictions, outcomes and labels to the version, and tell who listens."""
        if self.plan.predictions is not None:
            upload, stored = self.plan.predictions
            if fault := already_there(version, stored.model_names):
                raise Rejected.because(upload, fault)
            others = known_otherwise(team=version.team, names=stored.model_names)
            record_predictions(user=self.user, version=version, stored=stored, upload=upload)
            count = len(stored.model_names)
            said = f"Predictions of {count:,} {'model' if count == 1 else 'models'}.{others}"
            self.sentences[upload.pk] = f"{self.sentences.get(upload.pk, '')} {said}".strip()
        if self.plan.outcomes is not None:
            self._add_outcomes(version)
        if self.plan.labels is not None and self.arrival is not None:
            label_upload, data, labels = self.plan.labels
            live = version.label_batches.filter(withdrawn_at__isnull=True)
            if frozenset(live.values_list("pk", flat=True)) != self.batches:
                raise _Overtaken
            if self.arrival.new:
                record_labels(user=self.user, version=version, stored=labels, upload=label_upload)
            batches = version.prediction_batches.values_list("class_names", flat=True)
            answered = {name for names in batches for name in names}
            self.sentences[label_upload.pk] = self.arrival.sentence + strangers(
                data.labels, answered
            )
        announce([version], user=self.user)
        return {"version": str(version.pk), "dataset": version.dataset.slug}

    def _add_outcomes(self, version: DatasetVersion) -> None:
        assert self.plan.outcomes is not None  # noqa: S101 - the caller has asked
        upload, stored = self.plan.outcomes
        if fault := outcomes_there(version, stored):
            raise Rejected.because(upload, fault)
        others = known_otherwise(team=version.team, names=stored.model_names)
        name_outcomes(user=self.user, version=version, stored=stored, upload=upload)
        count = len(stored.model_names)
        what = "Costs and tokens" if stored.usage else "Outcomes"
        said = f"{what} of {count:,} {'model' if count == 1 else 'models'}.{others}"
        self.sentences[upload.pk] = f"{self.sentences.get(upload.pk, '')} {said}".strip()

    def _take_models(self) -> None:
        assert self.plan.models is not None  # noqa: S101 - the caller has asked
        upload, rows = self.plan.models
        try:
            taken = take_models(
                user=self.user,
                team=upload.team,
                rows=rows,
                today=timezone.localdate(),
                source=upload.filename,
            )
        except ValidationError as error:
            raise Rejected.because(upload, *error.messages) from error
        self.sentences[upload.pk] = taken.sentence
        audit(
            user=self.user,
            team=upload.team,
            action="models.imported",
            target=upload,
            new=taken.new,
            prices=taken.prices,
            blob=upload.blob,
        )
        announce(versions_with(taken.priced), user=self.user)

    def _close(self, upload: Upload, version: DatasetVersion | None) -> None:
        """The file itself is not needed any more; its hash stays as a witness."""
        Upload.objects.filter(pk=upload.pk).update(
            state=Upload.State.COMMITTED,
            version=version,
            summary={"sentence": self.sentences.get(upload.pk, ""), "sha256": upload.blob},
            blob="",
        )
