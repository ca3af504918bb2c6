"""The form of a tournament."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.catalog.forms import VersionField
from apps.catalog.models import DatasetVersion
from apps.inference import queries
from apps.inference.forms import SCORER_NAMES, SourceField, given_settings, scorer_fields
from apps.inference.kinds import KINDS, Gives
from apps.inference.models import ModelSource
from apps.teams.models import Team, User


class SourcesField(SourceField, forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several sources, ticked."""

    widget = forms.CheckboxSelectMultiple


class TournamentForm(forms.Form):
    """Which models compete on what, and what that may take in all. `asked()`: as the service takes it."""

    version = VersionField(queryset=DatasetVersion.objects.none(), label="Dataset")
    sources = SourcesField(
        queryset=ModelSource.objects.none(),
        label="Models",
        help_text="Three or more that answer in words.",
    )
    scorer = forms.ChoiceField(label="How answers are compared", choices=[*SCORER_NAMES.items()])
    reference = forms.CharField(
        label="What an item's answer is compared with",
        max_length=200,
        required=False,
        help_text="The name of a slice; left empty, the labels.",
    )
    instructions = forms.CharField(
        label="Instructions",
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Sent to every model before every prompt; left empty, each has its own.",
    )
    max_new_tokens = forms.IntegerField(
        label="New tokens, at most",
        min_value=1,
        max_value=65_536,
        required=False,
        help_text="Left empty, each model's own limit.",
    )
    budget = forms.IntegerField(
        label="Answers in all",
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        help_text="Over all models together. This, US dollars, or both.",
    )
    cap = forms.DecimalField(
        label="US dollars in all",
        min_value=0,
        max_digits=14,
        decimal_places=6,
        required=False,
        help_text="Needs a price of every model.",
    )

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version, sources = self.fields["version"], self.fields["sources"]
        assert isinstance(version, forms.ModelChoiceField)  # noqa: S101
        assert isinstance(sources, forms.ModelMultipleChoiceField)  # noqa: S101
        rows = DatasetVersion.objects.visible_to(user).filter(team=team)
        version.queryset = rows.select_related("dataset", "team").order_by("-created_at")
        kinds = [kind.name for kind in KINDS.values() if kind.gives == Gives.TEXT]
        sources.queryset = queries.sources(user).filter(team=team, kind__in=kinds)
        scoring = scorer_fields()
        self.fields.update(scoring)
        self.order_fields(["version", "sources", "scorer", "reference", *scoring])

    def asked(self) -> dict[str, Any]:
        """The cleaned values as `start_tournament` takes them."""
        data = self.cleaned_data
        settings = {
            name: data[name] for name in ("instructions", "max_new_tokens") if data.get(name)
        }
        return {
            "version": data["version"],
            "sources": list(data["sources"]),
            "scorer": data["scorer"],
            "scorer_settings": given_settings(data),
            "reference": data["reference"],
            "settings": settings,
            "budget": data["budget"],
            "cap": data["cap"],
        }
