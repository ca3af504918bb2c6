"""Forms of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field
from typing import Any

from django import forms

from apps.catalog.forms import VersionField
from apps.catalog.models import DatasetVersion
from apps.inference import queries
from apps.inference.endpoints.models import Endpoint
from apps.inference.kinds import KINDS, Gives, Kind, Setting
from apps.inference.kinds.local import FOLDER
from apps.inference.models import ModelSource
from apps.inference.scoring import settings_of
from apps.teams.models import Team, User

_BEHIND = "endpoint:"
SCORER_NAMES = {
    "exact": "the same text",
    "normalised": "the same text but for case, punctuation and articles",
    "numeric": "the same number",
    "multiple-choice": "the same letter chosen",
    "contains": "the reference stands in the answer",
    "regex": "the reference, a pattern, is found in the answer",
    "json-field": "a field of the JSON in the answer",
    "word-f1": "words in common (F1)",
}


class SourceForm(forms.Form):
    """How a candidate is run: its weights, from a hub or a folder, or the endpoint that it is behind."""

    name = forms.CharField(
        label="Name of the model",
        max_length=200,
        help_text="As in the list of models; a new one is made where there is none of that name.",
    )
    place = forms.ChoiceField(label="Where it is", widget=forms.RadioSelect, initial="hub")
    location = forms.CharField(
        label="Its name there",
        max_length=490,
        help_text="A hub id such as organisation/model, a folder below the one that the administrator "
        "allows, or the endpoint's own name of the model.",
    )
    kind = forms.ChoiceField(
        label="What it does",
        help_text="Behind an endpoint it answers in words unless it judges, whatever else stands here.",
    )
    revision = forms.CharField(
        label="Revision",
        max_length=64,
        required=False,
        help_text="The commit, or the hash of the folder. Left empty, the first run pins it.",
    )

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind, place = self.fields["kind"], self.fields["place"]
        assert isinstance(kind, forms.ChoiceField)  # noqa: S101
        assert isinstance(place, forms.ChoiceField)  # noqa: S101
        offered = [one for one in KINDS.values() if one.name != "endpoint"]
        kind.choices = [(one.name, one.title) for one in offered]
        endpoints = Endpoint.objects.visible_to(user).filter(team=team)
        place.choices = [
            ("hub", "on the Hugging Face hub"),
            ("folder", "in a folder for models here"),
            *((_BEHIND + one.slug, f"behind the endpoint {one.name}") for one in endpoints),
        ]

    def place_of(self) -> dict[str, Any]:
        """Kind, location, revision and settings as the service takes them."""
        data = self.cleaned_data
        location = data["location"].strip()
        if data["place"].startswith(_BEHIND):
            slug = data["place"].removeprefix(_BEHIND)
            kind = "judge" if data["kind"] == "judge" else "endpoint"
            return {"kind": kind, "location": location, "settings": {"endpoint": slug}}
        prefix = FOLDER if data["place"] == "folder" else ""
        return {
            "kind": data["kind"],
            "location": prefix + location,
            "revision": data["revision"],
        }


class SourceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A source, called by its model, its kind and where it lies."""

    def label_from_instance(self, obj: Any) -> str:
        kind = KINDS[obj.kind].title if obj.kind in KINDS else obj.kind
        place = obj.location.removeprefix(FOLDER)
        return f"{obj.model.name} ({kind}{', ' if place else ''}{place})"


