"""Names in sentences stand in backticks; pages and LaTeX set them as code (the filter `prose`)."""

from __future__ import annotations


def name(text: str) -> str:
    """A name in backticks, whatever is in the name."""
    return f"`{text.replace('`', chr(39))}`"


def plain(sentence: str) -> str:
    """A sentence without the marks around names, for titles and mail."""
    return sentence.replace("`", "")
