"""API addresses of endpoints."""

from rest_framework.routers import SimpleRouter

from apps.inference.endpoints.api import EndpointViewSet

router = SimpleRouter()
router.register("endpoints", EndpointViewSet, basename="endpoint")
urlpatterns = router.urls
