"""Page addresses of replays."""

from django.urls import path

from apps.selection.history import views

urlpatterns = [
    path("replays/", views.replay_list, name="replay_list"),
    path("replays/new/", views.replay_new, name="replay_new"),
    path("replays/<uuid:pk>/", views.replay_detail, name="replay_detail"),
    path("replays/<uuid:pk>/delete/", views.replay_delete, name="replay_delete"),
    path("replays/<uuid:pk>.json", views.replay_json, name="replay_json"),
    path("replays/<uuid:pk>.csv", views.replay_csv, name="replay_csv"),
    path("replays/<uuid:pk>.svg", views.replay_svg, name="replay_svg"),
]
