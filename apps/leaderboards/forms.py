"""Forms of this room."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.catalog.forms import VersionField
from apps.catalog.models import DatasetVersion
from apps.leaderboards.models import Board
from apps.teams.models import Team, User


class BoardForm(forms.Form):
    """What a board asks. `settings()` gives what the services take."""

    name = forms.CharField(max_length=200)
    points = forms.FloatField(
        label="Points of accuracy you would give up for a lower price",
        min_value=0,
        max_value=100,
        initial=1,
        help_text="1 means: a model at 84% is good enough when the best has 85%.",
    )
    level = forms.FloatField(
        label="Confidence of intervals and comparisons, in percent",
        min_value=50,
        max_value=99.9,
        initial=95,
    )
    input_tokens = forms.IntegerField(
        label="Tokens in, for the price of a call", min_value=0, max_value=10_000_000, initial=1000
    )
    output_tokens = forms.IntegerField(
        label="Tokens out, for the price of a call", min_value=0, max_value=10_000_000, initial=200
    )

    def settings(self) -> dict[str, Any]:
        """The cleaned values as the services take them."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "delta": round(data["points"] / 100, 6),
            "alpha": round(1 - data["level"] / 100, 6),
            "input_tokens": data["input_tokens"],
            "output_tokens": data["output_tokens"],
        }

    @classmethod
    def of(cls, board: Board) -> BoardForm:
        """The form filled with what a board asks now."""
        return cls(
            initial={
                "name": board.name,
                "points": round(board.delta * 100, 4),
                "level": round((1 - board.alpha) * 100, 4),
                "input_tokens": board.input_tokens,
                "output_tokens": board.output_tokens,
            }
        )


class NewBoardForm(BoardForm):
    """The same, with the dataset version that the board is about."""

    version = VersionField(queryset=DatasetVersion.objects.none(), label="Dataset")
    field_order = ["version", "name", "points", "level", "input_tokens", "output_tokens"]

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = (
            DatasetVersion.objects.visible_to(user).filter(team=team).select_related("dataset")
        )
