"""API addresses of runs."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.inference import api, case_views, tournament_api

router = SimpleRouter()
router.register("model-sources", api.SourceViewSet, basename="model-source")
router.register("runs", api.RunViewSet, basename="run")
router.register("tournaments", tournament_api.TournamentViewSet, basename="tournament")
urlpatterns = [*router.urls, path("cases/", case_views.Cases.as_view(), name="cases")]
