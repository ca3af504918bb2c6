"""Page addresses of this room."""

from django.urls import path

from apps.core import health, views

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("help/keys/", views.keys, name="help_keys"),
    path("help/numbers/", views.numbers, name="help_numbers"),
    path("help/numbers/<slug:slug>/", views.numbers_of, name="help_numbers_of"),
    path("theme/", views.theme, name="theme"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
