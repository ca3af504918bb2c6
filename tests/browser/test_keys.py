"""Keys, palette and search in a real browser: they help, and never come between a person and a field."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import Site, watch
from tests.browser.furnish import start_selection
from tests.browser.test_pages import axe


@pytest.fixture
def page(signed_in: Callable[..., BrowserContext], site: Site) -> Iterator[Page]:
    context = signed_in()
    watched = watch(context.new_page())
    watched.page.goto(f"{site.address}/")
    yield watched.page
    context.close()
    assert not watched.complaints, "\n".join(watched.complaints)


def test_two_keys_go_to_a_place(page: Page, site: Site) -> None:
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url(f"{site.address}/boards/")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url(f"{site.address}/")


def test_a_slash_searches_and_keys_in_a_field_are_letters(page: Page, site: Site) -> None:
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("g b ? / digits")
    expect(page.locator("#find")).to_have_value("g b ? / digits")
    assert not page.locator("dialog[open]").count()
    page.locator("#find").fill("digits")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/search/?q=digits")
    found = page.locator("#found")
    expect(found.get_by_role("link", name="Handwritten digits", exact=True).first).to_be_visible()


def test_search_answers_while_somebody_types(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/search/")
    page.locator("#words").press_sequentially("svm", delay=20)
    expect(page.locator("#found").get_by_role("link", name="svm-rbf", exact=True)).to_be_visible()
    page.wait_for_url(f"{site.address}/search/?q=svm")


def test_a_page_that_is_told_to_load_anew_asks_for_nothing_more(page: Page, site: Site) -> None:
    """However long the loading takes: what a second answer would say once, would be said twice."""
    page.goto(f"{site.address}/search/")
    asked: list[str] = []
    loading: list[Route] = []

    def answer(route: Route) -> None:
        if route.request.is_navigation_request():
            loading.append(route)  # and does not come for now
            return
        asked.append(route.request.url)
        route.fulfill(headers={"HX-Refresh": "true"}, body="")

    page.route("**/search/**", answer)
    page.locator("#words").focus()
    page.keyboard.type("s")
    while not loading:
        page.wait_for_timeout(50)
    page.keyboard.type("vm")
    page.wait_for_timeout(1000)
    assert len(asked) == 1
    assert len(loading) == 1
    loading[0].continue_()
    page.unroute("**/search/**")
    page.wait_for_load_state()
    page.locator("#words").press_sequentially("svm", delay=20)
    expect(page.locator("#found").get_by_role("link", name="svm-rbf", exact=True)).to_be_visible()


def test_the_palette_is_driven_by_keys_and_closes(page: Page, site: Site) -> None:
    page.keyboard.press("Control+k")
    field = page.locator("#palette-words")
    expect(field).to_be_focused()
    expect(page.locator("#palette-found [role=option]").first).to_be_visible()
    field.press_sequentially("start a selection")
    chosen = page.locator("#palette-found [aria-selected=true]")
    expect(chosen).to_contain_text("Start a selection")
    assert not axe(page)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/selections/new/")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_the_sheet_tells_the_keys_and_turns_them_off(page: Page, site: Site) -> None:
    page.keyboard.press("?")
    sheet = page.locator("#keys")
    expect(sheet.get_by_text("Go to Boards")).to_be_visible()
    assert not axe(page)
    sheet.get_by_role("switch").uncheck()
    sheet.get_by_role("button", name="Close this sheet").click()
    expect(sheet).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("#find")).not_to_be_focused()
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


def test_the_keys_of_classes_go_before_those_of_the_product(page: Page, site: Site) -> None:
    start_selection(page, site, "Digits for the keys")
    page.get_by_role("link", name="Label items").click()
    page.locator("#task").wait_for()
    address = page.url
    for key in ("g", "b", "/"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.url == address
    expect(page.locator("#find")).not_to_be_focused()
