"""Every page, in both themes and at three widths: axe finds nothing, keys reach everything, and what it
costs: bytes over the wire, how soon it is there, and that nothing jumps."""

from collections.abc import Callable, Iterator
from pathlib import Path

import axe_core_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import Site, visit, watch
from tests.browser.crawl import FOREIGN, NOT_OFFERED, NOT_WALKED, Found, crawl, page_routes
from tests.browser.furnish import furnished

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]  # all that another theme changes
# What passes is most of what it finds, and takes longest to name and to carry over.
RUN_AXE = """rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})
  .then(found => found.violations)"""
SIGNED_OUT = ["/accounts/login/", "/accounts/password/reset/", "/s/no-such-link/"]
MARK_STOPS = """() => {
  const stops = [...document.querySelectorAll(
    'a[href], button, input, select, textarea, summary, [tabindex="0"]')]
    .filter(e => !e.disabled && e.type !== 'hidden' && e.tabIndex >= 0
      && e.checkVisibility({visibilityProperty: true}) && !e.closest('[inert]'));
  const groups = new Set();
  let count = 0;
  for (const e of stops) {
    if (e.type === 'radio') {
      if (groups.has(e.name)) continue;
      groups.add(e.name);
      for (const other of document.getElementsByName(e.name)) other.dataset.stop = count;
    }
    e.dataset.stop = count++;
  }
  return count;
}"""
AT_STOP = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e.dataset.stop === undefined) return null;
  const style = getComputedStyle(e);
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return {stop: Number(e.dataset.stop), seen: outlined,
          what: e.outerHTML.slice(0, 120)};
}"""

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
def pages(
    signed_in: Callable[..., BrowserContext],
    site: Site,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Found]:
    context = signed_in()
    with furnished(context, site, tmp_path_factory.mktemp("furniture")) as starts:
        found = crawl(context, site, starts)
        context.close()
        yield found


def axe(page: Page) -> list[str]:
    """What axe finds on the page as it stands, and in its colours when it turns dark: rule, and where."""
    page.evaluate(AXE)
    # Still: while a colour passes into another, neither is there.
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = _axe(page, RULES)
    page.emulate_media(color_scheme="dark")
    return found + _axe(page, COLOURS)


def _axe(page: Page, rules: list[str]) -> list[str]:
    violations = page.evaluate(RUN_AXE, rules)
    return [
        f"{page.url}: {violation['id']} ({violation['impact']}): {node['html'][:160]}"
        for violation in violations
        for node in violation["nodes"][:3]
    ]


def test_every_route_is_reached_from_a_page(pages: Found) -> None:
    known = pages.mentioned | set(pages.pages) | set(NOT_WALKED) | set(NOT_OFFERED)
    missing = {name for name in page_routes() - known if not FOREIGN.match(name)}
    assert not missing, f"no page leads to {sorted(missing)}"


def test_axe_finds_nothing_in_either_theme(
    pages: Found, signed_in: Callable[..., BrowserContext]
) -> None:
    context = signed_in()
    watched = watch(context.new_page())
    findings = []
    for address in pages.addresses:
        visit(watched.page, address)
        findings += axe(watched.page)
    context.close()
    assert not findings, "\n".join(findings)
    assert not watched.complaints, "\n".join(watched.complaints)


def test_axe_finds_nothing_on_signed_out_pages(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    findings = []
    for path in SIGNED_OUT:
        page.goto(site.address + path)
        findings += axe(page)
    context.close()
    assert not findings, "\n".join(findings)


def test_keys_reach_every_control_and_show_where_they_are(
    pages: Found, signed_in: Callable[..., BrowserContext]
) -> None:
    context = signed_in()
    page = context.new_page()
    faults = []
    for found in pages.pages.values():
        visit(page, found[0])
        faults += keyboard_faults(page)
    context.close()
    assert not faults, "\n".join(faults)


def keyboard_faults(page: Page) -> list[str]:
    """Controls that Tab does not reach, or that do not show that they have the focus."""
    count = page.evaluate(MARK_STOPS)
    reached: set[int] = set()
    faults = []
    # The field of a date is four stops to the keyboard: day, month, year, calendar.
    dates = page.locator('input[type="date"]').count()
    for _ in range(count + 5 + 3 * dates):
        page.keyboard.press("Tab")
        at = page.evaluate(AT_STOP)
        if at is None:
            continue
        reached.add(at["stop"])
        if not at["seen"]:
            faults.append(f"{page.url}: the focus is not seen on {at['what']}")
    for stop in sorted(set(range(count)) - reached):
        html = page.eval_on_selector(f'[data-stop="{stop}"]', "e => e.outerHTML.slice(0, 120)")
        faults.append(f"{page.url}: Tab does not reach {html}")
    return faults


def test_no_page_is_wider_than_a_phone(
    pages: Found, signed_in: Callable[..., BrowserContext]
) -> None:
    context = signed_in(viewport={"width": 360, "height": 740})
    page = context.new_page()
    wide = []
    for address in pages.addresses:
        visit(page, address)
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > 360:
            wide.append(f"{address} is {width} pixels wide")
    context.close()
    assert not wide, "\n".join(wide)


def test_every_page_says_its_piece_without_scripts(
    pages: Found, signed_in: Callable[..., BrowserContext]
) -> None:
    context = signed_in(java_script_enabled=False)
    page = context.new_page()
    for address in pages.addresses:
        page.goto(address)
        assert page.locator("h1").count() == 1, address
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_is_light_soon_there_and_still(
    width: int, pages: Found, signed_in: Callable[..., BrowserContext]
) -> None:
    faults, paints = [], []
    for address, *_ in pages.pages.values():
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
