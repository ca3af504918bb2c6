"""Boards in Django's admin: to look at, not to change."""

from django.contrib import admin

from apps.leaderboards.models import Board


@admin.register(Board)
class BoardAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "team", "version", "delta", "created_at"]
    list_select_related = ["team", "version__dataset"]
    search_fields = ["name", "slug"]
    readonly_fields = ["team", "version", "created_by", "job", "current", "slug"]
