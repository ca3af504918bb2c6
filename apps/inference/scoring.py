"""Which scorer compares answers in words, and with what. `SCORERS` are plain; more come by name."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from django.core.exceptions import ValidationError

from apps.inference.kinds.settings import unstorable
from apps.inference.scorers import SCORERS, Scorer


def settings_of(name: str) -> dict[str, Field[Any]]:
    """The settings of the scorer of that name: fields with `label` and `help` in their metadata."""
    return {field.name: field for field in fields(SCORERS[name])}  # type: ignore[arg-type]


def settings_in_words() -> str:
    """All settings of all scorers with their defaults, for a reference."""
    said = []
    for name in SCORERS:
        if own := settings_of(name):
            parts = [
                f"`{key}` ({'needed' if one.default is MISSING else json.dumps(one.default)})"
                for key, one in own.items()
            ]
            said.append(f"{name}: {', '.join(parts)}")
    return f"What differs from the scorer's own. {'; '.join(said)}. The others have none."


def made_scorer(name: str, settings: Mapping[str, Any]) -> Scorer:
    """The scorer of that name with its settings, each of the type of its field.

    Raises:
        ValidationError: no such scorer, or a setting that is none of it or no such value.
    """
    if name not in SCORERS:
        raise ValidationError({"scorer": f"Choose how answers are compared: {', '.join(SCORERS)}."})
    known = settings_of(name)
    values = {}
    for key, value in settings.items():
        if key not in known:
            raise ValidationError({"scorer_settings": f"{name} has no setting `{key[:40]}`."})
        values[key] = _typed(name, key, str(known[key].type), value)
    try:
        return SCORERS[name](**values)
    except TypeError as error:
        missing = ", ".join(f"`{key}`" for key in known if key not in values)
        raise ValidationError({"scorer_settings": f"{name} needs {missing}."}) from error


def _typed(scorer: str, key: str, kind: str, value: Any) -> Any:
    if kind == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        if 0 <= value <= sys.float_info.max:
            return float(value)
    elif kind == "str" and isinstance(value, str):
        if not unstorable(value):
            return value
    elif kind == "bool" and isinstance(value, bool):
        return value
    what = {"float": "a number that is not negative", "bool": "true or false", "str": "a text"}
    raise ValidationError({"scorer_settings": f"{scorer}: `{key}` is {what.get(kind, kind)}."})


def check_references(scorer: Scorer, references: Mapping[int, str]) -> None:
    """Raise ValidationError where there is nothing to compare with, or no answer could match it."""
    if not references:
        raise ValidationError(
            {"reference": "No item has a label to compare answers with: upload labels first."}
        )
    for reference in references.values():
        try:
            scorer.check(reference)
        except ValueError as error:
            raise ValidationError({"scorer": str(error)}) from error
