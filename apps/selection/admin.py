"""Selections in Django's admin: to look at, not to change."""

from django.contrib import admin

from apps.selection.models import Replay, SelectionSession


@admin.register(SelectionSession)
class SelectionSessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "team", "version", "method", "state", "event_count", "created_at"]
    list_select_related = ["team", "version__dataset"]
    search_fields = ["name"]
    readonly_fields = ["team", "version", "created_by", "event_count", "method", "seed"]


@admin.register(Replay)
class ReplayAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["__str__", "team", "job", "created_at"]
    list_select_related = ["team", "version__dataset", "job"]
    readonly_fields = ["team", "version", "created_by", "plan", "job", "blob", "inputs", "summary"]
