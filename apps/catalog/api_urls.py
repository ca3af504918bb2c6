"""API addresses of this room."""

from rest_framework.routers import SimpleRouter

from apps.catalog.api import datasets, models, uploads

router = SimpleRouter()
router.register("models", models.ModelViewSet, basename="model")
router.register("prices", models.PriceViewSet, basename="price")
router.register("datasets", datasets.DatasetViewSet, basename="dataset")
router.register("versions", datasets.VersionViewSet, basename="version")
router.register("label-batches", datasets.LabelBatchViewSet, basename="label_batch")
router.register("uploads", uploads.UploadViewSet, basename="upload")
urlpatterns = router.urls
