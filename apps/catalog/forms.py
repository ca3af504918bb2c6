"""Forms of this room."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from apps.catalog.models import CandidateModel, Dataset, Upload
from apps.catalog.readers import Mapping

_FORMATS = "CSV, JSON Lines, Parquet or .npz"
MULTI_ROWS = 8


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice among dataset versions that come with their datasets."""

    def __init__(self, *args: Any, empty_label: str | None = "Choose a dataset", **kwargs: Any):
        super().__init__(*args, empty_label=empty_label, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.dataset.name}, version {obj.number}"


class NameList(forms.CharField):
    """Names with commas between them: a list of distinct texts."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        names = [one.strip() for one in (super().to_python(value) or "").split(",")]
        return list(dict.fromkeys(one for one in names if one))


class ModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """The facts about a candidate model."""

    tags = NameList(required=False, max_length=1000, help_text="With commas between them.")

    class Meta:
        model = CandidateModel
        fields = ["name", "provider", "parameters", "released_on", "licence", "tags", "notes"]
        widgets = {
            "released_on": forms.DateInput({"type": "date"}, "%Y-%m-%d"),
            "notes": forms.Textarea({"rows": 4}),
            "parameters": forms.NumberInput({"min": 0}),
        }

    def clean_parameters(self) -> int | None:
        value = self.cleaned_data["parameters"]
        if value is not None and value < 0:
            raise forms.ValidationError("A number of parameters is not negative.")
        return value  # type: ignore[no-any-return]


class PriceForm(forms.Form):
    """What a model costs from a day on."""

    valid_from = forms.DateField(
        label="From",
        initial=timezone.localdate,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    input_per_million = forms.DecimalField(
        label="USD per million input tokens",
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=6,
    )
    output_per_million = forms.DecimalField(
        label="USD per million output tokens",
        required=False,
        min_value=0,
        max_digits=14,
        decimal_places=6,
    )
    per_call = forms.DecimalField(
        label="USD per call", required=False, min_value=0, max_digits=14, decimal_places=8
    )
    source = forms.CharField(
        required=False, max_length=200, help_text="Where the price was read, such as an address."
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        tokens = (data.get("input_per_million"), data.get("output_per_million"))
        if data.get("per_call") is None and None in tokens and not self.errors:
            raise forms.ValidationError(
                "Give the price per call, or both the price of input and of output tokens."
            )
        return data


class DatasetForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name and description of a dataset."""

    class Meta:
        model = Dataset
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea({"rows": 4})}


