"""Share links in Django's admin: to look at, not to change."""

from django.contrib import admin

from apps.sharing.models import ShareLink


@admin.register(ShareLink)
class ShareLinkAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["prefix", "team", "board", "note", "expires_at", "revoked_at", "views"]
    list_select_related = ["team", "board"]
    exclude = ["token_hash"]
    readonly_fields = [
        "team",
        "created_by",
        "board",
        "snapshot",
        "prefix",
        "views",
        "last_viewed_at",
    ]
