"""What to replay."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.catalog.forms import VersionField
from apps.catalog.models import DatasetVersion
from apps.selection.history import queries, services
from apps.selection.replay import known_methods
from apps.selection.services.suggestions import METHOD_NAMES
from apps.teams.models import Team, User


class ReplayForm(forms.Form):
    """What to replay. `settings()` gives what the service takes."""

    version = VersionField(queryset=DatasetVersion.objects.none(), label="Dataset")
    methods = forms.MultipleChoiceField(
        label="Methods to compare",
        choices=[
            (name, f"{METHOD_NAMES.get(name, 'MODEL SELECTOR, tuned without labels')} ({name})")
            for name in known_methods()
        ],
        initial=services.DEFAULT_METHODS,
        widget=forms.CheckboxSelectMultiple,
    )
    pool = forms.IntegerField(
        label="Items of a pool",
        required=False,
        min_value=2,
        max_value=services.MOST_POOL,
        help_text="Drawn anew for each realisation. Left empty: half of the labelled items, at most 1,000.",
    )
    realisations = forms.IntegerField(
        label="Realisations",
        min_value=1,
        max_value=services.MOST_REALISATIONS,
        initial=services.DEFAULT_REALISATIONS,
        help_text="More of them give narrower bands and take longer.",
    )
    budget = forms.IntegerField(
        label="Labels each method may ask for",
        min_value=1,
        max_value=services.MOST_BUDGET,
        initial=services.DEFAULT_BUDGET,
    )
    seed = forms.IntegerField(
        label="Seed",
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        help_text="The same seed gives the same numbers.",
    )

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = self.fields["version"]
        assert isinstance(version, forms.ModelChoiceField)  # noqa: S101
        version.queryset = queries.labelled_versions(user, team)

    def settings(self) -> dict[str, Any]:
        """The cleaned values as the service takes them."""
        return {name: self.cleaned_data[name] for name in self.fields}
