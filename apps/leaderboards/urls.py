"""Page addresses of this room."""

from django.urls import path

from apps.core import twins
from apps.leaderboards import views

urlpatterns = [
    path("boards/", views.board_list, name="board_list"),
    path("boards/new/", views.board_new, name="board_new"),
    path("boards/together/", views.boards_together, name="boards_together"),
    path("boards/<slug:slug>/", views.board_detail, name="board_detail"),
    *twins.paths("boards/<slug:slug>", "board", views.board_twin),
    path("boards/<slug:slug>.card.json", views.board_card, name="board_card"),
    path("boards/<slug:slug>/edit/", views.board_edit, name="board_edit"),
    path("boards/<slug:slug>/delete/", views.board_delete, name="board_delete"),
    path("boards/<slug:slug>/refresh/", views.board_refresh, name="board_refresh"),
    path("boards/<slug:slug>/compare/", views.board_compare, name="board_compare"),
    *twins.paths("boards/<slug:slug>/compare", "board_compare", views.board_compare_twin),
    path("boards/<slug:slug>/pairs/", views.board_pairs, name="board_pairs"),
    path("boards/<slug:slug>/history/", views.board_history, name="board_history"),
    *twins.paths("boards/<slug:slug>/history", "board_history", views.board_history_twin),
    path("boards/<slug:slug>/what-if/", views.board_what_if, name="board_what_if"),
    path("boards/<slug:slug>/chart.svg", views.board_chart, name="board_chart"),
    path("boards/<slug:slug>/chart.json", views.board_chart_spec, name="board_chart_spec"),
    path("boards/<slug:slug>/next-items.csv", views.board_next_items, name="board_next_items"),
]