class ChooseForm(forms.Form):
    """What is to be run on what; the settings follow from it."""

    version = VersionField(queryset=DatasetVersion.objects.none(), label="Dataset")
    source = SourceField(
        queryset=ModelSource.objects.none(), label="Model", empty_label="Choose a model"
    )
    scorer = forms.ChoiceField(
        label="How answers are compared",
        choices=[("", "not in words: a classifier, or a loss"), *SCORER_NAMES.items()],
        required=False,
        help_text="For models that answer in words.",
    )

    def __init__(self, *args: Any, user: User, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version, source = self.fields["version"], self.fields["source"]
        assert isinstance(version, forms.ModelChoiceField)  # noqa: S101
        assert isinstance(source, SourceField)  # noqa: S101
        rows = DatasetVersion.objects.visible_to(user).filter(team=team)
        version.queryset = rows.select_related("dataset", "team").order_by("-created_at")
        source.queryset = queries.sources(user).filter(team=team, kind__in=list(KINDS))

    def clean(self) -> dict[str, Any]:
        """Answers in words need a scorer."""
        data: dict[str, Any] = super().clean() or {}
        source = data.get("source")
        if source and KINDS[source.kind].gives == Gives.TEXT and not data.get("scorer"):
            self.add_error("scorer", "This model answers in words: choose how they are compared.")
        return data


class RunForm(forms.Form):
    """The settings of a run. `asked()` gives what the service takes."""

    sample = forms.IntegerField(
        label="Items",
        min_value=1,
        max_value=2**31 - 1,
        required=False,
        help_text="Left empty, all of them; else so many, drawn at random, the same ones every time.",
    )
    cap = forms.DecimalField(
        label="Cap, US dollars",
        min_value=0,
        max_digits=14,
        decimal_places=6,
        required=False,
        help_text="The run stops there. Left empty, it has none.",
    )

    def __init__(
        self, *args: Any, version: DatasetVersion, source: ModelSource, scorer: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kind: Kind = KINDS[source.kind]
        self.scorer = scorer if self.kind.gives == Gives.TEXT else ""
        if self.scorer:
            self._add_scorer(version)
        for setting in self.kind.settings:
            held = source.settings.get(setting.name, setting.default)
            self.fields[f"set_{setting.name}"] = _field_of(setting, held)
        if self.kind.local:
            del self.fields["cap"]
        scoring = [name for name in self.fields if name.startswith("score_")]
        self.order_fields(["reference", *scoring, "sample"])

    def _add_scorer(self, version: DatasetVersion) -> None:
        choices = [("", "its label"), *((name, f"its {name}") for name in version.slice_names)]
        self.fields["reference"] = forms.ChoiceField(
            label="What an item's answer is compared with", choices=choices, required=False
        )
        for name, setting in settings_of(self.scorer).items():
            self.fields[f"score_{name}"] = _scorer_field(setting)

    def asked(self) -> dict[str, Any]:
        """The cleaned values as `start_run` takes them."""
        data = self.cleaned_data
        return {
            "settings": _under("set_", data),
            "scorer": self.scorer,
            "scorer_settings": _under("score_", data),
            "reference": data.get("reference", ""),
            "sample": data["sample"],
            "cap": data.get("cap"),
        }


def scorer_fields() -> dict[str, forms.Field]:
    """Every setting of every scorer, `score_` and its name; what is left empty is left to the scorer."""
    settings: dict[str, Field[Any]] = {}
    users: dict[str, list[str]] = {}
    for scorer, words in SCORER_NAMES.items():
        for name, setting in settings_of(scorer).items():
            settings.setdefault(name, setting)
            users.setdefault(name, []).append(words)
    return {
        f"score_{name}": _scorer_field(setting, only_for="; ".join(users[name]))
        for name, setting in settings.items()
    }


def given_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """What was entered in `scorer_fields`."""
    return {
        name: value for name, value in _under("score_", data).items() if value not in ("", None)
    }


def _scorer_field(setting: Field[Any], *, only_for: str = "") -> forms.Field:
    """A field at the scorer's default; where it is there for some scorers only, it may be left empty."""
    default = None if setting.default is MISSING else setting.default
    helping = setting.metadata["help"]
    given: dict[str, Any] = {
        "label": setting.metadata["label"],
        "help_text": f"{helping} Only for: {only_for}." if only_for else helping,
        "initial": None if only_for else default,
        "required": not only_for,
    }
    if isinstance(default, bool):
        if not only_for:
            return forms.BooleanField(**given | {"required": False})
        choices = [("", "as that comparison usually does"), ("yes", "yes"), ("no", "no")]
        return forms.TypedChoiceField(
            choices=choices, coerce=lambda said: said == "yes", empty_value=None, **given
        )
    if isinstance(default, float):
        return forms.FloatField(min_value=0, **given)
    return forms.CharField(max_length=200, **given)


def _under(prefix: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value for name, value in data.items() if name.startswith(prefix)
    }


class _MapField(forms.CharField):
    """`LABEL = class`, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3}), max_length=20_000, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return "\n".join(f"{label} = {name}" for label, name in value.items())
        return value

    def clean(self, value: Any) -> dict[str, str]:
        found = {}
        for line in filter(None, map(str.strip, super().clean(value).splitlines())):
            label, sign, name = (part.strip() for part in line.partition("="))
            if not (label and sign and name):
                raise forms.ValidationError(f"“{line[:80]}” is not of the form LABEL = class.")
            found[label] = name
        return found


def _field_of(setting: Setting, held: Any) -> forms.Field:
    given: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "initial": held,
    }
    if isinstance(setting.default, dict):
        return _MapField(required=False, **given)
    if isinstance(setting.default, str):
        if setting.choices:
            return forms.ChoiceField(choices=[(one, one) for one in setting.choices], **given)
        widget = forms.Textarea(attrs={"rows": 3})
        return forms.CharField(required=False, widget=widget, max_length=20_000, **given)
    if isinstance(setting.default, int):
        return forms.IntegerField(min_value=int(setting.low), max_value=int(setting.high), **given)
    return forms.FloatField(min_value=setting.low, max_value=setting.high, **given)


class CapForm(forms.Form):
    """A new cap for a run that goes on."""

    cap = forms.DecimalField(min_value=0, max_digits=14, decimal_places=6, required=False)
