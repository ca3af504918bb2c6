"""Labelling as an annotator does it: by keys, by mouse, without scripts, and by two at once."""

import json
import re
import time
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site, visit, watch
from tests.browser.furnish import start_selection
from tests.browser.test_pages import axe


def item_of(page: Page) -> str:
    return page.locator("#task-title").inner_text()


def press(page: Page, key: str) -> str:
    """Press a key and wait for what comes next; the item that came."""
    before = page.locator("#task").element_handle()
    page.keyboard.press(key)
    page.wait_for_function("old => !old.isConnected", arg=before)
    return item_of(page)


def labels_of(page: Page, address: str) -> list[dict[str, object]]:
    events = json.loads(page.request.get(f"{address}events.json").text())["events"]
    return [event for event in events if event["kind"] == "label"]


def test_keys_label_skip_undo_and_show_answers(
    signed_in: Callable[..., BrowserContext], site: Site
) -> None:
    context = signed_in()
    watched = watch(context.new_page())
    page = watched.page
    start_selection(page, site, "By keys")
    address = page.url
    page.get_by_role("link", name="Label items").click()
    expect(page.locator("#task img")).to_be_visible()
    expect(page.locator("#task")).not_to_contain_text("What the models answer")
    expect(page.locator(".meter")).to_contain_text(re.compile("At most [0-9,]+ more labels"))

    first = item_of(page)
    second = press(page, "1")
    assert second != first
    third = press(page, "s")
    assert third not in (first, second)
    assert press(page, "u") == second
    assert press(page, "u") == first
    assert press(page, "a") == first
    expect(page.locator("#task")).to_contain_text("What the models answer")

    # A note is typed in peace: its letters press no buttons, and Enter sends nothing.
    page.keyboard.press("n")
    page.keyboard.type("blurred, 1 or s?")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert item_of(page) == first
    press(page, "2")
    events = json.loads(page.request.get(f"{address}events.json").text())["events"]
    assert [event["kind"] for event in events] == ["label", "skip", "undo", "undo", "label"]
    assert events[-1]["note"] == "blurred, 1 or s?"
    assert events[-1]["answers_seen"]
    assert not axe(page)
    context.close()
    assert not watched.complaints


def test_forty_items_a_minute_by_keys(signed_in: Callable[..., BrowserContext], site: Site) -> None:
    context = signed_in()
    page = context.new_page()
    start_selection(page, site, "Forty a minute")
    address = page.url
    visit(page, f"{address}label/")
    started = time.monotonic()
    for number in range(40):
        press(page, str(1 + number % 9))
    print(f"40 items in {time.monotonic() - started:.1f} s")
    assert len(labels_of(page, address)) == 40
    page.goto(address)
    expect(page.locator("svg.curve")).to_be_visible()
    expect(page.get_by_role("region", name="Annotators")).to_contain_text("40")
    context.close()


def test_the_classes_stay_in_sight_below_a_long_item(
    signed_in: Callable[..., BrowserContext], site: Site
) -> None:
    context = signed_in(viewport={"width": 360, "height": 740})
    page = context.new_page()
    start_selection(page, site, "Long items")
    visit(page, f"{page.url}label/")
    page.evaluate("document.querySelector('.subject').style.minHeight = '9000px'")
    answers = page.get_by_role("group", name="Classes").get_by_role("button")
    expect(answers.first).to_be_in_viewport()
    context.close()


def test_it_labels_and_undoes_without_scripts(
    signed_in: Callable[..., BrowserContext], site: Site
) -> None:
    context = signed_in(java_script_enabled=False)
    page = context.new_page()
    start_selection(page, site, "Without scripts")
    address = page.url
    page.goto(f"{address}label/")
    first = item_of(page)
    page.get_by_role("group", name="Classes").get_by_role("button").nth(3).click()
    assert item_of(page) != first
    assert len(labels_of(page, address)) == 1
    page.get_by_role("button", name="Undo").click()
    assert item_of(page) == first
    page.get_by_role("button", name="Show the models' answers").click()
    expect(page.locator("#task")).to_contain_text("What the models answer")
    context.close()


def test_closing_makes_the_labels_the_datasets(
    signed_in: Callable[..., BrowserContext], site: Site
) -> None:
    context = signed_in()
    page = context.new_page()
    start_selection(page, site, "To be closed")
    address = page.url
    visit(page, f"{address}label/")
    item = item_of(page).removeprefix("Item ")
    press(page, "1")
    page.goto(address)
    page.get_by_role("button", name="Close and use its labels").click()
    expect(page.locator("#messages")).to_contain_text("part of the dataset")
    page.goto(f"{address}label/")
    expect(page.locator("#task")).to_contain_text("This selection is closed")
    page.goto(address)
    page.get_by_role("link", name="Handwritten digits v1").click()
    labels = page.request.get(f"{page.url}labels.csv").text()
    assert f"\r\n{item}," in labels or labels.startswith(f"{item},")
    context.close()
