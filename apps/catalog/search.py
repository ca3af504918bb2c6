"""What search finds of models and datasets, and what may be done with them from anywhere."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.catalog.models import CandidateModel, Dataset
from apps.core.search import Hit, Words, matching, register, register_actions
from apps.teams.access import asker_may
from apps.teams.models import Role


@register("Datasets", order=40)
def datasets(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = Dataset.objects.visible_to(user).select_related("team")
    for dataset in matching(rows, words, "name", "description")[:most]:
        yield Hit(dataset.name, reverse("dataset_detail", args=[dataset.slug]), dataset.team.name)


@register("Models", order=50)
def models(user: Any, words: Words, most: int) -> Iterable[Hit]:
    rows = CandidateModel.objects.visible_to(user).select_related("team")
    for model in matching(rows, words, "name", "provider", "notes")[:most]:
        note = " · ".join(filter(None, [model.provider, model.team.name]))
        yield Hit(model.name, reverse("model_detail", args=[model.slug]), note)


@register_actions(order=10)
def uploads(request: HttpRequest) -> Iterable[Hit]:
    if asker_may(request, Role.EDITOR):
        yield Hit("Upload predictions", reverse("dataset_new"), "a new dataset and its board")
        yield Hit("Upload outcomes", reverse("outcomes_new"), "prompts, scores and costs, to route")
        yield Hit("Upload a price list", reverse("models_upload"), "models with their prices")
        yield Hit("Add a model", reverse("model_new"), "by hand")
