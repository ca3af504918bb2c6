"""Page addresses of endpoints."""

from django.urls import path

from apps.inference.endpoints import views

urlpatterns = [
    path("endpoints/", views.endpoint_list, name="endpoint_list"),
    path("endpoints/new/", views.endpoint_new, name="endpoint_new"),
    path("endpoints/<slug:slug>/", views.endpoint_detail, name="endpoint_detail"),
    path("endpoints/<slug:slug>/edit/", views.endpoint_edit, name="endpoint_edit"),
    path("endpoints/<slug:slug>/test/", views.endpoint_test, name="endpoint_test"),
    path("endpoints/<slug:slug>/delete/", views.endpoint_delete, name="endpoint_delete"),
]
