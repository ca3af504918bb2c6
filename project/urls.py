"""Every address of the product; each room brings its own."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.core.views import client

api = [
    path("", include("apps.teams.api_urls")),
    path("", include("apps.jobs.api_urls")),
    path("", include("apps.hooks.api_urls")),
    path("", include("apps.catalog.api_urls")),
    path("", include("apps.inference.endpoints.api_urls")),
    path("", include("apps.inference.api_urls")),
    path("", include("apps.routing.api_urls")),
    path("", include("apps.selection.api_urls")),
    path("", include("apps.leaderboards.api_urls")),
    path("", include("apps.sharing.api_urls")),
]

urlpatterns = [
    path("", include("apps.core.urls")),
    path("", include("apps.teams.urls")),
    path("", include("apps.jobs.urls")),
    path("", include("apps.hooks.urls")),
    path("", include("apps.catalog.urls")),
    path("", include("apps.inference.endpoints.urls")),
    path("", include("apps.inference.urls")),
    path("", include("apps.routing.urls")),
    path("", include("apps.selection.urls")),
    path("", include("apps.leaderboards.urls")),
    path("", include("apps.sharing.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include((api, "api"))),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="api_docs"),
    path("api/client.py", client, name="api_client"),
    path("admin/", admin.site.urls),
]

handler404 = "apps.core.views.not_found"
