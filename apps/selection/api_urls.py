"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.selection import api

router = SimpleRouter()
router.register("selections", api.SelectionViewSet, basename="selection")
urlpatterns = router.urls
