"""What the five people come for, from the first page to the answer: by mouse, and by keys alone.

All stories run on one site: whatever one of them makes has names or a team of its own.
"""

import csv
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.conftest import Site, Watched, sign_in, watch
from tests.browser.furnish import invitation, share_link, start_selection
from tests.browser.hands import Finger, Hand, Keys, Mouse

JOB = 180_000  # the one worker of a busy machine takes its time
CLASSES = ("cat", "dog", "bird")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module", autouse=True)
def _worker_is_free(site: Site, signed_in: Callable[..., BrowserContext]) -> None:
    """The jobs of the demo have ended, so that nobody waits behind them."""
    context, asked = signed_in(), f"{site.address}/api/v1/jobs/?page_size=1&state="
    deadline = time.monotonic() + 300
    while any(
        context.request.get(asked + state).json()["count"] for state in ("queued", "running")
    ):
        assert time.monotonic() < deadline, "the jobs of the demo do not end"
        time.sleep(0.5)
    context.close()


@pytest.fixture(scope="module")
def in_own_team(browser: Browser, site: Site) -> Callable[[], BrowserContext]:
    """Makes contexts signed in to a team that begins with nothing."""
    first = browser.new_context()
    sign_in(first, site)
    page = first.new_page()
    page.goto(f"{site.address}/teams/new/")
    page.get_by_label("Name of the team").fill("Field work")
    page.get_by_role("button", name="Make the team").click()
    page.wait_for_url(f"{site.address}/settings/")
    state = first.storage_state()
    first.close()
    return lambda: browser.new_context(storage_state=state)


@pytest.fixture(params=[Mouse, Keys], ids=["by mouse", "by keys"])
def hand_on(request: pytest.FixtureRequest) -> Iterator[Callable[..., Hand]]:
    """Opens a page in a context and gives the hand that drives it; no console complains there."""
    opened: list[Watched] = []

    def take(context: BrowserContext, address: str) -> Hand:
        opened.append(watch(context.new_page()))
        page = opened[-1].page
        page.goto(address)
        touched = page.evaluate("navigator.maxTouchPoints") > 0
        kind: type[Hand] = Finger if touched and request.param is Mouse else request.param
        return kind(page)

    yield take
    complaints = [text for one in opened for text in one.complaints]
    for context in {one.page.context for one in opened}:
        context.close()
    assert not complaints, "\n".join(complaints)


def write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def answers_of(truth: dict[str, str], models: dict[str, float]) -> list[list[str]]:
    """A row an item: its id and the answers of models that are right on such shares."""
    rng = random.Random(7)
    return [
        [
            item,
            *(
                right if rng.random() < share else rng.choice([c for c in CLASSES if c != right])
                for share in models.values()
            ),
        ]
        for item, right in truth.items()
    ]


def animals(count: int) -> dict[str, str]:
    rng = random.Random(3)
    return {f"photo-{number}": rng.choice(CLASSES) for number in range(count)}


def entry(page: Page, name: str) -> Locator:
    """The entry of a list that has this name."""
    return page.get_by_role("main").get_by_role("listitem").filter(has_text=name)


def secret_on(page: Page) -> str:
    return page.locator(".secret code").first.inner_text()


