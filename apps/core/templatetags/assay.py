"""Words for times and numbers in the pages."""

import re
from collections.abc import ItemsView, Mapping
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_HASH = re.compile("[0-9a-f]{64}")
UNKNOWN = mark_safe('<span class="unknown">unknown</span>')
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (86400 * 14, 86400, "days"))


def in_words(seconds: float) -> str:
    """A duration in its largest sensible unit: "3 min", "1 day"; from two weeks on in weeks or years."""
    for limit, size, unit in _STEPS:
        if seconds < limit:
            count = int(seconds // size)
            return f"{count} {'day' if unit == 'days' and count == 1 else unit}"
    weeks = int(seconds // (86400 * 7))
    if weeks < 104:
        return f"{weeks} weeks"
    return f"{weeks // 52} years"


@register.filter
def prose(sentence: str) -> SafeString:
    """A sentence with its names, which stand in backticks, set as code; everything is escaped."""
    parts = escape(sentence).split("`")
    return mark_safe(  # noqa: S308
        "".join(f"<code>{part}</code>" if odd % 2 else part for odd, part in enumerate(parts))
    )


@register.filter
def known(value: object) -> object:
    """What a cell shows: the value, or the word "unknown" where there is none (None, "")."""
    return UNKNOWN if value is None or value == "" else value


@register.filter
def plainly(value: object) -> str:
    """A value of JSON as a person writes it: "yes", "none", "a, b"; a hash by its beginning."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return ", ".join(plainly(one) for one in value)
    text = str(value)
    return f"{text[:12]}…" if _HASH.fullmatch(text) else text


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago: "just now", "3 min ago"; a time to come reads "in 3 min"; none reads "never"."""
    if at is None:
        return "never"
    seconds = (timezone.now() - at).total_seconds()
    if seconds < -1:
        return f"in {in_words(-seconds)}"
    if seconds < 5:
        return "just now"
    return f"{in_words(seconds)} ago"


@register.filter
def duration(value: timedelta | float | None) -> str:
    """A timedelta or a number of seconds in words; none reads "unknown"."""
    if value is None:
        return "unknown"
    return in_words(value.total_seconds() if isinstance(value, timedelta) else value)


@register.filter
def pairs(mapping: Mapping[str, Any]) -> ItemsView[str, Any]:
    """Keys and values: `.items` of a template finds a key named "items" first."""
    return mapping.items()


@register.simple_tag
def crumb(name: object, route: str, *arguments: object) -> SafeString:
    """A step of the way to a page: its name as a link to its route."""
    return format_html('<li><a href="{}">{}</a></li>', reverse(route, args=arguments), name)
