"""Webhooks in Django's admin: to look at, not to change."""

from django.contrib import admin

from apps.hooks.models import Delivery, Webhook


@admin.register(Webhook)
class WebhookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "team", "url", "active", "failures", "note"]
    list_select_related = ["team"]
    exclude = ["sealed_secret"]
    readonly_fields = ["team", "created_by", "name", "url", "events", "failures", "note"]


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["created_at", "webhook", "event", "state", "status", "attempts"]
    list_select_related = ["webhook"]
    readonly_fields = [field.name for field in Delivery._meta.concrete_fields]
