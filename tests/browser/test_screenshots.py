"""Photographs for the eye: every page, light and dark, in three widths (`make screenshots`)."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.conftest import Site, visit
from tests.browser.crawl import crawl, route_of
from tests.browser.furnish import furnished

FOLDER = os.environ.get("ASSAY_SCREENSHOTS")
WIDTHS = (360, 768, 1280)


@pytest.mark.skipif(not FOLDER, reason="photographs are taken by `make screenshots`")
def test_every_page_can_be_photographed(
    signed_in: Callable[..., BrowserContext], site: Site, tmp_path: Path
) -> None:
    folder = Path(FOLDER or "")
    folder.mkdir(parents=True, exist_ok=True)
    context = signed_in()
    with furnished(context, site, tmp_path) as starts:
        found = crawl(context, site, starts).pages
        context.close()
        # Of what runs, fails and ends, each state; of everything else, one page.
        several = {route_of(address) for address in starts}
        for scheme in ("light", "dark"):
            for width in WIDTHS:
                context = signed_in(color_scheme=scheme, viewport={"width": width, "height": 900})
                page = context.new_page()
                for route, pages in found.items():
                    for number, address in enumerate(pages if route in several else pages[:1]):
                        visit(page, address)
                        name = f"{route}-{number + 1}" if number else route
                        shot = folder / f"{name}-{scheme}-{width}.png"
                        page.screenshot(path=shot, full_page=True)
                context.close()
    assert len(list(folder.glob("*.png"))) >= len(found) * 2 * len(WIDTHS)
