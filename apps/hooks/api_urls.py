"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.hooks import api

router = SimpleRouter()
router.register("webhooks", api.WebhookViewSet, basename="webhook")
router.register("deliveries", api.DeliveryViewSet, basename="delivery")
urlpatterns = router.urls
