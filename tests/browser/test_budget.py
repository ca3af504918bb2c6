"""What a page costs: bytes over the wire, how soon it is there, and that nothing jumps."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.conftest import Site
from tests.browser.crawl import crawl
from tests.browser.furnish import furnished

MOST_BYTES = 150_000
MOST_SHIFT = 0.02  # a tenth of what is called bad would still be seen
MOST_SECONDS = 1.0
# Charts bring their library, Swagger is foreign.
WATCH = """() => {
  window.seen = {shift: 0, paint: 0};
  new PerformanceObserver(list => {
    for (const e of list.getEntries()) if (!e.hadRecentInput) seen.shift += e.value;
  }).observe({type: 'layout-shift', buffered: true});
  new PerformanceObserver(list => {
    for (const e of list.getEntries()) seen.paint = e.startTime;
  }).observe({type: 'largest-contentful-paint', buffered: true});
}"""
COST = """() => performance.getEntriesByType('navigation')
  .concat(performance.getEntriesByType('resource'))
  .map(e => [e.name, e.transferSize])"""


@pytest.fixture(scope="module")
def addresses(
    signed_in: Callable[..., BrowserContext],
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[str]]:
    context = signed_in()
    with furnished(context, site, tmp_path_factory.mktemp("furniture")) as starts:
        found = crawl(context, site, starts)
        context.close()
        yield [pages[0] for pages in found.pages.values()]


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_is_light_soon_there_and_still(
    width: int, addresses: list[str], signed_in: Callable[..., BrowserContext]
) -> None:
    faults, paints = [], []
    for address in addresses:
        # A fresh context has an empty cache: the first visit of somebody new.
        context = signed_in(viewport={"width": width, "height": 800})
        context.add_init_script(f"({WATCH})()")
        page = context.new_page()
        page.goto(address, wait_until="networkidle")
        chart = page.locator("[data-chart]").count()
        size = sum(bytes_ for _, bytes_ in page.evaluate(COST))
        seen = page.evaluate("seen")
        paints.append(seen["paint"] / 1000)
        if size > MOST_BYTES and not chart:
            faults.append(f"{address}: {size:,} bytes")
        if seen["shift"] > MOST_SHIFT:
            faults.append(f"{address}: it shifts by {seen['shift']:.3f}")
        context.close()
    paints.sort()
    print(
        f"\n{width} px: largest paint, median {paints[len(paints) // 2]:.2f} s, last {paints[-1]:.2f} s"
    )
    assert paints[len(paints) // 2] < MOST_SECONDS
    assert not faults, "\n".join(faults)
