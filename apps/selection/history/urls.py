"""Page addresses of replays."""

from django.urls import path

from apps.core import twins
from apps.selection.history import views

urlpatterns = [
    path("replays/", views.replay_list, name="replay_list"),
    path("replays/new/", views.replay_new, name="replay_new"),
    path("replays/<uuid:pk>/", views.replay_detail, name="replay_detail"),
    path("replays/<uuid:pk>/delete/", views.replay_delete, name="replay_delete"),
    *twins.paths("replays/<uuid:pk>", "replay", views.replay_twin),
    path("replays/<uuid:pk>.card.json", views.replay_card, name="replay_card"),
]
