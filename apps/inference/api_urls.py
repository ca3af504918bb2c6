"""API addresses of runs."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.inference import api, case_views

router = SimpleRouter()
router.register("model-sources", api.SourceViewSet, basename="model-source")
router.register("runs", api.RunViewSet, basename="run")
urlpatterns = [*router.urls, path("cases/", case_views.Cases.as_view(), name="cases")]
