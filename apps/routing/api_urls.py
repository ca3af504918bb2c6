"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.routing import api

router = SimpleRouter()
router.register("evaluations", api.EvaluationViewSet, basename="evaluation")
router.register("routers", api.RouterViewSet, basename="router")
urlpatterns = router.urls
