"""A session as it stands, as one plain document: what its twins and its share links are made from."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from apps.core import twins
from apps.core.prose import plain
from apps.core.templatetags.assay import prose
from apps.selection.curve import Curve, Reign
from apps.selection.models import SelectionSession
from apps.selection.pages import SessionPage, session_page, summary

FORMAT = 1


def standing_of(session: SelectionSession) -> dict[str, Any]:
    """The document, ready for JSON: no item and no annotator is named in it.

    Raises:
        ValueError: the version has no predictions (any more).
    """
    page = session_page(session)
    return {
        "format": FORMAT,
        "name": session.name,
        "dataset": {"name": session.version.dataset.name, "version": session.version.number},
        "items": session.version.item_count,
        "method": session.method,
        "method_name": page.method,
        "delta": session.delta,
        "alpha": session.alpha,
        "seed": session.seed,
        "audit_share": session.audit_share,
        "state": session.state,
        "verdict": _plain(page.sentence),
        "stop_meter": {"sentence": page.meter.sentence, "share": round(page.meter.share, 4)},
        "estimated": _estimated(page),
        **summary(page),
        "curve": _curve(page),
    }


def _estimated(page: SessionPage) -> str:
    """What the column of scores rests on."""
    if page.rows[0].accuracy is not None:
        return page.estimated
    return f"The bounds hold whatever the missing labels are. {page.estimated}"


def _plain(sentence: str) -> str:
    """A sentence of the page with its names in backticks."""
    return html.unescape(re.sub("</?code>", "`", sentence))


def _curve(page: SessionPage) -> dict[str, Any] | None:
    if page.curve is None:
        return None
    reigns = [vars(reign) for reign in page.curve.reigns]
    return {"leads": list(page.curve.leads), "reigns": reigns}


@dataclass(frozen=True)
class Standing:
    """A document of `standing_of` as a page shows it; `url` is the page's own address.

    `drawn`: the curve and files are part of what the reader gets.
    """

    document: dict[str, Any]
    url: str
    drawn: bool = True

    @property
    def twins(self) -> list[tuple[str, str]]:
        """The page as files: names and addresses."""
        return twins.links(self.url, drawn=self.curve is not None) if self.drawn else []

    @property
    def sentence(self) -> SafeString:
        """The verdict as HTML."""
        return prose(self.document["verdict"])

    @property
    def title(self) -> str:
        """The verdict as plain text, for previews of a link."""
        return plain(self.document["verdict"])

    @property
    def curve(self) -> Curve | None:
        """How the lead grew; None before the first label."""
        found = self.document["curve"] if self.drawn else None
        if found is None:
            return None
        return Curve(tuple(found["leads"]), tuple(Reign(**reign) for reign in found["reigns"]))
