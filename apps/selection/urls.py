"""Page addresses of this room."""

from django.urls import path

from apps.core.twins import paths
from apps.selection import twins, views
from apps.selection.history.urls import urlpatterns as history

_ONE = "selections/<uuid:pk>/"

urlpatterns = [
    path("selections/", views.selection_list, name="selection_list"),
    path("selections/new/", views.selection_new, name="selection_new"),
    path(_ONE, views.selection_detail, name="selection_detail"),
    path(f"{_ONE}label/", views.selection_label, name="selection_label"),
    path(f"{_ONE}agreement/", views.selection_agreement, name="selection_agreement"),
    path(f"{_ONE}state/", views.selection_state, name="selection_state"),
    path(f"{_ONE}delete/", views.selection_delete, name="selection_delete"),
    path(f"{_ONE}events.csv", views.selection_events_csv, name="selection_events_csv"),
    path(f"{_ONE}events.json", views.selection_events_json, name="selection_events_json"),
    *paths("selections/<uuid:pk>", "selection", twins.selection_twin),
    path("selections/<uuid:pk>.card.json", twins.selection_card, name="selection_card"),
    path(f"{_ONE}standing/", twins.selection_standing, name="selection_standing"),
    *history,
]
