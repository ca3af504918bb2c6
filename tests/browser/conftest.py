"""A real server with a real worker and the demo in it, and a real Chromium to drive it.

Nothing here touches this process's database: the server has a data folder of its own.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 180
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def chromium() -> str:
    """The path of a Chromium; the test is skipped, saying so, where there is none."""
    # The shell is Chromium without the windows that nobody sees: a fifth of the work for a new page.
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    for name in filter(None, (os.environ.get("CHROMIUM"), *names)):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium was found: install one or set CHROMIUM to its path")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Site:
    """A running Assay: where it is, how to sign in once, and what it printed."""

    address: str
    data_dir: Path
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)

    def sign_in_address(self) -> str:
        """A fresh address that signs the local admin in, once."""
        output = subprocess.run(
            [sys.executable, "manage.py", "signin", "admin@localhost"],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = re.search(r"/signin/\S+", output)
        assert found, output
        return self.address + found.group()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`manage.py up` with the demo, ended like with Ctrl-C; it must leave nothing behind."""
    chromium()
    port = _free_port()
    data_dir = tmp_path_factory.mktemp("assay")
    foreign = (
        "DATABASE_URL",
        "BROKER_URL",
        "SITE_URL",
        "ALLOWED_HOSTS",
        "S3_BUCKET",
        "STATIC_ROOT",
    )
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    environment |= {"ASSAY_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    environment["OUTBOUND_ALLOWED_HOSTS"] = "127.0.0.1"  # an endpoint of the tests
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    running = Site(f"http://127.0.0.1:{port}", data_dir, environment)
    serving = threading.Event()

    def listen() -> None:
        assert process.stdout
        for line in process.stdout:
            running.lines.append(line.rstrip())
            if line.startswith("Sign in, once"):
                serving.set()
        serving.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        serving.wait(START_SECONDS)
        assert process.poll() is None, "\n".join(running.lines)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(30)
        listener.join(10)
        # The pipe ends only when the last process that holds it has ended.
        assert not listener.is_alive(), "a process outlived manage.py up"
    assert status == 0, "\n".join(running.lines)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield started
        started.close()


@dataclass
class Watched:
    """A page, and everything its console complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


def visit(page: Page, address: str) -> None:
    """Open a page and wait until its chart, if it has one, is drawn."""
    page.goto(address)
    if page.locator("[data-chart]").count():
        page.locator("[data-chart] svg").first.wait_for()


def watch(page: Page) -> Watched:
    """Collect errors of scripts, of the content security policy and of what could not be loaded."""
    watched = Watched(page)

    def heard(kind: str, text: str) -> None:
        if kind == "error" or "Content Security Policy" in text:
            watched.complaints.append(f"{page.url}: {text}")

    page.on("console", lambda message: heard(message.type, message.text))
    page.on("pageerror", lambda error: heard("error", str(error)))
    return watched


def sign_in(context: BrowserContext, site: Site) -> None:
    """Sign the local admin in, with a session that no other context has."""
    page = context.new_page()
    page.goto(site.sign_in_address())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{site.address}/")
    page.close()


@pytest.fixture(scope="package")
def signed_in(browser: Browser, site: Site) -> Callable[..., BrowserContext]:
    """Makes a browser context signed in as the local admin; keywords go to `new_context`."""
    state: dict[str, object] = {}

    def make(**options: object) -> BrowserContext:
        if not state:
            first = browser.new_context()
            sign_in(first, site)
            state.update(first.storage_state())
            first.close()
        return browser.new_context(storage_state=state, **options)  # type: ignore[arg-type]

    return make
