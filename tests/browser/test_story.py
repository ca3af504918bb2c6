"""The main job from end to end, as a person does it: two own files, a board, a link for a colleague."""

import csv
import random
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import Site, watch

SECONDS = 1000
MODELS = {"careful": 0.95, "fair": 0.75, "careless": 0.4}
CLASSES = ("cat", "dog", "bird")


def write_files(folder: Path) -> tuple[Path, Path]:
    """Predictions of three models of known quality on 400 items, and labels for 150 of them."""
    rng = random.Random(7)
    truth = {f"photo-{number}": rng.choice(CLASSES) for number in range(400)}
    predictions, labels = folder / "my-predictions.csv", folder / "my-labels.csv"
    with predictions.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", *MODELS])
        for item, right in truth.items():
            answers = [
                right if rng.random() < share else rng.choice([c for c in CLASSES if c != right])
                for share in MODELS.values()
            ]
            writer.writerow([item, *answers])
    with labels.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item_id", "label"])
        writer.writerows(rng.sample(sorted(truth.items()), 150))
    return predictions, labels


def test_two_files_become_a_board_and_a_link(
    tmp_path: Path, browser: Browser, signed_in: Callable[..., BrowserContext], site: Site
) -> None:
    predictions, labels = write_files(tmp_path)
    context = signed_in()
    watched = watch(context.new_page())
    page = watched.page

    page.goto(site.address)
    page.get_by_role("link", name="Upload predictions").click()
    page.get_by_label("Predictions", exact=True).set_input_files(predictions)
    page.get_by_label("Labels, if you have some").set_input_files(labels)
    page.get_by_role("button", name="Upload these files").click()
    page.get_by_role("button", name="Check and take over").click()

    # The page follows the job by itself to the board, which computes itself.
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("Use careful", timeout=60 * SECONDS)
    expect(page.get_by_role("table").first).to_contain_text("careless")

    page.get_by_role("link", name="Share this board").click()
    page.get_by_role("button", name="Make a link").click()
    address = re.search(r"http\S+/s/[\w-]+/", page.locator(".secret").inner_text())
    assert address
    context.close()

    stranger = browser.new_context()
    theirs = watch(stranger.new_page())
    theirs.page.goto(address.group())
    expect(theirs.page.locator(".verdict")).to_contain_text("Use careful")
    expect(theirs.page.get_by_role("table").first).to_contain_text("careless")
    theirs.page.goto(f"{site.address}/boards/")
    expect(theirs.page).to_have_url(re.compile("/accounts/login/"))
    stranger.close()
    assert not watched.complaints + theirs.complaints


def test_a_file_with_problems_names_their_rows(
    tmp_path: Path, signed_in: Callable[..., BrowserContext], site: Site
) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("item_id,small,large\na,cat,dog\nb,cat\nc,dog,cat\n")
    context = signed_in()
    page = context.new_page()
    page.goto(f"{site.address}/datasets/new/")
    page.get_by_label("Predictions", exact=True).set_input_files(path)
    page.get_by_role("button", name="Upload these files").click()
    take_over = page.get_by_role("button", name="Check and take over")
    if take_over.is_visible():
        take_over.click()
    problems = page.locator(".problems")
    expect(problems).to_be_visible(timeout=40 * SECONDS)
    expect(problems).to_contain_text("Row 3")
    context.close()


def test_a_link_that_never_was_answers_that_there_is_no_such_page(
    browser: Browser, site: Site
) -> None:
    context = browser.new_context()
    page = context.new_page()
    response = page.goto(f"{site.address}/s/guessed-by-somebody/")
    assert response is not None
    assert response.status == 404
    context.close()
