"""The twins of a page: what it says as JSON, CSV, LaTeX, SVG and PNG, at its own address.

A page with a table and a chart gets all five from three lines: a function that answers `Twins` for
a request, `paths` in `urls.py`, and `components/twins.html` with `links` at the page's end.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import URLPattern, path

from apps.core import latex
from apps.core.cards import Claim, card_of
from apps.core.charts import SIZES, THEMES, png
from apps.core.spreadsheets import csv_text

FORMS = {"json": "JSON", "csv": "CSV", "tex": "LaTeX", "svg": "SVG", "png": "PNG"}
"""What can be asked for, and what it is called."""

CARD = ".card.json"
"""What the address of a page's result card ends in."""

_DRAWN = ("svg", "png")
_TAG = re.compile(r"<[^>]*>")

Chart = Callable[[str, str], bytes]


class NoFile(Http404):
    """A page that is there has no such file as things are; its sentence says why (404)."""


@dataclass(frozen=True)
class Twins:
    """A page as files. Each is made when it is asked for, from what the page's address asks for.

    Attributes:
        name: of the files, without what follows the dot.
        document: everything, ready for JSON.
        rows: the rows of the table for a spreadsheet, heads first, every number in full.
        table: the table as it is read.
        chart: the SVG in a theme and a size (keys of THEMES and SIZES), or the sentence that says why
            there is nothing to draw.
    """

    name: str
    document: Callable[[], Any]
    rows: Callable[[], Iterable[Iterable[str]]]
    table: Callable[[], latex.Table]
    chart: Chart | str


def answer(request: HttpRequest, twins: Twins, form: str) -> HttpResponse:
    """One of the twins. Raises NoFile for a picture of nothing."""
    if form in _DRAWN:
        return _picture(request, twins, form)
    if form == "json":
        return JsonResponse(twins.document())
    if form == "csv":
        text, kind = csv_text(twins.rows()), "text/csv"
    else:
        text, kind = latex.document(twins.table()), "application/x-tex"
    return download(text, f"{twins.name}.{form}", kind)


def download(text: str, name: str, kind: str) -> HttpResponse:
    """A text as a file to keep."""
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def card_response(claim: Claim, name: str) -> HttpResponse:
    """A result card as a file to keep; `manage.py verify` recomputes it."""
    text = json.dumps(card_of(claim), indent=1)
    return download(text, f"{label(name)}{CARD}", "application/json")


def _picture(request: HttpRequest, twins: Twins, form: str) -> HttpResponse:
    if isinstance(twins.chart, str):
        raise NoFile(twins.chart)
    theme, size = request.GET.get("theme", ""), request.GET.get("size", "")
    svg = twins.chart(theme if theme in THEMES else "light", size if size in SIZES else "wide")
    if form == "svg":
        return svg_response(svg)
    return HttpResponse(png(svg), content_type="image/png")


def svg_response(svg: bytes) -> HttpResponse:
    """An SVG that does nothing but be looked at, whoever opens it by itself."""
    response = HttpResponse(svg, content_type="image/svg+xml")
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


def paths(page: str, name: str, view: Callable[..., HttpResponseBase]) -> list[URLPattern]:
    """The addresses of a page's twins: `page` with `.json` and so on, called `name_json` and so on.

    `view` is given the form as `form`.
    """
    return [path(f"{page}.{form}", view, {"form": form}, name=f"{name}_{form}") for form in FORMS]


def links(page: str, *, drawn: bool, query: str = "", card: bool = False) -> list[tuple[str, str]]:
    """Names and addresses of the twins of the page at `page`; `query` with its question mark.

    `card`: it has a result card as well.
    """
    found = [
        (text, f"{page.rstrip('/')}.{form}{query}")
        for form, text in FORMS.items()
        if drawn or form not in _DRAWN
    ]
    return [*found, ("result card", f"{page.rstrip('/')}{CARD}")] if card else found


def plain(html: str) -> str:
    """The text of a cell that was made for a page."""
    return " ".join(unescape(_TAG.sub(" ", html)).split())


def label(text: str) -> str:
    """A name for references in a document: letters, digits and hyphens."""
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-") or "table"
