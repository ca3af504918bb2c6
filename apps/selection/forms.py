"""Forms of this room."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms

from apps.catalog.forms import VersionField
from apps.catalog.models import DatasetVersion
from apps.selection import queries
from apps.selection.counting import Metric
from apps.selection.methods.registry import METHODS
from apps.selection.models import LabelEvent
from apps.selection.services import DEFAULT_METHOD, METHOD_NAMES, NO_LABELS, Answer
from apps.teams.models import Team, User

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


_FOLDED = (
    ("How items are chosen, and when to stop", ("audit", "second", "alpha", "method")),
    ("Another score than accuracy", ("metric", "metric_class", "slice", "matrix")),
    (
        "What labels and answers are worth",
        (
            "label_price",
            "monthly_volume",
            "months",
            "answer_value",
            "input_tokens",
            "output_tokens",
        ),
    ),
)


def _numbers(text: str) -> list[list[float]]:
    """The rows of a matrix, numbers apart by blanks, commas, semicolons or tabs.

    Raises:
        ValueError: a word that is no number.
    """
    rows = []
    for line in text.splitlines():
        words = re.split(r"[\s,;]+", line.strip(" \t,;"))
        if words == [""]:
            continue
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            wrong = next(word for word in words if not _NUMBER.fullmatch(word))
            raise ValueError(f"`{wrong[:40]}` is not a number.") from None
    return rows


class SessionForm(forms.Form):
    """What a selection asks. `settings()` gives what the service takes."""

    version = VersionField(queryset=DatasetVersion.objects.none(), label="Dataset")
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
    alpha = forms.FloatField(
        label="Chance of a wrong stop that you accept, in percent",
        min_value=0.1,
        max_value=50,
        initial=5,
        required=False,
        help_text="Replays on recorded data checked 1, 5, 10 and 20; others are scaled from 5.",
    )
    budget = forms.IntegerField(
        label="Labels you can afford at most",
        required=False,
        min_value=1,
        max_value=1_000_000,
        error_messages={"min_value": NO_LABELS},
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
    metric = forms.ChoiceField(
        label="What makes a model good", choices=Metric.choices, required=False
    )
    metric_class = forms.CharField(
        label="Its class", max_length=200, required=False, help_text="For the recall of a class."
    )
    slice = forms.CharField(
        label="Its slice",
        max_length=400,
        required=False,
        help_text="For accuracy within a slice: a column of the items and its value, as in "
        "<code>language = German</code>.",
    )
    matrix = forms.CharField(
        label="Its matrix",
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="For costs, or for partial credit between 0 and 1: a line for each true class, in the "
        "order of the dataset's classes, a number for each predicted one.",
    )
    monthly_volume = forms.IntegerField(
        label="Predictions a month", required=False, min_value=1, max_value=10**12
    )
    months = forms.IntegerField(
        label="Months that the choice will hold",
        min_value=1,
        max_value=120,
        required=False,
        initial=12,
    )
    answer_value = forms.DecimalField(
        label="What a right answer is worth, in US dollars",
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=6,
        help_text="With another score than accuracy: what a score of 1 instead of 0 is worth.",
    )
    input_tokens = forms.IntegerField(
        label="Tokens read for a prediction",
        required=False,
        min_value=0,
        max_value=10_000_000,
        help_text="For models that are priced by the token.",
    )
    output_tokens = forms.IntegerField(
        label="Tokens written for a prediction", required=False, min_value=0, max_value=10_000_000
    )

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version, method = self.fields["version"], self.fields["method"]
        assert isinstance(version, forms.ModelChoiceField)  # noqa: S101
        assert isinstance(method, forms.ChoiceField)  # noqa: S101
        version.queryset = queries.predicted_versions(user, team)
        method.choices = [(key, METHOD_NAMES[key]) for key in METHODS]
        method.initial = DEFAULT_METHOD

    def parts(self) -> list[tuple[str, list[forms.BoundField], bool]]:
        """The rarer fields in groups that fold: name, fields, whether one has something to say."""
        return [
            (name, [self[one] for one in fields], self._told(fields)) for name, fields in _FOLDED
        ]

    def main(self) -> list[forms.BoundField]:
        """The fields that everybody fills in."""
        folded = {one for _, fields in _FOLDED for one in fields}
        return [self[name] for name in self.fields if name not in folded]

    def _told(self, fields: Sequence[str]) -> bool:
        return any(self[name].errors or self.data.get(name) for name in fields)

    def clean(self) -> dict[str, Any]:
        """Turn the text of the slice and of the matrix into what the service takes."""
        data: dict[str, Any] = self.cleaned_data
        metric = data.get("metric") or Metric.ACCURACY
        options: dict[str, Any] = {}
        if metric == Metric.RECALL:
            options = {"class": data.get("metric_class", "")}
        elif metric == Metric.SLICE:
            column, _, value = data.get("slice", "").partition("=")
            options = {"column": column.strip(), "value": value.strip()}
        elif metric in (Metric.COST, Metric.CREDIT):
            try:
                options = {"matrix": _numbers(data.get("matrix", ""))}
            except ValueError as error:
                self.add_error("matrix", str(error))
        data["metric"], data["metric_options"] = metric, options
        return data

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
            "alpha": round(data["alpha"] / 100, 6) if data["alpha"] is not None else 0.05,
            "metric": data["metric"],
            "metric_options": data["metric_options"],
            "monthly_volume": data["monthly_volume"],
            "months": data["months"] or 12,
            "answer_value": data["answer_value"],
            "input_tokens": data["input_tokens"] or 0,
            "output_tokens": data["output_tokens"] or 0,
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
