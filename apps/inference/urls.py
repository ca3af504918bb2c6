"""Page addresses of runs."""

from django.urls import path

from apps.inference import case_views, tournament_views, views

urlpatterns = [
    path("runs/", views.run_list, name="run_list"),
    path("runs/new/", views.run_new, name="run_new"),
    path("runs/new/model/", views.source_new, name="source_new"),
    path("runs/<slug:slug>/", views.run_detail, name="run_detail"),
    path("runs/<slug:slug>/judge/", case_views.run_judge, name="run_judge"),
    path("runs/<slug:slug>/resume/", views.run_resume, name="run_resume"),
    path("runs/<slug:slug>/delete/", views.run_delete, name="run_delete"),
    path("tournaments/", tournament_views.tournament_list, name="tournament_list"),
    path("tournaments/new/", tournament_views.tournament_new, name="tournament_new"),
    path("tournaments/<slug:slug>/", tournament_views.tournament_detail, name="tournament_detail"),
    path(
        "tournaments/<slug:slug>/resume/",
        tournament_views.tournament_resume,
        name="tournament_resume",
    ),
    path(
        "tournaments/<slug:slug>/delete/",
        tournament_views.tournament_delete,
        name="tournament_delete",
    ),
]
