"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.jobs import api

router = SimpleRouter()
router.register("jobs", api.JobViewSet, basename="job")
router.register("workers", api.WorkerViewSet, basename="worker")
urlpatterns = router.urls
