"""API addresses of runs."""

from rest_framework.routers import SimpleRouter

from apps.inference import api

router = SimpleRouter()
router.register("model-sources", api.SourceViewSet, basename="model-source")
router.register("runs", api.RunViewSet, basename="run")
urlpatterns = router.urls
