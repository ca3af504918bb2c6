"""Share links in Django's admin: to look at, not to change."""

from django.contrib import admin

from apps.sharing.models import ShareLink


@admin.register(ShareLink)
class ShareLinkAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["prefix", "team", "target", "note", "expires_at", "revoked_at", "views"]
    list_select_related = ["team", *ShareLink.SHOWS]
    exclude = ["token_hash", "password"]
    readonly_fields = [
        "team",
        "created_by",
        *ShareLink.SHOWS,
        "blob",
        "title",
        "scope",
        "embed_origins",
        "prefix",
        "views",
        "last_viewed_at",
    ]
