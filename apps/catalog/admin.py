"""The catalog in Django's admin: to look at, not to change."""

from django.contrib import admin

from apps.catalog.models import CandidateModel, Dataset, Upload


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Changes go through the services, which check and leave a trace."""

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(CandidateModel)
class CandidateModelAdmin(ReadOnly):
    list_display = ["name", "team", "provider", "created_at"]
    search_fields = ["name"]


@admin.register(Dataset)
class DatasetAdmin(ReadOnly):
    list_display = ["name", "team", "created_at"]
    search_fields = ["name"]


@admin.register(Upload)
class UploadAdmin(ReadOnly):
    list_display = ["filename", "purpose", "state", "team", "created_at"]
    list_filter = ["purpose", "state"]
