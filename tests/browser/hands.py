"""One step of a story, done with a mouse, a finger or the keyboard alone: each story is written once."""

from abc import ABC, abstractmethod
from pathlib import Path

from playwright.sync_api import Locator, Page, TimeoutError, expect

MOST_TABS = 400  # to a control; more, and nobody with a keyboard would get there


class Hand(ABC):
    """What people do to a page, whichever way they do it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @abstractmethod
    def press(self, what: Locator) -> None:
        """Follow a link, press a button, open what folds."""

    @abstractmethod
    def fill(self, what: Locator, text: str) -> None:
        """Write into a field, in place of what stands there."""

    @abstractmethod
    def choose(self, what: Locator, label: str) -> None:
        """Choose one of a list by its words."""

    @abstractmethod
    def attach(self, what: Locator, path: Path) -> None:
        """Choose a file."""

    @abstractmethod
    def tick(self, what: Locator) -> None:
        """Turn a box on or off."""

    @abstractmethod
    def turn(self, what: Locator, steps: int) -> None:
        """Move a dial so many steps up, or below 0 down."""

    @abstractmethod
    def answer(self, what: Locator) -> None:
        """Press a button of the labelling page, and wait for what comes next."""

    def place(self, name: str) -> None:
        """Go to one of the places in the head of every page."""
        self.press(self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name))

    def link(self, name: str) -> None:
        """Follow a link of the page itself by its words."""
        self.press(self.page.get_by_role("main").get_by_role("link", name=name).first)

    def button(self, name: str) -> None:
        """Press a button of the page itself by its words."""
        self.press(self.page.get_by_role("main").get_by_role("button", name=name).first)

    def field(self, name: str) -> Locator:
        """A control by its label."""
        return self.page.get_by_label(name, exact=True)


class Mouse(Hand):
    def press(self, what: Locator) -> None:
        what.click()

    def fill(self, what: Locator, text: str) -> None:
        what.click()
        what.fill(text)

    def choose(self, what: Locator, label: str) -> None:
        what.select_option(label=label)

    def attach(self, what: Locator, path: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            what.click()
        chooser.value.set_files(path)

    def tick(self, what: Locator) -> None:
        what.click()

    def turn(self, what: Locator, steps: int) -> None:
        box = what.bounding_box()
        assert box
        most, now = int(what.get_attribute("max") or 100), int(what.input_value())
        # The thumb's middle travels a thumb's width (about 16 pixels) less than the track is long.
        at = 8 + (box["width"] - 16) * (now + steps) / most
        what.click(position={"x": at, "y": box["height"] / 2})

    def answer(self, what: Locator) -> None:
        before = self.page.locator("#task").element_handle()
        what.click()
        self.page.wait_for_function("old => !old.isConnected", arg=before)


class Finger(Mouse):
    """For a context that is a phone."""

    def press(self, what: Locator) -> None:
        what.tap()

    def tick(self, what: Locator) -> None:
        what.tap()


class Keys(Hand):
    """Tab to where it is, then Enter, Space, arrows or letters. The mouse is never touched."""

    def reach(self, what: Locator) -> None:
        """Press Tab until the control has the focus, and see that it shows it."""
        expect(what).to_be_visible()
        for _ in range(MOST_TABS):
            if what.evaluate("e => e === document.activeElement"):
                assert what.evaluate("e => e.matches(':focus-visible')"), f"{what} shows no focus"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{self.page.url}: {MOST_TABS} times Tab does not lead to {what}")

    def press(self, what: Locator) -> None:
        self.reach(what)
        self.page.keyboard.press("Enter")

    def fill(self, what: Locator, text: str) -> None:
        self.reach(what)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(text)

    def choose(self, what: Locator, label: str) -> None:
        self.reach(what)
        place = what.evaluate(
            "(e, label) => [...e.options].findIndex(o => o.text === label)", label
        )
        assert place >= 0, f"{label} is not offered"
        self.page.keyboard.press("Home")
        for _ in range(place):
            self.page.keyboard.press("ArrowDown")
        expect(what.locator("option:checked")).to_have_text(label)

    def attach(self, what: Locator, path: Path) -> None:
        self.reach(what)
        # Chromium opens no second chooser before it has closed the first, and nobody sees when it has.
        for patience in (2_000, 5_000, 30_000):
            try:
                with self.page.expect_file_chooser(timeout=patience) as chooser:
                    self.page.keyboard.press("Space")
            except TimeoutError:
                continue
            chooser.value.set_files(path)
            return
        raise AssertionError(f"Space opens no chooser at {what}")

    def tick(self, what: Locator) -> None:
        self.reach(what)
        self.page.keyboard.press("Space")

    def turn(self, what: Locator, steps: int) -> None:
        self.reach(what)
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")

    def answer(self, what: Locator) -> None:
        before = self.page.locator("#task").element_handle()
        self.page.keyboard.press(what.get_attribute("data-key") or "")
        self.page.wait_for_function("old => !old.isConnected", arg=before)
