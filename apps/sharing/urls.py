"""Page addresses of this room."""

from django.urls import path

from apps.sharing import views

urlpatterns = [
    path("boards/<slug:slug>/links/", views.share_list, name="share_list"),
    path("boards/<slug:slug>/links/new/", views.share_new, name="share_new"),
    path("boards/<slug:slug>/links/<uuid:pk>/revoke/", views.share_revoke, name="share_revoke"),
    path("s/<str:token>/", views.shared, name="shared"),
    path("s/<str:token>/chart.svg", views.shared_chart, name="shared_chart"),
]
