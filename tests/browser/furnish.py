"""Puts one of everything into the site, the way a person does, so that every kind of page exists."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import REPOSITORY, Site
from tests.browser.models_at_work import answering
from tests.partners.server import serving


@contextmanager
def furnished(context: BrowserContext, site: Site, folder: Path) -> Iterator[list[str]]:
    """An unfinished upload, a selection with two labels, a replay, a board that has answered twice, an
    invitation, a token, a share link; an endpoint, runs and tournaments, of which one goes on as long as
    the block does.

    Gives the addresses that no page shows again, the shared board and the invitation, and those of runs
    and tournaments in each state: they are pages to look at first.
    """
    addresses = _furnish(context, site, folder)
    with serving(answering()) as server:
        working = [site.address + path for path in _models(site, "start", server.url)]
        try:
            yield [*addresses, *working]
        finally:
            _models(site, "stop")


def _models(site: Site, *what: str) -> list[str]:
    """Paths that the process beside the site prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.models_at_work", *what],
        cwd=REPOSITORY,
        env={**site.environment, "DJANGO_SETTINGS_MODULE": "project.settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if line.startswith("/")]


def _furnish(context: BrowserContext, site: Site, folder: Path) -> list[str]:
    page = context.new_page()
    _unfinished_upload(page, site, folder)
    start_selection(page, site, "Digits by hand")
    for _ in range(2):
        page.goto(f"{page.url.split('label/')[0]}label/")
        page.get_by_role("group", name="Classes").get_by_role("button").first.click()
        page.get_by_role("button", name="Undo").wait_for()
    _replay(page, site)
    _second_answer(page, site)
    page.goto(f"{site.address}/settings/")
    page.get_by_label("What will use it").fill("nightly script")
    page.get_by_role("button", name="Make a token").click()
    addresses = [invitation(page, site, "colleague@example.org"), share_link(page, site)]
    page.close()
    return addresses


def _unfinished_upload(page: Page, site: Site, folder: Path) -> None:
    path = folder / "unfinished.csv"
    path.write_text("item_id,small,large\na,cat,dog\nb,cat,cat\n")
    page.goto(f"{site.address}/datasets/new/")
    page.get_by_label("Predictions", exact=True).set_input_files(path)
    page.get_by_role("button", name="Upload these files").click()
    page.get_by_role("button", name="Check and take over").wait_for()


def start_selection(page: Page, site: Site, name: str) -> None:
    """Start a selection on the demo's dataset; the page is then the selection's."""
    page.goto(f"{site.address}/selections/new/")
    page.get_by_label("Dataset").select_option(label="Handwritten digits, version 1")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Start this selection").click()
    page.get_by_role("heading", level=1, name=name).wait_for()


def _replay(page: Page, site: Site) -> None:
    """A small replay of the demo's labels, once its job has ended."""
    page.goto(f"{site.address}/replays/new/")
    page.get_by_label("Dataset").select_option(label="Handwritten digits, version 1")
    for name, number in (("Items of a pool", "60"), ("Realisations", "3")):
        page.get_by_label(name).fill(number)
    page.get_by_label("Labels each method may ask for").fill("10")
    page.get_by_role("button", name="Start this replay").click()
    # The jobs of the demo may still be before it.
    page.get_by_role("link", name="Share this replay").wait_for(timeout=300_000)


def _second_answer(page: Page, site: Site) -> None:
    """Ask the demo's board for another size of a call, until its history has something to draw."""
    page.goto(f"{site.address}/boards/")
    page.get_by_role("main").get_by_role("link", name="Handwritten digits").first.click()
    board = page.url
    page.get_by_role("link", name="Change its settings").click()
    page.get_by_label("Tokens out").fill("201")
    page.get_by_role("button", name="Save").click()
    for _ in range(120):
        page.goto(f"{board}history/")
        if page.locator("svg.timeline").count():
            return
        page.wait_for_timeout(1000)
    raise AssertionError("The board has not answered again.")


def invitation(page: Page, site: Site, email: str, role: str = "viewer") -> str:
    """Invite somebody; the address that lets them in."""
    page.goto(f"{site.address}/settings/")
    invite = page.locator("form", has=page.get_by_label("E-mail address"))
    invite.get_by_label("E-mail address").fill(email)
    invite.get_by_label("Role").select_option(label=role)
    page.get_by_role("button", name="Invite this person").click()
    return _secret(page, "invitations")


def share_link(page: Page, site: Site) -> str:
    """Share the demo's board; the address of the link."""
    page.goto(f"{site.address}/boards/")
    page.get_by_role("main").get_by_role("link", name="Handwritten digits").first.click()
    page.get_by_role("link", name="Share this board").click()
    page.get_by_role("button", name="Make a link").click()
    return _secret(page, "s")


def _secret(page: Page, folder: str) -> str:
    found = re.search(rf"http\S+/{folder}/[\w-]+/", page.locator(".secret").inner_text())
    assert found
    return found.group()
