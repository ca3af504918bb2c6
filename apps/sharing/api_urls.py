"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.sharing import api

router = SimpleRouter()
router.register("share-links", api.ShareLinkViewSet, basename="share-link")
urlpatterns = router.urls