def test_the_lead_finds_the_best_of_unlabelled_candidates_with_few_labels(
    tmp_path: Path,
    in_own_team: Callable[[], BrowserContext],
    site: Site,
    hand_on: Callable[..., Hand],
) -> None:
    truth = animals(150)
    models = {"good": 0.97, "middling": 0.55, "poor": 0.35}
    hand = hand_on(in_own_team(), site.address)
    page = hand.page

    hand.place("Datasets")
    hand.link("Upload predictions")
    hand.attach(
        hand.field("Predictions"),
        write(tmp_path / "candidates.csv", ["item_id", *models], answers_of(truth, models)),
    )
    hand.press(page.get_by_text("Name, classes, items"))
    hand.attach(
        hand.field("Items, to see their texts or pictures"),
        write(
            tmp_path / "photos.csv",
            ["item_id", "text"],
            [[item, f"A photo of a {right}."] for item, right in truth.items()],
        ),
    )
    hand.button("Upload these files")
    hand.button("Check and take over")
    expect(page.locator(".verdict")).to_contain_text("No item is labelled yet", timeout=JOB)

    hand.link("Label one by one")
    hand.fill(hand.field("Points of accuracy that make no difference to you"), "5")
    hand.button("Start this selection")
    hand.link("Label items")
    meter = page.locator(".meter p")
    labels = 0
    while "You may stop" not in meter.inner_text():
        shown = page.locator("#task .text").inner_text().removeprefix("A photo of a ")
        button = page.get_by_role("group", name="Classes").get_by_role("button")
        hand.answer(button.filter(has_text=shown.removesuffix(".")))
        labels += 1
        assert labels < 100, meter.inner_text()
    hand.press(page.get_by_role("link", name=re.compile("^Back to")))
    expect(page.locator(".verdict")).to_contain_text("good")
    leader = page.get_by_role("region", name="Models").locator("tbody tr").first
    expect(leader).to_contain_text(re.compile(r"good\s+leads"))
    hand.button("Close and use its labels")
    expect(page.locator("#messages")).to_contain_text("part of the dataset")


def test_the_analyst_gets_a_board_that_tells_who_is_tied_and_what_would_tell(
    tmp_path: Path,
    in_own_team: Callable[[], BrowserContext],
    site: Site,
    hand_on: Callable[..., Hand],
) -> None:
    truth = animals(400)
    models = {"careful": 0.92, "steady": 0.88, "careless": 0.4}
    labelled = random.Random(5).sample(sorted(truth.items()), 150)
    hand = hand_on(in_own_team(), site.address)
    page = hand.page

    hand.place("Datasets")
    hand.link("Upload predictions")
    hand.attach(
        hand.field("Predictions"),
        write(tmp_path / "my-predictions.csv", ["item_id", *models], answers_of(truth, models)),
    )
    hand.attach(
        hand.field("Labels, if you have some"),
        write(tmp_path / "my-labels.csv", ["item_id", "label"], labelled),
    )
    hand.button("Upload these files")
    hand.button("Check and take over")
    # The page follows the job by itself to the board, which computes itself.
    verdict = page.locator(".verdict")
    expect(verdict).to_have_text(
        re.compile("Use careful for now: steady may be as good; .* would"), timeout=JOB
    )
    board = page.get_by_role("table").first
    expect(board.locator("tr", has_text="steady")).to_contain_text("1–2")
    expect(board.locator("tr", has_text="careless")).to_contain_text("3")

    for name in ("careful", "careless"):
        hand.tick(board.get_by_role("checkbox", name=name))
    hand.button("Compare the ticked models")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Compare")
    expect(page.get_by_role("main")).to_contain_text("McNemar")


def test_the_engineer_learns_whether_routing_helps_and_gets_decisions(
    tmp_path: Path,
    in_own_team: Callable[[], BrowserContext],
    site: Site,
    hand_on: Callable[..., Hand],
    request: pytest.FixtureRequest,
) -> None:
    rng = random.Random(11)
    rows: list[list[object]] = []
    for number in range(240):
        a, b = rng.randrange(10, 99), rng.randrange(10, 99)
        sum_ = number % 2 == 0
        prompt = (
            f"What is {a} plus {b}?" if sum_ else f"Write a short poem, number {a}, on {b} birds."
        )
        right = (int(not sum_ or rng.random() < 0.1), int(rng.random() < 0.95))
        rows.append([f"p{number}", prompt, right[0], 0.0001, right[1], 0.002])
    name = f"Bill {request.node.callspec.id}"
    hand = hand_on(in_own_team(), f"{site.address}/datasets/")
    page = hand.page

    hand.link("Upload outcomes")
    hand.attach(
        hand.field("Outcomes"),
        write(
            tmp_path / "outcomes.csv",
            [
                "prompt_id",
                "prompt",
                *(f"{what}__{one}" for one in ("small", "large") for what in ("score", "cost")),
            ],
            rows,
        ),
    )
    hand.fill(hand.field("Name"), name)
    hand.button("Upload this file")
    hand.button("Check and take over")
    page.get_by_role("heading", level=1, name=name).wait_for(timeout=JOB)

    hand.place("Routers")
    hand.link("Ask whether routing helps")
    hand.choose(hand.field("Outcomes"), f"{name}, version 1")
    hand.fill(hand.field("How many times"), "2")
    hand.choose(hand.field("Encoder of prompts"), "hashing")
    hand.button("Evaluate these routers")
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("Routing saves", timeout=JOB)
    before = page.locator("#dial-said").inner_text()
    hand.turn(page.locator("#dial-step"), -15)
    expect(page.locator("#dial-said")).not_to_have_text(before)

    hand.link("Train a router")
    hand.choose(hand.field("Encoder of prompts"), "hashing")
    hand.button("Train this router")
    page.get_by_role("link", name="Try a prompt").wait_for(timeout=JOB)
    hand.link("Try a prompt")
    hand.fill(hand.field("Prompt"), "What is 37 plus 48?")
    hand.button("Decide on this prompt")
    expect(verdict).to_have_text("Send it to large.")
    router = page.url.split("/routers/")[1].split("/")[0]

    hand.press(page.get_by_role("navigation", name="Team and account").locator("summary"))
    hand.press(page.get_by_role("link", name="Settings of this team"))
    hand.fill(hand.field("What will use it"), "gateway")
    hand.button("Make a token")
    decided = page.request.post(
        f"{site.address}/api/v1/routers/{router}/route/",
        headers={"Authorization": f"Bearer {secret_on(page)}"},
        data={"prompt": "Write a short poem on 12 birds.", "budget": 0.001},
    )
    assert decided.ok, decided.text()
    assert decided.json()["model"] == "small"


