"""Page addresses of this room."""

from django.urls import path

from apps.hooks import views

_ONE = "settings/webhooks/<uuid:pk>/"

urlpatterns = [
    path("settings/mail/", views.mail_wishes, name="mail_wishes"),
    path("settings/webhooks/", views.webhook_list, name="webhook_list"),
    path(_ONE, views.webhook_detail, name="webhook_detail"),
    path(f"{_ONE}switch/", views.webhook_switch, name="webhook_switch"),
    path(f"{_ONE}test/", views.webhook_ping, name="webhook_ping"),
    path(f"{_ONE}delete/", views.webhook_delete, name="webhook_delete"),
    path("settings/deliveries/<uuid:pk>/again/", views.delivery_again, name="delivery_again"),
]
