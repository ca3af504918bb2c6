"""Forms of this room."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.catalog.forms import VersionField
from apps.catalog.models import DatasetVersion
from apps.routing import queries
from apps.routing.methods.registry import METHODS, NULLS
from apps.routing.pages import words
from apps.teams.models import Team, User

_KINDS = [
    ("group", "whole groups: tasks, sessions or near-duplicates that the outcomes name"),
    ("random", "random prompts"),
    ("unseen", "some values of a column"),
    ("transfer", "learn on one value of a column, test on another"),
]


class _OnOutcomes(forms.Form):
    """What evaluations and routers both ask: outcomes and an encoder."""

    version = VersionField(queryset=DatasetVersion.objects.none(), label="Outcomes")
    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, it is called as its dataset."
    )
    encoder = forms.ChoiceField(
        label="Encoder of prompts",
        help_text="minilm understands words; hashing counts them and needs nothing.",
    )
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0)

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version, encoder = self.fields["version"], self.fields["encoder"]
        assert isinstance(version, forms.ModelChoiceField)  # noqa: S101
        assert isinstance(encoder, forms.ChoiceField)  # noqa: S101
        version.queryset = queries.versions_with_outcomes(user, team)
        encoder.choices = [(name, name) for name in queries.encoder_names()]


class EvaluationForm(_OnOutcomes):
    """What an evaluation compares. `settings()` gives what the service takes."""

    routers = forms.MultipleChoiceField(
        label="Routers to compare",
        widget=forms.CheckboxSelectMultiple,
        help_text="What one gets without looking at the prompt is always shown beside them.",
    )
    kind = forms.ChoiceField(label="What is held out to test on", choices=_KINDS, initial="group")
    by = forms.CharField(
        label="Column, where one is needed",
        max_length=150,
        required=False,
        help_text="For instance domain, or for the last choice dataset=mmlu/gsm8k.",
    )
    splits = forms.IntegerField(
        label="How many times",
        min_value=1,
        max_value=20,
        initial=5,
        help_text="More splits give steadier numbers and take as much longer.",
    )
    field_order = ["version", "name", "routers", "kind", "by", "splits", "encoder", "seed"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        routers = self.fields["routers"]
        assert isinstance(routers, forms.MultipleChoiceField)  # noqa: S101
        offered = [name for name in METHODS if name not in NULLS]
        routers.choices = [(name, words.title(name)) for name in offered]
        routers.initial = list(dict.fromkeys([queries.default_router(), "knn"]))

    def settings(self) -> dict[str, Any]:
        """The cleaned values as the service takes them."""
        data = self.cleaned_data
        plain = data["kind"] in ("group", "random")
        return {
            "name": data["name"],
            "routers": data["routers"],
            "split": data["kind"] if plain else f"{data['kind']}:{data['by'].strip()}",
            "splits": data["splits"],
            "encoder": data["encoder"],
            "seed": data["seed"],
        }


class RouterForm(_OnOutcomes):
    """What a new router learns from, and how. `settings()` gives what the service takes."""

    method = forms.ChoiceField(label="How it learns")
    field_order = ["version", "name", "method", "encoder", "seed"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        method = self.fields["method"]
        assert isinstance(method, forms.ChoiceField)  # noqa: S101
        method.choices = [(name, words.title(name)) for name in METHODS if name != "task-table"]
        method.initial = queries.default_router()

    def settings(self) -> dict[str, Any]:
        """The cleaned values as the service takes them."""
        return {key: self.cleaned_data[key] for key in ("name", "method", "encoder", "seed")}


class TryForm(forms.Form):
    """A prompt to decide on, and where the dial stands."""

    prompt = forms.CharField(widget=forms.Textarea(attrs={"rows": 5}), strip=False)
    budget = forms.FloatField(
        label="Budget, US dollars a prompt",
        required=False,
        min_value=0,
        help_text="Left empty, the router saves what it can at the quality of the best single model.",
    )


class NewModelForm(forms.Form):
    """A model that joins a router, and its outcomes on some prompts."""

    name = forms.CharField(label="Name of the new model", max_length=200)
    file = forms.FileField(
        label="Its outcomes",
        help_text="CSV with prompt_id, score (0 to 1) and cost_usd; the list above, filled in.",
    )
