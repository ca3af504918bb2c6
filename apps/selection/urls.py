"""Page addresses of this room."""

from django.urls import path

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
    path("selections/<uuid:pk>.json", twins.selection_json, name="selection_json"),
    path("selections/<uuid:pk>.csv", twins.selection_csv, name="selection_csv"),
    path("selections/<uuid:pk>.svg", twins.selection_svg, name="selection_svg"),
    path(f"{_ONE}standing/", twins.selection_standing, name="selection_standing"),
    *history,
]
