"""Runs in Django's admin: to look at, not to change."""

from django.contrib import admin

from apps.inference.models import ModelSource, Run


@admin.register(ModelSource)
class ModelSourceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["model", "team", "kind", "location", "revision", "created_at"]
    list_select_related = ["team", "model"]
    readonly_fields = ["team", "created_by", "model", "kind", "location", "revision", "settings"]


@admin.register(Run)
class RunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = [
        "__str__",
        "team",
        "state",
        "answered",
        "failed",
        "total",
        "spend",
        "created_at",
    ]
    list_select_related = ["team", "version__dataset", "source__model", "job"]
    readonly_fields = [
        field.name for field in Run._meta.concrete_fields if field.name not in ("id", "cap")
    ]
