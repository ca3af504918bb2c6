"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.selection import api
from apps.selection.history.api import ReplayViewSet

router = SimpleRouter()
router.register("selections", api.SelectionViewSet, basename="selection")
router.register("replays", ReplayViewSet, basename="replay")
urlpatterns = router.urls
