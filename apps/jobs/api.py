"""API of this room."""

from typing import Any, cast

from django.db.models import QuerySet
from django_filters import ChoiceFilter
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.jobs import presence, queries, services
from apps.jobs.forms import JobFilter
from apps.jobs.models import Attempt, Job, Worker
from apps.jobs.registry import kinds
from apps.teams.models import User


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields = ["number", "worker_name", "created_at", "note", "ended_at", "outcome", "reason"]
        read_only_fields = fields


class JobSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = [
            "id",
            "team",
            "created_by",
            "created_at",
            "kind",
            "title",
            "queue",
            "state",
            "cancel_requested",
            "attempts",
            "max_attempts",
            "started_at",
            "finished_at",
            "done",
            "total",
            "message",
            "error",
            "retry_of",
        ]
        read_only_fields = fields


class JobDetailSerializer(JobSerializer):
    """A job with what it waits for, its result and its attempts."""

    reason = serializers.SerializerMethodField(
        help_text="What the job waits for or does, in one sentence."
    )
    params = serializers.DictField(read_only=True)
    result = serializers.DictField(read_only=True, allow_null=True)
    log = AttemptSerializer(many=True, read_only=True)

    class Meta(JobSerializer.Meta):
        fields = [*JobSerializer.Meta.fields, "reason", "params", "result", "log"]
        read_only_fields = fields

    def get_reason(self, job: Job) -> str:
        return queries.waiting_reason(job)


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    queues = serializers.ListField(child=serializers.CharField(), read_only=True)
    kinds = serializers.ListField(child=serializers.CharField(), read_only=True)
    alive = serializers.SerializerMethodField()

    class Meta:
        model = Worker
        fields = [
            "id",
            "name",
            "queues",
            "kinds",
            "version",
            "holds_back",
            "seen_at",
            "stopped_at",
            "alive",
        ]
        read_only_fields = fields

    def get_alive(self, worker: Worker) -> bool:
        return presence.is_alive(worker)


class JobListFilter(JobFilter):
    """The page's filters, and the kind of job."""

    kind = ChoiceFilter(choices=lambda: [(kind, kind) for kind in kinds()])


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Job]):
    """Background work: what was asked for, how far it is, how it ended."""

    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_class = JobListFilter
    search_fields = ("title",)
    ordering_fields = ("created_at", "title")

    def get_queryset(self) -> QuerySet[Job]:
        return queries.jobs(self._user())

    def get_serializer_class(self) -> Any:
        return JobSerializer if self.action == "list" else JobDetailSerializer

    @extend_schema(request=None, responses=JobDetailSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel a job; one that has ended is answered as it is."""
        job = services.cancel(user=self._user(), job=self.get_object())
        return Response(JobDetailSerializer(job).data)

    @extend_schema(request=None, responses=JobDetailSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Run a failed or cancelled job again, as a new job, which is the answer."""
        job = services.retry(user=self._user(), job=self.get_object())
        return Response(JobDetailSerializer(job).data)

    def _user(self) -> User:
        return cast(User, self.request.user)


class WorkerViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Worker]):
    """The processes that take jobs, of all teams alike."""

    queryset = Worker.objects.none()
    serializer_class = WorkerSerializer
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Worker]:
        return queries.workers()
