"""Django's admin, for whoever runs the server: to look at, because only leases change a job."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.jobs.models import Attempt, Job, Worker


class ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AttemptInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Attempt
    extra = 0


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["title", "kind", "team", "state", "attempts", "created_at", "finished_at"]
    list_filter = ["state", "queue", "kind"]
    inlines = [AttemptInline]


@admin.register(Worker)
class WorkerAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "queues", "version", "seen_at", "stopped_at"]
