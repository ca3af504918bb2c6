"""Page addresses of this room."""

from django.urls import path, re_path

from apps.catalog.views import datasets, models, uploads

_VERSION = "datasets/<slug:slug>/v<int:number>/"

urlpatterns = [
    path("models/", models.model_list, name="model_list"),
    path("models/new/", models.model_new, name="model_new"),
    path("models/upload/", models.models_upload, name="models_upload"),
    path("models/<slug:slug>/", models.model_detail, name="model_detail"),
    path("models/<slug:slug>/edit/", models.model_edit, name="model_edit"),
    path("models/<slug:slug>/delete/", models.model_delete, name="model_delete"),
    path("models/<slug:slug>/prices/<uuid:pk>/delete/", models.price_delete, name="price_delete"),
    path("datasets/", datasets.dataset_list, name="dataset_list"),
    path("datasets/new/", uploads.dataset_new, name="dataset_new"),
    path("datasets/new/outcomes/", uploads.outcomes_new, name="outcomes_new"),
    path("datasets/<slug:slug>/", datasets.dataset_detail, name="dataset_detail"),
    path("datasets/<slug:slug>/edit/", datasets.dataset_edit, name="dataset_edit"),
    path("datasets/<slug:slug>/delete/", datasets.dataset_delete, name="dataset_delete"),
    path(
        "datasets/<slug:slug>/predictions/<uuid:pk>/delete/",
        datasets.predictions_delete,
        name="predictions_delete",
    ),
    path(
        "datasets/<slug:slug>/outcomes/<uuid:pk>/delete/",
        datasets.outcomes_delete,
        name="outcomes_delete",
    ),
    path(
        "datasets/<slug:slug>/labels/<uuid:pk>/withdraw/",
        datasets.label_withdraw,
        name="label_withdraw",
    ),
    path(_VERSION, datasets.version_detail, name="version_detail"),
    path(f"{_VERSION}delete/", datasets.version_delete, name="version_delete"),
    re_path(
        r"^datasets/(?P<slug>[-\w]+)/v(?P<number>\d{1,9})/upload/"
        r"(?P<purpose>items|predictions|labels|outcomes)/$",
        uploads.version_upload,
        name="version_upload",
    ),
    path(f"{_VERSION}items/<int:index>/image.png", datasets.item_image, name="item_image"),
    re_path(
        r"^datasets/(?P<slug>[-\w]+)/v(?P<number>\d{1,9})/predictions\.(?P<kind>csv|parquet)$",
        datasets.predictions_file,
        name="predictions_file",
    ),
    re_path(
        r"^datasets/(?P<slug>[-\w]+)/v(?P<number>\d{1,9})/outcomes\.(?P<kind>csv|parquet)$",
        datasets.outcomes_file,
        name="outcomes_file",
    ),
    path(f"{_VERSION}labels.csv", datasets.labels_file, name="labels_file"),
    path("uploads/<uuid:pk>/", uploads.upload_detail, name="upload_detail"),
    path("uploads/<uuid:pk>/file/", uploads.upload_replace, name="upload_replace"),
    path("uploads/<uuid:pk>/discard/", uploads.upload_discard, name="upload_discard"),
]
