"""Words for shares in the pages of this room."""

from django import template

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """A share as a percentage with one digit where it says something: "10%", "87.5%"."""
    return f"{round(share * 100, 1):g}%"
