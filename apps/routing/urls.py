"""Page addresses of this room."""

from django.urls import path

from apps.core import twins
from apps.routing import views

urlpatterns = [
    path("evaluations/new/", views.evaluation_new, name="evaluation_new"),
    path("evaluations/<uuid:pk>/", views.evaluation_detail, name="evaluation_detail"),
    *twins.paths("evaluations/<uuid:pk>", "evaluation", views.evaluation_twin),
    path("evaluations/<uuid:pk>.card.json", views.evaluation_card, name="evaluation_card"),
    path("evaluations/<uuid:pk>/chart.svg", views.evaluation_chart, name="evaluation_chart"),
    path(
        "evaluations/<uuid:pk>/chart.json",
        views.evaluation_chart_spec,
        name="evaluation_chart_spec",
    ),
    path("evaluations/<uuid:pk>/refresh/", views.evaluation_refresh, name="evaluation_refresh"),
    path("evaluations/<uuid:pk>/delete/", views.evaluation_delete, name="evaluation_delete"),
    path("routers/", views.router_list, name="router_list"),
    path("routers/new/", views.router_new, name="router_new"),
    path("routers/<slug:slug>/", views.router_detail, name="router_detail"),
    path("routers/<slug:slug>/try/", views.router_try, name="router_try"),
    path("routers/<slug:slug>/train/", views.router_train, name="router_train"),
    path("routers/<slug:slug>/versions/", views.router_roll_back, name="router_roll_back"),
    path("routers/<slug:slug>/new-model/", views.router_new_model, name="router_new_model"),
    path("routers/<slug:slug>/prompts.csv", views.router_prompts, name="router_prompts"),
    path("routers/<slug:slug>/delete/", views.router_delete, name="router_delete"),
]
