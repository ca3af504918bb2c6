"""Settings of a kind: one table makes the checks, the defaults and the fields of a form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

_LONGEST = 20_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def unstorable(text: str) -> bool:
    """Whether `text` holds what PostgreSQL does not take in JSON: NUL, or half of a letter."""
    return _UNSTORABLE.search(text) is not None


@dataclass(frozen=True)
class Setting:
    """One setting; its type is the default's: int, float, str, or dict (a map of names to names).

    `low`, `high`: the least and the most of a number. `choices`: what a text may be.
    """

    name: str
    default: int | float | str | dict[str, str]
    label: str
    help: str = ""
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()

    def clean(self, value: Any) -> Any:
        """The value, of the setting's type. Raises ValueError with one sentence."""
        if isinstance(self.default, dict):
            return self._map(value)
        if isinstance(self.default, str):
            return self._text(value)
        return self._number(value)

    def _number(self, value: Any) -> Any:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        whole = isinstance(self.default, int)
        # The range comes first: nothing in it is too large to be turned into the other type.
        if not number or not self.low <= value <= self.high or (whole and int(value) != value):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{self.label}: {kind} from {self.low:g} to {self.high:g}.")
        return int(value) if whole else float(value)

    def _text(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > _LONGEST or unstorable(value):
            raise ValueError(f"{self.label}: a text of at most {_LONGEST:,} characters.")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.label}: one of {', '.join(self.choices)}.")
        return value

    def _map(self, value: Any) -> dict[str, str]:
        if not isinstance(value, dict) or len(value) > _LONGEST:
            raise ValueError(f"{self.label}: a map of names to names.")
        for key, name in value.items():
            if not isinstance(name, str) or not name.strip() or unstorable(f"{key}{name}"):
                raise ValueError(f"{self.label}: `{str(key)[:60]}` is mapped to no name.")
        return {str(key).strip(): name.strip() for key, name in value.items()}


def clean_settings(table: Iterable[Setting], given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a table, those not given at their defaults.

    Raises:
        ValidationError: a setting that the table lacks, or a value that is none.
    """
    known = {setting.name: setting for setting in table}
    problems: dict[str, str] = {
        key: f"There is no setting `{key[:40]}` for this kind of model."
        for key in given
        if key not in known
    }
    values = {}
    for name, setting in known.items():
        try:
            values[name] = setting.clean(given.get(name, setting.default))
        except ValueError as error:
            problems[name] = str(error)
    if problems:
        raise ValidationError(problems)
    return values