class NewDatasetForm(forms.Form):
    """The files that a new dataset begins with."""

    predictions = forms.FileField(
        required=False,
        label="Predictions",
        help_text=(
            f"{_FORMATS}: a row per item with a column per model, or a row per item and model."
        ),
    )
    labels = forms.FileField(
        required=False,
        label="Labels, if you have some",
        help_text="The columns item_id and label. A few are enough, drawn at random.",
    )
    items = forms.FileField(
        required=False,
        label="Items, to see their texts or pictures",
        help_text="The column item_id, and any of text, image and columns to slice by.",
    )
    name = forms.CharField(
        required=False,
        max_length=200,
        help_text="Left empty, it is the name of the file of predictions.",
    )
    class_names = NameList(
        required=False,
        label="Classes",
        max_length=20_000,
        help_text="With commas between them; left empty, they are those that the files name.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not (data.get("predictions") or data.get("items")) and not self.errors:
            self.add_error("predictions", "Choose a file of predictions, or one of items.")
        return data


class NewOutcomesForm(forms.Form):
    """The file that a new dataset of prompts begins with."""

    file = forms.FileField(
        label="Outcomes",
        allow_empty_file=True,
        help_text=(
            "CSV, JSON, JSON Lines or Parquet: a row per prompt with a column for each model, such as "
            "score__gpt-4o, or a row per prompt and model. Or a .zip of a folder that "
            "lm-evaluation-harness has logged."
        ),
    )
    name = forms.CharField(
        required=False, max_length=200, help_text="Left empty, it is the name of the file."
    )


class FileForm(forms.Form):
    """One file."""

    file = forms.FileField(label="File", allow_empty_file=True)


class ConfirmForm(forms.Form):
    """What is asked once for all files of an upload."""

    dataset_name = forms.CharField(label="Name of the dataset", max_length=200)


class ColumnsForm(forms.Form):
    """Which column of one uploaded file means what; the guess is chosen already."""

    def __init__(self, upload: Upload, layout: str, data: Any = None) -> None:
        super().__init__(data, prefix=f"f{upload.pk.hex[:8]}")
        self.upload, self.layout = upload, layout
        self.columns: list[str] = upload.sniffed.get("columns", [])
        self.choices = [(name, name) for name in self.columns]
        mapping = upload.mapping
        if upload.sniffed.get("format") != "npz" or upload.purpose != Upload.Purpose.PREDICTIONS:
            self._one("item", "Item ids", mapping.get("item"), required=True)
            getattr(self, f"_add_{upload.purpose}")(mapping)
        elif "labels" in self.columns:
            self.fields["inside"] = forms.BooleanField(
                required=False,
                label="Take the labels in this file over as well",
                help_text="Leave it to upload only the labels that you would have bought.",
            )

    def _one(self, name: str, label: str, guess: Any, *, required: bool) -> None:
        none = [] if required else [("", "none")]
        self.fields[name] = forms.ChoiceField(
            label=label, choices=none + self.choices, required=required, initial=guess or ""
        )

    def _several(self, name: str, label: str, guess: Any, help_text: str) -> None:
        self.fields[name] = forms.MultipleChoiceField(
            label=label,
            choices=self.choices,
            required=False,
            initial=list(guess or ()),
            help_text=help_text,
            widget=forms.SelectMultiple({"size": min(MULTI_ROWS, len(self.columns))}),
        )

    def _add_predictions(self, mapping: dict[str, Any]) -> None:
        if self.layout == "long":
            self._one("model", "Model", mapping.get("model"), required=True)
            self._one("prediction", "Prediction", mapping.get("prediction"), required=True)
            self._one("probability", "Probability", mapping.get("probability"), required=False)
            return
        guess = mapping.get("models") or [
            name for name in self.columns if name != mapping.get("item")
        ]
        self._several("models", "Models", guess, "The columns that hold a model's predictions.")

    def _add_outcomes(self, mapping: dict[str, Any]) -> None:
        self._one("text", "Prompt", mapping.get("text"), required=False)
        if self.layout == "long":
            self._one("model", "Model", mapping.get("model"), required=True)
            help_text = "Of several, the first that a row has counts. None: what calls took."
            self._several("scores", "Score", mapping.get("scores"), help_text)
            self._one("cost", "Cost in USD", mapping.get("cost"), required=False)
            self._one("in_tokens", "Input tokens", mapping.get("in_tokens"), required=False)
            self._one("out_tokens", "Output tokens", mapping.get("out_tokens"), required=False)
            self._one("latency_ms", "Milliseconds", mapping.get("latency_ms"), required=False)
        else:
            help_text = "Costs and tokens are found by the model's name."
            self._several("models", "Scores of models", mapping.get("models"), help_text)
        slices = "Columns whose values group the prompts, such as a task."
        self._several("slices", "Groups", mapping.get("slices"), slices)

    def _add_labels(self, mapping: dict[str, Any]) -> None:
        self._one("label", "Label", mapping.get("label"), required=True)
        self._one("annotator", "Annotator", mapping.get("annotator"), required=False)
        self.fields["chosen"] = forms.ChoiceField(
            label="How these items were picked",
            choices=[
                ("", "at random"),
                ("1", "to tell candidates apart, from a list of next items"),
            ],
            required=False,
            initial="1" if mapping.get("chosen") else "",
        )

    def _add_items(self, mapping: dict[str, Any]) -> None:
        self._one("text", "Text", mapping.get("text"), required=False)
        self._one("image", "Picture", mapping.get("image"), required=False)
        self._several(
            "slices", "Slices", mapping.get("slices"), "Columns whose values group the items."
        )

    def mapping(self) -> Mapping | None:
        """The columns chosen; None for a file that has its own names for them."""
        if "item" not in self.fields:
            return None
        chosen = dict(self.cleaned_data)
        if self.upload.purpose == Upload.Purpose.OUTCOMES:
            # The order in which scores count is not the order in which a browser sends them.
            order = self.upload.mapping.get("scores") or self.columns
            rank = {name: place for place, name in enumerate([*order, *self.columns][::-1])}
            chosen["scores"] = sorted(chosen.get("scores") or (), key=lambda name: -rank[name])
        return Mapping.from_dict(chosen)

    def options(self) -> dict[str, Any]:
        """What is chosen besides columns."""
        return {"chosen": bool(self.cleaned_data["chosen"])} if "chosen" in self.fields else {}
