"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.leaderboards import api

router = SimpleRouter()
router.register("boards", api.BoardViewSet, basename="board")
urlpatterns = router.urls