def test_the_colleague_reads_a_link_on_a_phone_and_gets_no_further(
    browser: Browser,
    signed_in: Callable[..., BrowserContext],
    site: Site,
    hand_on: Callable[..., Hand],
) -> None:
    owner = signed_in()
    address = share_link(owner.new_page(), site)
    owner.close()
    hand = hand_on(browser.new_context(**PHONE), address)  # type: ignore[arg-type]
    page = hand.page

    expect(page.locator(".verdict")).to_contain_text("Use ")
    table = page.get_by_role("table").first
    rows = table.locator("tbody tr").count()
    hand.fill(hand.field("Search models"), "svm")
    expect(table).to_contain_text("svm-rbf")
    expect(table.locator("tbody tr")).not_to_have_count(rows)
    hand.link("How was this computed?")
    page.get_by_role("heading", level=1).wait_for()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360

    page.goto(f"{site.address}/boards/")
    expect(page).to_have_url(re.compile("/accounts/login/"))


def test_the_annotator_joins_by_a_link_labels_and_takes_back(
    browser: Browser,
    signed_in: Callable[..., BrowserContext],
    site: Site,
    hand_on: Callable[..., Hand],
    request: pytest.FixtureRequest,
) -> None:
    who = re.sub(r"\W+", "-", request.node.callspec.id)
    name = f"Digits for {who}"
    owner = signed_in()
    setting = owner.new_page()
    start_selection(setting, site, name)
    selection = setting.url
    address = invitation(setting, site, f"annotator-{who}@example.org", "annotator")
    hand = hand_on(browser.new_context(), address)
    page = hand.page

    hand.fill(hand.field("Your name"), f"Ann {who}")
    hand.fill(hand.field("Choose a passphrase"), "nine grey digits on paper")
    hand.button("Join the team")
    hand.press(entry(page, name).get_by_role("link", name="Label its next item"))
    classes = page.get_by_role("group", name="Classes").get_by_role("button")
    first = page.locator("#task-title").inner_text()
    hand.answer(classes.first)
    second = page.locator("#task-title").inner_text()
    assert second != first
    hand.answer(page.get_by_role("button", name="Undo"))
    expect(page.locator("#task-title")).to_have_text(first)
    hand.answer(classes.nth(3))
    hand.answer(page.get_by_role("button", name="Skip"))
    hand.answer(classes.nth(4))
    hand.press(page.get_by_role("link", name=f"Back to {name}"))
    expect(page.get_by_role("region", name="Annotators")).to_contain_text(f"Ann {who}")

    events = setting.request.get(f"{selection}events.json").json()["events"]
    owner.close()
    assert [event["kind"] for event in events] == ["label", "undo", "label", "skip", "label"]


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
    expect(problems).to_be_visible(timeout=JOB)
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
