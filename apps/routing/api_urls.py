"""API addresses of this room."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from apps.routing import api, openai

router = SimpleRouter()
router.register("evaluations", api.EvaluationViewSet, basename="evaluation")
router.register("routers", api.RouterViewSet, basename="router")
urlpatterns = [
    *router.urls,
    # As OpenAI's clients spell them, with `/api/v1/openai` for their base address.
    path("openai/chat/completions", openai.ChatCompletions.as_view(), name="openai-chat"),
    path("openai/models", openai.Models.as_view(), name="openai-models"),
]
