"""Forms of this room."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.catalog.models import DatasetVersion
from apps.selection import queries
from apps.selection.methods.registry import METHODS
from apps.selection.models import LabelEvent
from apps.selection.services import DEFAULT_METHOD, METHOD_NAMES, Answer
from apps.teams.models import Team, User


class _VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.dataset.name}, version {obj.number}"


class SessionForm(forms.Form):
    """What a selection asks. `settings()` gives what the service takes."""

    version = _VersionField(queryset=DatasetVersion.objects.none(), label="Dataset")
    name = forms.CharField(
        max_length=200, required=False, help_text="Left empty, it is called as its dataset."
    )
    points = forms.FloatField(
        label="Points of accuracy that make no difference to you",
        min_value=0,
        max_value=100,
        initial=1,
        help_text="With 1, labelling may end as soon as no other model can be more than 1 point better.",
    )
    audit = forms.FloatField(
        label="Items drawn uniformly, in percent",
        min_value=0,
        max_value=100,
        initial=10,
        help_text="The others are chosen because they tell the models apart best.",
    )
    second = forms.FloatField(
        label="Second opinions, in percent of the labels at most",
        min_value=0,
        max_value=100,
        initial=10,
        help_text="Where several people label, doubtful labels are asked again. 0 asks each item once.",
    )
    budget = forms.IntegerField(
        label="Labels you can afford at most",
        required=False,
        min_value=1,
        max_value=1_000_000,
        error_messages={
            "min_value": "A budget of 0 labels buys none: give at least 1, or leave it empty."
        },
        help_text="Left empty, there is no limit.",
    )
    label_price = forms.DecimalField(
        label="Price of a label, in US dollars",
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=4,
    )
    method = forms.ChoiceField(label="How items are chosen")

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version, method = self.fields["version"], self.fields["method"]
        assert isinstance(version, forms.ModelChoiceField)  # noqa: S101
        assert isinstance(method, forms.ChoiceField)  # noqa: S101
        version.queryset = queries.predicted_versions(user, team)
        method.choices = [(key, METHOD_NAMES[key]) for key in METHODS]
        method.initial = DEFAULT_METHOD

    def settings(self) -> dict[str, Any]:
        """The cleaned values as the service takes them."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "delta": round(data["points"] / 100, 6),
            "audit_share": round(data["audit"] / 100, 6),
            "second_share": round(data["second"] / 100, 6),
            "budget": data["budget"],
            "label_price": data["label_price"],
            "method": data["method"],
        }


class AnswerForm(forms.Form):
    """What the labelling page sends: the item, and a class or one of the other buttons."""

    item = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    kind = forms.ChoiceField(
        choices=[*LabelEvent.Kind.choices, ("reveal", "show the answers")], required=False
    )
    label = forms.CharField(max_length=200, required=False, strip=True)
    note = forms.CharField(max_length=1000, required=False)

    def answer(self) -> Answer:
        """The cleaned answer: a class named is a label."""
        data = self.cleaned_data
        kind = data["kind"] or LabelEvent.Kind.LABEL
        label = data["label"] if kind == LabelEvent.Kind.LABEL else ""
        return Answer(data["item"], kind, label, data["note"])


class SettleForm(forms.Form):
    """What the page of conflicts sends: the item and what it is."""

    item = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    label = forms.CharField(max_length=200, strip=True)
